//! The data folder of `glassbox dev`, and the lock that says whose it is.
//!
//! ```text
//! <dir>/lock           locked as long as a glassbox uses the folder
//! <dir>/.gitignore     keeps the folder out of a repository that it lies in
//! <dir>/secrets.toml   keys, mode 0600
//! <dir>/glassbox.log   this run's log; the one before it ends in .old
//! <dir>/blobs/         uploaded files
//! <dir>/postgres/      the private database
//! ```

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::kernel::{Code, Error, Result};

/// Everything that we put into the folder, and all that [`DataFolder::reset`] removes.
const OURS: [&str; 7] = [
    LOCK,
    ".gitignore",
    SECRETS,
    "glassbox.log",
    "glassbox.log.old",
    "blobs",
    "postgres",
];
const LOCK: &str = "lock";
const SECRETS: &str = "secrets.toml";

/// A data folder, locked for us until this is dropped.
#[derive(Debug)]
pub struct DataFolder {
    dir: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if need be and locks it. A folder that holds other things and
    /// was never ours is refused: what we write there would get in their way.
    pub fn open(dir: &Path) -> Result<Self> {
        // Others may pass through, since Postgres must when it runs as another user,
        // but they see nothing: every file and folder in it has its own mode.
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(dir)
            .map_err(|error| unusable(dir, &error))?;
        let dir = dir.canonicalize().map_err(|error| unusable(dir, &error))?;
        refuse_foreign(&dir)?;
        let path = dir.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| unusable(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&dir)),
            Err(TryLockError::Error(error)) => return Err(unusable(&path, &error)),
        }
        let folder = DataFolder { dir, _lock: lock };
        folder.write_gitignore()?;
        Ok(folder)
    }

    /// Where the keys are.
    pub fn secrets(&self) -> PathBuf {
        self.dir.join(SECRETS)
    }

    /// Where the private database is.
    pub fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// Where uploaded files go; made here, so that nobody else can read them.
    pub fn blobs(&self) -> Result<PathBuf> {
        let path = self.dir.join("blobs");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| unusable(&path, &error))?;
        Ok(path)
    }

    /// The log of this run, empty. The previous one is kept, because it may tell why
    /// that run ended; older ones go, so that the folder does not grow.
    pub fn new_log(&self) -> Result<(PathBuf, File)> {
        let path = self.dir.join("glassbox.log");
        match fs::rename(&path, path.with_extension("log.old")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unusable(&path, &error));
            }
            _ => {}
        }
        let file = private()
            .open(&path)
            .map_err(|error| unusable(&path, &error))?;
        Ok((path, file))
    }

    /// Removes all that we ever put into the folder, except the lock that we hold.
    pub fn reset(&self) -> Result<()> {
        for name in OURS.iter().filter(|name| **name != LOCK) {
            let path = self.dir.join(name);
            let removed = match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
                Ok(_) => fs::remove_file(&path),
                Err(error) => Err(error),
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(unusable(&path, &error));
                }
                _ => {}
            }
        }
        self.write_gitignore()
    }

    /// Writes a file that only we may read, whole or not at all.
    pub fn write_private(&self, path: &Path, text: &str) -> Result<()> {
        let new = path.with_extension("new");
        let write = || {
            let mut file = private().open(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|error| unusable(path, &error))
    }

    fn write_gitignore(&self) -> Result<()> {
        let path = self.dir.join(".gitignore");
        if path.exists() {
            return Ok(());
        }
        fs::write(&path, "*\n").map_err(|error| unusable(&path, &error))
    }
}

/// How a file is made that only we may read.
fn private() -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

fn refuse_foreign(dir: &Path) -> Result<()> {
    if dir.join(SECRETS).exists() {
        return Ok(());
    }
    let entries = fs::read_dir(dir).map_err(|error| unusable(dir, &error))?;
    let foreign = entries
        .flatten()
        .map(|entry| entry.file_name())
        .find(|name| !OURS.iter().any(|ours| name == *ours));
    match foreign {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Code::Unavailable,
            format!(
                "{} holds other things already ({}); choose a folder for GlassBox alone with --data-dir.",
                dir.display(),
                Path::new(&name).display()
            ),
        )),
    }
}

fn in_use(dir: &Path) -> Error {
    Error::new(
        Code::Unavailable,
        format!(
            "Another glassbox is using {}; stop it first, or choose another folder with --data-dir.",
            dir.display()
        ),
    )
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        Code::Unavailable,
        format!(
            "{} can't be written ({error}); check who owns it and that the disk is not full, or \
             choose another folder with --data-dir.",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_with_other_things_in_it_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "mine").unwrap();
        let error = DataFolder::open(dir.path()).unwrap_err();
        assert!(error.message().contains("thesis.tex"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataFolder::open(dir.path()).unwrap();
        let error = DataFolder::open(dir.path()).unwrap_err();
        assert!(error.message().contains("Another glassbox"), "{error}");
        drop(held);
        DataFolder::open(dir.path()).unwrap();
    }

    #[test]
    fn a_reset_removes_what_is_ours_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        folder.write_private(&folder.secrets(), "a = 1").unwrap();
        fs::create_dir_all(folder.postgres().join("data")).unwrap();
        fs::write(dir.path().join("note"), "mine").unwrap();
        folder.reset().unwrap();
        let mut left: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [".gitignore", "lock", "note"]);
    }

    #[test]
    fn secrets_logs_and_uploads_are_for_our_eyes_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&dir.path().join("new")).unwrap();
        let secrets = folder.secrets();
        folder.write_private(&secrets, "a = 1").unwrap();
        let (log, _) = folder.new_log().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&secrets), 0o600);
        assert_eq!(mode(&log), 0o600);
        assert_eq!(mode(&folder.blobs().unwrap()), 0o700);
        assert_eq!(mode(&folder.dir), 0o711);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "in the way").unwrap();
        let error = DataFolder::open(&file.join("data")).unwrap_err();
        assert!(error.message().contains("file/data"), "{error}");
        assert!(error.message().contains("--data-dir"), "{error}");
    }
}
