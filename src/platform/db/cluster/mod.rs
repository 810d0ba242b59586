//! The private Postgres of `glassbox dev` and of the tests: made, started, stopped.
//!
//! A [`Cluster`] is one folder and one server. It owns:
//!
//! * **the folder**, locked while in use, so that two of us never share it;
//! * **the server**, which listens on a unix socket only, in a folder of mode 0700,
//!   and therefore asks for no password;
//! * **their end**: [`Cluster::stop`] shuts the server down, and however glassbox
//!   dies instead, the server follows (`account.rs` says how).
//!
//! It does not make roles, databases or tables; migrations do that through
//! `url("postgres", "postgres")`. It is not for production: a server for many
//! machines is named with `--database-url`.

mod account;
mod binaries;
mod error;
mod folder;
mod process;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use tokio::net::UnixStream;
use tokio::time::sleep;

pub use binaries::{Binaries, Version, find_binaries};
pub use error::ClusterError;

use account::Account;
use folder::Folder;
use process::Process;

/// How often it is looked whether a starting server is ready.
const GLANCE: Duration = Duration::from_millis(5);
/// How often to start when another server was quicker.
const ATTEMPTS: usize = 3;

/// When a start is slow enough to tell the person why nothing happens.
const SLOW: Duration = Duration::from_secs(2);

/// When a start has failed. Only recovery after a crash takes more than a moment,
/// and `max_wal_size` bounds it to seconds.
const TOO_SLOW: Duration = Duration::from_secs(60);

/// What a cluster is started with.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The folder that holds everything, such as `.glassbox/postgres`; made if
    /// missing.
    pub dir: PathBuf,
    /// The folder with Postgres's programs; `None` looks in the usual places.
    pub bin: Option<PathBuf>,
    /// Whether the data must survive a power cut. Tests say no and are faster.
    pub durable: bool,
}

/// What a starting cluster is at, for a person who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The data folder is being made (under a second).
    Creating,
    /// A server that outlived its glassbox is being ended first.
    EndingLeftover {
        /// Its process id.
        pid: u32,
    },
    /// The server is being started.
    Starting,
    /// The start takes long, most likely for recovery after a crash.
    StillStarting,
    /// The server takes connections.
    Ready,
}

/// A running private Postgres.
///
/// Dropped without [`Cluster::stop`], it tells the server to shut down and does not
/// wait for it.
#[derive(Debug)]
pub struct Cluster {
    // The server is dropped, and so told to end, before the folder is unlocked.
    server: Process,
    folder: Folder,
    socket_dir: PathBuf,
    version: Version,
}

