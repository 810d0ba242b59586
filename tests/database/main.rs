//! What the database promises by itself, whatever the program forgets: tenants kept
//! apart, history that can't be rewritten, migrations that go both ways; and what
//! `Db::tx` and the relay promise on top of it.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly, and reads its own settings from the environment"
)]

#[path = "../support/mod.rs"]
mod support;

mod catalogue;
mod fairness;
mod history;
mod isolation;
mod migrations;
mod nearest;
mod pipelines;
mod reads;
mod relay;
mod rows;
mod schema;
mod transactions;
