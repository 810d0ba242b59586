//! GlassBox: people and AI agents work on nodes, and all an agent does is evidence.

pub mod access;
pub mod agent;
pub mod app;
pub mod cli;
pub mod config;
pub mod executions;
pub mod files;
pub mod idempotency;
pub mod ingest;
pub mod kernel;
pub mod nodes;
pub mod outbox;
pub mod platform;
pub mod projects;
pub mod realtime;
pub mod search;
pub mod server;
pub mod telemetry;
pub mod templates;
pub mod tenants;
pub mod tokens;
pub mod web;
