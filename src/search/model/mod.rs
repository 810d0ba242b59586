//! What search is asked and answers, and how texts become chunks.

pub mod chunk;
mod context;
pub mod rank;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    kernel::{
        OrgId, ProjectId, Result, Timestamp, UserId, event::Indexed, field::Fields, text::text_enum,
    },
    nodes::model::AuthorType,
};

pub use context::{
    CheckedCitation, Citation, CitationList, Context, ContextNode, ContextQuery, Material, Related,
};

text_enum! {
    /// By what things are found.
    pub enum Mode {
        Hybrid = "hybrid",
        Text = "text",
        Semantic = "semantic",
    }
}

text_enum! {
    /// What kinds of things are looked for; the plural means the same.
    pub enum Kind {
        Node = "node",
        File = "file",
        Nodes = "nodes",
        Files = "files",
    }
}

impl Kind {
    const fn indexed(self) -> Indexed {
        match self {
            Kind::Node | Kind::Nodes => Indexed::Node,
            Kind::File | Kind::Files => Indexed::File,
        }
    }
}

text_enum! {
    /// In which order.
    pub enum Sort {
        Relevance = "relevance",
        Updated = "updated",
    }
}

/// Characters of a question at most.
const LONGEST_QUERY: usize = 1_000;
/// Things on a page when nothing is said.
const USUAL_LIMIT: i64 = 50;
/// Things on a page at most.
const MOST: i64 = 100;
/// Kinds of things in a question at most; repeated ones count.
const MOST_KINDS: usize = 10;
/// How alike a vector must be when nothing is said.
const USUAL_THRESHOLD: f64 = 0.1;

/// A question.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchQuery {
    /// Words; in `text` and `hybrid` also `"a phrase"`, `or`, and `-without`.
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = "[^\\s\\x00]",
        example = "salt water damage"
    )]
    pub query: String,
    /// By what; `hybrid` unless said.
    pub mode: Option<Mode>,
    /// Which kinds of things; all unless said.
    #[schema(max_items = 10)]
    pub types: Option<Vec<Kind>>,
    /// Only what lies in this project, or is used in it.
    pub project_id: Option<ProjectId>,
    /// Only nodes in this status.
    #[schema(max_length = 100)]
    pub status: Option<String>,
    /// Only nodes whose work is done so.
    pub author_type: Option<AuthorType>,
    /// Only what this person made or uploaded.
    pub author_id: Option<UserId>,
    /// Only what was changed at this time or later.
    pub updated_after: Option<DateTime<Utc>>,
    /// Only what was changed before this time.
    pub updated_before: Option<DateTime<Utc>>,
    /// Things on a page; 50 unless said.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// Things to skip.
    #[schema(minimum = 0)]
    pub offset: Option<i64>,
    /// In which order; `relevance` unless said.
    pub sort: Option<Sort>,
    /// Whether passages have their whole text.
    pub include_text: Option<bool>,
}

/// A question for what means the same.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SemanticQuery {
    /// Words.
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = "[^\\s\\x00]",
        example = "corrosion by sea water"
    )]
    pub query: String,
    /// Which kinds of things; all unless said.
    #[schema(max_items = 10)]
    pub types: Option<Vec<Kind>>,
    /// Only what lies in this project, or is used in it.
    pub project_id: Option<ProjectId>,
    /// Things at most; 50 unless said.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// How alike they must be, as the cosine; 0.1 unless said.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub threshold: Option<f64>,
    /// Whether passages have their whole text.
    pub include_text: Option<bool>,
}

/// A question that was understood.
#[derive(Debug, Clone)]
pub struct Question {
    /// As it was asked.
    pub text: String,
    /// By what.
    pub mode: Mode,
    /// Where.
    pub filter: Filter,
    /// How alike vectors must be.
    pub threshold: f64,
    /// Things on a page.
    pub limit: i64,
    /// Things to skip.
    pub offset: i64,
    /// In which order.
    pub sort: Sort,
    /// Whether passages have their whole text.
    pub include_text: bool,
}

/// Where a caller may look.
#[derive(Debug, Clone)]
pub struct Place {
    /// The organization.
    pub org: OrgId,
    /// The projects that may be looked into; all of the organization's when `None`.
    pub projects: Option<Vec<Uuid>>,
    /// The nodes and files that may be looked at; all when `None`.
    pub things: Option<Vec<Uuid>>,
}

/// What passages are compared with.
#[derive(Debug, Clone, Copy)]
pub struct LikeVector<'a> {
    /// The vector.
    pub vector: &'a [f32],
    /// What made it; others are not compared with it.
    pub model: &'a str,
    /// The least likeness, as the cosine.
    pub threshold: f64,
}

/// What may be found.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The kinds; all when empty.
    pub kinds: Vec<Indexed>,
    /// Only this project.
    pub project: Option<ProjectId>,
    /// Only nodes in this status.
    pub status: Option<String>,
    /// Only nodes whose work is done so.
    pub author_type: Option<AuthorType>,
    /// Only what this person made.
    pub author: Option<UserId>,
    /// Only what was changed since.
    pub after: Option<Timestamp>,
    /// Only what was changed before.
    pub before: Option<Timestamp>,
}

impl SearchQuery {
    /// A question for passages in full, with nothing else asked for.
    pub fn about(query: String, limit: i64) -> Self {
        SearchQuery {
            query,
            mode: None,
            types: None,
            project_id: None,
            status: None,
            author_type: None,
            author_id: None,
            updated_after: None,
            updated_before: None,
            limit: Some(limit),
            offset: None,
            sort: None,
            include_text: Some(true),
        }
    }

