//! Any server that speaks OpenAI's chat completions: OpenAI, Azure, vLLM, Ollama,
//! OpenRouter, a LiteLLM proxy.
//!
//! The answer is always asked for as a stream; a server that answers whole is
//! understood too. Each of the servers bends the format somewhere, and this
//! module takes the bends that are known: see [`assemble`] for tool calls, and
//! [`OpenAiOptions`] for what must be asked for differently.
//!
//! It tries once; [`super::retry`] tries again.

mod assemble;
mod wire;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};

use self::assemble::Assembly;
use super::exchange::{Exchange, endpoint, secret_header};
use super::{ChatAnswer, ChatRequest, Delta, Model, ModelError};
use crate::kernel::Result;
use crate::platform::http::Client;

crate::kernel::text::text_enum! {
    /// What the server calls the limit of tokens.
    pub enum TokenLimit {
        /// OpenAI's present name, the only one its reasoning models take.
        MaxCompletionTokens = "max_completion_tokens",
        /// The older name, the only one many compatible servers know.
        MaxTokens = "max_tokens",
    }
}

/// How to reach a server, and what it must be asked for differently.
#[derive(Debug, Clone)]
pub struct OpenAiOptions {
    /// The address up to and without `/chat/completions`:
    /// `https://api.openai.com/v1`.
    pub base_url: String,
    /// Sent as a bearer token; servers on one's own machine often need none.
    pub api_key: Option<SecretString>,
    /// Whether to ask for the usage at the end of the stream. Without it OpenAI
    /// says nothing of the tokens; some compatible servers refuse the question.
    pub include_usage: bool,
    /// The name of the limit of tokens.
    pub token_limit: TokenLimit,
}

/// One server that speaks chat completions.
#[derive(Debug)]
pub struct OpenAi {
    exchange: Exchange,
    options: OpenAiOptions,
}

impl OpenAi {
    /// A server that is reached through `client`; nothing is sent.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the address is not http(s) or holds a password, or the
    /// key can't stand in a header.
    pub fn new(client: Client, options: OpenAiOptions) -> Result<Self> {
        let url = endpoint(&options.base_url, "/chat/completions")?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &options.api_key {
            let bearer = format!("Bearer {}", key.expose_secret());
            headers.insert(AUTHORIZATION, secret_header(&bearer)?);
        }
        Ok(OpenAi {
            exchange: Exchange::new(client, url, headers, options.api_key.clone()),
            options,
        })
    }
}

#[async_trait]
impl Model for OpenAi {
    async fn chat(
        &self,
        request: &ChatRequest,
        delta: Delta<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        let body = wire::request(request, &self.options);
        self.exchange
            .ask(&body, Assembly::new(request, delta))
            .await
    }
}
