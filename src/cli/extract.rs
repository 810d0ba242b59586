//! `glassbox extract`: the child process that reads one untrusted file.

use std::process::ExitCode;

use crate::ingest::extract::child;

pub use child::Args as ExtractArgs;

/// Reads the file under the limits that the arguments name.
pub fn run(args: &ExtractArgs) -> ExitCode {
    child::run(args)
}
