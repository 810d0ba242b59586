//! Templates: the form of a node that is done again and again.
//!
//! Owns: templates.
//! Invariants: a template belongs to one organization; the system's own, which belong
//! to none, and the public ones of others are for reading only, and the database says
//! so. What a template holds is copied when it is used, so changing it changes no node.
//! A template is applied as a whole or not at all, and makes no more than a bounded tree,
//! however templates name each other.
//! Does not: set a project's workflow states, or run agents; it leaves their settings on
//! the nodes, where `executions` reads them.
//! Events: those of the nodes it makes.

pub mod api;
pub mod model;
pub mod ops;
mod store;
