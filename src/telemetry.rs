//! Logs: structured lines on standard error or in a file, with the request's and the execution's
//! id in their span. Secrets are kept out at the source: they are `SecretString`s,
//! errors carry their cause apart from their sentence, and bodies are never logged.

use std::{fs::File, io::IsTerminal, sync::Mutex};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{LogConfig, LogFormat},
    kernel::{Code, Error, Result},
};

/// Starts logging for the whole process; fails on a filter that can't be read and
/// when it was started before.
pub fn start(config: &LogConfig) -> Result<()> {
    let registry = tracing_subscriber::registry().with(filter(config)?);
    match config.format {
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
        LogFormat::Text => registry
            .with(
                fmt::layer()
                    .with_target(false)
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_writer(std::io::stderr),
            )
            .try_init(),
    }
    .map_err(Error::internal)
}

/// As [`start`], but the lines go to `file`, for a command that needs the terminal
/// for itself.
pub fn start_in_file(config: &LogConfig, file: File) -> Result<()> {
    let lines = fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
    tracing_subscriber::registry()
        .with(filter(config)?)
        .with(lines)
        .try_init()
        .map_err(Error::internal)
}

fn filter(config: &LogConfig) -> Result<EnvFilter> {
    EnvFilter::try_new(&config.filter).map_err(|error| {
        Error::new(
            Code::ValidationFailed,
            format!("log.filter can't be read: {error}."),
        )
    })
}
