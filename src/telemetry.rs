//! Logs: structured lines on standard error, with the request's and the execution's
//! id in their span. Secrets are kept out at the source: they are `SecretString`s,
//! errors carry their cause apart from their sentence, and bodies are never logged.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{LogConfig, LogFormat},
    kernel::{Code, Error, Result},
};

/// Starts logging for the whole process; fails on a filter that can't be read and
/// when it was started before.
pub fn start(config: &LogConfig) -> Result<()> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| {
        Error::new(
            Code::ValidationFailed,
            format!("log.filter can't be read: {error}."),
        )
    })?;
    let registry = tracing_subscriber::registry().with(filter);
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
