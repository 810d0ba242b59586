//! Blobs: files and large payloads, by key.
//!
//! Bytes go in and out by address, not through the program's own requests: the
//! client gets a signed request, good for one key and a short time, and speaks to
//! the storage itself. Not every storage holds an upload to what was declared of it, so
//! whoever confirms one looks at the bytes. Knows nothing of tenants: keys are made
//! by callers, and one who can name a key may read it.

mod folder;
mod s3;
mod signing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, ReadBuf};

use crate::kernel::field::invalid;
use crate::kernel::{Error, Result, Timestamp};

pub use folder::Folder;
pub use s3::S3;
pub use signing::SignedQuery;

/// The longest key, in characters.
const MAX_KEY: usize = 200;

/// The longest life of a signed request: what S3 allows at most, seven days.
const MAX_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The name of a blob: segments of `[a-z0-9_.-]` between slashes, none of which
/// begins with a dot. So it is the same in a path, an address and a signature, and
/// can't leave its folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct BlobKey(String);

impl BlobKey {
    /// Reads a key.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when it is not one.
    pub fn parse(text: &str) -> Result<Self> {
        let segment = |segment: &str| {
            !segment.is_empty()
                && !segment.starts_with('.')
                && !segment.contains("..")
                && segment
                    .chars()
                    .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-'))
        };
        if text.len() <= MAX_KEY && text.split('/').all(segment) {
            return Ok(BlobKey(text.to_owned()));
        }
        Err(invalid(
            "key",
            "must be at most 200 of a-z, 0-9, _, . and -, in segments between slashes",
        ))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BlobKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// What is known of a stored blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlobInfo {
    /// Bytes.
    pub size: u64,
    /// The lower-case hexadecimal SHA-256 of the bytes; `None` when the storage was not told
    /// it with them.
    pub sha256: Option<String>,
    /// As the uploader declared it: not to be believed.
    pub content_type: Option<String>,
}

/// What is known of bytes before they are uploaded. A storage that can holds the upload to
/// it: S3 refuses another type, size or hash, the folder another type.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// Their media type.
    pub content_type: &'a str,
    /// Their number.
    pub size: Option<u64>,
    /// Their lower-case hexadecimal SHA-256.
    pub sha256: Option<&'a str>,
}

/// Some of the blobs that a storage holds.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Their keys, each with the moment at which it was stored. A key may be no
    /// [`BlobKey`], since others can put things into the storage.
    pub blobs: Vec<(String, Timestamp)>,
    /// What [`Blobs::list`] goes on from; `None` at the end.
    pub next: Option<String>,
}

/// Goes through the keys of blobs that were stored before some moment, a page at a time.
pub struct OldKeys<'a> {
    blobs: &'a dyn Blobs,
    before: Timestamp,
    next: Option<String>,
    ended: bool,
}

impl<'a> OldKeys<'a> {
    /// Begins.
    pub fn new(blobs: &'a dyn Blobs, before: Timestamp) -> Self {
        OldKeys {
            blobs,
            before,
            next: None,
            ended: false,
        }
    }

    /// The next keys, which may be none; `None` at the end.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the storage does not answer.
    pub async fn page(&mut self) -> Result<Option<Vec<String>>> {
        if self.ended {
            return Ok(None);
        }
        let listing = self.blobs.list(self.next.as_deref()).await?;
        self.ended = listing.next.is_none();
        self.next = listing.next;
        let old = listing
            .blobs
            .into_iter()
            .filter(|(_, at)| *at < self.before);
        Ok(Some(old.map(|(key, _)| key).collect()))
    }
}

impl fmt::Debug for OldKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OldKeys").finish_non_exhaustive()
    }
}

/// A request that anybody who has it may make, until it expires.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedRequest {
    /// The address; holds the signature, so it is a secret while it lasts.
    pub url: String,
    /// `PUT` or `GET`.
    pub method: &'static str,
    /// Headers that must be sent, just so.
    pub headers: BTreeMap<String, String>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A blob being read. What it reads is what [`BlobReader::info`] describes, also
/// when the key gets other bytes meanwhile.
pub struct BlobReader {
    info: BlobInfo,
    bytes: Pin<Box<dyn AsyncRead + Send>>,
}

impl BlobReader {
    /// A reader of `bytes`.
    pub fn new(info: BlobInfo, bytes: impl AsyncRead + Send + 'static) -> Self {
        BlobReader {
            info,
            bytes: Box::pin(bytes),
        }
    }

    /// What is read.
    pub fn info(&self) -> &BlobInfo {
        &self.info
    }
}

impl AsyncRead for BlobReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.bytes.as_mut().poll_read(context, buffer)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// A storage of blobs.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// What is stored under `key`, if anything is.
    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>>;

    /// The bytes under `key`, streamed.
    ///
    /// # Errors
    /// `NOT_FOUND` when there are none.
    async fn open(&self, key: &BlobKey) -> Result<BlobReader>;

    /// Stores `bytes`, in place of any that were there. When it returns they will
    /// survive a crash.
    async fn put(&self, key: &BlobKey, content_type: &str, bytes: Bytes) -> Result<BlobInfo>;

    /// Removes what is under `key`; there may be nothing.
    async fn delete(&self, key: &BlobKey) -> Result<()>;

    /// What files call this storage: a bucket's name.
    fn bucket(&self) -> &str;

    /// Some of what is stored, from the beginning or from the `next` of the listing before.
    async fn list(&self, from: Option<&str>) -> Result<Listing>;

    /// A request by which a client uploads the bytes that are `declared` to `key`. Where the
    /// storage can, it works once.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the type can't be a header.
    async fn sign_put(
        &self,
        key: &BlobKey,
        declared: Declared<'_>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest>;

    /// A request by which a client downloads `key` under the name `filename`.
    async fn sign_get(
        &self,
        key: &BlobKey,
        filename: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest>;

    /// Whether blobs can be stored at the moment, for `/health`.
    ///
    /// # Errors
    /// `UNAVAILABLE` when not.
    async fn ping(&self) -> Result<()>;
}

/// The longest content type that is kept.
const MAX_CONTENT_TYPE: usize = 255;

/// A content type goes into a header and a signature, so it is printable ASCII.
fn checked_type(content_type: &str) -> Result<String> {
    let printable = content_type.bytes().all(|b| (b' '..=b'~').contains(&b));
    if printable && !content_type.is_empty() && content_type.len() <= MAX_CONTENT_TYPE {
        return Ok(content_type.to_owned());
    }
    Err(invalid(
        "contentType",
        "must be a media type such as text/plain",
    ))
}
