//! The API over real HTTP, by area. Names are sentences.

#[path = "../support/mod.rs"]
mod support;

mod executions;
mod health;
mod orgs;
