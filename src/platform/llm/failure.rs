//! From what went wrong with a server to a [`ModelError`].
//!
//! The server's own sentence is passed on only where it helps to mend the request,
//! cut to a line; an error of the transport never is, because it names addresses.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{ModelError, ModelErrorKind};
use crate::platform::http::guard;

/// The most that is read of an error's body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The most that is passed on of a server's sentence, in characters.
const MAX_SENTENCE: usize = 300;

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke or fell silent.
    #[error("the connection failed")]
    Transport(#[source] reqwest::Error),
    /// It is larger than we read.
    #[error("the body is too large")]
    TooLarge,
}

/// The call did not get as far as an answer, or broke off in it.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to map_err, which gives the error away"
)]
pub fn of_transport(error: reqwest::Error) -> ModelError {
    if let Some(refused) = guard::refusal(&error) {
        ModelError::new(ModelErrorKind::Refused, refused.to_string())
    } else if error.is_timeout() {
        ModelError::new(
            ModelErrorKind::Timeout,
            "The model's server did not answer in time.",
        )
    } else if error.is_connect() {
        ModelError::new(
            ModelErrorKind::Unreachable,
            "The model's server can't be reached.",
        )
    } else {
        ModelError::new(
            ModelErrorKind::Unreachable,
            "The connection to the model's server broke.",
        )
    }
}

/// The body could not be read.
pub fn of_body(error: BodyError) -> ModelError {
    match error {
        BodyError::Transport(error) => of_transport(error),
        BodyError::TooLarge => ModelError::new(
            ModelErrorKind::Malformed,
            "The model's answer is larger than we accept.",
        ),
    }
}

/// The stream of events could not be read.
pub fn of_stream(error: sse_stream::Error) -> ModelError {
    match error {
        sse_stream::Error::Body(source) => match source.downcast::<BodyError>() {
            Ok(error) => of_body(*error),
            Err(_) => cut_off(),
        },
        _ => ModelError::new(
            ModelErrorKind::Malformed,
            "The model's answer is not a stream of events.",
        ),
    }
}

/// The stream ended before the answer did.
pub fn cut_off() -> ModelError {
    ModelError::new(
        ModelErrorKind::Unreachable,
        "The model's answer broke off before its end.",
    )
}

/// The server answered with a status other than success.
pub fn of_status(status: u16, body: &str) -> ModelError {
    let told = Told::read(body);
    match status {
        402 => no_credit(),
        400 | 429 if told.is_about_credit() => no_credit(),
        429 => ModelError::new(
            ModelErrorKind::RateLimited,
            "The model's provider says that there are too many requests.",
        ),
        401 | 403 => ModelError::new(
            ModelErrorKind::Refused,
            "The model's provider does not accept the key.",
        ),
        408 | 504 => ModelError::new(
            ModelErrorKind::Timeout,
            "The model's server did not answer in time.",
        ),
        500.. => ModelError::new(
            ModelErrorKind::Overloaded,
            format!("The model's server can't serve the request at the moment (status {status})."),
        ),
        413 => context_too_long(),
        _ if told.is_about_length() => context_too_long(),
        300..=399 => ModelError::new(
            ModelErrorKind::BadRequest,
            "The model's address redirects elsewhere, which is not followed.",
        ),
        _ => told.bad_request(status),
    }
}

/// The stream itself carried an error.
pub fn of_event(error: &Value) -> ModelError {
    let told = Told::of(error);
    if told.is_about_credit() {
        no_credit()
    } else if told.says(&["rate_limit"]) {
        of_status(429, "")
    } else if told.says(&["authentication", "permission"]) {
        of_status(401, "")
    } else if told.is_about_length() {
        context_too_long()
    } else if told.says(&["invalid_request"]) {
        told.bad_request(400)
    } else {
        ModelError::new(
            ModelErrorKind::Overloaded,
            "The model's server failed while it answered.",
        )
    }
}

/// How long the server asks us to wait: `retry-after-ms` in milliseconds, else
/// `retry-after` in seconds or as a date. A date is compared with the answer's own
/// `date`, so that our clock and theirs need not agree.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let number = |name: &str| -> Option<f64> { text(name)?.trim().parse().ok() };
    let date = |name: &str| DateTime::parse_from_rfc2822(text(name)?).ok();
    if let Some(until) = date("retry-after") {
        return (until - date("date")?).to_std().ok();
    }
    let seconds = number("retry-after-ms")
        .map(|millis| millis / 1_000.0)
        .or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn no_credit() -> ModelError {
    ModelError::new(
        ModelErrorKind::Refused,
        "The model's provider says that the account has no credit left.",
    )
}

