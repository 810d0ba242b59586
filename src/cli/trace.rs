//! `glassbox trace`: journals in files, without a server.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};

use crate::{
    config::Config,
    executions::ops::trace_file::{Reader, Report, trace_export},
    kernel::{Code, Error, ExecutionId, Result, clock::System},
    platform::db::Db,
};

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    #[command(subcommand)]
    pub command: TraceCommand,
}

/// What can be done with journals.
#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// Write the journal of an execution to a file, in JSON Lines.
    ///
    /// Reads the database by the same settings as `serve` does, as the application's role,
    /// and asks for nobody's rights: whoever has these settings may read every journal.
    /// Needs no running server. Of a fork, the entries that it shares are in the file too.
    Export(ExportArgs),
    /// Check a file that `trace export` wrote; needs neither settings nor a database.
    ///
    /// Ends with 0 when every entry is what was written, with 1 when one is not, which it
    /// names, or when the file can't be read.
    Verify(VerifyArgs),
}

/// Arguments of `trace export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The execution's id.
    id: ExecutionId,
    /// Where to write; standard output when not said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `trace verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file; `-` is standard input.
    file: PathBuf,
}

/// Writes the file.
pub async fn export(config: &Config, args: &ExportArgs) -> Result<()> {
    let db = Db::new(&config.database, Arc::new(System), Arc::new(System))?;
    // Only once the execution was found: a mistyped id must not empty a file.
    let mut out: Option<Box<dyn Write + Send>> = None;
    let place = args.out.as_deref();
    let storage = super::doctor::storage(config)?;
    let header = trace_export(&db, storage.as_deref(), args.id, |line| {
        let written = match &mut out {
            Some(out) => writeln!(out, "{line}"),
            None => open(place).and_then(|new| writeln!(out.insert(new), "{line}")),
        };
        written.map_err(|error| file_error(place, &error))
    })
    .await?;
    if let Some(mut out) = out {
        out.flush().map_err(|error| file_error(place, &error))?;
    }
    if let Some(path) = place {
        let entries: i64 = header.parts.iter().map(|part| part.entries).sum();
        say(&format!("{entries} entries in {}", path.display()));
    }
    Ok(())
}

fn open(place: Option<&Path>) -> io::Result<Box<dyn Write + Send>> {
    Ok(match place {
        Some(path) => Box::new(BufWriter::new(File::create(path)?)),
        None => Box::new(BufWriter::new(io::stdout())),
    })
}

/// Checks the file and says what was found.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let report = read(&args.file)?;
    let Report {
        header,
        entries,
        payloads_removed,
        broken,
    } = report;
    if let Some(broken) = broken {
        let (number, execution) = (broken.sequence_number, broken.execution_id);
        say(&format!(
            "broken: entry {number} of execution {execution} {}.",
            broken.why
        ));
        return Ok(ExitCode::FAILURE);
    }
    let head = header.parts.last().map(|part| part.head_hash.as_str());
    say(&format!(
        "valid: {entries} entries of execution {}",
        header.execution_id
    ));
    say(&format!("head hash: {}", head.unwrap_or_default()));
    if header.parts.len() > 1 {
        let shared: i64 = header
            .parts
            .iter()
            .rev()
            .skip(1)
            .map(|part| part.entries)
            .sum();
        say(&format!(
            "a fork: {shared} of them are shared with what it goes on from"
        ));
    }
    if payloads_removed > 0 {
        say(&format!(
            "payloads removed: {payloads_removed}; their hashes are there"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Report> {
    let fails = |error: io::Error| file_error(Some(path), &error);
    let file: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(path).map_err(fails)?))
    };
    let mut lines = file.lines();
    let first = lines.next().transpose().map_err(fails)?;
    let mut reader = Reader::new(&first.unwrap_or_default())?;
    for line in lines {
        reader.next(&line.map_err(fails)?);
    }
    Ok(reader.finish())
}

fn file_error(place: Option<&Path>, error: &io::Error) -> Error {
    let place = place.map_or("standard output".into(), |path| path.display().to_string());
    Error::new(
        Code::MalformedRequest,
        format!("{place} can't be read or written: {error}."),
    )
}

#[expect(
    clippy::print_stdout,
    reason = "what was found is this command's output"
)]
fn say(text: &str) {
    println!("{text}");
}
