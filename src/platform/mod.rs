//! One adapter for each outside system: a small trait where there are two real
//! implementations, and nothing that knows of nodes or executions.

pub mod bus;
pub mod db;
pub mod queue;
