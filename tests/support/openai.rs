//! A model behind HTTP that speaks OpenAI's chat completions and follows a script. What it says
//! depends on the conversation alone, so a call that is made again after a crash gets the same
//! answer.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

/// Tools to call, and with what.
pub type Calls = Vec<(&'static str, Value)>;

/// Starts one that takes `thinks` for each answer. `script` says what it calls, given how many
/// answers the conversation has already, and its messages.
pub async fn start(
    thinks: Duration,
    script: impl Fn(usize, &[Value]) -> Calls + Send + Sync + 'static,
) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .respond_with(move |request: &Request| {
            let request: Value = serde_json::from_slice(&request.body).unwrap();
            let messages = request["messages"].as_array().unwrap();
            let turn = messages.iter().filter(|m| m["role"] == "assistant").count();
            ResponseTemplate::new(200)
                .set_body_json(answer(turn, &script(turn, messages)))
                .set_delay(thinks)
        })
        .mount(&server)
        .await;
    server
}

fn answer(turn: usize, calls: &Calls) -> Value {
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

/// The id of the first input, as `list_inputs` answered it.
pub fn first_input(messages: &[Value]) -> Value {
    let listed = messages.iter().find(|m| m["role"] == "tool").unwrap();
    let listed: Value = serde_json::from_str(listed["content"].as_str().unwrap()).unwrap();
    listed["inputs"][0]["id"].clone()
}
