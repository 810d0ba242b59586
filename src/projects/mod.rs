//! Projects: where nodes live, with the states their work goes through.
//!
//! Owns: projects, and with them the workflow states of their nodes.
//! Invariants: a project has 1 to 50 states; its default is one of them; a state that
//! a node is in is not removed. A project's row is also the lock of its tree of nodes:
//! whoever adds to the tree or sets a status holds it shared, whoever moves or deletes
//! holds it alone (see [`ops::workflow_in`] and [`ops::workflow_alone_in`]).
//! Does not: keep members of projects; those come with their own operations.
//! Events: none yet.

pub mod api;
pub mod model;
pub mod ops;
mod store;
