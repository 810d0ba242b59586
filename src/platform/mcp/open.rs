//! Opening the connection to a tool server, of either kind.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::RoleClient;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, RunningService, serve_client_with_lifecycle};
use rmcp::transport::IntoTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
};
use secrecy::ExposeSecret;

use super::child::Server;
use super::failure::{self, Failure, FailureKind};
use super::{HttpPlace, MAX_MESSAGE};
use crate::config::McpCommand;
use crate::platform::http::guard::Guarded;

/// How long a server may take until it is ready: a child may have to be started.
const READY: Duration = Duration::from_secs(15);
/// Calls of one server at once.
const AT_ONCE: usize = 256;
/// Bytes of a page that tells of an error which are read.
const ERROR_PAGE: usize = 4096;

/// A connection that is ready.
pub(super) type Service = RunningService<RoleClient, ClientConfig>;

/// Connects to a server at an address, if that may be called.
pub(super) async fn http(guarded: &Guarded, place: &HttpPlace) -> Result<Service, Failure> {
    let refused = |message: String| Failure::before(FailureKind::Refused, message);
    let url = Url::parse(&place.url);
    let url = url.map_err(|_| refused("The tool's server has no address.".to_owned()))?;
    let client = guarded.client_for(&url);
    let client = client.map_err(|error| refused(error.message().to_owned()))?;
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
    config.max_concurrent_requests = AT_ONCE;
    config.max_json_response_size = MAX_MESSAGE;
    config.max_sse_event_size = MAX_MESSAGE;
    config.max_error_response_size = ERROR_PAGE;
    // It would repeat calls that failed; whether one may be is decided by its class.
    config.reinit_on_expired_session = false;
    config.custom_headers = headers(place).ok_or_else(|| {
        refused("The tool's server has headers or a key that can't be sent.".to_owned())
    })?;
    if let Some(key) = place.key.as_ref().filter(|key| key.header.is_none()) {
        config.auth_header = Some(key.secret.expose_secret().to_owned());
    }
    ready(StreamableHttpClientTransport::with_client(client, config)).await
}

/// The headers of a server, its key among them when it goes into one of its own.
fn headers(place: &HttpPlace) -> Option<HashMap<HeaderName, HeaderValue>> {
    let mut headers = HashMap::new();
    for (name, value) in &place.headers {
        headers.insert(name.parse().ok()?, value.parse().ok()?);
    }
    if let Some(key) = &place.key
        && let Some(name) = &key.header
    {
        let mut value: HeaderValue = key.secret.expose_secret().parse().ok()?;
        value.set_sensitive(true);
        headers.insert(name.parse().ok()?, value);
    }
    Some(headers)
}

/// Starts a server that is a command of the operator's.
pub(super) async fn command(command: &McpCommand) -> Result<(Service, Server), Failure> {
    let (server, lines, heard) = Server::start(command).map_err(|error| {
        // The program's path is the operator's affair.
        tracing::error!(program = %command.program, %error, "a tool server can't be started");
        let why = "The tool's server can't be started.";
        Failure::before(FailureKind::Unreachable, why)
    })?;
    Ok((ready((lines, heard)).await?, server))
}

/// Agrees with the server on a version of the protocol. We offer it nothing: no model to
/// ask, no folders, no questions to people.
async fn ready<T, E, A>(transport: T) -> Result<Service, Failure>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let who = Implementation::new("glassbox", env!("CARGO_PKG_VERSION"));
    let us = ClientConfig::new(ClientCapabilities::default(), who);
    // The newest version has no handshake; servers that don't know it are asked again.
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::LATEST],
        legacy_version: None,
    };
    let serving = serve_client_with_lifecycle(us, transport, lifecycle);
    match tokio::time::timeout(READY, serving).await {
        Ok(Ok(service)) => Ok(service),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a tool server could not be used");
            Err(failure::of_opening(&error))
        }
        Err(_) => {
            let why = "The tool's server did not get ready in time.";
            Err(Failure::before(FailureKind::TimedOut, why))
        }
    }
}
