//! What hangs on a node: its inputs and its outputs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attach::PLACEHOLDER;
use crate::kernel::{ExecutionId, FileId, InputId, NodeId, OutputId, ProjectId, text::text_enum};

/// Bytes of a text, or of structured data in JSON, that an event carries at most.
const MAX_IN_EVENT: usize = 8 << 10;

text_enum! {
    /// What an input is.
    pub enum InputType {
        File = "file",
        NodeReference = "node_reference",
        ExternalLink = "external_link",
        Text = "text",
    }
}

text_enum! {
    /// What an output is.
    pub enum OutputType {
        File = "file",
        StructuredData = "structured_data",
        Text = "text",
        ExternalLink = "external_link",
    }
}

/// A file that something points at, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileBrief {
    /// Its id.
    pub id: FileId,
    /// What it is called.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Its size, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size_bytes: Option<i64>,
    /// `pending`, `processing`, `complete` or `failed`.
    pub processing_status: String,
}

/// A node that an input refers to, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeBrief {
    /// Its id.
    pub id: NodeId,
    /// Where it lies; not always in the project of the input.
    pub project_id: ProjectId,
    /// What it is called.
    pub title: String,
    /// The state it is in.
    pub status: String,
    /// Its present version.
    pub version: i32,
    /// What it was at the version that the input is pinned to, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pinned: Option<PinnedVersion>,
}

/// A node at the version that an input is pinned to, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PinnedVersion {
    /// That version.
    pub version: i32,
    /// What the node was called.
    pub title: String,
    /// The state it was in.
    pub status: String,
}

/// Something a node works from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Its id.
    pub id: InputId,
    /// The node that works from it.
    pub node_id: NodeId,
    /// What it is; the fields of the other types are left out.
    pub input_type: InputType,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file_id: Option<FileId>,
    /// The file in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file: Option<FileBrief>,
    /// The node whose outputs this takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_node_id: Option<NodeId>,
    /// The version of it that this takes; the present one unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_node_version: Option<i32>,
    /// That node in short; left out when it was deleted or is not yours to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_node: Option<NodeBrief>,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub external_url: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text_content: Option<String>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Whatever the client keeps here.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Its place among the inputs.
    pub sort_order: i32,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// Something that came of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Its id.
    pub id: OutputId,
    /// The node that it came of.
    pub node_id: NodeId,
    /// What it is; the fields of the other types are left out.
    pub output_type: OutputType,
    /// The file; a text that an agent wrote may be kept as one too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file_id: Option<FileId>,
    /// The file in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file: Option<FileBrief>,
    /// The data: any JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub structured_data: Option<Value>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text_content: Option<String>,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub external_url: Option<String>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Whatever the client keeps here.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Its place among the outputs.
    pub sort_order: i32,
    /// The execution that added it, when an agent did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub execution_id: Option<ExecutionId>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl Input {
    /// Leaves only the bare id of a source that lies in another project.
    pub(super) fn hide_source_outside(&mut self, project: ProjectId) {
        self.source_node = self
            .source_node
            .take()
            .filter(|source| source.project_id == project);
    }

    /// Whether it only keeps a place: an empty text that says so.
    pub fn is_placeholder(&self) -> bool {
        is_placeholder(self.text_content.as_deref(), &self.metadata)
    }

    /// What the audit log keeps of it.
    pub fn brief(&self) -> Value {
        json!({
            "id": self.id,
            "inputType": self.input_type,
            "label": self.label,
            "fileId": self.file_id,
            "sourceNodeId": self.source_node_id,
            "sourceNodeVersion": self.source_node_version,
            "externalUrl": self.external_url,
        })
    }

    /// The input as an event carries it: a long text is left out, with
    /// `contentOmitted` in its place, because everybody who watches gets every event.
    pub fn for_event(&self) -> Value {
        let mut value = json!(self);
        omit_long(&mut value, "textContent", self.text_content.as_deref());
        value
    }
}

impl Output {
    /// Whether it only keeps a place; see [`Input::is_placeholder`].
    pub fn is_placeholder(&self) -> bool {
        is_placeholder(self.text_content.as_deref(), &self.metadata)
    }

    /// What the audit log keeps of it.
    pub fn brief(&self) -> Value {
        json!({
            "id": self.id,
            "outputType": self.output_type,
            "label": self.label,
            "fileId": self.file_id,
            "externalUrl": self.external_url,
        })
    }

    /// The output as an event carries it; see [`Input::for_event`].
    pub fn for_event(&self) -> Value {
        let mut value = json!(self);
        omit_long(&mut value, "textContent", self.text_content.as_deref());
        let data = self.structured_data.as_ref().map(Value::to_string);
        omit_long(&mut value, "structuredData", data.as_deref());
        value
    }
}

fn is_placeholder(text: Option<&str>, metadata: &Value) -> bool {
    text == Some("") && metadata.get(PLACEHOLDER) == Some(&Value::Bool(true))
}

fn omit_long(value: &mut Value, field: &str, text: Option<&str>) {
    if let (Some(map), Some(text)) = (value.as_object_mut(), text)
        && text.len() > MAX_IN_EVENT
    {
        map.remove(field);
        map.insert("contentOmitted".into(), Value::Bool(true));
    }
}
