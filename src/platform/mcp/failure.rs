//! Why a tool server did not do what was asked, and whether it may have done it all the
//! same. The sentences are ours, since libraries' own hold addresses; a server's words are
//! in them only where it refuses, and bounded.

use std::error::Error as StdError;

use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::streamable_http_client::StreamableHttpError;

use crate::platform::http::guard;

/// Characters of a server's own words at most.
const MAX_WORDS: usize = 2000;

type HttpFailure = StreamableHttpError<reqwest::Error>;

/// What sort of failure a [`Failure`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The server, or we on its behalf, said no.
    Refused,
    /// There is no connection, or the server can't serve now.
    Unreachable,
    /// No answer in the time given.
    TimedOut,
    /// The connection broke before the answer was whole.
    BrokeOff,
    /// The answer is larger than we accept.
    TooLarge,
    /// The answer is not of the protocol.
    Malformed,
}

impl FailureKind {
    /// The word for it in the journal; its spelling must not change.
    pub const fn as_str(self) -> &'static str {
        match self {
            FailureKind::Refused => "refused",
            FailureKind::Unreachable => "unreachable",
            FailureKind::TimedOut => "timed_out",
            FailureKind::BrokeOff => "broke_off",
            FailureKind::TooLarge => "too_large",
            FailureKind::Malformed => "malformed",
        }
    }
}

/// A call that failed. Everything in it may be shown to the model and to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// A sentence for a person; never holds a key.
    pub message: String,
    /// Whether what was asked may have happened all the same.
    pub in_doubt: bool,
}

impl Failure {
    /// Nothing happened.
    pub fn before(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            message: message.into(),
            in_doubt: false,
        }
    }

    /// The request was on its way.
    pub fn midway(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure {
            in_doubt: true,
            ..Self::before(kind, message)
        }
    }

    /// No answer in time.
    pub(super) fn late() -> Self {
        Self::midway(
            FailureKind::TimedOut,
            "The tool did not answer in the time it has.",
        )
    }

    /// More than [`MAX_MESSAGE`](super::MAX_MESSAGE).
    pub(super) fn too_large() -> Self {
        Self::midway(
            FailureKind::TooLarge,
            "The tool's answer is larger than 1 MiB, which is not read.",
        )
    }

    fn malformed() -> Self {
        let why = "The tool's server answered with what is not of the protocol.";
        Self::midway(FailureKind::Malformed, why)
    }

    fn broke_off() -> Self {
        let why = "The connection to the tool's server broke before it had answered.";
        Self::midway(FailureKind::BrokeOff, why)
    }

    /// Whether the same may succeed a moment later.
    pub(super) fn passes(&self) -> bool {
        use FailureKind::{BrokeOff, Unreachable};
        matches!(self.kind, Unreachable | BrokeOff)
    }

    /// Whether the connection is of no use any more.
    pub(super) fn spoils(&self) -> bool {
        self.kind != FailureKind::Refused
    }
}

/// A request that failed.
pub(super) fn of_request(error: ServiceError) -> Failure {
    match error {
        ServiceError::McpError(error) => {
            let words: String = error.message.chars().take(MAX_WORDS).collect();
            let message = format!("The tool's server refused the call: {words}");
            Failure::before(FailureKind::Refused, message)
        }
        ServiceError::TransportSend(error) => of_transport(error.error.as_ref()),
        ServiceError::UnexpectedResponse => Failure::malformed(),
        ServiceError::Timeout { .. } => Failure::late(),
        _ => Failure::broke_off(),
    }
}

/// A connection that could not be opened: nothing was asked for yet.
pub(super) fn of_opening(error: &ClientInitializeError) -> Failure {
    let failure = match error {
        ClientInitializeError::JsonRpcError(error) => {
            let words: String = error.message.chars().take(MAX_WORDS).collect();
            let message = format!("The tool's server refused to be used: {words}");
            Failure::before(FailureKind::Refused, message)
        }
        ClientInitializeError::TransportError { error, .. } => of_transport(error.error.as_ref()),
        ClientInitializeError::ConnectionClosed(_) => Failure::broke_off(),
        _ => Failure::malformed(),
    };
    Failure {
        in_doubt: false,
        ..failure
    }
}

/// Looks for what went wrong down the chain of causes.
fn of_transport(error: &(dyn StdError + 'static)) -> Failure {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<HttpFailure>() {
            return of_http(error);
        }
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            return of_client(error);
        }
        cause = error.source();
    }
    Failure::broke_off()
}

fn of_http(error: &HttpFailure) -> Failure {
    match error {
        HttpFailure::Client(error) => of_client(error),
        HttpFailure::HttpStatus(error) => of_status(error.status),
        HttpFailure::UnexpectedServerResponse(words) => match status_in(words) {
            Some(status) => of_status(status),
            None => Failure::malformed(),
        },
        HttpFailure::AuthRequired(_) => of_status(401),
        HttpFailure::InsufficientScope(_) => of_status(403),
        // The server forgot the session, and says so instead of doing anything.
        HttpFailure::SessionExpired => Failure::before(
            FailureKind::Unreachable,
            "The tool's server forgot our session.",
        ),
        HttpFailure::ResponseBodyTooLarge { .. } => Failure::too_large(),
        HttpFailure::Sse(_)
        | HttpFailure::UnexpectedContentType(_)
        | HttpFailure::Deserialize(_) => Failure::malformed(),
        _ => Failure::broke_off(),
    }
}

fn of_client(error: &reqwest::Error) -> Failure {
    if let Some(refusal) = guard::refusal(error) {
        return Failure::before(FailureKind::Refused, refusal.to_string());
    }
    if error.is_connect() {
        let why = "The tool's server can't be reached.";
        return Failure::before(FailureKind::Unreachable, why);
    }
    if error.is_timeout() {
        return Failure::late();
    }
    Failure::broke_off()
}

/// What a status other than success means.
fn of_status(status: u16) -> Failure {
    let message = format!("The tool's server answered with HTTP status {status}.");
    match status {
        429 => Failure::before(FailureKind::Unreachable, message),
        300..=399 | 400 | 401 | 403 | 404 | 405 | 406 | 413 | 415 => {
            Failure::before(FailureKind::Refused, message)
        }
        500.. => Failure::midway(FailureKind::Unreachable, message),
        _ => Failure::midway(FailureKind::Refused, message),
    }
}

/// The status in the library's words, `HTTP 404 Not Found: …`.
fn status_in(words: &str) -> Option<u16> {
    let (_, rest) = words.split_once("HTTP ")?;
    rest.get(..3)?.parse().ok()
}
