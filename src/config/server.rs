//! `[server]`: where we listen and how much we take.

use serde::Deserialize;

use crate::kernel::field::Fields;

/// The HTTP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Threads that serve; 0: one for each core.
    pub workers: usize,
    /// How clients reach us, without a slash at the end; empty: as we listen.
    pub public_url: String,
    /// Largest JSON body, in bytes.
    pub body_limit_bytes: usize,
    /// Time for requests in flight to end, in seconds.
    pub shutdown_seconds: u64,
}

impl ServerConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        fields.check(
            self.public_url.is_empty() || self.public_url.starts_with("http"),
            "server.public_url",
            "must be an http or https address",
        );
        fields.check(
            (1024..=64 << 20).contains(&self.body_limit_bytes),
            "server.body_limit_bytes",
            "must be between 1 KiB and 64 MiB",
        );
        fields.check(
            self.shutdown_seconds <= 110,
            "server.shutdown_seconds",
            "must be at most 110: containers are killed 120 seconds after SIGTERM",
        );
    }

    /// How clients reach us: `public_url`, else the address we listen on.
    pub fn base_url(&self, port: u16) -> String {
        if self.public_url.is_empty() {
            let host = if self.host == "0.0.0.0" {
                "127.0.0.1"
            } else {
                &self.host
            };
            format!("http://{host}:{port}")
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        }
    }
}
