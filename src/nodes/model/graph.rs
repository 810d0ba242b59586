//! Paths in the graph of who feeds whom.

use std::collections::{HashMap, VecDeque};

use crate::kernel::NodeId;

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
