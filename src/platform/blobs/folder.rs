//! Blobs in a folder of this machine, for development and for one machine alone.
//!
//! A blob is one file: its bytes, then a trailer with the hash and the type, then
//! the trailer's length and a mark. One file, because two could part: a crash or a
//! second writer between a file and its sidecar would leave one blob's bytes with
//! another's hash. The file is written beside, synced and renamed into place, so a
//! reader sees one upload or the other, whole; the folder's entries are synced too.
//!
//! ```text
//! <dir>/objects/<key>@v1    finished blobs; "@" is in no key, so a blob and a
//!                           folder never want the same name
//! <dir>/incoming/<random>   uploads on their way
//! ```
//!
//! An upload that fails, or whose client goes away, removes its file. What a killed
//! process leaves in `incoming` is removed by [`Folder::sweep`].

use std::fs as blocking;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::Url;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::signing::{Grant, SignedQuery, Signer, expiry};
use super::{BlobInfo, BlobKey, BlobReader, Blobs, Declared, Listing, SignedRequest, checked_type};
use crate::kernel::{Code, Error, Result, Timestamp};

/// What files call this storage, which has no buckets.
const BUCKET: &str = "local";

/// Ends every blob's file, and names its format.
const MARK: [u8; 8] = *b"glassbl1";

/// The trailer's length (4 bytes, big-endian) and the mark.
const TAIL: u64 = 12;

/// The largest trailer: a hash and a content type take far less.
const MAX_TRAILER: u32 = 4096;

/// Blobs in a folder.
pub struct Folder {
    objects: PathBuf,
    incoming: PathBuf,
    base_url: String,
    signer: Signer,
}

impl Folder {
    /// Uses `dir`, making it when it is not there. `public_base_url` is what the
    /// API is reached by, such as `http://127.0.0.1:8080/api/v1`; `secret` signs
    /// the addresses and must be the same in every process that shares the folder.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the folder can't be made.
    pub fn new(dir: &Path, public_base_url: &str, secret: SecretString) -> Result<Self> {
        let folder = Folder {
            objects: dir.join("objects"),
            incoming: dir.join("incoming"),
            base_url: public_base_url.trim_end_matches('/').to_owned(),
            signer: Signer::new(secret),
        };
        blocking::create_dir_all(&folder.objects).map_err(failed)?;
        blocking::create_dir_all(&folder.incoming).map_err(failed)?;
        Ok(folder)
    }

    /// Checks a request to a signed address: `method` and `content_type` as the
    /// client sent them, the latter absent for a download.
    ///
    /// # Errors
    /// `SIGNATURE_INVALID`, with a sentence of its own for an expired one.
    pub fn check(
        &self,
        method: &str,
        key: &BlobKey,
        query: &SignedQuery,
        content_type: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        // A GET has no body, so a type that a client sends with it means nothing.
        let content_type = content_type.filter(|_| method == "PUT");
        let grant = Grant {
            method,
            key,
            content_type: content_type.unwrap_or_default(),
            filename: query.filename.as_deref().unwrap_or_default(),
            expires: query.expires,
        };
        self.signer.check(&grant, &query.signature, now)
    }

    /// Stores what `stream` gives, in place of what was there. Nothing is kept when
    /// the stream fails, when it is longer than `max_bytes`, or when the future is
    /// dropped.
    ///
    /// # Errors
    /// `BODY_TOO_LARGE`; `MALFORMED_REQUEST` when the stream fails; `UNAVAILABLE`
    /// when the disk is full or fails.
    pub async fn receive<S, E>(
        &self,
        key: &BlobKey,
        content_type: Option<&str>,
        mut stream: S,
        max_bytes: u64,
    ) -> Result<BlobInfo>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let content_type = content_type.map(checked_type).transpose()?;
        let mut upload = Upload::begin(&self.incoming).await?;
        while let Some(part) = stream.next().await {
            let part = part.map_err(interrupted)?;
            upload.write(&part, max_bytes).await?;
        }
        upload
            .finish(content_type, &self.path(key), &self.objects)
            .await
    }

    /// Removes uploads that were begun before `before` and never finished. Returns
    /// how many there were.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the folder can't be read.
    pub async fn sweep(&self, before: Timestamp) -> Result<usize> {
        let before = SystemTime::from(before);
        let mut removed = 0;
        let mut entries = fs::read_dir(&self.incoming).await.map_err(failed)?;
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            // An upload may end between the listing and here.
            let Ok(modified) = entry.metadata().await.and_then(|m| m.modified()) else {
                continue;
            };
            if modified < before && fs::remove_file(entry.path()).await.is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, key: &BlobKey) -> PathBuf {
        self.objects.join(format!("{key}@v1"))
    }

    fn url(&self, key: &BlobKey, pairs: &[(&str, &str)]) -> Result<String> {
        let text = format!("{}/blobs/{key}", self.base_url);
        let mut url = Url::parse(&text).map_err(Error::internal)?;
        url.query_pairs_mut().extend_pairs(pairs);
        Ok(url.into())
    }
}