    /// Checks every field.
    pub fn check(self) -> Result<Question> {
        let mut fields = Fields::default();
        check_query(&mut fields, &self.query);
        check_kinds(&mut fields, self.types.as_deref());
        let limit = check_limit(&mut fields, self.limit);
        let offset = self.offset.unwrap_or(0);
        fields.check(offset >= 0, "offset", "must not be negative");
        if let Some(status) = &self.status {
            fields.length("status", status, 0, 100);
        }
        fields.finish()?;
        Ok(Question {
            text: self.query,
            mode: self.mode.unwrap_or(Mode::Hybrid),
            filter: Filter {
                kinds: kinds(self.types),
                project: self.project_id,
                status: self.status,
                author_type: self.author_type,
                author: self.author_id,
                after: self.updated_after,
                before: self.updated_before,
            },
            threshold: USUAL_THRESHOLD,
            limit,
            offset,
            sort: self.sort.unwrap_or(Sort::Relevance),
            include_text: self.include_text.unwrap_or(false),
        })
    }
}

impl SemanticQuery {
    /// Checks every field.
    pub(super) fn check(self) -> Result<Question> {
        let mut fields = Fields::default();
        check_query(&mut fields, &self.query);
        check_kinds(&mut fields, self.types.as_deref());
        let limit = check_limit(&mut fields, self.limit);
        let threshold = self.threshold.unwrap_or(USUAL_THRESHOLD);
        fields.check(
            (-1.0..=1.0).contains(&threshold),
            "threshold",
            "must be -1 to 1",
        );
        fields.finish()?;
        Ok(Question {
            text: self.query,
            mode: Mode::Semantic,
            filter: Filter {
                kinds: kinds(self.types),
                project: self.project_id,
                ..Filter::default()
            },
            threshold,
            limit,
            offset: 0,
            sort: Sort::Relevance,
            include_text: self.include_text.unwrap_or(false),
        })
    }
}

fn check_query(fields: &mut Fields, query: &str) {
    fields.length("query", query, 1, LONGEST_QUERY);
    fields.not_blank("query", query);
}

fn check_kinds(fields: &mut Fields, types: Option<&[Kind]>) {
    let few = types.is_none_or(|types| types.len() <= MOST_KINDS);
    fields.check(few, "types", "must be 10 at most");
}

fn check_limit(fields: &mut Fields, limit: Option<i64>) -> i64 {
    let limit = limit.unwrap_or(USUAL_LIMIT);
    fields.check((1..=MOST).contains(&limit), "limit", "must be 1 to 100");
    limit
}

fn kinds(types: Option<Vec<Kind>>) -> Vec<Indexed> {
    let mut kinds: Vec<Indexed> = types
        .unwrap_or_default()
        .into_iter()
        .map(Kind::indexed)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// What was found.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchAnswer {
    /// Nodes and files, in the order that was asked for.
    pub data: Vec<SearchHit>,
    /// The same, for older clients.
    pub results: Vec<SearchHit>,
    /// How many were found. A search looks at its 500 best passages; by meaning, at ten for each
    /// thing on a page, 100 at least.
    pub total: i64,
    /// Things on a page.
    pub limit: i64,
    /// Things that were skipped.
    pub offset: i64,
    /// Whether there are more.
    pub has_more: bool,
    /// The question.
    pub query: String,
    /// By what things were found; `text` when `hybrid` was asked for and the embedder did not
    /// answer.
    pub mode: Mode,
}

/// A node or file that was found.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchHit {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Indexed,
    /// Its title; a file's name when it has none.
    pub title: String,
    /// The description of a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// The best passage in short.
    pub snippet: String,
    /// The same as HTML, one for each passage, the words that were looked for in `<mark>`.
    pub highlights: Vec<String>,
    /// Where a node lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub project_id: Option<ProjectId>,
    /// A node's status, or how far a file has come.
    pub status: String,
    /// Who does a node's work.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub author_type: Option<AuthorType>,
    /// How well it fits: the cosine for `semantic`, else a number that only orders this list.
    pub score: f64,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// A node's own metadata; of a file its name, its type, and what it says of itself.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Its best passages, three at most.
    pub passages: Vec<Passage>,
}

/// A passage that was found.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Passage {
    /// It in short.
    pub snippet: String,
    /// Where it stands: `start` and `end` in characters, and what names the place, such as
    /// `page`, `heading`, `outputId`.
    #[schema(value_type = Object)]
    pub place: Value,
    /// How well it fits.
    pub score: f64,
    /// It in full, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,
}

/// What is to be done for a thing that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Cut it into chunks, which are then found by their words.
    Cut,
    /// Make the vectors that its chunks lack.
    Embed,
}

/// A thing that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Whose it is.
    pub org: OrgId,
    /// What it is.
    pub kind: Indexed,
    /// Its id.
    pub owner: Uuid,
    /// Which change it is for.
    pub mark: i64,
    /// How often it was tried, this time included.
    pub attempts: i32,
}

/// An organization whose vectors are being made by another model, in one worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    /// Whose they are.
    pub org: OrgId,
    /// Since when none is lacking.
    pub complete_at: Option<Timestamp>,
    /// The chunk up to which they are made.
    pub upto: Uuid,
    /// How many were looked at.
    pub made: i64,
    /// Until when it is in this worker's hands.
    pub held_until: Timestamp,
}

/// A model that an organization has vectors of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUse {
    /// Whose they are.
    pub org: OrgId,
    /// Its full name.
    pub model: String,
    /// How long they are.
    pub dimensions: i32,
    /// Since when no chunk lacks one; being made, when absent.
    pub complete_at: Option<Timestamp>,
    /// How many chunks lacked one when it was begun, so far.
    pub made: i64,
}