impl Cluster {
    /// Starts the server on the folder, making the data first if there are none,
    /// and returns when it takes connections. `progress` hears of each step.
    ///
    /// # Errors
    /// Any [`ClusterError`]; nothing is left running then.
    pub async fn start(
        options: ClusterOptions,
        progress: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<Cluster, ClusterError> {
        let folder = Folder::open(&options.dir)?;
        let binaries = find_binaries(options.bin.as_deref(), &binaries::default_roots())?;
        let account = Account::choose(&binaries, folder.dir(), &folder.data())?;
        match folder.data_version()? {
            None => {
                progress(Step::Creating);
                create(&folder, &account, &binaries, options.durable).await?;
            }
            Some(found) if found != binaries.version().major.to_string() => {
                return Err(ClusterError::OtherMajor {
                    data: folder.data(),
                    found,
                    present: binaries.version(),
                });
            }
            Some(_) => {}
        }
        let mut cluster = Cluster::attempt(folder, &account, &binaries, &options, progress).await?;
        for _ in 1..ATTEMPTS {
            match cluster.wait_until_ready(progress).await {
                // A glassbox that was killed in the very moment in which it started its
                // server leaves one that never hears of that, and that shows itself only
                // now, because it was the first to lock the data.
                Err(ClusterError::Ended { .. })
                    if process::another_holds(&cluster.folder.data()).await =>
                {
                    let Cluster { folder, .. } = cluster;
                    cluster =
                        Cluster::attempt(folder, &account, &binaries, &options, progress).await?;
                }
                ended => {
                    ended?;
                    progress(Step::Ready);
                    return Ok(cluster);
                }
            }
        }
        cluster.wait_until_ready(progress).await?;
        progress(Step::Ready);
        Ok(cluster)
    }

    /// Ends the server of an earlier run, if there is one to see, and starts ours.
    async fn attempt(
        folder: Folder,
        account: &Account,
        binaries: &Binaries,
        options: &ClusterOptions,
        progress: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<Cluster, ClusterError> {
        if let Some(pid) = process::leftover(&folder.data()) {
            progress(Step::EndingLeftover { pid });
            process::end_leftover(pid, &folder.data()).await?;
        }
        progress(Step::Starting);
        Cluster::launch(folder, account, binaries, options.durable).await
    }

    async fn launch(
        folder: Folder,
        account: &Account,
        binaries: &Binaries,
        durable: bool,
    ) -> Result<Cluster, ClusterError> {
        let socket_dir = folder.make_socket_dir(account)?;
        let log = folder.new_log()?;
        let mut command = account.command("postgres");
        command.arg("-D").arg(folder.data());
        for (name, value) in settings(binaries.version(), durable) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.arg("-k").arg(&socket_dir);
        let server = run(command, &log, &folder.log(), binaries, "postgres").await?;
        Ok(Cluster {
            server,
            folder,
            socket_dir,
            version: binaries.version(),
        })
    }

    async fn wait_until_ready(
        &self,
        progress: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<(), ClusterError> {
        let begun = Instant::now();
        let mut told = false;
        while !self.is_ready().await {
            tokio::select! {
                error = self.ended() => return Err(error),
                () = sleep(GLANCE) => {}
            }
            if begun.elapsed() > SLOW && !told {
                told = true;
                progress(Step::StillStarting);
            }
            if begun.elapsed() > TOO_SLOW {
                return Err(ClusterError::NotReady {
                    seconds: TOO_SLOW.as_secs(),
                    log: self.folder.log(),
                });
            }
        }
        Ok(())
    }

    /// Asks the lock file before it connects, since a server that refuses writes an
    /// error to its log; and again after, since the file may be one that a crash
    /// left, with the same process id in it: in a container the numbers repeat. A
    /// server has written its own file before it listens.
    async fn is_ready(&self) -> bool {
        let says_ready = || process::says_ready(&self.folder.data(), self.server.pid());
        says_ready()
            && UnixStream::connect(self.socket_dir.join(folder::SOCKET))
                .await
                .is_ok()
            && says_ready()
    }

    /// The address of `database` for `role`, with no password in it:
    /// `postgres://role@%2Fsocket%2Ffolder/database`.
    pub fn url(&self, role: &str, database: &str) -> String {
        let encoded = |bytes| percent_encode(bytes, NON_ALPHANUMERIC);
        let host = encoded(self.socket_dir.as_os_str().as_encoded_bytes());
        let (role, database) = (encoded(role.as_bytes()), encoded(database.as_bytes()));
        format!("postgres://{role}@{host}/{database}")
    }

    /// The folder with the server's socket, for `psql --host`.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The number in the socket's name. The server listens on no TCP port.
    pub const fn port(&self) -> u16 {
        5432
    }

    /// The server's log of this run.
    pub fn log(&self) -> PathBuf {
        self.folder.log()
    }

    /// The version of the server.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Completes only if the server ends by itself, and says what it last said.
    pub async fn ended(&self) -> ClusterError {
        self.server.ended().await;
        ClusterError::Ended {
            said: folder::last_words(&self.folder.log()),
            log: self.folder.log(),
        }
    }

    /// Shuts the server down and waits for its end, 25 seconds at most.
    ///
    /// # Errors
    /// [`ClusterError::NotStopped`] if it is still there after that.
    pub async fn stop(self) -> Result<(), ClusterError> {
        self.server.stop().await?;
        if !self.socket_dir.starts_with(self.folder.dir()) {
            // The short folder outside is of no use to anybody now. If it can't be
            // removed, the next run takes it over.
            drop(std::fs::remove_dir(&self.socket_dir));
        }
        Ok(())
    }
}

/// Makes the data folder. It gets its name when it is complete, so that a kill in
/// between leaves nothing that looks like data.
async fn create(
    folder: &Folder,
    account: &Account,
    binaries: &Binaries,
    durable: bool,
) -> Result<(), ClusterError> {
    let new = folder.make_new_data(account)?;
    let log = folder.initdb_log();
    let output = folder.new_initdb_log()?;
    let mut command = account.command("initdb");
    command.arg("-D").arg(&new).args([
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--data-checksums",
        "--no-instructions",
    ]);
    command.args(locale(binaries.version()));
    if !durable {
        command.arg("--no-sync");
    }
    let initdb = run(command, &output, &log, binaries, "initdb").await?;
    if initdb.ended().await.is_some_and(|status| status.success()) {
        return folder.adopt_new_data(&new);
    }
    Err(ClusterError::Initdb {
        said: folder::last_words(&log),
        log,
    })
}

/// Starts a program of Postgres with all its output going to `log`.
async fn run(
    mut command: Command,
    log: &std::fs::File,
    path: &Path,
    binaries: &Binaries,
    program: &str,
) -> Result<Process, ClusterError> {
    let handle = || {
        log.try_clone()
            .map_err(ClusterError::folder("written", path))
    };
    command.stdout(handle()?).stderr(handle()?);
    Process::spawn(command)
        .await
        .map_err(|source| ClusterError::NotRun {
            program: binaries.bin().join(program),
            source,
        })
}

/// Sorting by code point and case by Unicode, the same on every machine: with plain
/// `C`, lower('Ä') stays 'Ä' and full-text search misses it; with the system's
/// locales, indexes change their order when glibc is upgraded.
///
/// Postgres 17 has this built in. There, text search still asks the system about
/// letters, as all of 16 does; both find C.UTF-8 in glibc and musl.
fn locale(version: Version) -> &'static [&'static str] {
    const BUILT_IN: &str = "--locale-provider=builtin";
    match version.major {
        ..=16 => &["--locale=C.UTF-8"],
        17 => &[
            BUILT_IN,
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--lc-ctype=C.UTF-8",
        ],
        18.. => &[BUILT_IN, "--builtin-locale=C.UTF-8", "--locale=C"],
    }
}

/// The server's settings. They are given at each start and not written into the
/// data folder, so that a cluster made by an older glassbox runs with these, too.
fn settings(version: Version, durable: bool) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        // Nobody but the owner of the socket's folder gets in.
        ("listen_addresses", ""),
        ("port", "5432"),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "100"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        // Small at rest, on a laptop: 64 MB shared, no compiler in each session, no
        // log kept for replicas, no message for every checkpoint.
        ("shared_buffers", "64MB"),
        ("jit", "off"),
        ("max_wal_size", "256MB"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("max_logical_replication_workers", "0"),
        ("log_checkpoints", "off"),
    ];
    if version.major >= 18 {
        // Its three worker processes for reading ahead gain nothing at this size.
        settings.push(("io_method", "sync"));
    }
    if !durable {
        settings.extend([
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
        ]);
    }
    settings
}