fn context_too_long() -> ModelError {
    ModelError::new(
        ModelErrorKind::ContextTooLong,
        "The conversation is longer than the model can read.",
    )
}

/// What the server's error body tells. Servers differ in which of these they fill.
#[derive(Default)]
struct Told {
    message: String,
    code: String,
}

impl Told {
    fn read(body: &str) -> Self {
        let Ok(body) = serde_json::from_str::<Value>(body) else {
            return Told::default();
        };
        Told::of(body.get("error").unwrap_or(&body))
    }

    fn of(error: &Value) -> Self {
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
        Told {
            message: error.as_str().unwrap_or(text("message")).to_owned(),
            code: format!("{} {}", text("code"), text("type")),
        }
    }

    /// Whether the code or the type is one of `words`.
    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.code.contains(word))
    }

    /// OpenAI has a code for it; Anthropic a type, and for some only a sentence.
    fn is_about_credit(&self) -> bool {
        self.says(&["insufficient_quota", "billing_error"])
            || self.message.contains("credit balance is too low")
    }

    /// OpenAI has a code for it; vLLM, Ollama and others only a sentence.
    fn is_about_length(&self) -> bool {
        let message = self.message.to_lowercase();
        self.says(&["context_length_exceeded"])
            || ["context length", "context window", "prompt is too long"]
                .iter()
                .any(|words| message.contains(words))
    }

    fn bad_request(&self, status: u16) -> ModelError {
        let line = self
            .message
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let line: String = line.chars().take(MAX_SENTENCE).collect();
        let message = if line.is_empty() {
            format!("The model's server refused the request (status {status}).")
        } else {
            format!("The model's server refused the request (status {status}): {line}")
        };
        ModelError::new(ModelErrorKind::BadRequest, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_codes_become_kinds() {
        use ModelErrorKind::*;
        let length = r#"{"error":{"code":"context_length_exceeded","message":"too long"}}"#;
        let vllm =
            r#"{"object":"error","message":"This model's maximum context length is 4096 tokens."}"#;
        let quota = r#"{"error":{"code":"insufficient_quota"}}"#;
        let broke = r#"{"type":"error","error":{"type":"invalid_request_error",
            "message":"Your credit balance is too low to access the API."}}"#;
        for (status, body, kind) in [
            (400, length, ContextTooLong),
            (400, vllm, ContextTooLong),
            (413, "", ContextTooLong),
            (400, r#"{"error":"no such parameter"}"#, BadRequest),
            (404, "<html>", BadRequest),
            (307, "", BadRequest),
            (401, "", Refused),
            (403, "", Refused),
            (429, "", RateLimited),
            (429, quota, Refused),
            (400, broke, Refused),
            (402, "", Refused),
            (408, "", Timeout),
            (500, "", Overloaded),
            (503, length, Overloaded),
            (529, "", Overloaded),
        ] {
            assert_eq!(of_status(status, body).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn a_wrong_parameter_is_named_but_a_key_refusal_is_not_quoted() {
        let error = of_status(400, r#"{"error":{"message":"unknown\nparameter 'x'"}}"#);
        assert!(error.message.ends_with("unknown parameter 'x'"));
        let error = of_status(401, r#"{"error":{"message":"Incorrect key: sk-1"}}"#);
        assert!(!error.message.contains("sk-1"));
    }

    #[test]
    fn the_wait_is_read_in_milliseconds_first() {
        let read = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            retry_after(&headers)
        };
        assert_eq!(
            read(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(read(&[("retry-after", "9")]), Some(Duration::from_secs(9)));
        assert_eq!(read(&[("retry-after", "-9")]), None);
        let until = ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT");
        let now = ("date", "Wed, 21 Oct 2026 07:27:48 GMT");
        assert_eq!(read(&[until, now]), Some(Duration::from_secs(12)));
        assert_eq!(read(&[until]), None, "our own clock says nothing of theirs");
        assert_eq!(read(&[("retry-after", now.1), ("date", until.1)]), None);
        assert_eq!(read(&[]), None);
    }
}
