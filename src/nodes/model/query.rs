//! What a client asks of a list of nodes, and of a deletion.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{AuthorType, Node};
use crate::kernel::{
    NodeId, Result,
    field::Fields,
    page::{PageKey, PageQuery, PageRequest, odd_cursor},
    text::text_enum,
};

/// Characters of a search text at most.
const MAX_QUERY: usize = 500;
/// Characters of a status at most; no workflow has a longer one.
const MAX_STATUS: usize = 100;
/// States of a workflow at most.
const MAX_STATES: usize = 50;
/// Levels below a node at most; no tree has more.
const DEEPEST: i32 = 100;

/// The filters of a list of nodes, as they come in the query string.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct NodeQuery {
    /// Only nodes in one of these states, separated by commas.
    #[param(nullable = false, max_length = 5000)]
    pub status: Option<String>,
    /// Only nodes whose work this author does.
    #[param(value_type = Option<AuthorType>, nullable = false)]
    pub author_type: Option<String>,
    /// Only direct children of this node; `null` for roots.
    #[param(
        nullable = false,
        pattern = "^(null|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"
    )]
    pub parent_id: Option<String>,
    /// Only nodes with this text in their title or description, in whatever case.
    #[param(nullable = false, max_length = 500)]
    pub q: Option<String>,
    /// Only nodes changed at or after this time (RFC 3339).
    #[param(value_type = Option<DateTime<Utc>>, nullable = false)]
    pub updated_since: Option<String>,
    /// Only nodes somewhere below this node.
    #[param(value_type = Option<NodeId>, nullable = false)]
    pub under: Option<String>,
    /// With `under`: only so many levels below it; 1 for its children alone.
    #[param(minimum = 1, maximum = 100, nullable = false)]
    pub depth: Option<i32>,
    /// By what the list is sorted; `created` unless said.
    #[param(inline, value_type = Option<Sort>, nullable = false)]
    pub sort: Option<String>,
    /// `desc` unless said, for titles `asc`.
    #[param(inline, value_type = Option<Order>, nullable = false)]
    pub order: Option<String>,
}

text_enum! {
    /// By what a list of nodes is sorted; ids decide among equals.
    pub enum Sort {
        Created = "created",
        Updated = "updated",
        /// In whatever case.
        Title = "title",
    }
}

text_enum! {
    /// Which end of a list comes first.
    pub enum Order {
        /// The earliest, or the first in the alphabet.
        Asc = "asc",
        /// The latest, or the last in the alphabet.
        Desc = "desc",
    }
}

/// How a list of nodes is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sorting {
    /// By what.
    pub by: Sort,
    /// Which end first.
    pub order: Order,
}

impl Default for Sorting {
    fn default() -> Self {
        Sorting {
            by: Sort::Created,
            order: Order::Desc,
        }
    }
}

/// Where a page of nodes ended: the last node's place in its list. The list's order is in
/// it, since in another one it would skip and repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeKey {
    /// How the list is sorted.
    pub sorting: Sorting,
    /// The value that it is sorted by.
    pub value: SortValue,
    /// The node, which decides among equals.
    pub id: NodeId,
}

/// What a list of nodes is sorted by, of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortValue {
    /// When it was made or changed.
    Time(DateTime<Utc>),
    /// What it is called.
    Title(String),
}

impl NodeKey {
    /// The place of `node` in a list that is sorted so.
    pub fn of(node: &Node, sorting: Sorting) -> Self {
        let value = match sorting.by {
            Sort::Created => SortValue::Time(node.created_at),
            Sort::Updated => SortValue::Time(node.updated_at),
            Sort::Title => SortValue::Title(node.title.clone()),
        };
        NodeKey {
            sorting,
            value,
            id: node.id,
        }
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.splitn(4, '.');
        let by = parts.next()?.parse().ok()?;
        let order = parts.next()?.parse().ok()?;
        let id = parts.next()?.parse().ok()?;
        let value = parts.next().filter(|value| !value.contains('\0'))?;
        let value = match by {
            Sort::Title => SortValue::Title(value.to_owned()),
            Sort::Created | Sort::Updated => {
                SortValue::Time(DateTime::from_timestamp_micros(value.parse().ok()?)?)
            }
        };
        let sorting = Sorting { by, order };
        Some(NodeKey { sorting, value, id })
    }
}

impl PageKey for NodeKey {
    fn encode(&self) -> String {
        let Sorting { by, order } = self.sorting;
        let value = match &self.value {
            SortValue::Time(at) => at.timestamp_micros().to_string(),
            SortValue::Title(title) => title.clone(),
        };
        BASE64_URL_SAFE_NO_PAD.encode(format!("{by}.{order}.{}.{value}", self.id))
    }

    fn decode(text: &str) -> Result<Self> {
        NodeKey::read(text).ok_or_else(odd_cursor)
    }
}

