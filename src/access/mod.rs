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
//! Who asks is said by a token of ours ([`Keyring`]) or by one of an identity provider
//! ([`Provider`]), which names a person and is narrowed to nothing.
//!
//! [`authorise()`] asks both questions, inside the transaction that will do the work, and what
//! it gives, a [`Grant`], is the only thing operations accept. The rules themselves
//! are pure; only `store` and `provider` know the database, and nothing here knows the
//! web.

pub mod action;
pub mod audit;
mod authorise;
mod gate;
pub mod keys;
mod provider;
pub mod role;
mod sign_in;
mod store;
pub mod token;

#[cfg(test)]
mod tests;

pub use action::{Action, Level};
pub use authorise::{
    Actor, Caller, Grant, Keepsake, Origin, Standing, Target, authorise, orgs_that_allow, standing,
};
pub use keys::{ExecutionRights, Keyring, Minted, OrgTokenRights};
pub use provider::Provider;
pub use role::{OrgRole, ProjectRole, Required, allows, may_manage, required};
pub use sign_in::sign_in_in;
pub use token::{Place, Token};
