//! The API over real HTTP, by area. Names are sentences.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly, and a task that it spawns ends with its runtime"
)]

#[path = "../support/mod.rs"]
mod support;

mod workbench;

mod agent;
mod audit;
mod bounds;
mod budgets;
mod bus;
mod control;
mod crash;
mod embedder;
mod evidence;
mod examples;
mod executions;
mod files;
mod health;
mod identity;
mod limits;
mod live;
mod locks;
mod manners;
mod members;
mod metrics;
mod models;
mod nodes;
mod notifications;
mod obedient;
mod orgs;
mod outage;
mod outside;
mod project_members;
mod projects;
mod queues;
mod retries;
mod roles;
mod scale;
mod search;
mod settings;
mod storage;
mod templates;
mod tokens;
mod wire;
