//! `[storage]`: where files lie and how their addresses are signed.

use std::path::PathBuf;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{database::required, weak};
use crate::kernel::{Result, field::Fields};

/// Files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// Where the folder backend keeps them.
    pub folder: PathBuf,
    /// Signs their addresses.
    pub url_secret: SecretString,
    /// Largest upload, in bytes.
    pub upload_limit_bytes: u64,
    /// How long a signed address is good, in seconds.
    pub url_seconds: u32,
}

impl StorageConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let length = self.url_secret.expose_secret().len();
        fields.check(
            length == 0 || length >= 32,
            "storage.url_secret",
            "must have 32 characters or more",
        );
        fields.check(
            (60..=7 * 24 * 3600).contains(&self.url_seconds),
            "storage.url_seconds",
            "must be between a minute and a week",
        );
    }

    /// Refuses a secret that anybody could guess.
    pub(super) fn check_production(&self, fields: &mut Fields) {
        let secret = self.url_secret.expose_secret();
        if let Some(why) = weak::text(secret).filter(|_| !secret.is_empty()) {
            fields.bad("storage.url_secret", format!("must {why}"));
        }
    }

    /// The secret that signs addresses; fails when it is not configured.
    pub fn secret(&self) -> Result<SecretString> {
        required(&self.url_secret, "GLASSBOX_STORAGE__URL_SECRET")
    }

    /// How long a signed address is good.
    pub fn url_ttl(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.url_seconds))
    }
}
