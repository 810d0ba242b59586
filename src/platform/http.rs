//! The one maker of outgoing HTTP clients.
//!
//! A client without time-outs holds a worker for as long as the other side likes,
//! and one that follows redirects can be sent to an address nobody checked. So
//! every client is made here, with both decided. Addresses that users gave are called
//! through [`guard`]; all others are the operator's.

pub mod guard;

use std::time::Duration;

use reqwest::redirect::Policy;
pub use reqwest::{Client, RequestBuilder, Response};

use crate::kernel::{Error, Result};

/// How we name ourselves to other servers.
const USER_AGENT: &str = concat!("glassbox/", env!("CARGO_PKG_VERSION"));

/// How long a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For the next bytes: the answer's head, then each part of its body.
    pub read: Duration,
    /// For the whole exchange, from the call to the last byte.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            total: Duration::from_secs(60),
        }
    }
}

/// A client that waits as told, follows no redirect and names us. Clients hold a
/// pool of connections: make one and clone it.
///
/// # Errors
/// Internal, when the TLS backend can't start.
pub fn client(timeouts: Timeouts) -> Result<Client> {
    builder(timeouts).build().map_err(Error::internal)
}

/// As [`client`], for our own server on this machine: whatever proxy the environment
/// names would not find it.
///
/// # Errors
/// Internal, when the TLS backend can't start.
pub fn client_of_ours(timeouts: Timeouts) -> Result<Client> {
    builder(timeouts)
        .no_proxy()
        .build()
        .map_err(Error::internal)
}

fn builder(timeouts: Timeouts) -> reqwest::ClientBuilder {
    Client::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .timeout(timeouts.total)
        .redirect(Policy::none())
        .user_agent(USER_AGENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::header;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[tokio::test]
    async fn a_redirect_is_answered_and_not_followed() {
        let server = MockServer::start().await;
        Mock::given(header("user-agent", USER_AGENT))
            .respond_with(ResponseTemplate::new(302).insert_header("location", "/elsewhere"))
            .expect(1)
            .mount(&server)
            .await;
        let client = client(Timeouts::default()).unwrap();
        let answer = client.get(server.uri()).send().await.unwrap();
        assert_eq!(answer.status(), 302);
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = client(Timeouts {
            read: Duration::from_millis(50),
            ..Timeouts::default()
        })
        .unwrap();
        let error = client.get(url).send().await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
    }
}
