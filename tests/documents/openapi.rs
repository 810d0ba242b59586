//! `docs/openapi.json`, and what must hold for every operation in it.

use std::collections::BTreeSet;

use glassbox::server::{self, API};
use serde_json::Value;

use crate::{is_current, read};

fn document() -> Value {
    serde_json::to_value(server::document()).unwrap()
}

/// One operation of the document.
struct Operation {
    method: String,
    path: String,
    value: Value,
}

fn operations() -> Vec<Operation> {
    let document = document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            if matches!(method.as_str(), "get" | "put" | "post" | "patch" | "delete") {
                operations.push(Operation {
                    method: method.clone(),
                    path: path.clone(),
                    value: value.clone(),
                });
            }
        }
    }
    assert!(!operations.is_empty());
    operations
}

/// The rows of the route table as `(method, path, module, function)`, read from its source.
fn rows() -> Vec<(String, String, String, String)> {
    let source = read("src/server/routes.rs");
    let mut rows = Vec::new();
    let mut prefix = "";
    for line in source.lines().map(str::trim) {
        if line.starts_with("routes! {") {
            prefix = if line.contains("ApiDoc") { API } else { "" };
        }
        let Some((method, rest)) = line.split_once(' ') else {
            continue;
        };
        let mut parts = rest.trim().split('"').skip(1);
        let (Some(path), Some(handler)) = (parts.next(), parts.next()) else {
            continue;
        };
        if !matches!(method, "get" | "put" | "post" | "patch" | "delete") {
            continue;
        }
        let handler = handler.trim().trim_end_matches(';');
        let (module, function) = handler.rsplit_once("::").unwrap();
        let path = format!("{prefix}{path}");
        rows.push((method.into(), path, module.into(), function.into()));
    }
    assert!(!rows.is_empty());
    rows
}

#[test]
fn the_document_is_current() {
    let text = serde_json::to_string_pretty(server::document()).unwrap();
    is_current("docs/openapi.json", &format!("{text}\n"));
}

#[test]
fn the_document_has_the_operations_of_the_route_table_and_no_other() {
    let routed: BTreeSet<_> = rows()
        .into_iter()
        .map(|row| (row.0, plain(&row.1)))
        .collect();
    let described: BTreeSet<_> = operations()
        .into_iter()
        .map(|operation| (operation.method, operation.path))
        .collect();
    assert_eq!(routed, described);
}

/// A path without the patterns of its placeholders: `{rest:.*}` is `{rest}`.
fn plain(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| match segment.split_once(':') {
            Some((name, _)) if segment.starts_with('{') => format!("{name}}}"),
            _ => segment.to_owned(),
        });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn an_operation_is_called_like_the_function_that_handles_it() {
    for (method, path, module, function) in rows() {
        let path = plain(&path);
        let operation = operations()
            .into_iter()
            .find(|operation| operation.method == method && operation.path == path)
            .unwrap_or_else(|| panic!("{method} {path} is not in the document"));
        let id = operation.value["operationId"].as_str().unwrap();
        // A handler outside the slices is called by its module too: `health_live`.
        let own = id == function || id == format!("{module}_{function}");
        assert!(
            own,
            "{method} {path} is called {id}, its function {function}"
        );
    }
}

#[test]
fn no_two_operations_share_an_id() {
    let mut seen = BTreeSet::new();
    for operation in operations() {
        let id = operation.value["operationId"].as_str().unwrap().to_owned();
        assert!(seen.insert(id.clone()), "{id}");
    }
}

#[test]
fn every_placeholder_of_a_path_is_a_described_parameter() {
    for operation in operations() {
        let in_path: BTreeSet<&str> = operation
            .path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let parameters = operation.value["parameters"]
            .as_array()
            .into_iter()
            .flatten();
        let declared: BTreeSet<&str> = parameters
            .clone()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let name = format!("{} {}", operation.method, operation.path);
        assert_eq!(in_path, declared, "{name}");
        for parameter in parameters {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(
                !text.is_empty(),
                "{name}: {} says nothing",
                parameter["name"]
            );
        }
    }
}

#[test]
fn every_operation_and_every_answer_says_what_it_is() {
    for operation in operations() {
        let name = format!("{} {}", operation.method, operation.path);
        let summary = operation.value["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{name} has no summary");
        let responses = operation.value["responses"].as_object().unwrap();
        assert!(
            responses
                .keys()
                .any(|status| matches!(status.as_bytes()[0], b'1' | b'2' | b'3')),
            "{name} never succeeds"
        );
        let document = document();
        for (status, response) in responses {
            let shared = response["$ref"].as_str();
            let shared = shared.and_then(|name| document.pointer(name.trim_start_matches('#')));
            let text = shared.unwrap_or(response)["description"]
                .as_str()
                .unwrap_or_default();
            assert!(!text.is_empty(), "{name}: {status} says nothing");
        }
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = document();
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(map) => {
                if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                    let pointer = target.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
                waiting.extend(map.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
}
