//! Organizations and the people in them.
//!
//! Owns: organizations with their settings and sealed keys, users, memberships,
//! notifications; reads the audit log.
//! Invariants: an organization has an owner from its first row to its last; a user is
//! made on first sight of a subject that an identity provider vouched for, and never
//! twice; a key that an organization gave us is stored sealed and never read back; a
//! notification is made by the transaction of what it tells of.
//! Events: `notification`, to its addressee's own connections; `lock_released`, when
//! somebody who leaves lets go of a node.
//! Does not: decide what agents may spend or do; settings only keep what was said.

pub mod api;
pub mod model;
pub mod ops;
mod store;
