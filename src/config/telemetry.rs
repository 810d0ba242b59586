//! `[telemetry]`: what is told to an OpenTelemetry collector.

use serde::Deserialize;
use url::Url;

use crate::kernel::field::Fields;

/// Spans.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Where a collector takes OTLP over HTTP; empty: nothing is told.
    pub otlp_endpoint: String,
}

impl TelemetryConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let url = Url::parse(&self.otlp_endpoint);
        let is_http = url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        fields.check(
            self.otlp_endpoint.is_empty() || is_http,
            "telemetry.otlp_endpoint",
            "must be an address that begins with http:// or https://",
        );
    }
}
