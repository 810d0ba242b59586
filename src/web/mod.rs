//! What the slices' `api.rs` files share: extractors, answers, problem responses.

mod address;
mod answer;
mod body;
mod caller;
pub mod limits;
mod problem;
mod query;
mod request;
mod traceparent;
mod wire;

pub use address::client_address;
pub use answer::{created, no_content, ok};
pub use body::{Json, read_body};
pub use caller::settle_caller;
pub use problem::{Problem, method_not_allowed, methods_allowed, on_path_error, route_not_found};
pub use query::Query;
pub use request::{REQUEST_ID, RequestId, current_request_id};
pub use traceparent::{TRACEPARENT, TraceParent, named_span, named_trace};
pub use wire::{Handover, Upgraded, Wire};
