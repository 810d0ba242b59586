//! Nodes: units of work with inputs, outputs, versions, and a place in a tree and in
//! the graph of who feeds whom.
//!
//! Owns: nodes, their versions, inputs, outputs, and the edges between nodes.
//! Invariants:
//! * A node's status is a state of its project.
//! * The parent of a live node is a live node of the same project; there are no cycles
//!   and at most [`model::MAX_DEPTH`] levels. The project's row is the tree's lock.
//! * Edges, one for each input that refers to a node, close no cycle. One advisory lock
//!   an organization is held while an edge is added.
//! * Every change of content makes one version, and there is a row with the whole node
//!   for every version. Only a change of `position` alone makes none.
//! * A change starts from the locked row, so no change is lost; a stale `If-Match` and
//!   another's lock are refused.
//! * One holder has a node's lock, a person or a run. Each taking raises its epoch; a write
//!   that names an epoch is refused once that lock has ended.
//!
//! Locks are taken in one order, so that no two transactions wait for each other: the
//! project's row, the organization's lock of edges, the node's row; an execution's row comes
//! after its node's.
//!
//! A rollback is one more version, equal to an earlier one; history is never rewritten.
//!
//! Events: `node_created`, `node_updated`, `node_deleted`, `lock_acquired`, `lock_released`,
//! to the project and the node.

pub mod api;
pub mod model;
pub mod ops;
mod store;
