//! The API over real HTTP, by area. Names are sentences.

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
