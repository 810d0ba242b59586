//! `[models]`: which language models there are.

use secrecy::SecretString;
use serde::Deserialize;

use super::oidc::words;
use crate::kernel::field::Fields;

/// The least that a model must be able to read: our own lines, a task and an answer.
const MIN_WINDOW: u64 = 4_096;

/// Language models.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsConfig {
    /// The model of an execution that names none.
    pub default: String,
    /// The key of the OpenAI-compatible service; empty: that service is not offered.
    pub openai_api_key: SecretString,
    /// Its address.
    pub openai_base_url: String,
    /// What `glassbox dev` runs on when the key is there; a bare name is one of this
    /// service's.
    pub openai_model: String,
    /// The key of Anthropic's service; empty: that service is not offered.
    pub anthropic_api_key: SecretString,
    /// Its address, without `/v1`.
    pub anthropic_base_url: String,
    /// Where Ollama is, in OpenAI's dialect; empty: it is not offered.
    pub ollama_base_url: String,
    /// Names, addresses and networks outside the public network that organizations may
    /// have their models at.
    #[serde(deserialize_with = "words")]
    pub allowed_hosts: Vec<String>,
    /// A file of prices and windows that go before the built-in ones; empty: none.
    pub prices_file: String,
    /// The tokens that a model can read when the table does not say.
    pub default_window: u64,
    /// How long a model may stay silent in an answer, in seconds.
    pub idle_seconds: u64,
    /// How long an answer may take, in seconds.
    pub total_seconds: u64,
}

impl ModelsConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        fields.check(
            self.default.contains('/'),
            "models.default",
            "must be provider/model, such as openai/gpt-4o",
        );
        fields.check(
            !self.openai_model.trim().is_empty(),
            "models.openai_model",
            "must not be empty",
        );
        fields.check(
            self.default_window >= MIN_WINDOW,
            "models.default_window",
            "must be at least 4096, or no conversation fits",
        );
        fields.check(
            self.idle_seconds > 0,
            "models.idle_seconds",
            "must not be zero",
        );
        fields.check(
            self.total_seconds > 0,
            "models.total_seconds",
            "must not be zero",
        );
    }
}
