//! Embedders: text to vectors whose angle says how near two texts are.
//!
//! Vectors of different models can't be compared, so [`Embedder::model`] and the
//! dimension are stored with every row, and a change of either means embedding
//! anew.

pub mod hashing;

use async_trait::async_trait;

use crate::kernel::Result;

/// Turns texts into vectors.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The full name, version included: two embedders of one name agree on every
    /// text.
    fn model(&self) -> &str;

    /// The length of each vector.
    fn dimensions(&self) -> usize;

    /// One vector for each text, in order, of unit length; all zero for a text
    /// that holds nothing to compare.
    ///
    /// # Errors
    /// `EMBEDDINGS_UNAVAILABLE` when the backend does not answer.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>>;
}
