//! One adapter for each outside system: a small trait where there are two real
//! implementations, and nothing that knows of nodes or executions.

mod aws;
pub mod blobs;
pub mod bus;
pub mod db;
pub mod embed;
pub mod http;
pub mod limiter;
pub mod llm;
pub mod mcp;
pub mod metrics;
pub mod oidc;
pub mod otlp;
pub mod queue;
pub mod recall;
pub mod redis;
pub mod rerank;
pub mod vault;
pub mod verified;
pub mod words;
pub mod workers;
