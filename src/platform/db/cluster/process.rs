//! A child process that ends with us, and the server an earlier run left behind.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::error::ClusterError;

/// How long a fast shutdown may take: it ends every session and writes a
/// checkpoint of at most `max_wal_size`.
const FAST: Duration = Duration::from_secs(20);

/// How long an immediate shutdown may take, which writes nothing.
const IMMEDIATE: Duration = Duration::from_secs(5);

/// How long a starting server may take to write its number into its lock file.
const WRITTEN: Duration = Duration::from_secs(2);

/// How often it is looked whether a process that is not our child still runs.
const GLANCE: Duration = Duration::from_millis(10);

/// A running child. It is told to end when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    status: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts `command` on a thread of its own, which then waits for it to end.
    ///
    /// The signal that the kernel sends to the child at its parent's death
    /// (`PR_SET_PDEATHSIG`) goes by the parent *thread*: a child started on a worker
    /// of the runtime would be ended when that worker is. This thread lives exactly
    /// as long as the child.
    pub(super) async fn spawn(mut command: Command) -> io::Result<Process> {
        let (started, starting) = oneshot::channel();
        let (ended, status) = watch::channel(None);
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => {
                        // A caller that has stopped waiting has nothing to clean up.
                        drop(started.send(Err(error)));
                        return;
                    }
                };
                if started.send(Ok(child.id())).is_err() {
                    signal(child.id(), Signal::INT);
                }
                if let Ok(status) = child.wait() {
                    ended.send_replace(Some(status));
                }
            })?;
        let pid = starting.await.map_err(io::Error::other)??;
        Ok(Process { pid, status })
    }

    /// The process id.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the child to end.
    pub(super) async fn ended(&self) -> Option<ExitStatus> {
        let mut status = self.status.clone();
        // The error says that the waiting thread is gone: the child is, too.
        let seen = status.wait_for(Option::is_some).await;
        seen.ok().and_then(|status| *status)
    }

    /// Ends the server in order: SIGINT is Postgres's fast shutdown, and SIGQUIT,
    /// when that takes too long, the immediate one, after which it recovers from
    /// its log at the next start.
    pub(super) async fn stop(&self) -> Result<(), ClusterError> {
        for (shutdown, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
            self.signal(shutdown);
            if timeout(patience, self.ended()).await.is_ok() {
                return Ok(());
            }
        }
        Err(ClusterError::NotStopped { pid: self.pid })
    }

    /// Sends a signal unless the child has been seen to end, after which its number
    /// may be another's.
    fn signal(&self, which: Signal) {
        if self.status.borrow().is_none() && self.status.has_changed().is_ok() {
            signal(self.pid, which);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

/// Best effort: a process that has just ended can't be told anything.
fn signal(pid: u32, which: Signal) {
    if let Some(pid) = as_pid(pid)
        && let Err(error) = kill_process(pid, which)
    {
        tracing::debug!(pid = pid.as_raw_nonzero(), %error, "could not signal a process");
    }
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The server that still runs on `data`, going by its `postmaster.pid`. That number
/// alone proves nothing, since after a crash it may be any process's; a server
/// works in its data folder, which /proc tells. Where there is no /proc, Postgres's
/// own check has to do.
pub(super) fn leftover(data: &Path) -> Option<u32> {
    let pid = lock_file_line(data, 1)?.parse().ok()?;
    runs_in(pid, data).then_some(pid)
}

/// Whether another server holds `data`, after ours ended in its start.
///
/// A server makes its lock file first and writes its number into it a moment later, so
/// an empty file is looked at again for a while. One that stays empty is what a server
/// left that was killed in that moment; it would stop every start, and it is removed,
/// since the caller holds the folder's lock.
pub(super) async fn another_holds(data: &Path) -> bool {
    let file = data.join("postmaster.pid");
    let written = async {
        while std::fs::metadata(&file).is_ok_and(|file| file.len() == 0) {
            sleep(GLANCE).await;
        }
    };
    match timeout(WRITTEN, written).await {
        Ok(()) => leftover(data).is_some(),
        Err(_) => std::fs::remove_file(&file).is_ok(),
    }
}

/// Ends the server `pid` that runs on `data`, with the same patience as our own.
/// The caller holds the folder's lock, so no living glassbox needs that server.
pub(super) async fn end_leftover(pid: u32, data: &Path) -> Result<(), ClusterError> {
    for (shutdown, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
        signal(pid, shutdown);
        let gone = async {
            while runs_in(pid, data) {
                sleep(GLANCE).await;
            }
        };
        if timeout(patience, gone).await.is_ok() {
            return Ok(());
        }
    }
    Err(ClusterError::NotStopped { pid })
}

fn runs_in(pid: u32, data: &Path) -> bool {
    // A process that may not be signalled is alive all the same.
    let alive = as_pid(pid)
        .is_some_and(|pid| !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)));
    alive && std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data)
}

/// Whether the server `pid` on `data` says that it takes connections, in the line
/// of its lock file that `pg_ctl --wait` reads, too.
pub(super) fn says_ready(data: &Path, pid: u32) -> bool {
    lock_file_line(data, 1).is_some_and(|line| line == pid.to_string())
        && lock_file_line(data, 8).is_some_and(|line| line == "ready")
}

/// A line of `postmaster.pid`, counted from 1 as Postgres's pidfile.h does.
fn lock_file_line(data: &Path, number: usize) -> Option<String> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let line = text.lines().nth(number.checked_sub(1)?)?;
    Some(line.trim().to_owned())
}
