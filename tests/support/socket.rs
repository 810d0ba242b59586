//! A client of the sockets, and what it hears.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::Client;

/// Longer than anything a socket is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One socket.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// A socket's address under the server's.
fn address(url: &str, token: &str) -> String {
    let host = url.strip_prefix("http://").unwrap();
    format!("ws://{host}/api/v1/ws?token={token}")
}

impl Socket {
    /// Opens a socket of `client` at the server at `url`.
    pub async fn open(url: &str, client: &Client) -> Self {
        let token = Self::ticket(client).await;
        Self::with_ticket(url, &token, None).await.unwrap()
    }

    pub async fn ticket(client: &Client) -> String {
        let answer = client.post_empty("/auth/ws-token").await.expect(200);
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Opens a socket with a ticket, as a page of `origin`; or answers the status with which
    /// the upgrade was refused.
    pub async fn with_ticket(url: &str, token: &str, origin: Option<&str>) -> Result<Self, u16> {
        let mut request = address(url, token).into_client_request().unwrap();
        if let Some(origin) = origin {
            let value = HeaderValue::from_str(origin).unwrap();
            request.headers_mut().insert("origin", value);
        }
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Socket { stream }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no socket: {error}"),
        }
    }

    /// Opens a socket, if anybody is there.
    pub async fn try_open(url: &str, token: &str) -> Option<Self> {
        let (stream, _) = connect_async(address(url, token)).await.ok()?;
        Some(Socket { stream })
    }

    pub async fn send(&mut self, kind: &str, payload: Value, id: &str) {
        let message = json!({ "type": kind, "payload": payload, "requestId": id });
        self.raw(Message::text(message.to_string())).await;
    }

    /// Sends anything; a server that has closed already is no failure.
    pub async fn raw(&mut self, message: Message) {
        let _ = self.stream.send(message).await;
    }

    /// The next message, or the code with which the socket was closed (0 for none).
    pub async fn hear(&mut self) -> Result<Value, u16> {
        loop {
            let heard = timeout(PATIENCE, self.stream.next()).await;
            match heard.unwrap() {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(0),
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        self.hear().await.unwrap()
    }

    /// The next message of this type; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The code with which the socket is closed; what comes before is passed over.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.hear().await {
                return code;
            }
        }
    }

    /// Asks, and waits for the answer; what happens meanwhile is passed over.
    pub async fn ask(&mut self, kind: &str, payload: Value) -> Value {
        let id = format!("{kind} {payload}");
        let id: String = id.chars().take(100).collect();
        self.send(kind, payload, &id).await;
        loop {
            let message = self.next().await;
            if message["requestId"] == id.as_str() {
                return message;
            }
        }
    }

    /// Subscribes; answers what `subscribed` says.
    pub async fn subscribe(&mut self, channel: &str) -> Value {
        let answer = self.ask("subscribe", json!({ "channel": channel })).await;
        assert_eq!(answer["type"], "subscribed", "{answer}");
        answer["payload"].clone()
    }

    /// Whether nothing comes for a moment, but answers: what was caused before has been
    /// heard by then, if it is heard at all.
    pub async fn is_silent(&mut self) -> bool {
        self.send("ping", json!({}), "silence").await;
        self.next().await["type"] == "pong"
    }
}
