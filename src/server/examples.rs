//! The examples of the document: what the program once answered. A test walks over all
//! operations and keeps what it met in `examples.json`, so nobody writes them by hand.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{Content, RefOr, path::Operation};

const JSON: &str = "application/json";

/// What was said in one call of an operation.
#[derive(Debug, Default, Deserialize)]
struct Example {
    request: Option<Value>,
    response: Option<Value>,
}

/// The examples by operation.
#[derive(Debug)]
pub(super) struct Examples(BTreeMap<String, Example>);

impl Examples {
    /// Those that are part of the program. None when the file can't be read, so that it
    /// can be written anew; a test sees to it that none is missing.
    pub(super) fn kept() -> Self {
        Examples(serde_json::from_str(include_str!("examples.json")).unwrap_or_default())
    }

    /// Puts the operation's example where readers look for it.
    pub(super) fn add(&mut self, operation: &mut Operation) {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        let Some(example) = self.0.remove(id) else {
            return;
        };
        if let Some(RefOr::T(body)) = &mut operation.request_body
            && let Some(RefOr::T(content)) = body.content.get_mut(JSON)
        {
            put(content, example.request);
        }
        for (status, response) in &mut operation.responses.responses {
            if status.starts_with('2')
                && let RefOr::T(response) = response
                && let Some(RefOr::T(content)) = response.content.get_mut(JSON)
            {
                put(content, example.response.clone());
            }
        }
    }
}

fn put(content: &mut Content, example: Option<Value>) {
    content.example = content.example.take().or(example);
}
