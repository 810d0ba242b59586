//! A model behind HTTP that speaks OpenAI's chat completions and follows a script of twelve
//! answers. What it says depends on the conversation alone, so a call that is made again
//! after a crash gets the same answer.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

/// How long an answer takes.
const THINKS: Duration = Duration::from_millis(250);

/// The outputs that a whole run makes.
pub const OUTPUTS: &[&str] = &["one", "two", "three", "four"];

pub async fn start() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .respond_with(|request: &Request| {
            let request: Value = serde_json::from_slice(&request.body).unwrap();
            ResponseTemplate::new(200)
                .set_body_json(answer(&request))
                .set_delay(THINKS)
        })
        .mount(&server)
        .await;
    server
}

fn answer(request: &Value) -> Value {
    let messages = request["messages"].as_array().unwrap();
    let turn = messages.iter().filter(|m| m["role"] == "assistant").count();
    let task = messages.iter().find(|m| m["role"] == "user").unwrap();
    let is_part = task["content"].as_str().unwrap().starts_with("# part");
    let calls = if is_part {
        part(turn)
    } else {
        whole(turn, messages)
    };
    let calls: Vec<Value> = calls
        .iter()
        .zip(0..)
        .map(|((name, arguments), i): (_, usize)| {
            let function = json!({ "name": name, "arguments": arguments.to_string() });
            json!({ "index": i, "id": format!("call_{turn}_{i}"), "type": "function",
                    "function": function })
        })
        .collect();
    json!({
        "id": "x", "object": "chat.completion", "model": "scripted",
        "choices": [{ "index": 0, "finish_reason": "tool_calls",
            "message": { "role": "assistant", "content": null, "tool_calls": calls } }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 },
    })
}

type Calls = Vec<(&'static str, Value)>;

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

fn first_input(messages: &[Value]) -> Value {
    let listed = messages.iter().find(|m| m["role"] == "tool").unwrap();
    let listed: Value = serde_json::from_str(listed["content"].as_str().unwrap()).unwrap();
    listed["inputs"][0]["id"].clone()
}
