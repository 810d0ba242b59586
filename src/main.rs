//! The `glassbox` program.

use std::process::ExitCode;

/// Requests and answers are made of many small pieces; this allocator is the faster one
/// for them (docs/BENCHMARKS.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    glassbox::cli::run()
}
