//! The node itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Input, Output};
use crate::kernel::{
    ExecutionId, NodeId, OrgId, ProjectId, Result, UserId, field::Fields, patch::Patch,
    text::text_enum,
};

/// Levels of a tree of nodes at most, its root included.
pub const MAX_DEPTH: usize = 100;
/// Characters of a title at most.
const MAX_TITLE: usize = 500;
/// Characters of a description at most.
const MAX_DESCRIPTION: usize = 100_000;
/// Bytes of metadata in JSON at most.
const MAX_METADATA: usize = 64 << 10;

text_enum! {
    /// Who does the work of a node.
    pub enum AuthorType {
        Human = "human",
        Agent = "agent",
    }
}

/// Where a node stands on a canvas, in its units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Position {
    /// From left to right.
    pub x: f64,
    /// From top to bottom.
    pub y: f64,
}

/// A unit of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Where it lies.
    pub project_id: ProjectId,
    /// What it is a part of; a root has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parent_id: Option<NodeId>,
    /// What it is called.
    pub title: String,
    /// What is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// One of its project's workflow states.
    pub status: String,
    /// Who does the work.
    pub author_type: AuthorType,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub author_user_id: Option<UserId>,
    /// The execution that made it, when an agent did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub author_execution_id: Option<ExecutionId>,
    /// Who watches over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supervisor_user_id: Option<UserId>,
    /// Counts changes of content, from 1.
    pub version: i32,
    /// Tags, priority, due date, whatever the client keeps here.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Where it stands on a canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub position: Option<Position>,
    /// Who holds its lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locked_by: Option<UserId>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locked_at: Option<DateTime<Utc>>,
    /// Until when; a lock whose time is over is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lock_expires_at: Option<DateTime<Utc>>,
    /// The run that holds it, in the name of `lockedBy`; nobody else writes meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locked_by_execution: Option<ExecutionId>,
    /// Which lock it is, counted from the node's first; only its holder is told.
    #[serde(skip)]
    pub lock_epoch: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub deleted_at: Option<DateTime<Utc>>,
    /// What it works from, in order; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inputs: Option<Vec<Input>>,
    /// What came of it, in order; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub outputs: Option<Vec<Output>>,
}

/// What makes a node.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeCreate {
    /// 1 to 500 characters, not only blanks.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = "\\S",
        example = "Inspect the north pier"
    )]
    pub title: String,
    /// At most 100,000 characters.
    #[schema(max_length = 100_000)]
    pub description: Option<String>,
    /// A workflow state of the project; its default unless said.
    #[schema(format = "workflow-state")]
    pub status: Option<String>,
    /// Who does the work; `human` unless said.
    pub author_type: Option<AuthorType>,
    /// A node of the same project that this becomes a part of.
    pub parent_id: Option<NodeId>,
    /// A member of the organization.
    pub supervisor_user_id: Option<UserId>,
    /// An object of at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
    /// Where it stands on a canvas.
    pub position: Option<Position>,
}

/// What changes in a node.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeUpdate {
    /// 1 to 500 characters, not only blanks.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 500, pattern = "\\S")]
    pub title: Patch<String>,
    /// At most 100,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100_000)]
    pub description: Patch<String>,
    /// A workflow state of the project.
    #[serde(default)]
    #[schema(value_type = String, required = false, format = "workflow-state")]
    pub status: Patch<String>,
    /// Another node of the same project; `null` makes this a root.
    #[serde(default)]
    #[schema(value_type = Option<NodeId>)]
    pub parent_id: Patch<NodeId>,
    /// A member of the organization.
    #[serde(default)]
    #[schema(value_type = Option<UserId>)]
    pub supervisor_user_id: Patch<UserId>,
    /// An object of at most 64 KiB; replaced as a whole.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Patch<Value>,
    /// Where it stands on a canvas.
    #[serde(default)]
    #[schema(value_type = Option<Position>)]
    pub position: Patch<Position>,
}

impl NodeCreate {
    /// Checks all that can be checked without the database.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        check_title(&mut fields, &self.title);
        if let Some(text) = &self.description {
            fields.length("description", text, 0, MAX_DESCRIPTION);
        }
        if let Some(metadata) = &self.metadata {
            check_metadata(&mut fields, metadata);
        }
        check_position(&mut fields, self.position);
        fields.finish()
    }
}

impl NodeUpdate {
    /// The node with the change applied; version and times stay.
    pub fn apply(self, mut row: Node) -> Result<Node> {
        let mut fields = Fields::default();
        if let Some(value) = fields.required("title", self.title) {
            check_title(&mut fields, &value);
            row.title = value;
        }
        if let Some(text) = self.description.set() {
            fields.length("description", text, 0, MAX_DESCRIPTION);
        }
        if let Some(value) = fields.required("status", self.status) {
            row.status = value;
        }
        match self.metadata {
            Patch::Keep => {}
            Patch::Clear => row.metadata = json!({}),
            Patch::Set(metadata) => {
                check_metadata(&mut fields, &metadata);
                row.metadata = metadata;
            }
        }
        check_position(&mut fields, self.position.set().copied());
        fields.finish()?;
        self.description.apply(&mut row.description);
        self.parent_id.apply(&mut row.parent_id);
        self.supervisor_user_id.apply(&mut row.supervisor_user_id);
        self.position.apply(&mut row.position);
        Ok(row)
    }
}

