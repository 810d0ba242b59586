//! Executions: runs of an agent on a node, and the journal that each of them is.
//!
//! Owns: executions and their trace events.
//! Invariants: one active execution a node; events are numbered 1, 2, 3 … without a
//! gap and chained by hashes; nothing is appended without the lease's epoch, or by
//! somebody who bumps it; totals and status change in the transaction of the event
//! that explains them; a run holds its node's lock while it is pending or running.
//! Events: `trace_event` and `execution_update`, to the node's and the execution's channel;
//! notifications to people when a run ends or asks something.
//! What an agent does is decided in [`crate::agent`]; here it is written down.

pub mod api;
mod budget;
mod chain;
pub mod journal;
mod lock;
mod metrics;
pub mod model;
mod notices;
pub mod ops;
mod store;
mod stream;
