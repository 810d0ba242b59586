//! A server that speaks Anthropic's messages.
//!
//! The answer is asked for as a stream; one that comes whole is understood too. What
//! the format wants otherwise than ours (turns that alternate, results within the
//! user's turn, the system prompt apart, a limit of tokens always) is in [`wire`].
//!
//! It tries once; [`super::retry`] tries again.

mod assemble;
mod wire;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use self::assemble::Assembly;
use super::exchange::{Exchange, endpoint, secret_header};
use super::{ChatAnswer, ChatRequest, Delta, Model, ModelError};
use crate::kernel::Result;
use crate::platform::http::Client;

/// The version of the format; the server's own default is none.
const VERSION: &str = "2023-06-01";

/// How to reach a server.
#[derive(Debug, Clone)]
pub struct AnthropicOptions {
    /// The address up to and without `/v1/messages`: `https://api.anthropic.com`.
    /// `/v1` at its end, as other programs write it, is taken as not there.
    pub base_url: String,
    /// Sent as `x-api-key`.
    pub api_key: Option<SecretString>,
}

/// One server that speaks messages.
#[derive(Debug)]
pub struct Anthropic {
    exchange: Exchange,
}

impl Anthropic {
    /// A server that is reached through `client`; nothing is sent.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the address is not http(s) or holds a password, or the
    /// key can't stand in a header.
    pub fn new(client: Client, options: AnthropicOptions) -> Result<Self> {
        let base = options.base_url.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let url = endpoint(base, "/v1/messages")?;
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        if let Some(key) = &options.api_key {
            headers.insert("x-api-key", secret_header(key.expose_secret())?);
        }
        Ok(Anthropic {
            exchange: Exchange::new(client, url, headers, options.api_key),
        })
    }
}

#[async_trait]
impl Model for Anthropic {
    async fn chat(
        &self,
        request: &ChatRequest,
        delta: Delta<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        let body = wire::request(request);
        self.exchange
            .ask(&body, Assembly::new(request, delta))
            .await
    }
}
