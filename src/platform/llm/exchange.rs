//! One exchange with a model's server, whatever its dialect: post the question, tell a
//! refusal from an answer, and read the answer piece by piece.
//!
//! A dialect says what is posted and how a piece is understood ([`Reading`]). What all
//! servers share is here: the address and its rules, bounds on what is read, the pieces
//! of a stream, and that no key shows in an error. It tries once.

use std::fmt;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sse_stream::SseByteStream;

use super::failure;
use super::{ChatAnswer, ModelError, ModelErrorKind};
use crate::kernel::Result;
use crate::kernel::field::invalid;
use crate::platform::http::Client;

/// The largest answer read, in bytes on the wire. A streamed token takes about 250
/// of them, so this is over 100,000 tokens; a server that goes on is not answering.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// A server, and how it is asked.
pub struct Exchange {
    client: Client,
    url: Url,
    headers: HeaderMap,
    key: Option<SecretString>,
    /// The largest answer read, in bytes.
    pub max_answer: usize,
}

/// What a dialect makes of the pieces of an answer.
pub trait Reading {
    /// Takes the data of one event, or the whole of an answer that was not streamed.
    /// Answers whether it said that nothing more comes.
    fn take(&mut self, data: &str) -> Result<bool, ModelError>;

    /// The whole answer. `ended` when the server said that it was the end, rather than
    /// only to stop sending.
    fn finish(self, ended: bool) -> Result<ChatAnswer, ModelError>;
}

impl Exchange {
    /// Nothing is sent. `headers` go with each request, `key` among them in the form the
    /// server wants; here it is known only so that it is never shown.
    pub fn new(client: Client, url: Url, headers: HeaderMap, key: Option<SecretString>) -> Self {
        Exchange {
            client,
            url,
            headers,
            key,
            max_answer: MAX_ANSWER,
        }
    }

    /// Asks, and reads the answer with `reading`.
    pub async fn ask(&self, body: &Value, reading: impl Reading) -> Result<ChatAnswer, ModelError> {
        let response = self.send(body).await?;
        let answer = if is_json(&response) {
            self.read_at_once(response, reading).await
        } else {
            self.read_stream(response, reading).await
        };
        answer.map_err(|error| self.redact(error.midway()))
    }

    /// Asks what is answered at once and may be asked twice: no part of the answer counts
    /// as begun.
    pub async fn ask_whole(&self, body: &Value) -> Result<String, ModelError> {
        let response = self.send(body).await?;
        let answer = read_whole(response, self.max_answer).await;
        answer.map_err(|error| self.redact(error))
    }

    async fn send(&self, body: &Value) -> Result<Response, ModelError> {
        let call = self.client.post(self.url.clone());
        let call = call.headers(self.headers.clone()).json(body);
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
        if let Some(key) = &self.key {
            let key = key.expose_secret();
            if !key.is_empty() && error.message.contains(key) {
                error.message = error.message.replace(key, "[key]");
            }
        }
        error
    }

    async fn read_at_once(
        &self,
        response: Response,
        mut reading: impl Reading,
    ) -> Result<ChatAnswer, ModelError> {
        let body = read_whole(response, self.max_answer).await?;
        let ended = reading.take(&body)?;
        reading.finish(ended)
    }

    async fn read_stream(
        &self,
        response: Response,
        mut reading: impl Reading,
    ) -> Result<ChatAnswer, ModelError> {
        let bytes = Box::pin(limited(response.bytes_stream(), self.max_answer));
        let mut events = SseByteStream::new(bytes);
        while let Some(event) = events.next().await {
            let event = event.map_err(failure::of_stream)?;
            let data = event.data.as_deref().map_or("", str::trim);
            if !data.is_empty() && reading.take(data)? {
                return reading.finish(true);
            }
        }
        reading.finish(false)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

/// The address at `base_url` that questions are posted to.
///
/// # Errors
/// `VALIDATION_FAILED` when it is not http(s) or holds a password.
pub fn endpoint(base_url: &str, path: &str) -> Result<Url> {
    let text = format!("{}{path}", base_url.trim_end_matches('/'));
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

/// A header's value that no log shows.
pub fn secret_header(value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        invalid(
            "apiKey",
            "must have no line breaks and no control characters",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
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
