//! The pure ground: types every other module may use and that use none of them.
//!
//! Nothing here does I/O, reads the wall clock for others, or knows of HTTP or
//! SQL. What a caller may be told about a failure ([`error`]), who may see what
//! ([`scope`]), what leaves a transaction ([`event`]) and how lists are paged
//! ([`page`]) are decided here once.

pub mod canonical;
pub mod clock;
pub mod error;
pub mod event;
pub mod field;
pub mod finding;
pub mod form;
pub mod id;
pub mod objects;
pub mod page;
pub mod patch;
pub mod scope;
pub mod text;

pub use clock::{Clock, Timestamp};
pub use error::{Code, Error, Result};
pub use finding::Finding;
pub use id::*;
pub use scope::Scope;
