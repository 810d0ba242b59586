//! `[auth]`: the keys of our tokens.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{database::required, weak};
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
    /// The public keys before it, as `number:key` with commas between.
    pub earlier_keys: String,
    /// The life of a development token, in hours.
    pub token_hours: i64,
}

impl AuthConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let key = self.signing_key.expose_secret();
        fields.check(
            key.is_empty() || is_key(key),
            "auth.signing_key",
            "must have 64 hexadecimal digits",
        );
        fields.check(
            self.earlier_keys().is_some(),
            "auth.earlier_keys",
            "must be public keys of the form number:key, with commas between",
        );
        fields.check(
            (1..=24 * 365).contains(&self.token_hours),
            "auth.token_hours",
            "must be between an hour and a year",
        );
    }

    /// Refuses development tokens and keys that anybody could guess.
    pub(super) fn check_production(&self, fields: &mut Fields) {
        fields.check(
            !self.dev_tokens,
            "auth.dev_tokens",
            "must be off in production",
        );
        let key = self.signing_key.expose_secret();
        if let Some(why) = weak::seed(key).filter(|_| !key.is_empty()) {
            fields.bad("auth.signing_key", format!("must {why}"));
        }
    }

    /// The signing key; fails when it is not configured.
    pub fn key(&self) -> Result<SecretString> {
        required(&self.signing_key, "GLASSBOX_AUTH__SIGNING_KEY")
    }

    /// The public keys before it, under their numbers; `None` when they can't be read.
    pub fn earlier_keys(&self) -> Option<Vec<(u32, String)>> {
        self.earlier_keys
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let (number, key) = entry.split_once(':')?;
                is_key(key).then_some((number.parse().ok()?, key.to_owned()))
            })
            .collect()
    }
}

/// Whether it is 32 bytes in hexadecimal.
fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
