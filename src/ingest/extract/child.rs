//! The child's side of the sandbox: bind its own hands, read one file, answer, end.
//!
//! The answer is the *last line* of standard output: a JSON result, `{"Ok": …}` or
//! `{"Err": …}`. A parser may have printed anything before it, and prints nothing
//! after it, since the process then ends. An exit code other than 0 means that
//! there is no answer.

use std::any::Any;
use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rlimit::Resource;

use super::{
    Aids, Extracted, Failure, FailureClass, Format, Tools, confine, extract_otherwise, extract_with,
};

/// The exit code of a child that could not bind its hands or open the file: a fault
/// of this machine and not of the document.
pub const EXIT_NOT_READY: u8 = 3;
/// Open files: the three standard streams, the document, and room for the C library.
const MAX_OPEN_FILES: u64 = 32;
/// After the soft limit of CPU time the kernel sends SIGXCPU, which tells a
/// time-out from other deaths; after the hard one SIGKILL, should it be ignored.
const CPU_GRACE_SECONDS: u64 = 5;

/// The arguments of `glassbox extract`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The format to read the file as.
    #[arg(long)]
    pub format: Format,
    /// Address space, in bytes.
    #[arg(long)]
    pub memory_bytes: u64,
    /// CPU time, in seconds.
    #[arg(long)]
    pub cpu_seconds: u64,
    /// The longest file that is read, in bytes.
    #[arg(long)]
    pub input_bytes: u64,
    /// The longest answer, in bytes.
    #[arg(long)]
    pub output_bytes: usize,
    /// Folders with other programs that may read it, separated as in `PATH`.
    #[arg(long, default_value = "")]
    pub tools: String,
    /// The languages that text in images is in, as Tesseract names them.
    #[arg(long, default_value = "eng")]
    pub languages: String,
    /// Leaves the reading to other programs: ours died on this file.
    #[arg(long)]
    pub otherwise: bool,
    /// The file.
    pub path: PathBuf,
}

/// Extracts the text of one file under the limits that the arguments give.
///
/// Call it before any thread or runtime is started: limits bind the whole process,
/// and each thread reserves address space.
pub fn run(args: &Args) -> ExitCode {
    match limit(args).and_then(|()| read(&args.path, args.input_bytes)) {
        Ok(bytes) => {
            let result = bytes.and_then(|bytes| attempt(args, &bytes));
            let line = answer(&result, args.output_bytes);
            if write_line(&line).is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            // Nobody is left to tell if this fails; the exit code still says it.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(EXIT_NOT_READY)
        }
    }
}

/// Sets the limits for good: soft and hard, so that nothing in here can raise them.
fn limit(args: &Args) -> io::Result<()> {
    let cpu = args.cpu_seconds;
    lower(Resource::AS, args.memory_bytes, args.memory_bytes)?;
    lower(Resource::CPU, cpu, cpu.saturating_add(CPU_GRACE_SECONDS))?;
    lower(Resource::CORE, 0, 0)?;
    // The answer goes through a pipe, so no file needs to be written at all.
    lower(Resource::FSIZE, 0, 0)?;
    lower(Resource::NOFILE, MAX_OPEN_FILES, MAX_OPEN_FILES)?;
    confine::without_network()
}

/// Where the operator's own hard limit is lower, it stays.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let (_, given) = resource.get()?;
    resource.set(soft.min(given), hard.min(given))
}

/// The file's bytes, or the refusal of one that is too long. Its size isn't asked
/// for beforehand: what is read is what counts.
fn read(path: &Path, most: u64) -> io::Result<Result<Vec<u8>, Failure>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let sentence = format!("The file is larger than {}.", megabytes(most));
        return Ok(Err(Failure::new(FailureClass::TooLarge, sentence)));
    }
    Ok(Ok(bytes))
}

/// Extracts, and turns a panic that got this far into a failure.
fn attempt(args: &Args, bytes: &[u8]) -> Result<Extracted, Failure> {
    // Parsers panic often and on purpose are caught; their messages would quote the
    // document into the parent's log.
    panic::set_hook(Box::new(|_| {}));
    // All of us together, tools included, have the time that we have.
    let time = Duration::from_secs(args.cpu_seconds);
    let tools = Tools::new(&args.tools, &args.languages, time);
    let aids = Aids {
        path: &args.path,
        tools: &tools,
    };
    let read = || match args.otherwise {
        true => extract_otherwise(args.format, aids).ok_or_else(crash),
        false => extract_with(args.format, bytes, Some(aids)),
    };
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(crashed)
}

fn crashed(_: Box<dyn Any + Send>) -> Result<Extracted, Failure> {
    Err(crash())
}

fn crash() -> Failure {
    Failure::new(FailureClass::Crashed, "The reader failed on this document.")
}

/// The line of JSON; a result that would be longer than `most` becomes a failure,
/// because half a document must not pass for the whole.
fn answer(result: &Result<Extracted, Failure>, most: usize) -> Vec<u8> {
    match serde_json::to_vec(result) {
        Ok(line) if line.len() <= most => line,
        _ => {
            let sentence = format!(
                "The text of the document is longer than {}.",
                megabytes(most as u64)
            );
            let failure = Failure::new(FailureClass::TooLarge, sentence);
            serde_json::to_vec(&Err::<Extracted, _>(failure)).unwrap_or_default()
        }
    }
}

fn write_line(line: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(b"\n")?;
    out.write_all(line)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// A size for a person: `64 MB`, below one `900 bytes`.
fn megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        megabytes => format!("{megabytes} MB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::extract::extract;

    #[test]
    fn an_answer_over_the_cap_is_a_failure_and_not_a_part() {
        let result = extract(Format::Text, "long ".repeat(100).as_bytes());
        let line = answer(&result, 300);
        let back: Result<Extracted, Failure> = serde_json::from_slice(&line).unwrap();
        assert_eq!(back.unwrap_err().class, FailureClass::TooLarge);
        let line = answer(&result, 10_000);
        let back: Result<Extracted, Failure> = serde_json::from_slice(&line).unwrap();
        assert_eq!(back, result);
    }

    #[test]
    fn a_file_of_the_longest_size_is_read_and_one_byte_more_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"12345").unwrap();
        assert_eq!(read(file.path(), 5).unwrap().unwrap(), b"12345");
        assert_eq!(
            read(file.path(), 4).unwrap().unwrap_err().class,
            FailureClass::TooLarge
        );
    }
}
