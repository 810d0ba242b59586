//! `[telemetry]`: what is told to an OpenTelemetry collector, and to a Prometheus.

use std::net::SocketAddr;

use serde::Deserialize;
use url::Url;

use crate::kernel::field::Fields;

/// Spans and metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Where a collector takes OTLP over HTTP; empty: nothing is told.
    pub otlp_endpoint: String,
    /// Where metrics are told to whoever asks; empty: nowhere.
    pub metrics_listen: String,
}

impl TelemetryConfig {
    /// Where to listen for those who ask for metrics, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listen.parse().ok()
    }

    pub(super) fn validate(&self, fields: &mut Fields) {
        let url = Url::parse(&self.otlp_endpoint);
        let is_http = url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        fields.check(
            self.otlp_endpoint.is_empty() || is_http,
            "telemetry.otlp_endpoint",
            "must be an address that begins with http:// or https://",
        );
        fields.check(
            self.metrics_listen.is_empty() || self.metrics_address().is_some(),
            "telemetry.metrics_listen",
            "must be an IP address and a port, such as 127.0.0.1:9464 or [::]:9464",
        );
    }
}
