//! `[auth]`: the keys of our tokens.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::database::required;
use crate::kernel::{Result, field::Fields};

/// Tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// Whether `POST /auth/dev-token` exists.
    pub dev_tokens: bool,
    /// The Ed25519 seed, 64 hexadecimal digits.
    pub signing_key: SecretString,
    /// The number of that key.
    pub signing_key_id: u32,
    /// The life of a development token, in hours.
    pub token_hours: i64,
}

impl AuthConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let key = self.signing_key.expose_secret();
        fields.check(
            key.is_empty() || (key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit())),
            "auth.signing_key",
            "must have 64 hexadecimal digits",
        );
        fields.check(
            (1..=24 * 365).contains(&self.token_hours),
            "auth.token_hours",
            "must be between an hour and a year",
        );
    }

    /// The signing key; fails when it is not configured.
    pub fn key(&self) -> Result<SecretString> {
        required(&self.signing_key, "GLASSBOX_AUTH__SIGNING_KEY")
    }
}
