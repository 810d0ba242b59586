//! What can be done with search: find, read what is around a node, and, for the indexer, cut
//! things into chunks and give them vectors.

mod citations;
mod context;
mod embed;
mod find;
pub mod index;
pub mod metrics;
pub mod near;
mod place;
mod recall;
pub mod renew;
mod spelling;

pub use citations::output_citations;
pub use context::node_context;
pub use find::{Searching, search, search_in, semantic};