#[async_trait]
impl Blobs for Folder {
    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        Ok(open(&self.path(key)).await?.map(|(_, info)| info))
    }

    async fn open(&self, key: &BlobKey) -> Result<BlobReader> {
        let (mut file, info) = open(&self.path(key))
            .await?
            .ok_or_else(|| Error::not_found("file"))?;
        file.rewind().await.map_err(failed)?;
        let bytes = file.take(info.size);
        Ok(BlobReader::new(info, bytes))
    }

    async fn put(&self, key: &BlobKey, content_type: &str, bytes: Bytes) -> Result<BlobInfo> {
        let whole = futures_util::stream::iter([Ok::<_, Error>(bytes)]);
        self.receive(key, Some(content_type), whole, u64::MAX).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        match fs::remove_file(self.path(key)).await {
            Err(error) if !is_absent(&error) => Err(failed(error)),
            _ => Ok(()),
        }
    }

    fn bucket(&self) -> &str {
        BUCKET
    }

    /// All at once: they are on this machine.
    async fn list(&self, _: Option<&str>) -> Result<Listing> {
        let (mut blobs, mut folders) = (Vec::new(), vec![self.objects.clone()]);
        while let Some(folder) = folders.pop() {
            let mut entries = fs::read_dir(&folder).await.map_err(failed)?;
            while let Some(entry) = entries.next_entry().await.map_err(failed)? {
                // It may be removed between the listing and here.
                let Ok(metadata) = entry.metadata().await else {
                    continue;
                };
                let path = entry.path();
                if metadata.is_dir() {
                    folders.push(path);
                } else if let Ok(at) = metadata.modified() {
                    let name = path.strip_prefix(&self.objects).ok().and_then(Path::to_str);
                    let key = name.and_then(|name| name.strip_suffix("@v1"));
                    blobs.extend(key.map(|key| (key.to_owned(), at.into())));
                }
            }
        }
        blobs.sort();
        Ok(Listing { blobs, next: None })
    }

    async fn sign_put(
        &self,
        key: &BlobKey,
        declared: Declared<'_>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest> {
        let content_type = checked_type(declared.content_type)?;
        let expires_at = expiry(now, ttl)?;
        let expires = expires_at.timestamp();
        let signature = self.signer.sign(&Grant {
            method: "PUT",
            key,
            content_type: &content_type,
            filename: "",
            expires,
        })?;
        let expires = expires.to_string();
        Ok(SignedRequest {
            url: self.url(key, &[("expires", &expires), ("signature", &signature)])?,
            method: "PUT",
            headers: [("Content-Type".to_owned(), content_type)].into(),
            expires_at,
        })
    }

    async fn sign_get(
        &self,
        key: &BlobKey,
        filename: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest> {
        let expires_at = expiry(now, ttl)?;
        let expires = expires_at.timestamp();
        let signature = self.signer.sign(&Grant {
            method: "GET",
            key,
            content_type: "",
            filename,
            expires,
        })?;
        let expires = expires.to_string();
        let query = [
            ("expires", expires.as_str()),
            ("filename", filename),
            ("signature", &signature),
        ];
        Ok(SignedRequest {
            url: self.url(key, &query)?,
            method: "GET",
            headers: [].into(),
            expires_at,
        })
    }

    async fn ping(&self) -> Result<()> {
        let mut upload = Upload::begin(&self.incoming).await?;
        upload.write(b"ping", u64::MAX).await?;
        upload.sync().await
    }
}

/// An upload on its way. Dropping it before it is finished removes its file.
struct Upload {
    file: File,
    unfinished: Unfinished,
    hash: Sha256,
    size: u64,
}

/// A file that is removed unless it was renamed away. The removal blocks for a
/// moment, because a drop can't wait, and a task that did it later could be lost
/// with the process.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = blocking::remove_file(&self.0)
            && !is_absent(&error)
        {
            tracing::warn!(%error, "an unfinished upload could not be removed");
        }
    }
}

