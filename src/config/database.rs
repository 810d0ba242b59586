//! `[database]`: the application's and the owner's connection.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::weak;
use crate::kernel::{Code, Error, Result, field::Fields};

/// The database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The application's connection string.
    pub url: SecretString,
    /// The owner's connection string.
    pub owner_url: SecretString,
    /// Connections at most.
    pub max_connections: usize,
    /// How long a request waits for a free connection.
    pub acquire_timeout_ms: u64,
    /// How long one statement may run.
    pub statement_timeout_ms: u64,
    /// How statements that stay prepared are planned: the role's choice, not the operator's.
    #[serde(skip)]
    pub plans: Plans,
}

/// How the database plans statements that stay prepared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plans {
    /// Anew for each execution where it expects to gain by that, as a list may of which a
    /// page is read.
    #[default]
    Weighed,
    /// Once for each connection. For a process whose statements find few rows by their keys:
    /// it plans some of them for longer than they run.
    Fixed,
}

impl Plans {
    /// What Postgres calls it, as `plan_cache_mode`.
    pub const fn mode(self) -> &'static str {
        match self {
            Plans::Weighed => "auto",
            Plans::Fixed => "force_generic_plan",
        }
    }
}

impl DatabaseConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        fields.check(
            (2..=1000).contains(&self.max_connections),
            "database.max_connections",
            "must be 2 to 1000",
        );
        fields.check(
            self.statement_timeout_ms >= 100,
            "database.statement_timeout_ms",
            "must be at least 100",
        );
    }

    /// Refuses the passwords of the examples.
    pub(super) fn check_production(&self, fields: &mut Fields) {
        for (key, url) in [
            ("database.url", &self.url),
            ("database.owner_url", &self.owner_url),
        ] {
            let placeholder = password(url)
                .is_some_and(|password| weak::is_placeholder(password.expose_secret()));
            fields.check(
                !placeholder,
                key,
                "must have a password of its own in production",
            );
        }
    }

    /// The application's address; fails when it is not configured.
    pub fn app(&self) -> Result<SecretString> {
        required(&self.url, "GLASSBOX_DATABASE__URL")
    }

    /// The password in the application's address, if it has one.
    pub fn app_password(&self) -> Option<SecretString> {
        password(&self.url)
    }

    /// The owner's address; fails when it is not configured.
    pub fn owner(&self) -> Result<SecretString> {
        required(&self.owner_url, "GLASSBOX_DATABASE__OWNER_URL")
    }
}

/// The password in a database's address, if it has one.
fn password(url: &SecretString) -> Option<SecretString> {
    let (_, rest) = url.expose_secret().split_once("://")?;
    let (login, _) = rest.split_once('@')?;
    let (_, password) = login.split_once(':')?;
    let password = percent_encoding::percent_decode_str(password);
    Some(password.decode_utf8().ok()?.into_owned().into())
}

/// A secret that must not be empty; `name` is the variable to set.
pub(super) fn required(secret: &SecretString, name: &str) -> Result<SecretString> {
    if secret.expose_secret().is_empty() {
        return Err(Error::new(
            Code::ValidationFailed,
            format!("{name} is not set; see config/default.toml."),
        ));
    }
    Ok(secret.clone())
}
