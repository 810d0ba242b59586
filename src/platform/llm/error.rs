//! Why a model did not answer.

use std::time::Duration;

/// What sort of failure a [`ModelError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// Too many requests; `retry_after` may say when to come back.
    RateLimited,
    /// The server is there and can't serve (5xx).
    Overloaded,
    /// No connection, or it broke.
    Unreachable,
    /// No answer in the time given.
    Timeout,
    /// It may not be asked: the key is missing, wrong or without credit, or the address
    /// is none that is called on a user's word.
    Refused,
    /// The server says that the request is wrong: an unknown model or parameter.
    BadRequest,
    /// The conversation is longer than the model can read.
    ContextTooLong,
    /// The answer is not of a form we can read, or larger than we accept.
    Malformed,
}

impl ModelErrorKind {
    /// The word for it in the journal; its spelling must not change.
    pub fn as_str(self) -> &'static str {
        match self {
            ModelErrorKind::RateLimited => "rate_limited",
            ModelErrorKind::Overloaded => "overloaded",
            ModelErrorKind::Unreachable => "unreachable",
            ModelErrorKind::Timeout => "timeout",
            ModelErrorKind::Refused => "refused",
            ModelErrorKind::BadRequest => "bad_request",
            ModelErrorKind::ContextTooLong => "context_too_long",
            ModelErrorKind::Malformed => "malformed",
        }
    }
}

/// A model call that failed. Everything in it may be shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What sort of failure.
    pub kind: ModelErrorKind,
    /// A sentence for a person; never holds a key or a prompt.
    pub message: String,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// Whether the answer had begun. Then a second try would bill the tokens again
    /// and repeat words that people have already seen, so the decision is left to
    /// whoever knows what became of them.
    pub begun: bool,
}

impl ModelError {
    /// Whether the call cost nothing: its server did not begin to work on it.
    pub fn is_free(&self) -> bool {
        use ModelErrorKind::{Malformed, Timeout};
        !self.begun && !matches!(self.kind, Timeout | Malformed)
    }

    /// A failure before the answer began.
    pub fn new(kind: ModelErrorKind, message: impl Into<String>) -> Self {
        ModelError {
            kind,
            message: message.into(),
            retry_after: None,
            begun: false,
        }
    }

    /// Adds how long the server asked us to wait.
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Notes that part of the answer had come.
    pub fn midway(mut self) -> Self {
        self.begun = true;
        self
    }

    /// Whether another model may well answer where this one did not: it has another
    /// server, another account, or more room. What is wrong with the question itself is
    /// wrong for all.
    pub fn another_may_answer(&self) -> bool {
        use ModelErrorKind::{BadRequest, Malformed};
        !matches!(self.kind, BadRequest | Malformed)
    }

    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        use ModelErrorKind::{Overloaded, RateLimited, Timeout, Unreachable};
        matches!(self.kind, RateLimited | Overloaded | Unreachable | Timeout)
    }
}
