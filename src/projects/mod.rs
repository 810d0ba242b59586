//! Projects: where nodes live, with the states their work goes through.
//!
//! Owns: projects, their members, and the workflow states of their nodes.
//! Invariants: a project has 1 to 50 states; its default is one of them; a state that
//! a node is in is not removed. A project's row is also the lock of its tree of nodes:
//! whoever adds to the tree or sets a status holds it shared, whoever moves or deletes
//! holds it alone (see [`ops::workflow_in`] and [`ops::workflow_alone_in`]).
//! A member of a project is a member of its organization; the database's keys say so.
//! Events: none.

pub mod api;
pub mod model;
pub mod ops;
mod store;
