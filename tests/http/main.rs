//! The API over real HTTP, by area. Names are sentences.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own code may fail loudly; clippy knows only #[test] functions as tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod workbench;

mod agent;
mod executions;
mod files;
mod health;
mod nodes;
mod orgs;
mod projects;
