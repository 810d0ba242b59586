//! What stands around a node, and citations: where a text stands.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    kernel::{NodeId, event::Indexed},
    nodes::model::{AuthorType, NodeBrief},
};

/// What stands around a node, for whoever works on it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// The node in brief.
    pub node: ContextNode,
    /// What it works from.
    pub inputs: Vec<Material>,
    /// What came of it.
    pub outputs: Vec<Material>,
    /// The nodes above, the root first.
    pub parent_chain: Vec<NodeBrief>,
    /// The nodes beside it.
    pub siblings: Vec<NodeBrief>,
    /// Passages elsewhere that are like it, best first.
    pub related: Vec<Related>,
    /// How long all of it is, about, in tokens of a model.
    pub tokens: usize,
    /// Whether something was cut or left out to stay within `maxTokens`.
    pub truncated: bool,
}

/// A node in brief, with what is to be done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextNode {
    /// Its id.
    pub id: NodeId,
    /// What it is called.
    pub title: String,
    /// What is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// Its status.
    pub status: String,
    /// Who does the work.
    pub author_type: AuthorType,
    /// Its version.
    pub version: i32,
}

/// An input or output with what it says.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Material {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text_content: Option<String>,
    /// The name of its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub filename: Option<String>,
    /// The text of its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub extracted_text: Option<String>,
    /// Its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>, nullable = false)]
    pub structured_data: Option<Value>,
    /// Where the text that is here stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub citation: Option<Citation>,
    /// Whether there is more text than is here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub truncated: bool,
}

/// A passage elsewhere.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Related {
    /// What it is of.
    #[serde(rename = "type")]
    pub kind: Indexed,
    /// The id of that.
    pub id: Uuid,
    /// The title of that.
    pub title: String,
    /// How alike it is.
    pub score: f64,
    /// What it says, and where that stands.
    pub citation: Citation,
}

/// Where a text stands, precisely enough to be looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Citation {
    /// The file that says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub file_id: Option<Uuid>,
    /// The node that says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub node_id: Option<Uuid>,
    /// The node's version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub version: Option<i32>,
    /// The page, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub page: Option<u32>,
    /// The first character, from 0.
    pub start: usize,
    /// The character after the last.
    pub end: usize,
    /// The text; absent where it stands beside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub quote: Option<String>,
}

/// A citation that was looked up.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedCitation {
    /// As it stands in the output's metadata.
    #[schema(value_type = Object)]
    pub citation: Value,
    /// Whether its quote stands where it says.
    pub stands: bool,
    /// Why not, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// The citations of an output.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CitationList {
    /// In the order of the output's metadata.
    pub data: Vec<CheckedCitation>,
}

/// How much of a node's surroundings is wanted.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ContextQuery {
    /// How long all of it may be, about, in tokens of a model.
    #[param(minimum = 100, maximum = 200_000, default = 8000, nullable = false)]
    pub max_tokens: Option<u32>,
}
