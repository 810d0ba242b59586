//! The one error type and the closed list of codes a client may see.
//!
//! An [`Error`] keeps two things apart: the sentence for a person, which is
//! public, and the cause, which is logged once at the boundary and never sent.
//! Every code belongs to one [`Kind`]; the kind decides the HTTP status and
//! whether a worker may try again.

use std::fmt;

use serde_json::Value;

/// The result of everything in GlassBox that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure an [`Error`] is; one HTTP status each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 400: the request is malformed or breaks a rule on its own.
    Invalid,
    /// 401: no token, or one that is not good.
    Unauthenticated,
    /// 403: the thing is known to the caller, the action is not allowed.
    Forbidden,
    /// 404: not there, or not the caller's to know of.
    NotFound,
    /// 405: the path exists, but not with this method.
    MethodNotAllowed,
    /// 409: at odds with the present state or another's change.
    Conflict,
    /// 412: an `If-Match` did not hold.
    Precondition,
    /// 413: larger than a stated limit.
    TooLarge,
    /// 415: the body is not of a type we read.
    UnsupportedMedia,
    /// 422: understood, but impossible in this state.
    Impossible,
    /// 429: too many; comes with a time to wait.
    RateLimited,
    /// 503: a needed backend is down or not configured.
    Unavailable,
    /// 500: ours to fix; opaque to the caller.
    Internal,
}

impl Kind {
    /// The HTTP status code of this kind.
    pub const fn status(self) -> u16 {
        match self {
            Kind::Invalid => 400,
            Kind::Unauthenticated => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::MethodNotAllowed => 405,
            Kind::Conflict => 409,
            Kind::Precondition => 412,
            Kind::TooLarge => 413,
            Kind::UnsupportedMedia => 415,
            Kind::Impossible => 422,
            Kind::RateLimited => 429,
            Kind::Unavailable => 503,
            Kind::Internal => 500,
        }
    }
}

macro_rules! codes {
    ($($variant:ident = $text:literal, $kind:ident, $meaning:literal;)+) => {
        /// A published, stable error code. `docs/ERRORS.md` is written from this list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $variant,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The code as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)+ }
            }

            /// The kind, and with it the HTTP status.
            pub const fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)+ }
            }

            /// One sentence that says when a client meets this code.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning,)+ }
            }
        }
    };
}

