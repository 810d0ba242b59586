//! Who may do what: the actions, the roles that allow them, and the tokens that
//! say who is asking.
//!
//! Two questions are asked before anything is done, and both must be answered yes:
//!
//! 1. *May this person?* [`allows`] answers from the person's roles, by the one
//!    table in [`role`].
//! 2. *May this token?* [`Token::permits`] answers from what the token was narrowed
//!    to. A token never adds a right; what is appended to it can only take away.
//!
//! Invariants: every action is in the closed [`Action`] enum and in the table; a
//! token is looked at by the structural gate before a signature is checked or
//! Datalog runs; the user and the execution are read from the first block alone,
//! which only we can sign; no token, key or text of a token is logged or returned.
//!
//! What is not here: looking up roles, revocations, HTTP headers. This module's
//! rules are pure and know neither the database nor the web.

pub mod action;
mod gate;
pub mod keys;
pub mod role;
pub mod token;

#[cfg(test)]
mod tests;

pub use action::{Action, Level};
pub use keys::{ExecutionRights, Keyring, Minted};
pub use role::{OrgRole, ProjectRole, allows, may_manage};
pub use token::{Place, Token};
