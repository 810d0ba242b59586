//! The agent worker: leases executions and drives them, one journal entry at a time.
//!
//! [`machine`] is pure: it folds the journal into a state and says what comes next.
//! [`drive`] performs that and appends the result; whatever a tool does in our own
//! database is in the same transaction as the entry that says so. [`calls`] has what becomes
//! of each of the model's tool calls, `policy` which of them may be made, `choice` which models
//! may be asked, `context` what of the conversation they can read,
//! and `outside` which tools the organization's tool servers add. [`worker`] finds work,
//! keeps the leases alive and hands over at shutdown.
//!
//! Invariants: nothing is done that the journal does not say; an effect in our
//! database happens exactly once, whatever dies when; a tool has the rights of the
//! execution's own narrowed token and no more, whatever the model asks for.

pub mod calls;
mod choice;
mod context;
pub mod drive;
mod leave;
pub mod machine;
mod outside;
mod policy;
mod prompt;
mod spans;
pub mod tools;
pub mod worker;
