//! `[models]`: which language models there are.

use secrecy::SecretString;
use serde::Deserialize;

use crate::kernel::field::Fields;

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
    /// How long it may stay silent in an answer, in seconds.
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
