//! `[bus]`: what processes share beside the database.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::kernel::field::Fields;

/// News between processes, and shared rate limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusConfig {
    /// The address of a Redis or Valkey; empty: within this process.
    pub redis_url: SecretString,
    /// Connections for commands, at most; one more listens.
    pub redis_connections: usize,
    /// What stands before all keys and channels there.
    pub prefix: String,
}

impl BusConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let url = self.redis_url.expose_secret();
        fields.check(
            url.is_empty()
                || ["redis://", "rediss://", "unix://"]
                    .iter()
                    .any(|scheme| url.starts_with(scheme)),
            "bus.redis_url",
            "must begin with redis://, rediss:// or unix://",
        );
        fields.check(
            (1..=1000).contains(&self.redis_connections),
            "bus.redis_connections",
            "must be between 1 and 1,000",
        );
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        fields.check(
            (1..=64).contains(&self.prefix.len()) && self.prefix.chars().all(plain),
            "bus.prefix",
            "must be 1 to 64 letters, digits, dashes, dots or underscores",
        );
    }

    /// Whether several processes share the bus.
    pub fn is_shared(&self) -> bool {
        !self.redis_url.expose_secret().is_empty()
    }
}
