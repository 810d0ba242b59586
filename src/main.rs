//! The `glassbox` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    glassbox::cli::run()
}
