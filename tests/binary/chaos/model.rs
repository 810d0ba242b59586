//! The script of the model: twelve answers of a whole run, two of a part.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::MockServer;

use super::super::support::openai::{self, Calls, first_input};

/// How long an answer takes.
const THINKS: Duration = Duration::from_millis(250);

/// The outputs that a whole run makes.
pub const OUTPUTS: &[&str] = &["one", "two", "three", "four"];

pub async fn start() -> MockServer {
    openai::start(THINKS, |turn, messages| {
        let task = messages.iter().find(|m| m["role"] == "user").unwrap();
        if task["content"].as_str().unwrap().starts_with("# part") {
            part(turn)
        } else {
            whole(turn, messages)
        }
    })
    .await
}

fn whole(turn: usize, messages: &[Value]) -> Calls {
    let output = |n: usize| {
        let text = format!("words of {}", OUTPUTS[n]);
        ("add_output", json!({ "label": OUTPUTS[n], "text": text }))
    };
    let note = |tool: &'static str| (tool, json!({ "text": "The tide is high." }));
    let split = |title: &str| ("create_subnode", json!({ "title": title, "execute": true }));
    match turn {
        0 => vec![("list_inputs", json!({}))],
        1 | 9 => vec![("read_input", json!({ "inputId": first_input(messages) }))],
        2 => vec![output(0)],
        3 => vec![split("part a"), split("part b")],
        4 => vec![("await_subnodes", json!({}))],
        5 => vec![("access_node", json!({})), note("counter__note_once")],
        6 => vec![output(1)],
        7 => vec![output(2), ("list_inputs", json!({}))],
        8 => vec![
            ("create_subnode", json!({ "title": "note" })),
            note("counter__note_idempotent"),
            note("counter__note_once"),
        ],
        10 => vec![output(3)],
        _ => vec![("mark_complete", json!({ "summary": "Done." }))],
    }
}

fn part(turn: usize) -> Calls {
    match turn {
        0 => vec![("add_output", json!({ "label": "part", "text": "a part" }))],
        _ => vec![("mark_complete", json!({ "summary": "Done." }))],
    }
}