impl Node {
    /// The node as a version keeps it: a lock is of the moment and not of the content.
    pub fn without_lock(mut self) -> Self {
        (self.locked_by, self.locked_by_execution) = (None, None);
        (self.locked_at, self.lock_expires_at) = (None, None);
        self
    }

    /// The node with the fields that `version` had. Inputs and outputs stay as they are,
    /// as does the position, which is no content and has no versions.
    pub fn with_fields_of(self, version: &Node) -> Self {
        Node {
            parent_id: version.parent_id,
            title: version.title.clone(),
            description: version.description.clone(),
            status: version.status.clone(),
            supervisor_user_id: version.supervisor_user_id,
            metadata: version.metadata.clone(),
            ..self
        }
    }

    /// The node for somebody who sees only its project: what its inputs refer to in
    /// other projects is left as a bare id.
    pub fn seen_from_its_project(mut self) -> Self {
        for input in self.inputs.iter_mut().flatten() {
            input.hide_source_outside(self.project_id);
        }
        self
    }
}

fn check_title(fields: &mut Fields, title: &str) {
    fields.length("title", title, 1, MAX_TITLE);
    fields.not_blank("title", title);
}

/// Checks metadata of a node, an input or an output.
pub(super) fn check_metadata(fields: &mut Fields, metadata: &Value) {
    fields.check(metadata.is_object(), "metadata", "must be an object");
    let size = metadata.to_string().len();
    let message = "must be at most 64 KiB of JSON";
    fields.check(size <= MAX_METADATA, "metadata", message);
}

fn check_position(fields: &mut Fields, position: Option<Position>) {
    let finite = position.is_none_or(|p| p.x.is_finite() && p.y.is_finite());
    fields.check(finite, "position", "must have finite x and y");
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::Code;
    use uuid::Uuid;

    /// A node to change in tests.
    pub fn sample() -> Node {
        Node {
            id: NodeId::from_uuid(Uuid::from_u128(1)),
            org_id: OrgId::from_uuid(Uuid::from_u128(2)),
            project_id: ProjectId::from_uuid(Uuid::from_u128(3)),
            parent_id: None,
            title: "Pier".into(),
            description: Some("Look".into()),
            status: "draft".into(),
            author_type: AuthorType::Human,
            author_user_id: None,
            author_execution_id: None,
            supervisor_user_id: None,
            version: 3,
            metadata: json!({"tags": ["a"]}),
            position: None,
            locked_by: None,
            locked_at: None,
            lock_expires_at: None,
            locked_by_execution: None,
            lock_epoch: 0,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
            inputs: None,
            outputs: None,
        }
    }

    fn update(text: &str) -> Result<Node> {
        let update: NodeUpdate = serde_json::from_str(text).unwrap();
        update.apply(sample())
    }

    #[test]
    fn absent_fields_stay_and_null_clears() {
        assert_eq!(update("{}").unwrap(), sample());
        let node = update(r#"{"description":null,"metadata":null}"#).unwrap();
        assert_eq!(node.description, None);
        assert_eq!(node.metadata, json!({}));
        assert_eq!(node.title, "Pier");
    }

    #[test]
    fn title_and_status_cannot_be_cleared() {
        let error = update(r#"{"title":null,"status":null}"#).unwrap_err();
        assert_eq!(error.code(), Code::ValidationFailed);
        let fields = error.details().unwrap()["fields"].as_array().unwrap();
        assert_eq!(fields.len(), 2);
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let new = NodeCreate {
            title: " ".into(),
            description: Some("x".repeat(MAX_DESCRIPTION + 1)),
            metadata: Some(json!([1])),
            position: Some(Position {
                x: f64::NAN,
                y: 0.0,
            }),
            ..NodeCreate::default()
        };
        let error = new.check().unwrap_err();
        let fields = error.details().unwrap()["fields"].as_array().unwrap();
        let names: Vec<_> = fields.iter().map(|f| f["field"].clone()).collect();
        assert_eq!(names, ["title", "description", "metadata", "position"]);
    }

    #[test]
    fn metadata_is_limited_by_its_size_in_json() {
        let fits = json!({ "t": "x".repeat(MAX_METADATA - 8) });
        assert_eq!(fits.to_string().len(), MAX_METADATA);
        let mut fields = Fields::default();
        check_metadata(&mut fields, &fits);
        assert!(fields.finish().is_ok());
        let mut fields = Fields::default();
        check_metadata(&mut fields, &json!({ "t": "x".repeat(MAX_METADATA - 7) }));
        assert!(fields.finish().is_err());
    }
}
