//! The parent's side of the sandbox: one child process for each document.
//!
//! The child is this program's own `extract` subcommand. It limits itself
//! ([`super::extract::child`]); what it can't be trusted to do is done here: it gets
//! no environment (so no credentials), no standard input, a limit of wall-clock
//! time, and its answer is cut off and checked. A child that dies is a normal
//! result, a [`Failure`] with a class; an [`Error`] means that no child could be
//! started, or that it found this machine unfit.
//!
//! A PDF on which our own reader died is given to a second child, which leaves it to
//! pdftotext, where the machine has that.
//!
//! Not here: how many children run at once, which is the worker's to bound.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::extract::{Extracted, Failure, FailureClass, Format, Tools, child};
use crate::kernel::{Error, Result};

/// How much of the child's standard error is kept: the runtime's last words.
const MAX_STDERR: u64 = 64 << 10;
/// What parsers print before the answer may add this much to standard output.
const MAX_CHATTER: u64 = 1 << 20;
/// How long a killed child may take to be gone. It is only waited for so as not to
/// leave a zombie; the runtime goes on trying afterwards.
const REAP: Duration = Duration::from_secs(5);

// The signals that tell how a child died; the same numbers on Linux (but MIPS and
// SPARC) and macOS.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// What one child may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// CPU time; counted in whole seconds, at least one.
    pub cpu: Duration,
    /// Time by the clock on the wall, from start to answer.
    pub wall: Duration,
    /// The longest file that is read, in bytes.
    pub input_bytes: u64,
    /// The longest answer, in bytes of JSON.
    pub output_bytes: usize,
    /// Folders with other programs that may read documents, separated as in `PATH`;
    /// none, if it is empty.
    pub tools: String,
    /// The languages of text in images, as Tesseract names them.
    pub languages: String,
}

impl Default for Limits {
    /// 89 real PDFs of up to 44 MB took 20 s in all, and those of 8 MB about 70 MB
    /// of memory each; these limits leave room for several times that.
    fn default() -> Self {
        Limits {
            memory_bytes: 512 << 20,
            cpu: Duration::from_secs(30),
            wall: Duration::from_secs(90),
            input_bytes: 100 << 20,
            output_bytes: 32 << 20,
            tools: "/usr/local/bin:/usr/bin:/bin".to_owned(),
            languages: "eng".to_owned(),
        }
    }
}

/// Extracts documents in child processes.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The program that has the `extract` subcommand.
    pub program: PathBuf,
    /// What each child may use.
    pub limits: Limits,
}

/// How a child ended and what it said.
struct Ended {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Sandbox {
    /// A sandbox that starts this very program, with the default limits.
    pub fn of_this_program() -> Result<Self> {
        let program = std::env::current_exe().map_err(Error::internal)?;
        Ok(Sandbox {
            program,
            limits: Limits::default(),
        })
    }

    /// Reads the file at `path` as `format`, whatever is in it.
    ///
    /// The outer error is ours: the child did not start, or could not open the file
    /// or set its limits. If the future is dropped, the child is killed.
    pub async fn extract(
        &self,
        format: Format,
        path: &Path,
    ) -> Result<std::result::Result<Extracted, Failure>> {
        let first = self.run(format, path, false).await?;
        let Err(failure) = &first else {
            return Ok(first);
        };
        if !self.may_read_otherwise(format, failure.class) {
            return Ok(first);
        }
        let second = self.run(format, path, true).await?;
        Ok(if second.is_ok() { second } else { first })
    }

    /// Whether another program may succeed where our reader died.
    fn may_read_otherwise(&self, format: Format, class: FailureClass) -> bool {
        let died = matches!(class, FailureClass::Crashed | FailureClass::Memory);
        let tools = Tools::new(&self.limits.tools, "", Duration::ZERO);
        died && format == Format::Pdf && tools.find("pdftotext").is_some()
    }

    async fn run(
        &self,
        format: Format,
        path: &Path,
        otherwise: bool,
    ) -> Result<std::result::Result<Extracted, Failure>> {
        let mut child = self
            .command(format, path, otherwise)
            .spawn()
            .map_err(Error::internal)?;
        // Killed with all that it started, however this ends.
        let _group = Group::of(&child);
        let most = (self.limits.output_bytes as u64).saturating_add(MAX_CHATTER);
        match tokio::time::timeout(self.limits.wall, watch(&mut child, most)).await {
            Ok(Ok(Some(ended))) => judge(&ended),
            Ok(Ok(None)) => {
                stop(&mut child).await;
                Ok(Err(failure(FailureClass::TooLarge)))
            }
            Ok(Err(error)) => {
                stop(&mut child).await;
                Err(Error::internal(error))
            }
            Err(_) => {
                stop(&mut child).await;
                Ok(Err(failure(FailureClass::Timeout)))
            }
        }
    }

