//! A client of our own API, over real HTTP: the demo job does nothing that a person
//! with a token could not do.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sse_stream::SseByteStream;

use crate::{
    kernel::{Code, Error, Result},
    platform::http::{self, RequestBuilder, Timeouts},
    server::API,
};

/// How long the server may be silent. It sends something every few seconds.
const SILENCE: Duration = Duration::from_secs(30);
/// How long one exchange may take: an execution is followed for as long as it runs.
const EXCHANGE: Duration = Duration::from_secs(24 * 3600);

/// One caller.
#[derive(Debug)]
pub struct Client {
    http: http::Client,
    base: String,
    token: SecretString,
}

/// What the server refused, as it says it.
#[derive(Debug)]
pub struct Refusal {
    /// The published code.
    pub code: String,
    /// The sentence.
    pub message: String,
}

/// An event of a stream.
#[derive(Debug)]
pub struct Event {
    /// Its kind.
    pub kind: String,
    /// Its data.
    pub data: Value,
}

impl Client {
    /// The bearer of `token` at the server whose address is `base_url`.
    pub fn new(base_url: &str, token: SecretString) -> Result<Self> {
        let timeouts = Timeouts {
            read: SILENCE,
            total: EXCHANGE,
            ..Timeouts::default()
        };
        Ok(Client {
            http: http::client_of_ours(timeouts)?,
            base: format!("{base_url}{API}"),
            token,
        })
    }

    /// Fetches something that must be there.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.http.get(self.url(path));
        read(self.send(request).await?.map_err(Error::from)?)
    }

    /// Fetches something that may not be there.
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let request = self.http.get(self.url(path));
        match self.send(request).await? {
            Ok(body) => read(body).map(Some),
            Err(refusal) if refusal.is(Code::NotFound) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Posts `body`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Result<Value, Refusal>> {
        let request = self.http.post(self.url(path)).json(body);
        self.send(request).await
    }

    /// Deletes something.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let request = self.http.delete(self.url(path));
        self.send(request).await?.map_err(Error::from)?;
        Ok(())
    }

    /// Sends bytes to a signed address, without the token: the address is the right.
    pub async fn put_signed(
        &self,
        url: &str,
        content_type: &str,
        bytes: &'static [u8],
    ) -> Result<()> {
        let request = self
            .http
            .put(url)
            .header("Content-Type", content_type)
            .body(bytes);
        exchange(request).await?.map_err(Error::from)?;
        Ok(())
    }

    /// The Server-Sent Events of `path` after the one numbered `after`.
    pub async fn stream(
        &self,
        path: &str,
        after: i64,
    ) -> Result<impl Stream<Item = Result<Event>>> {
        let response = self
            .http
            .get(self.url(path))
            .bearer_auth(self.token.expose_secret())
            .header("Last-Event-ID", after.to_string())
            .send()
            .await
            .map_err(unreachable)?
            .error_for_status()
            .map_err(Error::internal)?;
        let bytes = Box::pin(response.bytes_stream());
        Ok(SseByteStream::new(bytes).filter_map(|event| async {
            match event {
                Ok(event) => parse(event.event?, &event.data?).transpose(),
                Err(error) => Some(Err(interrupted(error.to_string()))),
            }
        }))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Result<Value, Refusal>> {
        exchange(request.bearer_auth(self.token.expose_secret())).await
    }
}

impl Refusal {
    /// Whether it has this code.
    pub fn is(&self, code: Code) -> bool {
        self.code == code.as_str()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::new(Code::Unprocessable, refusal.message).because(refusal.code)
    }
}

async fn exchange(request: RequestBuilder) -> Result<Result<Value, Refusal>> {
    let response = request.send().await.map_err(unreachable)?;
    let good = response.status().is_success();
    let bytes = response.bytes().await.map_err(unreachable)?;
    let body: Value = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).map_err(Error::internal)?
    };
    if good {
        return Ok(Ok(body));
    }
    let text = |field: &str| {
        let text = body.get(field).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    Ok(Err(Refusal {
        code: text("code"),
        message: text("message"),
    }))
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T> {
    serde_json::from_value(body).map_err(Error::internal)
}

fn parse(kind: String, data: &str) -> Result<Option<Event>> {
    let data = serde_json::from_str(data).map_err(Error::internal)?;
    Ok(Some(Event { kind, data }))
}

fn unreachable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::Unavailable, "Our own server does not answer.").because(error)
}

fn interrupted(why: String) -> Error {
    Error::new(Code::Unavailable, "The stream was interrupted.").because(why)
}
