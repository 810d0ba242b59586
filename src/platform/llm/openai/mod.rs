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
mod failure;
mod wire;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};
use sse_stream::SseByteStream;

use self::assemble::Assembly;
use super::{ChatAnswer, ChatRequest, Delta, Model, ModelError, ModelErrorKind};
use crate::kernel::Result;
use crate::kernel::field::invalid;
use crate::platform::http::{self, Timeouts};

/// The largest answer read, in bytes on the wire. A streamed token takes about 250
/// of them, so this is over 100,000 tokens; a server that goes on is not answering.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// How long a connection may take. Short, because a server that is there accepts
/// at once, and another attempt is cheap.
const CONNECT: Duration = Duration::from_secs(5);

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
    /// The longest silence: before the answer begins, and between its parts.
    pub idle_timeout: Duration,
    /// The longest a whole answer may take.
    pub total_timeout: Duration,
}

/// One server that speaks chat completions.
pub struct OpenAi {
    client: reqwest::Client,
    url: Url,
    options: OpenAiOptions,
    max_answer: usize,
}

impl OpenAi {
    /// Makes the client; nothing is sent.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the address is not http(s) or holds a password.
    pub fn new(options: OpenAiOptions) -> Result<Self> {
        let url = endpoint(&options.base_url)?;
        let client = http::client(Timeouts {
            connect: CONNECT,
            read: options.idle_timeout,
            total: options.total_timeout,
        })?;
        Ok(OpenAi {
            client,
            url,
            options,
            max_answer: MAX_ANSWER,
        })
    }

    async fn send(&self, request: &ChatRequest) -> Result<Response, ModelError> {
        let body = wire::request(request, &self.options);
        let mut call = self.client.post(self.url.clone()).json(&body);
        if let Some(key) = &self.options.api_key {
            call = call.bearer_auth(key.expose_secret());
        }
        let response = call.send().await.map_err(failure::of_transport)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    /// Reads why the server said no. What can't be read is left out: the status
    /// alone decides most.
    async fn refusal(&self, response: Response) -> ModelError {
        let status = response.status().as_u16();
        let wait = failure::retry_after(response.headers());
        let body = read_whole(response, failure::MAX_BODY).await;
        let error = failure::of_status(status, &body.unwrap_or_default());
        self.redact(error.after(wait))
    }

    /// Some servers repeat the key they were sent, so a sentence of theirs is
    /// cleaned of it before anybody sees it.
    fn redact(&self, mut error: ModelError) -> ModelError {
        if let Some(key) = &self.options.api_key {
            let key = key.expose_secret();
            if !key.is_empty() && error.message.contains(key) {
                error.message = error.message.replace(key, "[key]");
            }
        }
        error
    }

    async fn read_stream(
        &self,
        response: Response,
        mut assembly: Assembly<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        let bytes = Box::pin(limited(response.bytes_stream(), self.max_answer));
        let mut events = SseByteStream::new(bytes);
        while let Some(event) = events.next().await {
            let event = event.map_err(failure::of_stream)?;
            match event.data.as_deref().map(str::trim) {
                None | Some("") => {}
                Some("[DONE]") => return assembly.done(),
                Some(data) => assembly.take(wire::chunk(data)?)?,
            }
        }
        assembly.finish()
    }
}

#[async_trait]
impl Model for OpenAi {
    async fn chat(
        &self,
        request: &ChatRequest,
        delta: Delta<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        let response = self.send(request).await?;
        let mut assembly = Assembly::new(request, delta);
        let answer = if is_json(&response) {
            match read_whole(response, self.max_answer).await {
                Ok(body) => wire::chunk(&body)
                    .and_then(|chunk| assembly.take(chunk))
                    .and_then(|()| assembly.finish()),
                Err(error) => Err(error),
            }
        } else {
            self.read_stream(response, assembly).await
        };
        answer.map_err(|error| self.redact(error.midway()))
    }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("url", &self.url.as_str())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The address that chat completions are posted to.
fn endpoint(base_url: &str) -> Result<Url> {
    let text = format!("{}/chat/completions", base_url.trim_end_matches('/'));
    let url = Url::parse(&text).map_err(|_| invalid("baseUrl", "must be an address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("baseUrl", "must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // An address is shown in logs and settings; a key in it would be too.
        return Err(invalid("baseUrl", "must not hold a user name or password"));
    }
    Ok(url)
}

fn is_json(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"))
}

async fn read_whole(response: Response, most: usize) -> Result<String, ModelError> {
    let mut stream = Box::pin(limited(response.bytes_stream(), most));
    let mut body = Vec::new();
    while let Some(part) = stream.next().await {
        body.extend_from_slice(&part.map_err(failure::of_body)?);
    }
    String::from_utf8(body)
        .map_err(|_| ModelError::new(ModelErrorKind::Malformed, "The model's answer is not text."))
}

/// `stream`, which fails once more than `most` bytes have come.
fn limited(
    stream: impl Stream<Item = reqwest::Result<Bytes>>,
    most: usize,
) -> impl Stream<Item = Result<Bytes, failure::BodyError>> {
    let mut left = most;
    stream.map(move |part| {
        let part = part.map_err(failure::BodyError::Transport)?;
        left = left
            .checked_sub(part.len())
            .ok_or(failure::BodyError::TooLarge)?;
        Ok(part)
    })
}