impl Upload {
    async fn begin(incoming: &Path) -> Result<Self> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(Error::internal)?;
        let path = incoming.join(hex::encode(name));
        // The guard is made where the file is: were the future dropped meanwhile,
        // the blocking thread would drop the guard, and with it the file.
        let make = move || blocking::File::create_new(&path).map(|f| (f, Unfinished(path)));
        let (file, unfinished) = tokio::task::spawn_blocking(make)
            .await
            .map_err(Error::internal)?
            .map_err(failed)?;
        Ok(Upload {
            file: File::from_std(file),
            unfinished,
            hash: Sha256::new(),
            size: 0,
        })
    }

    async fn write(&mut self, part: &[u8], max_bytes: u64) -> Result<()> {
        self.size = self.size.saturating_add(part.len() as u64);
        if self.size > max_bytes {
            return Err(Error::new(
                Code::BodyTooLarge,
                format!("The upload is larger than the {max_bytes} bytes that are accepted."),
            ));
        }
        self.hash.update(part);
        self.file.write_all(part).await.map_err(failed)
    }

    /// Waits until all that was written is on the disk. The flush comes first
    /// because tokio's files write behind: the sync alone does not report that the
    /// last write failed, and a full disk would be taken for a whole file.
    async fn sync(&mut self) -> Result<()> {
        self.file.flush().await.map_err(failed)?;
        self.file.sync_all().await.map_err(failed)
    }

    async fn finish(
        mut self,
        content_type: Option<String>,
        target: &Path,
        root: &Path,
    ) -> Result<BlobInfo> {
        let info = BlobInfo {
            size: self.size,
            sha256: Some(hex::encode(self.hash.finalize_reset())),
            content_type,
        };
        let trailer = serde_json::to_vec(&info).map_err(Error::internal)?;
        let length = u32::try_from(trailer.len()).map_err(Error::internal)?;
        let tail = [&trailer[..], &length.to_be_bytes(), &MARK].concat();
        self.file.write_all(&tail).await.map_err(failed)?;
        self.sync().await?;
        let (from, target, root) = (self.unfinished, target.to_owned(), root.to_owned());
        // On a thread of its own it goes on to the end when the client goes away
        // now: the blob is whole, and half of this would leave it unsynced.
        tokio::task::spawn_blocking(move || place(&from.0, &target, &root))
            .await
            .map_err(Error::internal)?
            .map_err(failed)?;
        Ok(info)
    }
}

/// Renames a synced file into place and syncs every folder on the way, so that a
/// crash loses neither the name nor a new folder.
fn place(from: &Path, target: &Path, root: &Path) -> io::Result<()> {
    let parent = target.parent().unwrap_or(root);
    blocking::create_dir_all(parent)?;
    blocking::rename(from, target)?;
    for folder in parent.ancestors().take_while(|f| f.starts_with(root)) {
        blocking::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A blob's file and what its trailer says; `None` when there is no such blob.
async fn open(path: &Path) -> Result<Option<(File, BlobInfo)>> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let info = read_trailer(&mut file)
        .await
        .map_err(|error| match error.kind() {
            // It will be so the next time as well.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Error::internal(error),
            _ => failed(error),
        })?;
    Ok(Some((file, info)))
}

async fn read_trailer(file: &mut File) -> io::Result<BlobInfo> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "a blob's trailer is broken");
    let whole = file.metadata().await?.len();
    let tail_at = whole.checked_sub(TAIL).ok_or_else(broken)?;
    file.seek(SeekFrom::Start(tail_at)).await?;
    let length = file.read_u32().await?;
    let mut mark = [0; MARK.len()];
    file.read_exact(&mut mark).await?;
    if mark != MARK || length > MAX_TRAILER {
        return Err(broken());
    }
    let size = tail_at.checked_sub(length.into()).ok_or_else(broken)?;
    file.seek(SeekFrom::Start(size)).await?;
    let mut trailer = Vec::new();
    file.take(length.into()).read_to_end(&mut trailer).await?;
    let info: BlobInfo = serde_json::from_slice(&trailer).map_err(|_| broken())?;
    if info.size == size {
        Ok(info)
    } else {
        Err(broken())
    }
}

/// Nothing is there, also because what should be a folder on the way is not one.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn interrupted(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        Code::MalformedRequest,
        "The upload broke off before its end; nothing was kept.",
    )
    .because(cause)
}

fn failed(error: io::Error) -> Error {
    let sentence = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The file storage is full; nothing was kept."
        }
        _ => "The file storage does not work at the moment.",
    };
    Error::new(Code::Unavailable, sentence).because(error)
}
