//! Configuration: read once at the start, checked as a whole, then only passed on.
//!
//! Defaults (`config/default.toml`, part of the binary) → `config/<env>.toml` → the
//! environment. Each section is a file here; `config/default.toml` documents every
//! key, and a test compares the two. Nothing else in the program reads the
//! environment.

mod agent;
mod auth;
mod database;
mod ingest;
mod log;
mod models;
mod server;
mod storage;

use std::path::Path;

use ::config::{Environment, File, FileFormat};
use serde::Deserialize;

use crate::kernel::{Code, Error, Result, field::Fields};

pub use self::{
    agent::AgentConfig,
    auth::AuthConfig,
    database::DatabaseConfig,
    ingest::IngestConfig,
    log::{LogConfig, LogFormat},
    models::ModelsConfig,
    server::ServerConfig,
    storage::StorageConfig,
};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// Tokens.
    pub auth: AuthConfig,
    /// Files.
    pub storage: StorageConfig,
    /// Language models.
    pub models: ModelsConfig,
    /// Executions.
    pub agent: AgentConfig,
    /// Reading files.
    pub ingest: IngestConfig,
    /// Logs.
    pub log: LogConfig,
}

/// A setting that a command overrides: its path and its value as text.
pub type Override = (&'static str, String);

/// Reads the settings of environment `env` ("dev", "production"), with the command's
/// own `overrides` above all.
pub fn load(env: &str, overrides: &[Override]) -> Result<Config> {
    read(env, Environment::with_prefix("GLASSBOX"), overrides)
}

fn read(env: &str, environment: Environment, overrides: &[Override]) -> Result<Config> {
    let file = Path::new("config").join(env);
    let mut builder = ::config::Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from(file).format(FileFormat::Toml).required(false))
        .add_source(
            environment
                .prefix_separator("_")
                .separator("__")
                .try_parsing(true),
        );
    for (path, value) in overrides {
        builder = builder
            .set_override(path, value.as_str())
            .map_err(unreadable)?;
    }
    let config: Config = builder
        .build()
        .and_then(::config::Config::try_deserialize)
        .map_err(unreadable)?;
    config.validate()?;
    Ok(config)
}

fn unreadable(error: ::config::ConfigError) -> Error {
    Error::new(
        Code::ValidationFailed,
        format!("The configuration can't be read: {error}."),
    )
}

impl Config {
    /// Checks every value by itself. What a role needs beyond that (a database, a
    /// key) is checked when that role starts.
    fn validate(&self) -> Result<()> {
        let mut fields = Fields::default();
        self.server.validate(&mut fields);
        self.database.validate(&mut fields);
        self.auth.validate(&mut fields);
        self.storage.validate(&mut fields);
        self.models.validate(&mut fields);
        self.agent.validate(&mut fields);
        self.ingest.validate(&mut fields);
        fields.finish()
    }

    /// Refuses what must not happen in production.
    pub fn check_production(&self, env: &str) -> Result<()> {
        let mut fields = Fields::default();
        if env == "production" {
            fields.check(
                !self.auth.dev_tokens,
                "auth.dev_tokens",
                "must be off in production",
            );
        }
        fields.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn from_env(pairs: &[(&str, &str)]) -> Result<Config> {
        let source: HashMap<String, String> = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        read(
            "none",
            Environment::with_prefix("GLASSBOX").source(Some(source)),
            &[],
        )
    }

    #[test]
    fn the_defaults_are_complete_and_valid() {
        from_env(&[]).unwrap();
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = from_env(&[("GLASSBOX_SERVER__PORT", "9000")]).unwrap();
        assert_eq!(config.server.port, 9000);
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = from_env(&[("GLASSBOX_SERVER__PROT", "9000")]).unwrap_err();
        assert!(error.message().contains("prot"), "{error}");
    }

    #[test]
    fn a_secret_never_shows() {
        let config = from_env(&[(
            "GLASSBOX_STORAGE__URL_SECRET",
            "correct horse battery staple 123456",
        )])
        .unwrap();
        assert!(!format!("{config:?}").contains("horse"));
    }
}
