//! The folder of a cluster on disk, and the lock that says whose it is.
//!
//! ```text
//! <dir>/lock          locked as long as a glassbox uses the folder
//! <dir>/data/         the data, complete or absent
//! <dir>/data.new.<n>/ what initdb has not finished; removed before it is run again
//! <dir>/socket/       mode 0700: who may enter it may use the database
//! <dir>/initdb.log    what initdb said
//! <dir>/postgres.log  this run's log; the one before it ends in .old
//! ```

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::ClusterError;

/// The name Postgres gives its socket. The port in it tells servers apart that
/// share a folder; ours share none, so it is always the default.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";

/// How the names of half-made data folders begin.
const UNFINISHED: &str = "data.new";

/// The longest path of a unix socket in bytes: `sun_path` without its final NUL
/// on Linux.
const MAX_SOCKET_PATH: usize = 107;

/// How much of the end of a log is read for an error message, in bytes.
const TAIL: u64 = 4096;

/// A cluster's folder, locked for us until this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    pub(super) lock: File,
}

impl Drop for Folder {
    /// Closing alone would not do: a child of ours that is between its fork and its exec
    /// still has the lock open, and whoever came next would find the folder in use.
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, "the folder's lock ends with its last user");
        }
    }
}

impl Folder {
    /// Makes the folder if need be and locks it. The kernel drops the lock with the
    /// process, so a killed glassbox leaves none behind.
    pub(super) fn open(dir: &Path) -> Result<Folder, ClusterError> {
        fs::create_dir_all(dir).map_err(ClusterError::folder("written", dir))?;
        // The server changes its working directory, so its paths must be absolute.
        let dir = dir
            .canonicalize()
            .map_err(ClusterError::folder("read", dir))?;
        let path = dir.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(ClusterError::folder("written", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { dir, lock }),
            Err(TryLockError::WouldBlock) => Err(ClusterError::InUse { dir }),
            Err(TryLockError::Error(source)) => Err(ClusterError::folder("locked", &path)(source)),
        }
    }

    /// The folder itself: absolute and free of links.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Where the server's messages go.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// Where initdb's messages go.
    pub(super) fn initdb_log(&self) -> PathBuf {
        self.dir.join("initdb.log")
    }

    /// The major version that made the data; `None` when there are none yet.
    pub(super) fn data_version(&self) -> Result<Option<String>, ClusterError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::folder("read", &path)(error)),
        }
    }

    /// An empty folder for initdb to fill. Its name is this process's own: the initdb of
    /// a killed glassbox may still be there, and on its way out it empties its folder.
    pub(super) fn make_new_data(&self, account: &Account) -> Result<PathBuf, ClusterError> {
        self.remove_unfinished();
        let path = self
            .dir
            .join(format!("{UNFINISHED}.{}", std::process::id()));
        make_private(&path, account).map_err(ClusterError::folder("written", &path))?;
        Ok(path)
    }

    /// Removes what earlier runs left half-made. One that can't be removed is being
    /// written, or removed, by an initdb that is about to end.
    fn remove_unfinished(&self) {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            if name
                .to_str()
                .is_some_and(|name| name.starts_with(UNFINISHED))
            {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }

    /// An empty log for initdb; another file than a killed run's, whose initdb may
    /// still write to it.
    pub(super) fn new_initdb_log(&self) -> Result<File, ClusterError> {
        let log = self.initdb_log();
        drop(fs::remove_file(&log));
        File::create(&log).map_err(ClusterError::folder("written", &log))
    }

    /// Puts what initdb filled in its place. The rename itself is synced, so that
    /// after a power cut the data are complete or absent.
    pub(super) fn adopt_new_data(&self, new: &Path) -> Result<(), ClusterError> {
        let data = self.data();
        fs::rename(new, &data)
            .and_then(|()| File::open(&self.dir)?.sync_all())
            .map_err(ClusterError::folder("written", &data))
    }

    /// The folder for the socket, made if need be: within `dir`, or where that path
    /// can't be a socket's, a short one under the temporary folder, named by a hash
    /// of the long one.
    pub(super) fn make_socket_dir(&self, account: &Account) -> Result<PathBuf, ClusterError> {
        let usual = self.dir.join("socket");
        let path = if fits(&usual) {
            usual
        } else {
            let hash = Sha256::digest(usual.as_os_str().as_encoded_bytes());
            let name = format!("glassbox-{}", hex::encode(hash.get(..8).unwrap_or(&hash)));
            let short = std::env::temp_dir().join(&name);
            if fits(&short) {
                short
            } else {
                Path::new("/tmp").join(name)
            }
        };
        match make_private(&path, account) {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // In the temporary folder anybody could have made it before us, to
                // answer in our server's place.
                let metadata =
                    fs::symlink_metadata(&path).map_err(ClusterError::folder("read", &path))?;
                let private = metadata.is_dir() && metadata.mode() & 0o077 == 0;
                if private && metadata.uid() == account.uid() {
                    Ok(path)
                } else if private && metadata.uid() == rustix::process::geteuid().as_raw() {
                    // We made it, and were killed before we gave it away.
                    give(&path, account).map_err(ClusterError::folder("written", &path))?;
                    Ok(path)
                } else {
                    Err(ClusterError::SocketFolder { path })
                }
            }
            Err(error) => Err(ClusterError::folder("written", &path)(error)),
        }
    }

    /// An empty log for a new run. The previous one is kept, because it may tell
    /// why that run ended; older ones go, so that the folder does not grow.
    pub(super) fn new_log(&self) -> Result<File, ClusterError> {
        let log = self.log();
        match fs::rename(&log, log.with_extension("log.old")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ClusterError::folder("written", &log)(error));
            }
            _ => {}
        }
        File::create(&log).map_err(ClusterError::folder("written", &log))
    }
}

/// Makes a folder that only the server's user may enter, and gives it to that user.
fn make_private(path: &Path, account: &Account) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    give(path, account)
}

/// Gives a folder of ours to the server's user, where that is another one.
fn give(path: &Path, account: &Account) -> io::Result<()> {
    match account.owner() {
        Some(owner) => std::os::unix::fs::chown(path, Some(owner.uid), Some(owner.gid)),
        None => Ok(()),
    }
}

/// Whether a socket can be in `dir`: its path must be short enough, and Postgres
/// reads the setting as a list, with commas between and quotes around.
fn fits(dir: &Path) -> bool {
    let plain = |text: &str| {
        !text
            .chars()
            .any(|c| c.is_control() || matches!(c, ',' | '"' | '\'' | '\\'))
    };
    dir.join(SOCKET).as_os_str().len() <= MAX_SOCKET_PATH && dir.to_str().is_some_and(plain)
}

/// The last lines of a log, on one line, for an error message.
pub(super) fn last_words(log: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let mut lines: Vec<&str> = text
        .lines()
        .map(|line| line.split_once("] ").map_or(line, |(_, said)| said).trim())
        .filter(|line| !line.is_empty())
        .rev()
        .take(3)
        .collect();
    if lines.is_empty() {
        return "nothing".to_owned();
    }
    lines.reverse();
    lines.join("; ")
}
