//! Files: what people upload and agents write, and the text that is read from it.
//!
//! Owns: files. Their bytes are in [`crate::platform::blobs`], reached by signed
//! addresses; how text is extracted is the business of `ingest`, which claims and
//! finishes files through [`ops::processing`].
//! Invariants: nothing is read before the client has confirmed its upload, and size
//! and hash were then taken from the bytes themselves, which are what was declared; after
//! that no signed address changes them. What an organization's files have together is counted
//! in the transaction that changes it, and no upload is granted beyond the quota. A file under processing is held by a lease, and a writer with
//! an old epoch is refused by the row. Bytes are removed by a job that was written
//! in the transaction that gave them up.
//! Events: `file_updated` to the nodes that use the file, whenever its status changes.

pub mod api;
mod arrival;
pub mod model;
pub mod ops;
mod store;