/// Checked filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// Only nodes in one of these states; any unless there is one.
    pub statuses: Vec<String>,
    /// Only nodes whose work this author does.
    pub author_type: Option<AuthorType>,
    /// Only nodes in this place of the tree.
    pub parent: Option<ParentFilter>,
    /// Only nodes with this text in their title or description.
    pub text: Option<String>,
    /// Only nodes changed at or after this time.
    pub updated_since: Option<DateTime<Utc>>,
    /// Only nodes so many levels below a node at most.
    pub under: Option<(NodeId, i32)>,
    /// The order of the list.
    pub sorting: Sorting,
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
    /// Checks and parses every filter. An empty `q` or `status` is none, as from a form
    /// left blank; the others have no empty value.
    pub fn parse(self) -> Result<NodeFilter> {
        let mut fields = Fields::default();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let statuses = given(self.status).map_or_else(Vec::new, |text| states(&mut fields, &text));
        let text = given(self.q);
        check_text(&mut fields, "q", text.as_deref(), MAX_QUERY);
        let author_type = self
            .author_type
            .and_then(|text| fields.take("authorType", text.parse::<AuthorType>()));
        let parent = self.parent_id.and_then(|text| match text.as_str() {
            "null" => Some(ParentFilter::Root),
            id => fields.take("parentId", id.parse()).map(ParentFilter::Of),
        });
        let updated_since = self
            .updated_since
            .and_then(|text| fields.take("updatedSince", text.parse::<DateTime<Utc>>()));
        let under = self
            .under
            .and_then(|text| fields.take("under", text.parse::<NodeId>()));
        let depth = self.depth.unwrap_or(DEEPEST);
        fields.check((1..=DEEPEST).contains(&depth), "depth", "must be 1 to 100");
        let alone = self.depth.is_some() && under.is_none();
        fields.check(
            !alone,
            "depth",
            "counts from the node in `under`, which is missing",
        );
        let by = self
            .sort
            .and_then(|text| fields.take("sort", text.parse::<Sort>()));
        let order = self
            .order
            .and_then(|text| fields.take("order", text.parse::<Order>()));
        fields.finish()?;
        let by = by.unwrap_or(Sort::Created);
        let usual = match by {
            Sort::Title => Order::Asc,
            Sort::Created | Sort::Updated => Order::Desc,
        };
        Ok(NodeFilter {
            statuses,
            author_type,
            parent,
            text,
            updated_since,
            under: under.map(|node| (node, depth)),
            sorting: Sorting {
                by,
                order: order.unwrap_or(usual),
            },
        })
    }
}

impl NodeFilter {
    /// The page, whose cursor must be of a list in the same order.
    pub fn page(&self, query: &PageQuery) -> Result<PageRequest<NodeKey>> {
        let page = query.parse_as::<NodeKey>()?;
        match &page.after {
            Some(key) if key.sorting != self.sorting => Err(odd_cursor()),
            _ => Ok(page),
        }
    }
}

/// The states of a list. One whose name has a comma is found by its whole name too.
fn states(fields: &mut Fields, text: &str) -> Vec<String> {
    let mut states = vec![text.to_owned()];
    if text.contains(',') {
        states.extend(text.split(',').map(|state| state.trim().to_owned()));
    }
    let most = MAX_STATUS * MAX_STATES;
    check_text(fields, "status", Some(text), most);
    states.retain(|state| !state.is_empty());
    states
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
            under: Some("7".into()),
            depth: Some(0),
            sort: Some("size".into()),
            order: Some("up".into()),
        };
        let error = query.parse().unwrap_err();
        let fields = error.details().unwrap()["fields"].as_array().unwrap();
        assert_eq!(fields.len(), 10, "{error}");
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

    #[test]
    fn several_states_are_separated_by_commas_and_one_may_have_a_comma() {
        let query = NodeQuery {
            status: Some("a, b,,c".into()),
            ..NodeQuery::default()
        };
        assert_eq!(query.parse().unwrap().statuses, ["a, b,,c", "a", "b", "c"]);
    }

    #[test]
    fn a_cursor_survives_its_round_trip_and_is_of_one_order_only() {
        let node = Node {
            title: "a.b\u{1F309}".into(),
            ..crate::nodes::model::node::tests::sample()
        };
        for by in [Sort::Created, Sort::Updated, Sort::Title] {
            let sorting = Sorting {
                by,
                order: Order::Asc,
            };
            let key = NodeKey::of(&node, sorting);
            assert_eq!(NodeKey::decode(&key.encode()).unwrap(), key);
            let query = PageQuery {
                cursor: Some(key.encode()),
                ..PageQuery::default()
            };
            let mut filter = NodeFilter {
                sorting,
                ..NodeFilter::default()
            };
            assert!(filter.page(&query).is_ok());
            filter.sorting.order = Order::Desc;
            assert!(filter.page(&query).is_err());
        }
    }
}
