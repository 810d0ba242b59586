//! Files become text: what a person uploaded is read into plain text that search,
//! people and agents can quote from.
//!
//! [`extract`] knows the formats and is pure; it runs only inside a child process,
//! because every byte of an upload is untrusted. [`sandbox`] starts that child and
//! turns whatever becomes of it, also its death, into a normal result. [`pipeline`]
//! takes one file from its bytes to its text, and [`worker`] decides which and when.

pub mod extract;
pub mod indexer;
mod metrics;
pub mod pipeline;
pub mod sandbox;
pub mod worker;
