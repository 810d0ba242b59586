//! GlassBox: people and AI agents work on nodes, and all an agent does is evidence.

pub mod access;
pub mod config;
pub mod kernel;
pub mod outbox;
pub mod platform;
pub mod telemetry;
