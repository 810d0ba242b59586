//! Which answers are compressed: JSON and text that are worth it.
//!
//! actix's `Compress` would take every answer. Inside of it, [`choose`] marks the ones
//! that must stay as they are; outside of it, [`finish`] takes the mark off again.
//! Streams of events are never compressed: the encoder would hold each event back until
//! its window is full.

use actix_web::{
    Error,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue},
    middleware::Next,
};

use super::routes;

/// Smaller answers fit into one packet anyway, in bytes.
const WORTH_IT: u64 = 1024;
/// The mark; `Compress` leaves alone what has an encoding.
const AS_IT_IS: HeaderValue = HeaderValue::from_static("identity");

/// Marks the answers that are not to be compressed.
pub async fn choose(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let signed = routes::is_signed(request.path());
    let mut response = next.call(request).await?;
    if (signed || !is_worth_it(&response)) && !response.headers().contains_key(CONTENT_ENCODING) {
        response.headers_mut().insert(CONTENT_ENCODING, AS_IT_IS);
    }
    Ok(response)
}

/// Takes the mark off: `identity` is not for the header of an answer (RFC 9110, 8.4).
pub async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    if response.headers().get(CONTENT_ENCODING) == Some(&AS_IT_IS) {
        response.headers_mut().remove(CONTENT_ENCODING);
    }
    Ok(response)
}

fn is_worth_it<B: MessageBody>(response: &ServiceResponse<B>) -> bool {
    let large = match response.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(bytes) => bytes >= WORTH_IT,
        // A file's text: its length is not known here, and seldom small.
        BodySize::Stream => true,
    };
    let content_type = response.headers().get(CONTENT_TYPE);
    large
        && content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_text)
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "text/event-stream" => false,
        "application/json" | "application/javascript" => true,
        other => other.starts_with("text/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_bytes_are_no_text() {
        for text in ["application/json", "text/plain; charset=utf-8", "text/html"] {
            assert!(is_text(text), "{text}");
        }
        for other in ["text/event-stream", "application/octet-stream", "image/png"] {
            assert!(!is_text(other), "{other}");
        }
    }
}
