//! What can go wrong with the private Postgres, told to the person at the terminal.

use std::io;
use std::path::{Path, PathBuf};

use super::binaries::Version;

/// Why the private Postgres can't be used. Each displays as one sentence that
/// says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No installation of Postgres, suitable or not, is in any of the known places.
    #[error(
        "No Postgres was found; run `make setup`, which downloads one into .tools, or name a server with --database-url."
    )]
    NoBinaries,

    /// The folder somebody named has no Postgres in it that runs.
    #[error(
        "There is no working Postgres in {}; GLASSBOX_PG_BIN must name the folder with the programs postgres and initdb.",
        .bin.display()
    )]
    NotBinaries {
        /// The folder that was named.
        bin: PathBuf,
    },

    /// Postgres is there, without the fix for CVE-2025-8713 or older still.
    #[error(
        "The Postgres in {} is version {version}, and GlassBox needs 16.10, 17.6, 18 or newer; upgrade it, or run `make setup` to have a newer one in .tools.",
        .bin.display()
    )]
    TooOld {
        /// The folder with its programs.
        bin: PathBuf,
        /// Its version.
        version: Version,
    },

    /// Postgres is there, pgvector is not.
    #[error(
        "The Postgres in {} has no pgvector; install that extension for Postgres {}, or run `make setup` to have both in .tools.",
        .bin.display(), .version.major
    )]
    NoVector {
        /// The folder with its programs.
        bin: PathBuf,
        /// Its version.
        version: Version,
    },

    /// A file or folder of the cluster can't be made, read or written.
    #[error(
        "{} can't be {action} ({source}); check who owns it and that the disk is not full, or choose another data folder.",
        .path.display()
    )]
    Folder {
        /// What was tried: "written", "read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The folder for the socket exists and is somebody else's.
    #[error(
        "The folder {} for Postgres's socket exists and is not ours alone; remove it, or choose a data folder with a shorter path.",
        .path.display()
    )]
    SocketFolder {
        /// The folder.
        path: PathBuf,
    },

    /// A living glassbox holds the lock of this folder.
    #[error(
        "Another glassbox is using {}; stop it first, or choose another data folder.",
        .dir.display()
    )]
    InUse {
        /// The cluster's folder.
        dir: PathBuf,
    },

    /// The data were written by another major version, which Postgres can't read.
    #[error(
        "The data in {} were made by Postgres {found} and the Postgres found here is {present}; set GLASSBOX_PG_BIN to the bin folder of a Postgres {found}, or remove that folder to start empty.",
        .data.display()
    )]
    OtherMajor {
        /// The data folder.
        data: PathBuf,
        /// The major version that made it.
        found: String,
        /// The version that was to read it.
        present: Version,
    },

    /// Postgres refuses to run as root, and nothing here can change the user.
    #[error(
        "Postgres does not run as root, and the program setpriv to run it as another user is missing; install util-linux, or run glassbox as an ordinary user."
    )]
    NoSetpriv,

    /// The user that Postgres would run as can't reach its programs or its folder.
    #[error(
        "Postgres does not run as root, and the user it would run as instead (uid {uid}) can't reach {} and {}; run glassbox as an ordinary user, or move both to where every user may read.",
        .bin.display(), .dir.display()
    )]
    Unreachable {
        /// The user Postgres would run as.
        uid: u32,
        /// The folder with its programs.
        bin: PathBuf,
        /// The cluster's folder.
        dir: PathBuf,
    },

    /// A program of Postgres can't be started at all.
    #[error(
        "{} can't be run ({source}); run `make setup` again, or set GLASSBOX_PG_BIN to another Postgres.",
        .program.display()
    )]
    NotRun {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// `initdb` failed.
    #[error("Postgres could not create its data folder and said: “{said}”; the whole is in {}.", .log.display())]
    Initdb {
        /// The last lines of its output.
        said: String,
        /// Where all of it is.
        log: PathBuf,
    },

    /// The server ended by itself, at its start or later.
    #[error("Postgres ended by itself and last said: “{said}”; the whole is in {}.", .log.display())]
    Ended {
        /// The last lines of its log.
        said: String,
        /// Its log.
        log: PathBuf,
    },

    /// The server runs and does not become ready.
    #[error(
        "Postgres was not ready after {seconds} seconds; see {} and try again, as it may still be recovering from a crash.",
        .log.display()
    )]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },

    /// The server, ours or one left over by an earlier run, does not end.
    #[error(
        "The Postgres with process id {pid} does not stop; end it by hand (kill -QUIT {pid}) and try again."
    )]
    NotStopped {
        /// Its process id.
        pid: u32,
    },
}

impl ClusterError {
    /// For `map_err`: `path` can't be `action`, as in "can't be written".
    pub(super) fn folder(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| ClusterError::Folder {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