    fn command(&self, format: Format, path: &Path, otherwise: bool) -> Command {
        let limits = &self.limits;
        let mut command = Command::new(&self.program);
        command
            .arg("extract")
            .args(["--format", &format.to_string()])
            .args(["--memory-bytes", &limits.memory_bytes.to_string()])
            .args(["--cpu-seconds", &limits.cpu.as_secs().max(1).to_string()])
            .args(["--input-bytes", &limits.input_bytes.to_string()])
            .args(["--output-bytes", &limits.output_bytes.to_string()])
            .args(["--tools", &limits.tools])
            .args(["--languages", &limits.languages])
            .args(otherwise.then_some("--otherwise"))
            .arg("--")
            .arg(path)
            .env_clear()
            // The allocator would lay hold of a gigabyte of addresses when it starts, which
            // count against the limit before a byte is in them.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: an interrupt from the terminal is for the parent,
            // which ends its children in order.
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// The process group that a child leads: itself and the tools that it starts.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Nobody is left in it, nearly always.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Waits for the child to say its piece and end; `None` if it says more than
/// `most` bytes.
async fn watch(child: &mut Child, most: u64) -> io::Result<Option<Ended>> {
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    // Both at once: a child that fills one pipe would wait for ever on the other.
    // One that says too much finds its pipe closed and fails on its next word.
    let said = tokio::try_join!(capture(stdout, most), async {
        let (kept, _) = capture(stderr, MAX_STDERR).await?;
        Ok(kept)
    });
    let ((stdout, whole), stderr) = said?;
    if !whole {
        return Ok(None);
    }
    let status = child.wait().await?;
    Ok(Some(Ended {
        status,
        stdout,
        stderr,
    }))
}

/// Up to `most` bytes of a stream, and whether that was all.
async fn capture(stream: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    if let Some(stream) = stream {
        stream
            .take(most.saturating_add(1))
            .read_to_end(&mut kept)
            .await?;
    }
    let whole = kept.len() as u64 <= most;
    Ok((kept, whole))
}

async fn stop(child: &mut Child) {
    match tokio::time::timeout(REAP, child.kill()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a child process could not be killed"),
        Err(_) => tracing::warn!("a killed child process is not gone yet"),
    }
}

/// What became of a child that ended.
fn judge(ended: &Ended) -> Result<std::result::Result<Extracted, Failure>> {
    let last_words = String::from_utf8_lossy(&ended.stderr);
    match (ended.status.code(), ended.status.signal()) {
        (Some(0), _) => Ok(answer(&ended.stdout)),
        (Some(code), _) if code == i32::from(child::EXIT_NOT_READY) => {
            Err(Error::internal(last_words.trim().to_owned()))
        }
        // What clap answers to arguments it doesn't know: parent and child are not
        // the same version of the program.
        (Some(2), _) => Err(Error::internal(last_words.trim().to_owned())),
        (code, signal) => {
            let class = cause_of_death(signal, &last_words);
            tracing::info!(?code, ?signal, %class, "a document's reader died");
            Ok(Err(failure(class)))
        }
    }
}

/// The class of a death by `signal`. Rust's runtime aborts both when it runs out of
/// memory and when the stack overflows; only its last words tell which.
fn cause_of_death(signal: Option<i32>, last_words: &str) -> FailureClass {
    match signal {
        Some(SIGXCPU) => FailureClass::Timeout,
        // Not by us, for our own kill is answered elsewhere: so by the kernel, when
        // the machine or container ran out of memory.
        Some(SIGKILL) => FailureClass::Memory,
        Some(SIGABRT) if last_words.contains("memory allocation") => FailureClass::Memory,
        _ => FailureClass::Crashed,
    }
}

/// The answer, checked: whoever wrote it had hostile bytes in its hands.
fn answer(stdout: &[u8]) -> std::result::Result<Extracted, Failure> {
    let line = stdout.strip_suffix(b"\n").unwrap_or(stdout);
    let line = line
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    match serde_json::from_slice::<std::result::Result<Extracted, Failure>>(line) {
        Ok(Ok(extracted)) if !extracted.is_sound() => {
            tracing::warn!("a document's reader gave an answer that breaks its promises");
            Err(failure(FailureClass::Crashed))
        }
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(%error, "a document's reader gave no readable answer");
            Err(failure(FailureClass::Crashed))
        }
    }
}

/// The sentence for a class that the parent finds.
fn failure(class: FailureClass) -> Failure {
    let sentence = match class {
        FailureClass::Timeout => "Reading the document took longer than we allow.",
        FailureClass::Memory => "Reading the document took more memory than we allow.",
        FailureClass::TooLarge => "The document holds more than we read.",
        _ => "The document made its reader crash; it is probably damaged.",
    };
    Failure::new(class, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_answer_whatever_was_printed_before() {
        let stdout = b"{\"Ok\": \"chatter\"}\nmore\n{\"Ok\":{\"text\":\"a\",\"segments\":[{\"start\":0,\"end\":1}],\"metadata\":{}}}\n";
        assert_eq!(answer(stdout).unwrap().text, "a");
    }

    #[test]
    fn an_answer_that_is_cut_or_breaks_its_promises_is_a_crash() {
        let unsound = br#"{"Ok":{"text":"a","segments":[{"start":0,"end":9}],"metadata":{}}}"#;
        for stdout in [b"".as_slice(), b"{\"Ok\":{\"te", unsound] {
            assert_eq!(answer(stdout).unwrap_err().class, FailureClass::Crashed);
        }
    }

    #[test]
    fn deaths_are_told_apart() {
        let overflow = "thread 'main' has overflowed its stack";
        let memory = "memory allocation of 64 bytes failed";
        for (signal, words, class) in [
            (Some(SIGXCPU), "", FailureClass::Timeout),
            (Some(SIGKILL), "", FailureClass::Memory),
            (Some(SIGABRT), memory, FailureClass::Memory),
            (Some(SIGABRT), overflow, FailureClass::Crashed),
            (Some(11), "", FailureClass::Crashed),
            (None, "", FailureClass::Crashed),
        ] {
            assert_eq!(cause_of_death(signal, words), class, "{signal:?} {words}");
        }
    }
}
