//! `[reranker]`: a model that puts the best passages of a search into order once more.

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::kernel::field::Fields;

/// The reranker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankerConfig {
    /// The whole address that questions are posted to; empty: there is none.
    pub url: String,
    /// Its key; empty: none is sent.
    pub api_key: SecretString,
    /// The service's name of the model; empty: none is named.
    pub model: String,
    /// Passages that it is given at most.
    pub passages: usize,
    /// How long a search waits for it, in milliseconds.
    pub wait_ms: u64,
}

impl RerankerConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let is_http =
            Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        fields.check(
            self.url.is_empty() || is_http,
            "reranker.url",
            "must be an address that begins with http:// or https://",
        );
        fields.check(
            (1..=500).contains(&self.passages),
            "reranker.passages",
            "must be 1 to 500",
        );
        fields.check(self.wait_ms > 0, "reranker.wait_ms", "must not be zero");
    }
}
