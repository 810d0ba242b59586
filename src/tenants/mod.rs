//! Organizations and the people in them.
//!
//! Owns: organizations, users, memberships.
//! Invariants: an organization has an owner from its first row on; a user is made on
//! first sight of a subject that an identity provider vouched for, and never twice.
//! Events: none yet.

pub mod api;
pub mod model;
pub mod ops;
mod store;
