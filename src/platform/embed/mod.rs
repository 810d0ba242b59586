//! Embedders: text to vectors whose angle says how near two texts are.
//!
//! Vectors of different models can't be compared, so [`Embedder::model`] is stored with
//! every vector, and a change of model means embedding anew. Until that is done questions
//! are put to the model that the stored vectors have: [`Embedders::of`].
//!
//! * [`hashing`]: built in, offline
//! * [`service`]: any server that speaks OpenAI's `/embeddings`

pub mod hashing;
pub mod service;

use std::sync::Arc;

use async_trait::async_trait;

use self::{hashing::Hashing, service::Service};
use crate::{
    config::{EmbedderConfig, ModelsConfig},
    kernel::{Error, Result},
};

/// Turns texts into vectors.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The full name, version and length of the vectors included: two embedders of one name
    /// agree on every text.
    fn model(&self) -> &str;

    /// The length of each vector.
    fn dimensions(&self) -> usize;

    /// One vector for each text, in order, of unit length; all zero for a text
    /// that holds nothing to compare. Patient: it is for work that can wait.
    ///
    /// # Errors
    /// `EMBEDDINGS_UNAVAILABLE` when the backend does not answer; `retryAfterSeconds` of its
    /// details says for how long it asked to be left alone.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>>;

    /// The vector of a question that somebody waits for.
    ///
    /// # Errors
    /// `EMBEDDINGS_UNAVAILABLE` when the backend does not answer soon.
    async fn question(&self, text: &str) -> Result<Vec<f32>> {
        let vectors = self.embed(&[text.to_owned()]).await?;
        let vector = vectors.into_iter().next();
        vector.ok_or_else(|| Error::internal("an embedder answered without a vector"))
    }
}

/// The embedder that new vectors are made with, and those that older ones can be asked for
/// with.
#[derive(Clone)]
pub struct Embedders {
    current: Arc<dyn Embedder>,
    service: Option<Service>,
}

impl Embedders {
    /// Those of the settings; nothing is sent.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the service's address is none.
    pub fn new(config: &EmbedderConfig, models: &ModelsConfig) -> Result<Self> {
        if !config.is_service() {
            return Ok(Embedders {
                current: Arc::new(Hashing::PRESENT),
                service: None,
            });
        }
        let service = Service::new(config, config.key(models))?;
        Ok(Embedders {
            current: Arc::new(service.clone()),
            service: Some(service),
        })
    }

    /// What new vectors are made with.
    pub fn current(&self) -> &Arc<dyn Embedder> {
        &self.current
    }

    /// The embedder of this full name, if it can be reached from here: the present one, a
    /// built-in one, or another model of the present service.
    pub fn of(&self, model: &str) -> Option<Arc<dyn Embedder>> {
        if model == self.current.model() {
            return Some(Arc::clone(&self.current));
        }
        if let Some(built_in) = Hashing::ALL.iter().find(|one| one.model() == model) {
            return Some(Arc::new(*built_in));
        }
        let other = self.service.as_ref()?.sibling(model)?;
        Some(Arc::new(other))
    }
}

fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        for x in vector {
            *x /= length;
        }
    }
}
