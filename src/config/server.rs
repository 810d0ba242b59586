//! `[server]`: where we listen and how much we take.

use serde::Deserialize;

use super::oidc::words;
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
    /// Longest time of one request, its body included, in seconds.
    pub request_seconds: u64,
    /// Proxies of ours that a request comes through.
    pub trusted_proxies: usize,
    /// Origins whose pages may call us from a browser; `*` alone: any.
    #[serde(deserialize_with = "words")]
    pub cors_origins: Vec<String>,
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
            (1..=3600).contains(&self.request_seconds),
            "server.request_seconds",
            "must be between 1 and 3600",
        );
        fields.check(
            self.trusted_proxies <= 16,
            "server.trusted_proxies",
            "must be at most 16",
        );
        fields.check(
            self.allows_any_origin() || self.cors_origins.iter().all(|text| is_origin(text)),
            "server.cors_origins",
            "must be origins as browsers write them, such as https://app.example.com, or * alone",
        );
        fields.check(
            self.shutdown_seconds <= 110,
            "server.shutdown_seconds",
            "must be at most 110: containers are killed 120 seconds after SIGTERM",
        );
    }

    /// Refuses addresses whose traffic anybody on the way could read and write: tokens and
    /// pages pass there.
    pub(super) fn check_production(&self, fields: &mut Fields) {
        let is_plain = |address: &str| address.starts_with("http://");
        fields.check(
            !is_plain(&self.public_url),
            "server.public_url",
            "must begin with https:// in production",
        );
        fields.check(
            !self.cors_origins.iter().any(|origin| is_plain(origin)),
            "server.cors_origins",
            "must begin with https:// in production",
        );
    }

    /// Whether pages of any origin may call us.
    pub fn allows_any_origin(&self) -> bool {
        self.cors_origins == ["*"]
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

/// Whether `text` is an origin just as browsers send it: no path, no default port, small
/// letters. Any other would never match, and nobody would know why.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        url.scheme().starts_with("http") && url.origin().ascii_serialization() == text
    })
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        assert!(is_origin("https://app.example.com") && is_origin("http://localhost:3000"));
        for odd in [
            "*",
            "app.example.com",
            "https://app.example.com/",
            "https://App.example.com",
            "https://app.example.com:443",
            "ftp://a",
        ] {
            assert!(!is_origin(odd), "{odd}");
        }
    }
}
