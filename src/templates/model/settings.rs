//! How an agent is run on a node made from a template.
//!
//! A node carries a copy of it in its metadata, under [`AGENT_CONFIG`]: so a template can
//! change or go and what was made from it stays, and the copy can be seen and edited like
//! any metadata. An execution of the node reads it there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::{Code, Error, Result, field::Fields, objects};

/// The key of a node's metadata that holds its agent's settings.
pub const AGENT_CONFIG: &str = "agentConfig";

/// Characters of a model's name at most; as for an execution.
const MAX_MODEL: usize = 200;
/// Tokens of an answer at most; as for an execution.
const MAX_TOKENS: u32 = 1_000_000;
/// Characters of a system prompt at most. An execution takes more; here it must fit into
/// a node's metadata.
const MAX_PROMPT: usize = 32_000;
/// Tools at most.
const MAX_TOOLS: usize = 100;
/// Characters of a tool's name at most.
const MAX_TOOL: usize = 100;
/// Bytes of all in JSON at most: a node's metadata holds 64 KiB, this and more.
const MAX_SIZE: usize = 48 << 10;

/// The shape of a tool's name, for the OpenAPI document.
#[derive(utoipa::ToSchema)]
#[schema(min_length = 1, max_length = 100)]
#[expect(dead_code, reason = "its shape is read by the derive")]
pub struct ToolName(String);

/// How an agent is run on a node made from a template; what is not said comes from the
/// server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentSettings {
    /// The model, `provider/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub model: Option<String>,
    /// Tokens of one answer of the model at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max_tokens: Option<u32>,
    /// How freely the model writes, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    /// Replaces the first lines of what the model is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 32_000)]
    pub system_prompt: Option<String>,
    /// The tools it may use; all when not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<ToolName>>, max_items = 100)]
    pub tools: Option<Vec<String>>,
    /// Rules on its tools, as `settings.agentPolicies` of an organization has them; they
    /// can only tighten those.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>, max_items = 100)]
    pub policies: Option<Vec<Map<String, Value>>>,
}

impl AgentSettings {
    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == AgentSettings::default()
    }

    /// The settings that a node's metadata carry, if they carry any.
    ///
    /// # Errors
    /// [`Code::Unprocessable`] when they can't be read: metadata are the client's to
    /// write, and to run the agent otherwise than they say would be worse than not to.
    pub fn of_metadata(metadata: &Value) -> Result<Option<Self>> {
        let Some(value) = metadata.get(AGENT_CONFIG) else {
            return Ok(None);
        };
        if value.is_null() {
            return Ok(None);
        }
        objects::read(value.clone()).map(Some).map_err(|error| {
            Error::new(
                Code::Unprocessable,
                format!("The node's metadata.{AGENT_CONFIG} can't be used: {error}."),
            )
        })
    }

    /// Notes what is wrong, under `agentConfig`. Which tools and models there are is only
    /// known where they are run.
    pub(super) fn check(&self, fields: &mut Fields) {
        if let Some(model) = &self.model {
            fields.length("agentConfig.model", model, 1, MAX_MODEL);
        }
        let tokens = self
            .max_tokens
            .is_none_or(|n| (1..=MAX_TOKENS).contains(&n));
        fields.check(tokens, "agentConfig.maxTokens", "must be 1 to 1,000,000");
        let warm = self.temperature.is_none_or(|t| (0.0..=2.0).contains(&t));
        fields.check(warm, "agentConfig.temperature", "must be 0 to 2");
        if let Some(prompt) = &self.system_prompt {
            fields.length("agentConfig.systemPrompt", prompt, 1, MAX_PROMPT);
        }
        if let Some(tools) = &self.tools {
            let few = tools.len() <= MAX_TOOLS;
            fields.check(few, "agentConfig.tools", "must have at most 100 entries");
            let named = |tool: &String| (1..=MAX_TOOL).contains(&tool.chars().count());
            let message = "must be names of 1 to 100 characters";
            fields.check(tools.iter().all(named), "agentConfig.tools", message);
        }
        let policies = self.policies.as_ref().map_or(0, Vec::len);
        let message = "must have at most 100 entries";
        fields.check(policies <= MAX_TOOLS, "agentConfig.policies", message);
        let size = serde_json::to_string(self).map_or(0, |text| text.len());
        let message = "must be at most 48 KiB of JSON";
        fields.check(size <= MAX_SIZE, "agentConfig", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_read_from_metadata_where_there_are_any() {
        let metadata = json!({ "tags": [], "agentConfig": { "temperature": 0.5 } });
        let settings = AgentSettings::of_metadata(&metadata).unwrap().unwrap();
        assert_eq!(settings.temperature, Some(0.5));
        for none in [json!({}), json!({ "agentConfig": null }), json!(3)] {
            assert_eq!(AgentSettings::of_metadata(&none).unwrap(), None);
        }
    }

    #[test]
    fn settings_that_cannot_be_read_are_not_passed_over() {
        let metadata = json!({ "agentConfig": { "maxTokens": "many" } });
        let error = AgentSettings::of_metadata(&metadata).unwrap_err();
        assert_eq!(error.code(), Code::Unprocessable);
    }

    #[test]
    fn every_setting_has_its_bounds() {
        let settings = AgentSettings {
            model: Some(String::new()),
            max_tokens: Some(0),
            temperature: Some(2.5),
            system_prompt: Some("x".repeat(MAX_PROMPT + 1)),
            tools: Some(vec![String::new()]),
            policies: None,
        };
        let mut fields = Fields::default();
        settings.check(&mut fields);
        let error = fields.finish().unwrap_err();
        assert_eq!(
            error.details().unwrap()["fields"].as_array().unwrap().len(),
            5
        );
    }
}
