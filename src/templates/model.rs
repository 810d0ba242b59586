//! Templates as the program and its clients know them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::kernel::{
    OrgId, Result, TemplateId, UserId,
    field::{Fields, name},
};

/// Characters of a description at most.
const MAX_DESCRIPTION: usize = 100_000;
/// Inputs, outputs or sub-nodes of a template at most.
const MAX_PARTS: usize = 100;

/// A template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Whose it is; the system's own have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What a node made from it has.
    pub structure: Structure,
    /// How an agent is run on it.
    pub agent_config: AgentSettings,
    /// Whether other organizations see it.
    pub is_public: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
}

/// What a node made from a template has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Structure {
    /// What it works from.
    pub inputs: Vec<InputSlot>,
    /// What is to come of it.
    pub outputs: Vec<OutputSlot>,
    /// The parts the work falls into.
    pub sub_nodes: Vec<SubNode>,
    /// States that suit such work.
    pub suggested_workflow_states: Vec<String>,
}

/// A place for an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputSlot {
    /// What it is called.
    pub label: String,
    /// `file`, `node_reference`, `external_link` or `text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the work can't begin without it.
    #[serde(default)]
    pub required: bool,
    /// What belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A place for an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputSlot {
    /// What it is called.
    pub label: String,
    /// `file`, `structured_data`, `text` or `external_link`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubNode {
    /// Its title.
    pub title: String,
    /// `human` or `agent`.
    pub author_type: String,
    /// A template for it in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<TemplateId>,
}

/// How an agent is run on a node made from a template; what is not said comes from the
/// organization and the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentSettings {
    /// The model, as provider/model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens of one answer of the model at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How freely the model writes, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Replaces the first lines of what the model is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// The tools it may use; all when not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
}

/// What makes a template.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateCreate {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 100,000 characters.
    pub description: Option<String>,
    /// What a node made from it has.
    #[serde(default)]
    pub structure: Structure,
    /// How an agent is run on it.
    #[serde(default)]
    pub agent_config: AgentSettings,
    /// Whether other organizations see it.
    #[serde(default)]
    pub is_public: bool,
}

impl TemplateCreate {
    /// Checks every field.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        name(&mut fields, "name", &self.name);
        if let Some(text) = &self.description {
            fields.length("description", text, 0, MAX_DESCRIPTION);
        }
        for (field, count) in [
            ("structure.inputs", self.structure.inputs.len()),
            ("structure.outputs", self.structure.outputs.len()),
            ("structure.subNodes", self.structure.sub_nodes.len()),
        ] {
            fields.check(count <= MAX_PARTS, field, "must have at most 100 entries");
        }
        fields.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_template_holds_reads_as_the_contract_writes_it() {
        let structure = json!({
            "inputs": [{"label": "Report", "type": "file", "required": true, "description": "A PDF."}],
            "outputs": [{"label": "Brief", "type": "text"}],
            "subNodes": [{"title": "Timeline", "authorType": "human"}],
            "suggestedWorkflowStates": ["draft", "complete"],
        });
        let read: Structure = serde_json::from_value(structure.clone()).unwrap();
        assert_eq!(json!(read), structure);
    }

    #[test]
    fn every_bad_field_is_named() {
        let slot = SubNode {
            title: "Part".into(),
            author_type: "human".into(),
            template_id: None,
        };
        let structure = Structure {
            sub_nodes: vec![slot; MAX_PARTS + 1],
            ..Structure::default()
        };
        let new = TemplateCreate {
            structure,
            ..TemplateCreate::default()
        };
        let message = new.check().unwrap_err().message().to_owned();
        assert!(message.contains("name must not be empty"), "{message}");
        assert!(message.contains("structure.subNodes"), "{message}");
    }
}
