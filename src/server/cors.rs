//! Which pages of other origins may call us from a browser.
//!
//! Tokens travel in the `Authorization` header and never in a cookie, so no answer
//! allows credentials, and an allowed origin gains nothing without a token.

use actix_cors::Cors;
use actix_web::http::header;

use crate::config::ServerConfig;

/// Methods of our operations.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Headers that clients send.
const SENT: [&str; 10] = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "traceparent",
    "x-lock-epoch",
    "x-request-id",
];
/// Headers that scripts may read beside those that any may.
const EXPOSED: [&str; 10] = [
    "content-disposition",
    "etag",
    "idempotency-replayed",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "traceparent",
    "x-request-id",
];
/// How long a browser may remember a preflight, in seconds: Chrome's own upper limit.
const REMEMBER: usize = 7200;

/// The middleware for the configured origins; without any, it adds no header.
pub fn layer(config: &ServerConfig) -> Cors {
    let cors = Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers(SENT)
        .allowed_header(header::ACCEPT_LANGUAGE)
        .expose_headers(EXPOSED)
        .max_age(REMEMBER);
    if config.allows_any_origin() {
        return cors.allow_any_origin().send_wildcard();
    }
    config
        .cors_origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}
