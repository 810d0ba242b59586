//! Any server that speaks OpenAI's `/embeddings`: OpenAI, Azure, vLLM, Ollama, a LiteLLM
//! proxy.
//!
//! The address is the operator's, so it is called as it is. What is asked twice costs
//! tokens and changes nothing, so every failure that may pass is tried again, one in the
//! middle of an answer too. An answer is believed only when it has a vector of the expected
//! length for each text: one that is off by one would put every passage under another's
//! meaning, and nobody would see it.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{Embedder, normalize};
use crate::{
    config::EmbedderConfig,
    kernel::{Code, Error, Result},
    platform::{
        http::{self, Timeouts},
        llm::{
            ModelError, ModelErrorKind,
            exchange::{Exchange, endpoint, secret_header},
            retry::RetryPolicy,
        },
    },
};

/// What stands before the model's name in the full name.
const PREFIX: &str = "openai/";

/// The longest answer: 2,048 vectors of 16,000 numbers would be more, but no service makes
/// them in one request.
const MAX_ANSWER: usize = 128 << 20;

/// How long questions are not asked after one failed: a service that hangs would else hold
/// up every search for as long as one waits.
const REST: Duration = Duration::from_secs(2);

/// For questions: once more, at once.
const HASTY: RetryPolicy = RetryPolicy {
    attempts: 2,
    base: Duration::from_millis(100),
    cap: Duration::from_millis(100),
    patience: Duration::from_millis(500),
};

/// A model of a service. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    exchange: Arc<Exchange>,
    /// The full name.
    name: String,
    /// The service's name of it.
    called: String,
    dimensions: usize,
    shorten: bool,
    batch: usize,
    patient: RetryPolicy,
    soon: Duration,
    /// Until when it is taken to be away.
    resting: Arc<Mutex<Option<Instant>>>,
}

impl Service {
    /// Makes the client; nothing is sent.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the address is not http(s) or holds a password, or the key
    /// can't stand in a header.
    pub fn new(config: &EmbedderConfig, key: Option<SecretString>) -> Result<Self> {
        let url = endpoint(&config.base_url, "/embeddings")?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &key {
            let bearer = format!("Bearer {}", key.expose_secret());
            headers.insert(AUTHORIZATION, secret_header(&bearer)?);
        }
        let client = http::client(Timeouts::default())?;
        let mut exchange = Exchange::new(client, url, headers, key);
        exchange.max_answer = MAX_ANSWER;
        Ok(Service {
            exchange: Arc::new(exchange),
            name: full_name(&config.model, config.dimensions),
            called: config.model.clone(),
            dimensions: config.dimensions,
            shorten: config.shorten,
            batch: config.batch,
            patient: RetryPolicy::default(),
            soon: Duration::from_millis(config.question_ms),
            resting: Arc::default(),
        })
    }

    /// Another model of the same service, by its full name.
    pub(super) fn sibling(&self, name: &str) -> Option<Self> {
        let (model, dimensions) = name.strip_prefix(PREFIX)?.rsplit_once('@')?;
        let dimensions = dimensions.parse().ok()?;
        Some(Service {
            name: name.to_owned(),
            called: model.to_owned(),
            dimensions,
            // Of the same model in two lengths one at least was asked for; what other models
            // know of lengths is not known.
            shorten: model == self.called && (self.shorten || dimensions != self.dimensions),
            ..self.clone()
        })
    }

    /// The same with another patience.
    pub fn with_retry(mut self, patient: RetryPolicy) -> Self {
        self.patient = patient;
        self
    }

    async fn ask(&self, texts: &[String], policy: RetryPolicy) -> Result<Vec<Vec<f32>>> {
        let mut body = json!({ "model": self.called, "input": texts, "encoding_format": "float" });
        if self.shorten
            && let Some(body) = body.as_object_mut()
        {
            body.insert("dimensions".to_owned(), self.dimensions.into());
        }
        let mut failures = 0;
        loop {
            let error = match self.try_ask(&body, texts.len()).await {
                Ok(vectors) => return Ok(vectors),
                Err(error) => error,
            };
            failures += 1;
            if !policy.pause(&self.name, failures, &error).await {
                return Err(unavailable(error));
            }
        }
    }

    async fn try_ask(&self, body: &Value, count: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        let answer = self.exchange.ask_whole(body).await?;
        let answer: Answer = serde_json::from_str(&answer)
            .map_err(|_| malformed("The answer of the service of embeddings can't be read."))?;
        answer.vectors(count, self.dimensions)
    }

    fn is_resting(&self) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.is_some_and(|until| Instant::now() < until)
    }

    fn rest(&self, until: Option<Instant>) {
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

#[async_trait]
impl Embedder for Service {
    fn model(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.batch) {
            vectors.extend(self.ask(batch, self.patient).await?);
        }
        Ok(vectors)
    }

    async fn question(&self, text: &str) -> Result<Vec<f32>> {
        if self.is_resting() {
            return Err(away());
        }
        let texts = [text.to_owned()];
        let asked = timeout(self.soon, self.ask(&texts, HASTY)).await;
        let vector = asked
            .unwrap_or_else(|_| Err(away()))
            .map(|vectors| vectors.into_iter().next().unwrap_or_default());
        self.rest(vector.is_err().then(|| Instant::now() + REST));
        vector
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// What the service answers; the rest is not read.
#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    /// Of which text; servers that leave it out keep the order.
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl Answer {
    /// The vectors in the order of the texts, of unit length.
    fn vectors(self, count: usize, dimensions: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut vectors = vec![Vec::new(); count];
        if self.data.len() != count {
            return Err(malformed(
                "The service of embeddings answered with another number of vectors than it was asked for.",
            ));
        }
        for (at, item) in self.data.into_iter().enumerate() {
            if item.embedding.len() != dimensions {
                return Err(malformed(format!(
                    "The service's vectors have {} numbers and not {dimensions}, as embedder.dimensions says.",
                    item.embedding.len()
                )));
            }
            if !item.embedding.iter().all(|x| x.is_finite()) {
                return Err(malformed("The service's vectors are not of numbers."));
            }
            if let Some(place) = vectors.get_mut(item.index.unwrap_or(at)) {
                *place = item.embedding;
            }
        }
        if vectors.iter().any(Vec::is_empty) {
            return Err(malformed("The service of embeddings left a text out."));
        }
        vectors.iter_mut().for_each(|vector| normalize(vector));
        Ok(vectors)
    }
}

/// The name under which vectors are stored. The address is no part of it: the same model may
/// move.
fn full_name(model: &str, dimensions: usize) -> String {
    format!("{PREFIX}{model}@{dimensions}")
}

fn malformed(message: impl Into<String>) -> ModelError {
    ModelError::new(ModelErrorKind::Malformed, message)
}

fn away() -> Error {
    Error::new(
        Code::EmbeddingsUnavailable,
        "The service of embeddings does not answer now. Search in the mode `text` does not need it.",
    )
}

fn unavailable(error: ModelError) -> Error {
    let wait = error.retry_after.map(|wait| wait.as_secs());
    let unavailable = away().because(error);
    match wait {
        Some(seconds) => unavailable.with_details(json!({ "retryAfterSeconds": seconds })),
        None => unavailable,
    }
}
