//! `glassbox extract`: the child process that reads one untrusted file.

use std::process::ExitCode;

use clap::Args;

/// Arguments of the child.
#[derive(Debug, Args)]
pub struct ExtractArgs {}

/// Reads the file.
pub fn run(_: &ExtractArgs) -> ExitCode {
    ExitCode::FAILURE
}