codes! {
    ValidationFailed = "VALIDATION_FAILED", Invalid, "The request breaks a rule; `details.fields` names each field and why.";
    MalformedJson = "MALFORMED_JSON", Invalid, "The body is not valid JSON, or not of the shape the operation reads.";
    MalformedRequest = "MALFORMED_REQUEST", Invalid, "The path, the query or a header can't be read.";
    Unauthenticated = "UNAUTHENTICATED", Unauthenticated, "The request needs a token and has none.";
    TokenInvalid = "TOKEN_INVALID", Unauthenticated, "The token is not one of ours, was altered, or is of a form we refuse.";
    TokenExpired = "TOKEN_EXPIRED", Unauthenticated, "The token was good once and is no longer.";
    Forbidden = "FORBIDDEN", Forbidden, "The caller's role does not allow this action.";
    SignatureInvalid = "SIGNATURE_INVALID", Forbidden, "A signed upload or download address was altered or has expired.";
    NotFound = "NOT_FOUND", NotFound, "There is no such thing, or it is not the caller's to know of.";
    RouteNotFound = "ROUTE_NOT_FOUND", NotFound, "No operation has this path.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", MethodNotAllowed, "The path exists, but not with this method.";
    Conflict = "CONFLICT", Conflict, "The change is at odds with the present state.";
    SlugTaken = "SLUG_TAKEN", Conflict, "Another organization has this slug.";
    NodeLocked = "NODE_LOCKED", Conflict, "Somebody else holds the node's lock; `details` says who and until when.";
    DependencyCycle = "DEPENDENCY_CYCLE", Conflict, "The reference would close a cycle; `details.path` shows it.";
    LockLost = "LOCK_LOST", Conflict, "The lock that the request was made under has ended; `details` says who holds the node now, if anybody.";
    LastOwner = "LAST_OWNER", Conflict, "An organization keeps at least one owner.";
    UserUnknown = "USER_UNKNOWN", Impossible, "Nobody has that e-mail address here: a user is known from the first sign-in on.";
    AlreadyMember = "ALREADY_MEMBER", Conflict, "That person is a member already.";
    TreeCycle = "TREE_CYCLE", Conflict, "A node can't be placed under itself or its own descendants.";
    UploadMissing = "UPLOAD_MISSING", Conflict, "The upload was confirmed, but its bytes never arrived.";
    ExecutionActive = "EXECUTION_ACTIVE", Conflict, "The node has an execution that has not ended; `details.executionId` names it.";
    ExecutionState = "EXECUTION_STATE", Conflict, "The execution is not in a state that allows this; `details.status` says which it is in.";
    Fenced = "FENCED", Conflict, "A worker that lost its lease tried to write; another has taken over.";
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", Conflict, "The idempotency key was used before with another body.";
    VersionMismatch = "VERSION_MISMATCH", Precondition, "`If-Match` names another version than the present one; `details` carries both versions' numbers and, of an earlier one, what was changed since.";
    BodyTooLarge = "BODY_TOO_LARGE", TooLarge, "The body is larger than the operation accepts.";
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UnsupportedMedia, "The body is not declared as JSON.";
    Unprocessable = "UNPROCESSABLE", Impossible, "Understood, but not possible in this state.";
    BudgetExceeded = "BUDGET_EXCEEDED", Impossible, "What is asked for could pass a budget.";
    QuotaExceeded = "QUOTA_EXCEEDED", Impossible, "The organization's files would have more bytes than they may; `details` says how many they have.";
    RateLimited = "RATE_LIMITED", RateLimited, "Too many requests; `Retry-After` says when to come back.";
    Unavailable = "UNAVAILABLE", Unavailable, "A backend that this needs does not answer.";
    Timeout = "TIMEOUT", Unavailable, "The request took longer than the server allows; what it had begun was undone, unless its commit was under way just then.";
    ModelUnavailable = "MODEL_UNAVAILABLE", Unavailable, "The model is unknown, not configured, or does not answer.";
    EmbeddingsUnavailable = "EMBEDDINGS_UNAVAILABLE", Unavailable, "The service that turns texts into vectors does not answer.";
    Internal = "INTERNAL", Internal, "Something failed on our side; the request id finds it in the logs.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A failure: a code, a sentence for a person, and privately its cause.
///
/// Boxed inside, so that a `Result` stays one pointer wide on the happy path.
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    message: String,
    details: Option<Value>,
    cause: Option<Cause>,
}

impl Error {
    /// An error with a public sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            code,
            message: message.into(),
            details: None,
            cause: None,
        }))
    }

    /// A failure of ours: opaque to the caller, its cause kept for the log.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Error::new(
            Code::Internal,
            "Something failed on our side. The request id finds it in the logs.",
        )
        .because(cause)
    }

    /// `what` is not there, or not the caller's to know of. `what` is a noun:
    /// "node", "file".
    pub fn not_found(what: &str) -> Self {
        Error::new(
            Code::NotFound,
            format!("There is no such {what}, or you have no access to it."),
        )
    }

    /// The caller knows of the thing, but the role or token does not allow `what`,
    /// a phrase such as "delete this node".
    pub fn forbidden(what: &str) -> Self {
        Error::new(Code::Forbidden, format!("You are not allowed to {what}."))
    }

    /// Adds machine-readable details, which are public.
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Adds the private cause.
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The published code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Public, machine-readable details.
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// Whether a worker may try the same again later: the cause lies in a backend
    /// or in somebody else's transaction, not in what was asked.
    pub fn retryable(&self) -> bool {
        matches!(self.0.code.kind(), Kind::Unavailable | Kind::RateLimited)
    }

    /// The private chain of causes, outermost first, for the log.
    pub fn chain(&self) -> String {
        let mut out = format!("{}: {}", self.0.code, self.0.message);
        let mut next: Option<&(dyn std::error::Error + 'static)> =
            self.0.cause.as_deref().map(|c| c as _);
        while let Some(cause) = next {
            out.push_str(": ");
            out.push_str(&cause.to_string());
            next = cause.source();
        }
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|c| c as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} is listed twice");
        }
    }

    #[test]
    fn the_cause_is_in_the_chain_but_not_in_the_sentence() {
        let error = Error::internal("password=hunter2");
        assert!(!error.to_string().contains("hunter2"));
        assert!(error.chain().contains("hunter2"));
    }
}
