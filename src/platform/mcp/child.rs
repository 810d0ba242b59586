//! A tool server that is a child process of ours.
//!
//! It is a command of the operator's, so it is trusted to run, and not to behave: its
//! environment is what was configured and the search path, its messages are bounded, and
//! when its connection goes it is killed with all that it started. Should this process be
//! killed itself, its standard input ends, by which such servers know to stop.

use std::ffi::OsString;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::MAX_MESSAGE;
use crate::config::McpCommand;

/// A running child; dropped, it is killed with its group.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    overflowed: Arc<AtomicBool>,
}

impl Server {
    /// Starts it; answers what it says and hears besides.
    pub fn start(command: &McpCommand) -> io::Result<(Self, BoundedLines, ChildStdin)> {
        let environment = command.env.iter();
        let mut child = Command::new(&command.program)
            .args(&command.args)
            .env_clear()
            .envs(search_path().map(|path| ("PATH", path)))
            .envs(environment.map(|(name, value)| (name, value.expose_secret())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let said = child.stdout.take().ok_or_else(closed)?;
        let heard = child.stdin.take().ok_or_else(closed)?;
        let overflowed = Arc::new(AtomicBool::new(false));
        let lines = BoundedLines {
            inner: said,
            length: 0,
            overflowed: Arc::clone(&overflowed),
        };
        Ok((Server { child, overflowed }, lines, heard))
    }

    /// Whether it ended for having said too much at once.
    pub fn overflowed(&self) -> bool {
        self.overflowed.load(Ordering::Acquire)
    }

    /// Kills it and all that it started.
    pub fn kill(&self) {
        // Until it is waited for, which nobody does before the drop, the number is its own.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw)
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, "a tool server's processes were gone already");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where programs are looked for, which a child has as we have it.
#[expect(
    clippy::disallowed_methods,
    reason = "the search path belongs to the machine, not to our configuration"
)]
fn search_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// What a child says, until a line is longer than a message may be.
pub(super) struct BoundedLines {
    inner: ChildStdout,
    /// Bytes since the last end of a line.
    length: usize,
    overflowed: Arc<AtomicBool>,
}

impl AsyncRead for BoundedLines {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let new = buf.filled().get(before..).unwrap_or_default();
        for part in new.split_inclusive(|byte| *byte == b'\n') {
            self.length += part.len();
            if self.length > MAX_MESSAGE {
                self.overflowed.store(true, Ordering::Release);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            if part.ends_with(b"\n") {
                self.length = 0;
            }
        }
        polled
    }
}
