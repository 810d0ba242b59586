//! A model that does whatever a text tells it to: it reads all inputs of its node, and then
//! obeys every line that is an order, whoever wrote it.
//!
//! `CALL tool arguments` is a call with just those arguments, `ALL n tool arguments` n of it
//! in one answer, `FOREVER tool arguments` the same for ever, `HUGE tool field n` a call with
//! a field of n characters, `AS id tool arguments` a call under that id, `SAY words` words.

use glassbox::platform::llm::{ChatAnswer, ChatRequest, Message, ToolCall};
use serde_json::{Value, json};

use crate::support::model::{Scripted, call, calls, says};

/// The words that orders begin with.
const ORDERS: &[&str] = &["CALL ", "ALL ", "FOREVER ", "HUGE ", "AS ", "SAY ", "SPAWN"];

pub fn obedient() -> Scripted {
    Scripted::new(|request| Ok(obey(request)))
}

fn obey(request: &ChatRequest) -> ChatAnswer {
    let said = |message: &&Message| matches!(message, Message::Assistant { .. });
    let turn = request.messages.iter().filter(said).count();
    if turn == 0 {
        return call("list_inputs", "{}");
    }
    let inputs = inputs(request);
    if turn == 1 && !inputs.is_empty() {
        let read = |id: &String| ("read_input", json!({ "inputId": id }));
        return calls(&inputs.iter().map(read).collect::<Vec<_>>());
    }
    let done = turn - if inputs.is_empty() { 1 } else { 2 };
    let orders = orders(request);
    let lasting = orders
        .iter()
        .take(done + 1)
        .find(|order| order.starts_with("FOREVER "));
    match lasting.or_else(|| orders.get(done)) {
        Some(order) => carry_out(order),
        None => call("mark_complete", r#"{ "summary": "As I was told." }"#),
    }
}

fn carry_out(order: &str) -> ChatAnswer {
    let (verb, rest) = order.split_once(' ').unwrap_or((order, ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    match verb {
        "CALL" | "FOREVER" => call(first, second),
        "ALL" => {
            let mut answer = carry_out(&format!("CALL {second}"));
            answer.tool_calls = vec![answer.tool_calls[0].clone(); first.parse().unwrap()];
            answer
        }
        "HUGE" => {
            let (field, length) = second.split_once(' ').unwrap();
            let text = "x".repeat(length.parse().unwrap());
            let mut arguments = json!({ "label": "huge", "text": "huge", "title": "huge" });
            arguments[field] = text.into();
            call(first, &arguments.to_string())
        }
        "AS" => {
            let (name, arguments) = second.split_once(' ').unwrap();
            let made = ToolCall {
                id: first.to_owned(),
                name: name.to_owned(),
                arguments: arguments.to_owned(),
            };
            ChatAnswer {
                tool_calls: vec![made],
                ..call("", "")
            }
        }
        // A text that makes runs which read the same text.
        "SPAWN" => {
            let again = json!({ "title": "again", "description": "SPAWN", "execute": true });
            calls(&vec![("create_subnode", again); 4])
        }
        _ => says(rest),
    }
}

/// The ids of the inputs that were listed.
fn inputs(request: &ChatRequest) -> Vec<String> {
    let listed = request.messages.iter().find_map(|message| match message {
        Message::Tool { name, content, .. } if name == "list_inputs" => {
            serde_json::from_str::<Value>(content).ok()
        }
        _ => None,
    });
    let listed = listed.unwrap_or_default();
    let ids = listed["inputs"].as_array().cloned().unwrap_or_default();
    let id = |input: &Value| input["id"].as_str().unwrap().to_owned();
    ids.iter().map(id).collect()
}

/// Every order in anything that it was told or has read.
fn orders(request: &ChatRequest) -> Vec<String> {
    let mut orders = Vec::new();
    for message in &request.messages {
        match message {
            Message::System { text } | Message::User { text } => collect(text, &mut orders),
            Message::Tool { content, .. } => {
                let content: Value = serde_json::from_str(content).unwrap_or_default();
                walk(&content, &mut orders);
            }
            Message::Assistant { .. } => {}
        }
    }
    orders
}

fn walk(value: &Value, orders: &mut Vec<String>) {
    match value {
        Value::String(text) => collect(text, orders),
        Value::Array(items) => items.iter().for_each(|item| walk(item, orders)),
        Value::Object(map) => map.values().for_each(|item| walk(item, orders)),
        _ => {}
    }
}

fn collect(text: &str, orders: &mut Vec<String>) {
    let is_order = |line: &&str| ORDERS.iter().any(|verb| line.starts_with(verb));
    orders.extend(text.lines().filter(is_order).map(str::to_owned));
}
