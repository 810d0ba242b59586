//! Rerankers: a model reads a question beside each of a few passages and says how well they
//! answer it, which is slower than comparing vectors and better.
//!
//! One implementation: a service that takes `{query, documents}` and answers
//! `{results: [{index, relevance_score}]}`. Its address is the operator's. Nothing depends on
//! it: a search that gets no answer keeps its own order.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap},
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use crate::{
    config::RerankerConfig,
    kernel::{Code, Error, Result, field::invalid},
    platform::{
        http::{self, Timeouts},
        llm::exchange::{Exchange, secret_header},
    },
};

/// Puts passages into an order.
#[async_trait]
pub trait Reranker: Send + Sync {
    /// Where in `passages` the best one stands, then the next, without those that it does not
    /// tell of.
    ///
    /// # Errors
    /// `UNAVAILABLE` when it does not answer, or not so that it can be understood.
    async fn rerank(&self, question: &str, passages: &[String]) -> Result<Vec<usize>>;
}

/// A service that is asked over HTTP.
#[derive(Debug)]
pub struct Service {
    exchange: Exchange,
    model: String,
}

/// Room for the numbers of 500 passages, and for their texts, which some send back.
const MAX_ANSWER: usize = 8 << 20;

impl Service {
    /// Makes the client; nothing is sent. `None` when the settings name no service.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the key can't stand in a header.
    pub fn of(config: &RerankerConfig) -> Result<Option<Self>> {
        if config.url.is_empty() {
            return Ok(None);
        }
        let url =
            Url::parse(&config.url).map_err(|_| invalid("reranker.url", "must be an address"))?;
        let mut headers = HeaderMap::new();
        let key = Some(config.api_key.clone()).filter(|key| !key.expose_secret().is_empty());
        if let Some(key) = &key {
            let bearer = format!("Bearer {}", key.expose_secret());
            headers.insert(AUTHORIZATION, secret_header(&bearer)?);
        }
        let wait = Duration::from_millis(config.wait_ms);
        let client = http::client(Timeouts {
            connect: wait,
            read: wait,
            total: wait,
        })?;
        let mut exchange = Exchange::new(client, url, headers, key);
        exchange.max_answer = MAX_ANSWER;
        Ok(Some(Service {
            exchange,
            model: config.model.clone(),
        }))
    }
}

#[async_trait]
impl Reranker for Service {
    async fn rerank(&self, question: &str, passages: &[String]) -> Result<Vec<usize>> {
        let mut body = json!({ "query": question, "documents": passages, "top_n": passages.len() });
        if !self.model.is_empty()
            && let Some(body) = body.as_object_mut()
        {
            body.insert("model".to_owned(), json!(self.model));
        }
        let answer = self.exchange.ask_whole(&body).await;
        let answer = answer.map_err(|error| away().because(error))?;
        let answer: Answer =
            serde_json::from_str(&answer).map_err(|error| away().because(error))?;
        let mut results = answer.results;
        results.retain(|one| one.index < passages.len() && one.score.is_finite());
        results.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        Ok(results.into_iter().map(|one| one.index).collect())
    }
}

/// What a service answers; the rest is not read.
#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "data")]
    results: Vec<Ranked>,
}

#[derive(Deserialize)]
struct Ranked {
    index: usize,
    #[serde(rename = "relevance_score", alias = "score")]
    score: f64,
}

fn away() -> Error {
    Error::new(Code::Unavailable, "The reranker does not answer.")
}
