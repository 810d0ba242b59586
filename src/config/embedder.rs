//! `[embedder]`: what turns texts into vectors for search.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ModelsConfig;
use crate::kernel::field::Fields;

/// The longest vector that the database stores.
const LONGEST: usize = 16_000;
/// Texts in a request that OpenAI takes at most.
const MOST: usize = 2_048;

/// The embedder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderConfig {
    /// The service's name of the model; empty: the built-in one.
    pub model: String,
    /// The address of a service that speaks OpenAI's `/embeddings`.
    pub base_url: String,
    /// Its key; empty: that of `[models]` where the address is the same, else none.
    pub api_key: SecretString,
    /// The length of its vectors.
    pub dimensions: usize,
    /// Whether vectors of that length are asked for.
    pub shorten: bool,
    /// Texts in a request at most.
    pub batch: usize,
    /// How long a question of a person may wait for its vector, in milliseconds.
    pub question_ms: u64,
}

impl EmbedderConfig {
    /// Whether a service is asked.
    pub fn is_service(&self) -> bool {
        !self.model.is_empty()
    }

    /// The key that the service is sent. The key of another address is never sent.
    pub fn key(&self, models: &ModelsConfig) -> Option<SecretString> {
        let same =
            self.base_url.trim_end_matches('/') == models.openai_base_url.trim_end_matches('/');
        let keys = [Some(&self.api_key), same.then_some(&models.openai_api_key)];
        let key = keys
            .into_iter()
            .flatten()
            .find(|key| !key.expose_secret().is_empty());
        key.cloned()
    }

    pub(super) fn validate(&self, fields: &mut Fields) {
        let rules = [
            (
                self.model.trim() == self.model,
                "embedder.model",
                "must have no white space around it",
            ),
            (
                (1..=LONGEST).contains(&self.dimensions),
                "embedder.dimensions",
                "must be 1 to 16000",
            ),
            (
                (1..=MOST).contains(&self.batch),
                "embedder.batch",
                "must be 1 to 2048",
            ),
            (
                self.question_ms > 0,
                "embedder.question_ms",
                "must not be zero",
            ),
        ];
        for (holds, field, why) in rules {
            fields.check(holds, field, why);
        }
    }
}
