//! The template itself.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::settings::AgentSettings;
use crate::{
    kernel::{
        NodeId, OrgId, ProjectId, Result, TemplateId, UserId,
        field::{Fields, is_blank, name},
        patch::Patch,
    },
    nodes::model::{AuthorType, InputType, OutputType},
    projects::model::StateName,
};

/// Characters of a description at most; it becomes that of a node.
const MAX_DESCRIPTION: usize = 100_000;
/// Inputs, outputs or sub-nodes of a template at most.
const MAX_PARTS: usize = 100;
/// Characters of a slot's label at most; it becomes that of an input or output.
const MAX_LABEL: usize = 200;
/// Characters of a slot's description at most.
const MAX_SLOT_DESCRIPTION: usize = 2000;
/// Characters of a sub-node's title at most; it becomes that of a node.
const MAX_TITLE: usize = 500;
/// Suggested states at most, as many as a project may have.
const MAX_STATES: usize = 50;
/// Characters of a suggested state at most, as of a project's.
const MAX_STATE: usize = 100;

/// A template.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Whose it is; the system's own have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub org_id: Option<OrgId>,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
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
    #[schema(nullable = false)]
    pub created_by: Option<UserId>,
}

/// What a node made from a template has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Structure {
    /// What it works from.
    #[schema(max_items = 100)]
    pub inputs: Vec<InputSlot>,
    /// What is to come of it.
    #[schema(max_items = 100)]
    pub outputs: Vec<OutputSlot>,
    /// The parts the work falls into.
    #[schema(max_items = 100)]
    pub sub_nodes: Vec<SubNode>,
    /// States that suit such work; only a suggestion, a project's states are its own.
    #[schema(value_type = HashSet<StateName>, max_items = 50)]
    pub suggested_workflow_states: Vec<String>,
}

/// A place for an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputSlot {
    /// What it is called; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    pub label: String,
    /// What belongs here.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Whether the work can't begin without it.
    #[serde(default)]
    pub required: bool,
    /// What belongs here, in words; at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub description: Option<String>,
}

/// A place for an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputSlot {
    /// What it is called; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    pub label: String,
    /// What belongs here.
    #[serde(rename = "type")]
    pub kind: OutputType,
    /// What belongs here, in words; at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub description: Option<String>,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubNode {
    /// Its title; 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    pub title: String,
    /// Who does its work.
    pub author_type: AuthorType,
    /// A template for it in turn: one of the same organization, a public one or one of
    /// the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<TemplateId>,
}

/// What makes a template.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateCreate {
    /// Whose it will be.
    #[schema(value_type = OrgId, required = true)]
    pub org_id: Option<OrgId>,
    /// 1 to 200 characters.
    #[serde(default)]
    #[schema(
        required = true,
        min_length = 1,
        max_length = 200,
        pattern = "\\S",
        example = "Weekly report"
    )]
    pub name: String,
    /// At most 100,000 characters.
    #[schema(max_length = 100_000)]
    pub description: Option<String>,
    /// What a node made from it has.
    pub structure: Option<Structure>,
    /// How an agent is run on it.
    pub agent_config: Option<AgentSettings>,
    /// Whether other organizations see it and may use it; not unless said.
    pub is_public: Option<bool>,
}

/// What changes in a template. What was made from it before stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateUpdate {
    /// 1 to 200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = "\\S")]
    pub name: Patch<String>,
    /// At most 100,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100_000)]
    pub description: Patch<String>,
    /// What a node made from it has; replaced as a whole.
    #[serde(default)]
    #[schema(value_type = Option<Structure>)]
    pub structure: Patch<Structure>,
    /// How an agent is run on it; replaced as a whole.
    #[serde(default)]
    #[schema(value_type = Option<AgentSettings>)]
    pub agent_config: Patch<AgentSettings>,
    /// Whether other organizations see it and may use it.
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    pub is_public: Patch<bool>,
}

/// Where a template is applied.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateApply {
    /// The project that the nodes come into.
    #[schema(value_type = ProjectId, required = true)]
    pub project_id: Option<ProjectId>,
    /// A node of that project that they come under; none makes a root.
    pub parent_id: Option<NodeId>,
    /// The title of the topmost node, 1 to 500 characters; the template's name unless said.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    pub title: Option<String>,
}

impl Template {
    /// Whether anybody with a token may read it: it is public or the system's.
    pub fn is_shared(&self) -> bool {
        self.is_public || self.org_id.is_none()
    }

    /// The templates of its sub-nodes.
    pub fn references(&self) -> BTreeSet<TemplateId> {
        let subs = self.structure.sub_nodes.iter();
        subs.filter_map(|sub| sub.template_id).collect()
    }

    /// Checks every field.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        self.note(&mut fields);
        fields.finish()
    }

    fn note(&self, fields: &mut Fields) {
        name(fields, "name", &self.name);
        if let Some(text) = &self.description {
            fields.length("description", text, 0, MAX_DESCRIPTION);
        }
        self.structure.note(fields);
        self.agent_config.check(fields);
    }
}

