//! What a client asks of a list of nodes, and of a deletion.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::AuthorType;
use crate::kernel::{NodeId, Result, field::Fields, text::text_enum};

/// Characters of a search text at most.
const MAX_QUERY: usize = 500;
/// Characters of a status at most; no workflow has a longer one.
const MAX_STATUS: usize = 100;

/// The filters of a list of nodes, as they come in the query string.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct NodeQuery {
    /// Only nodes in this state.
    #[param(nullable = false)]
    pub status: Option<String>,
    /// Only nodes whose work this author does.
    #[param(value_type = Option<AuthorType>, nullable = false)]
    pub author_type: Option<String>,
    /// Only direct children of this node; `null` for roots.
    #[param(nullable = false)]
    pub parent_id: Option<String>,
    /// Only nodes with this text in their title or description, in whatever case.
    #[param(nullable = false, max_length = 500)]
    pub q: Option<String>,
    /// Only nodes changed at or after this time (RFC 3339).
    #[param(value_type = Option<DateTime<Utc>>, nullable = false)]
    pub updated_since: Option<String>,
}

/// Checked filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// Only nodes in this state.
    pub status: Option<String>,
    /// Only nodes whose work this author does.
    pub author_type: Option<AuthorType>,
    /// Only nodes in this place of the tree.
    pub parent: Option<ParentFilter>,
    /// Only nodes with this text in their title or description.
    pub text: Option<String>,
    /// Only nodes changed at or after this time.
    pub updated_since: Option<DateTime<Utc>>,
}

/// A place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentFilter {
    /// At the top.
    Root,
    /// Directly under a node.
    Of(NodeId),
}

impl NodeQuery {
    /// Checks and parses every filter. An empty one is none, as from a form left blank.
    pub fn parse(self) -> Result<NodeFilter> {
        let mut fields = Fields::default();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let status = given(self.status);
        check_text(&mut fields, "status", status.as_deref(), MAX_STATUS);
        let text = given(self.q);
        check_text(&mut fields, "q", text.as_deref(), MAX_QUERY);
        let author_type = given(self.author_type)
            .and_then(|text| fields.take("authorType", text.parse::<AuthorType>()));
        let parent = given(self.parent_id).and_then(|text| match text.as_str() {
            "null" => Some(ParentFilter::Root),
            id => fields.take("parentId", id.parse()).map(ParentFilter::Of),
        });
        let updated_since = given(self.updated_since)
            .and_then(|text| fields.take("updatedSince", text.parse::<DateTime<Utc>>()));
        fields.finish()?;
        Ok(NodeFilter {
            status,
            author_type,
            parent,
            text,
            updated_since,
        })
    }
}

/// Postgres has no NUL in a text: found there it would be a failure of ours.
fn check_text(fields: &mut Fields, field: &str, text: Option<&str>, max: usize) {
    if let Some(text) = text {
        fields.length(field, text, 0, max);
        let nul = text.contains('\0');
        fields.check(!nul, field, "must not contain the NUL character");
    }
}

/// How a deletion treats what lies under the node.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// `delete` (unless said): descendants go too. `orphan`: direct children are lifted
    /// to the parent of the deleted node.
    #[param(inline, nullable = false)]
    pub children: Option<Children>,
}

text_enum! {
    /// What becomes of the children of a deleted node.
    pub enum Children {
        /// They go too, and all below them.
        Delete = "delete",
        /// They are lifted to the deleted node's parent.
        Orphan = "orphan",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_means_roots_and_a_blank_means_nothing() {
        let query = NodeQuery {
            parent_id: Some("null".into()),
            q: Some(String::new()),
            ..NodeQuery::default()
        };
        let filter = query.parse().unwrap();
        assert_eq!(filter.parent, Some(ParentFilter::Root));
        assert_eq!(filter.text, None);
    }

    #[test]
    fn every_bad_filter_is_named() {
        let query = NodeQuery {
            status: Some("a\0".into()),
            author_type: Some("robot".into()),
            parent_id: Some("7".into()),
            q: Some("x".repeat(501)),
            updated_since: Some("yesterday".into()),
        };
        let error = query.parse().unwrap_err();
        let fields = error.details().unwrap()["fields"].as_array().unwrap();
        assert_eq!(fields.len(), 5, "{error}");
    }

    #[test]
    fn times_with_an_offset_are_read() {
        let query = NodeQuery {
            updated_since: Some("2026-01-28T10:30:00+01:00".into()),
            ..NodeQuery::default()
        };
        let since = query.parse().unwrap().updated_since.unwrap();
        assert_eq!(since.to_rfc3339(), "2026-01-28T09:30:00+00:00");
    }
}
