//! The tokens that an organization gives out, to programs rather than to people.
//!
//! Owns: tokens of organizations.
//! Invariants: a token speaks for whoever made it, in one organization, with the actions
//! that were named, and never with more rights than its maker has at that moment; its text
//! is shown once and stored nowhere; a narrowed token can't make, list or revoke tokens; a
//! revocation holds from its commit on, wherever the token is presented, because
//! [`access::authorise`](crate::access::authorise()) looks the row up in the transaction
//! that does the work.
//! Does not: verify tokens; that is [`access`](crate::access).
//! Events: none; making and revoking are in the audit log.

pub mod api;
pub mod model;
pub mod ops;
mod store;