impl TemplateUpdate {
    /// The template with the change applied and checked.
    pub fn apply(self, mut row: Template) -> Result<Template> {
        let mut fields = Fields::default();
        if let Some(value) = fields.required("name", self.name) {
            row.name = value;
        }
        self.description.apply(&mut row.description);
        set_or_default(self.structure, &mut row.structure);
        set_or_default(self.agent_config, &mut row.agent_config);
        if let Some(value) = fields.required("isPublic", self.is_public) {
            row.is_public = value;
        }
        row.note(&mut fields);
        fields.finish()?;
        Ok(row)
    }
}

fn set_or_default<T: Default>(patch: Patch<T>, field: &mut T) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => *field = T::default(),
        Patch::Set(value) => *field = value,
    }
}

impl Structure {
    fn note(&self, fields: &mut Fields) {
        for (field, count) in [
            ("structure.inputs", self.inputs.len()),
            ("structure.outputs", self.outputs.len()),
            ("structure.subNodes", self.sub_nodes.len()),
        ] {
            fields.check(count <= MAX_PARTS, field, "must have at most 100 entries");
        }
        for (n, slot) in self.inputs.iter().enumerate() {
            let field = format!("structure.inputs[{n}]");
            note_slot(fields, &field, &slot.label, slot.description.as_deref());
        }
        for (n, slot) in self.outputs.iter().enumerate() {
            let field = format!("structure.outputs[{n}]");
            note_slot(fields, &field, &slot.label, slot.description.as_deref());
        }
        for (n, sub) in self.sub_nodes.iter().enumerate() {
            let field = format!("structure.subNodes[{n}].title");
            note_words(fields, &field, &sub.title, MAX_TITLE);
        }
        self.note_states(fields);
    }

    fn note_states(&self, fields: &mut Fields) {
        const FIELD: &str = "structure.suggestedWorkflowStates";
        let states = &self.suggested_workflow_states;
        let few = states.len() <= MAX_STATES;
        fields.check(few, FIELD, "must have at most 50 entries");
        let fits = |s: &String| !is_blank(s) && s.chars().count() <= MAX_STATE;
        let message = "must be states of 1 to 100 characters, not only blanks";
        fields.check(states.iter().all(fits), FIELD, message);
        let different: HashSet<&String> = states.iter().collect();
        let once = different.len() == states.len();
        fields.check(once, FIELD, "must not name a state twice");
    }
}

fn note_slot(fields: &mut Fields, field: &str, label: &str, description: Option<&str>) {
    note_words(fields, &format!("{field}.label"), label, MAX_LABEL);
    if let Some(text) = description {
        let field = format!("{field}.description");
        fields.length(&field, text, 0, MAX_SLOT_DESCRIPTION);
    }
}

fn note_words(fields: &mut Fields, field: &str, text: &str, max: usize) {
    fields.length(field, text, 1, max);
    fields.not_blank(field, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sample(structure: Value) -> Template {
        Template {
            id: TemplateId::from_uuid(uuid::Uuid::from_u128(1)),
            org_id: None,
            name: "Report".into(),
            description: Some("What for".into()),
            structure: serde_json::from_value(structure).unwrap(),
            agent_config: AgentSettings::default(),
            is_public: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            created_by: None,
        }
    }

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
    fn every_bad_field_is_named_by_its_path() {
        let structure = json!({
            "inputs": [{"label": " ", "type": "text"}],
            "outputs": [{"label": "ok", "type": "text", "description": "x".repeat(2001)}],
            "subNodes": [{"title": "", "authorType": "agent"}],
            "suggestedWorkflowStates": ["a", "a"],
        });
        let template = Template {
            name: String::new(),
            ..sample(structure)
        };
        let error = template.check().unwrap_err();
        let fields = error.details().unwrap()["fields"].as_array().unwrap();
        let names: Vec<_> = fields
            .iter()
            .map(|f| f["field"].as_str().unwrap())
            .collect();
        let expected = [
            "name",
            "structure.inputs[0].label",
            "structure.outputs[0].description",
            "structure.subNodes[0].title",
            "structure.suggestedWorkflowStates",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_patch_keeps_clears_and_sets() {
        let update = |text| -> Result<Template> {
            let update: TemplateUpdate = serde_json::from_str(text).unwrap();
            update.apply(sample(
                json!({ "outputs": [{"label": "A", "type": "text"}] }),
            ))
        };
        let before = update("{}").unwrap();
        assert_eq!(before.structure.outputs.len(), 1);
        let after = update(r#"{"description":null,"structure":null,"isPublic":true}"#).unwrap();
        assert_eq!(
            (after.description, after.structure),
            (None, Structure::default())
        );
        assert!(after.is_public);
        assert!(update(r#"{"name":null}"#).is_err());
        assert!(update(r#"{"isPublic":null}"#).is_err());
    }
}
