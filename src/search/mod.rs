//! Search: finding nodes and files by their words and by what they mean, and the material
//! around a node with the place where each piece of it stands.
//!
//! Owns: chunks, their vectors, and the list of what must be cut again. A chunk is a passage
//! of a node or file with its place, so that whatever is found can be shown in its source.
//! Invariants:
//! * The transaction that changes a node or a file's text says so (`outbox::reindex`); the
//!   indexer replaces all chunks of a thing at once, and only if the thing is still what it
//!   read. So a chunk is never older than the last indexing of its thing, and none outlives it.
//! * What a caller may not read is neither found nor counted: the question itself is narrowed
//!   to their organization and projects, before anything is ranked.
//! * Vectors are compared with vectors of the same model only.

pub mod api;
pub mod model;
pub mod ops;
mod store;
