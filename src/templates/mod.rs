//! Templates: the form of a node that is done again and again.
//!
//! Owns: templates.
//! Invariants: a template belongs to one organization; the system's own, which belong
//! to none, and the public ones of others are for reading only, and the database says
//! so. What a template holds is copied when it is used, so changing it changes no node.
//! Does not: have routes or make nodes yet; those come with their own operations.
//! Events: none.

pub mod model;
pub mod ops;
mod store;
