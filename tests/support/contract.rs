//! Every answer that a test gets is one that the OpenAPI document tells of.

#![expect(
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::sync::LazyLock;

use glassbox::server;
use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(server::document()).unwrap_or_default());

/// Panics when the operation that was asked does not tell of this status, or of this code.
/// What no operation answers, such as a path that there is not, is let through.
pub fn check(method: &str, path: &str, status: u16, body: &Value) {
    let Some(operation) = operation(&method.to_lowercase(), path) else {
        return;
    };
    let id = &operation["operationId"];
    let Some(response) = operation["responses"].get(status.to_string()) else {
        panic!("{id} answered {status}, which the document does not tell of: {body}");
    };
    if status < 400 || body["code"].is_null() {
        return;
    }
    let response = match response["$ref"].as_str() {
        Some(reference) => DOCUMENT
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or(&Value::Null),
        None => response,
    };
    let told = &response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"];
    let codes = told["enum"].as_array();
    assert!(
        codes.is_some_and(|codes| codes.contains(&body["code"])),
        "{id} answered with a code that the document does not tell of: {body}"
    );
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object()?;
    // One path with fewer placeholders is the more particular one.
    let matching = paths.iter().filter(|(pattern, _)| matches(pattern, path));
    let best = matching.min_by_key(|(pattern, _)| pattern.matches('{').count())?;
    best.1.get(method)
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some("{key}"), Some(_)) => return true,
            (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
            _ => return false,
        }
    }
}
