//! Paths in the graph of who feeds whom, and the part of it around one node.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Node;
use crate::kernel::{
    DependencyId, InputId, NodeId, Result,
    field::Fields,
    page::{Cursor, PageKey, PageRequest},
    text::text_enum,
};

/// How far away a dependency is asked for at most.
const MAX_DISTANCE: u32 = 50;
/// Children that one answer has at most.
const MAX_CHILDREN: i64 = 1000;

text_enum! {
    /// Which way along the edges.
    pub enum Direction {
        /// What feeds the node.
        Upstream = "upstream",
        /// What the node feeds.
        Downstream = "downstream",
        /// Either.
        Both = "both",
    }
}

/// What is asked of a node's dependencies, as it comes in the query string.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DependencyQuery {
    /// `upstream` (unless said): what feeds the node; `downstream`: what it feeds.
    #[param(inline, nullable = false)]
    pub direction: Option<Direction>,
    /// How many edges away at most.
    #[param(minimum = 1, maximum = 50, default = 1, nullable = false)]
    pub depth: Option<u32>,
}

impl DependencyQuery {
    /// The direction and the distance, checked.
    pub fn parse(self) -> Result<(Direction, u32)> {
        let depth = self.depth.unwrap_or(1);
        let mut fields = Fields::default();
        let good = (1..=MAX_DISTANCE).contains(&depth);
        fields.check(good, "depth", "must be 1 to 50");
        fields.finish()?;
        Ok((self.direction.unwrap_or(Direction::Upstream), depth))
    }
}

/// The paging of a node's children, as it comes in the query string.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChildrenQuery {
    /// Children a page, 1 to 1000; nobody wants a half of a node's children unless they
    /// are very many.
    #[param(minimum = 1, maximum = 1000, default = 1000, nullable = false)]
    pub limit: Option<i64>,
    /// Children to skip. A cursor is better: an offset repeats or skips some when the
    /// list changes in between.
    #[param(minimum = 0, default = 0, nullable = false)]
    pub offset: Option<i64>,
    /// The `nextCursor` of the page before; wins over `offset`.
    #[param(nullable = false, format = "cursor")]
    pub cursor: Option<String>,
}

impl ChildrenQuery {
    /// The page, checked.
    pub fn parse(&self) -> Result<PageRequest> {
        let limit = self.limit.unwrap_or(MAX_CHILDREN);
        let mut fields = Fields::default();
        let good = (1..=MAX_CHILDREN).contains(&limit);
        fields.check(good, "limit", "must be 1 to 1000");
        let offset = self.offset.unwrap_or(0);
        fields.check(offset >= 0, "offset", "must not be negative");
        fields.finish()?;
        let after = self.cursor.as_deref().map(Cursor::decode).transpose()?;
        Ok(PageRequest {
            limit,
            offset: if after.is_some() { 0 } else { offset },
            after,
        })
    }
}

/// One node feeds another, through an input of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Its id.
    pub id: DependencyId,
    /// What feeds.
    pub source_node_id: NodeId,
    /// What is fed.
    pub target_node_id: NodeId,
    /// The input of the target that refers to the source.
    pub target_input_id: InputId,
}

/// The nodes around one node in the graph of who feeds whom.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Dependencies {
    /// The nodes, nearest first, without inputs and outputs; the node itself is not
    /// among them.
    pub data: Vec<Node>,
    /// The edges that were followed. Both ends are in `data` or are the node itself.
    pub edges: Vec<Edge>,
    /// Whether there is more within the depth than one answer has.
    pub truncated: bool,
}

/// A shortest path from `from` to `to` along `edges`, both ends included; each node on
/// it feeds the next. Breadth first: takes time in proportion to the edges.
pub fn shortest_path(edges: &[(NodeId, NodeId)], from: NodeId, to: NodeId) -> Option<Vec<NodeId>> {
    let mut fed_by: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for (source, target) in edges {
        fed_by.entry(*source).or_default().push(*target);
    }
    let mut came_from = HashMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(node) = waiting.pop_front() {
        if node == to {
            return Some(walk_back(&came_from, from, to));
        }
        for next in fed_by.get(&node).into_iter().flatten() {
            if !came_from.contains_key(next) {
                came_from.insert(*next, node);
                waiting.push_back(*next);
            }
        }
    }
    None
}

fn walk_back(came_from: &HashMap<NodeId, NodeId>, from: NodeId, to: NodeId) -> Vec<NodeId> {
    let mut path = vec![to];
    let mut node = to;
    while node != from {
        let Some(before) = came_from.get(&node) else {
            break;
        };
        node = *before;
        path.push(node);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn node(n: u128) -> NodeId {
        NodeId::from_uuid(Uuid::from_u128(n))
    }

    fn path(edges: &[(u128, u128)], from: u128, to: u128) -> Option<Vec<NodeId>> {
        let edges: Vec<_> = edges.iter().map(|(a, b)| (node(*a), node(*b))).collect();
        shortest_path(&edges, node(from), node(to))
    }

    #[test]
    fn the_shortest_of_several_paths_is_found() {
        let edges = [(1, 2), (2, 3), (3, 4), (1, 3)];
        assert_eq!(path(&edges, 1, 4), Some(vec![node(1), node(3), node(4)]));
    }

    #[test]
    fn a_node_reaches_itself_and_nothing_against_the_arrows() {
        assert_eq!(path(&[], 1, 1), Some(vec![node(1)]));
        assert_eq!(path(&[(1, 2)], 2, 1), None);
    }

    #[test]
    fn a_cycle_that_slipped_in_does_not_trap_the_walk() {
        assert_eq!(path(&[(1, 2), (2, 1)], 1, 3), None);
    }
}
