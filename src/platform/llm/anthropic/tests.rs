//! What is sent and what is understood, against a server on loopback. How both dialects
//! take servers that misbehave is in [`super::super::misbehaviour`].

use std::sync::Mutex;

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::platform::http::{self, Timeouts};
use crate::platform::llm::{Finish, Message, ModelErrorKind, ToolCall, ToolSpec, Usage};

const KEY: &str = "sk-ant-very-secret";

fn model(base_url: &str) -> Anthropic {
    let options = AnthropicOptions {
        base_url: base_url.to_owned(),
        api_key: Some(KEY.to_owned().into()),
    };
    Anthropic::new(http::client(Timeouts::default()).unwrap(), options).unwrap()
}

fn user(text: &str) -> Message {
    Message::User { text: text.into() }
}

fn calling(text: &str, ids: &[&str]) -> Message {
    let call = |id: &&str| ToolCall {
        id: (*id).to_owned(),
        name: "list_inputs".into(),
        arguments: "{\"a\":1}".into(),
    };
    Message::Assistant {
        text: text.into(),
        tool_calls: ids.iter().map(call).collect(),
    }
}

fn result(id: &str) -> Message {
    Message::Tool {
        call_id: id.into(),
        name: "list_inputs".into(),
        content: format!("result {id}"),
    }
}

fn request(messages: Vec<Message>) -> ChatRequest {
    ChatRequest {
        model: "anthropic/claude-sonnet-4-5".into(),
        messages,
        tools: vec![],
        max_tokens: None,
        temperature: None,
    }
}

/// The turns that `messages` are sent as.
fn sent(messages: Vec<Message>) -> Value {
    wire::request(&request(messages))["messages"].clone()
}

fn sse(events: &[Value]) -> ResponseTemplate {
    let event = |e: &Value| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap());
    let body: String = events.iter().map(event).collect();
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

fn begin() -> Value {
    json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5-20250929", "usage":
        {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
         "output_tokens": 1}}})
}

fn block(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn piece(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn end(reason: &str) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ]
}

async fn answer_to(answer: ResponseTemplate) -> (Result<ChatAnswer, ModelError>, String) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/messages"))
        .and(header("x-api-key", KEY))
        .and(header("anthropic-version", "2023-06-01"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let heard = Mutex::new(String::new());
    let answer = model(&server.uri())
        .chat(&request(vec![user("Go.")]), &|piece| {
            heard.lock().unwrap().push_str(piece);
        })
        .await;
    (answer, heard.into_inner().unwrap())
}

#[tokio::test]
async fn words_and_parallel_calls_are_put_together_and_reasoning_is_passed_over() {
    let mut events = vec![
        begin(),
        block(0, json!({"type": "thinking", "thinking": ""})),
        piece(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        json!({"type": "ping"}),
        block(1, json!({"type": "text", "text": ""})),
        piece(1, json!({"type": "text_delta", "text": "Let me "})),
        piece(1, json!({"type": "text_delta", "text": "look."})),
        json!({"type": "content_block_stop", "index": 1}),
        block(
            2,
            json!({"type": "tool_use", "id": "t1", "name": "f", "input": {}}),
        ),
        block(
            3,
            json!({"type": "tool_use", "id": "t2", "name": "g", "input": {}}),
        ),
        piece(
            2,
            json!({"type": "input_json_delta", "partial_json": "{\"x\""}),
        ),
        piece(3, json!({"type": "input_json_delta", "partial_json": ""})),
        piece(
            2,
            json!({"type": "input_json_delta", "partial_json": ": 1}"}),
        ),
        json!({"type": "something_new", "index": 9}),
    ];
    events.extend(end("tool_use"));
    let (answer, heard) = answer_to(sse(&events)).await;
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    };
    assert_eq!(heard, "Let me look.");
    assert_eq!(
        answer.unwrap(),
        ChatAnswer {
            text: "Let me look.".into(),
            tool_calls: vec![call("t1", "f", "{\"x\": 1}"), call("t2", "g", "{}")],
            finish: Finish::ToolCalls,
            usage: Some(Usage {
                input_tokens: 127,
                cache_read_tokens: 100,
                cache_write_tokens: 20,
                output_tokens: 9,
                estimated: false,
            }),
            model: "claude-sonnet-4-5-20250929".into(),
        }
    );
}

#[tokio::test]
async fn a_server_that_answers_whole_is_understood() {
    let whole = json!({
        "type": "message", "model": "claude", "stop_reason": "tool_use",
        "content": [{"type": "text", "text": "Hi."},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}],
        "usage": {"input_tokens": 1, "output_tokens": 2},
    });
    let (answer, heard) = answer_to(ResponseTemplate::new(200).set_body_json(whole)).await;
    let answer = answer.unwrap();
    assert_eq!((answer.text.as_str(), heard.as_str()), ("Hi.", "Hi."));
    assert_eq!(answer.tool_calls[0].arguments, "{\"x\":1}");
    assert_eq!(answer.usage.unwrap().input_tokens, 1);
}

#[tokio::test]
async fn each_reason_to_stop_is_told() {
    for (reason, finish) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Stop),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("refusal", Finish::Other),
    ] {
        let mut events = vec![begin()];
        events.extend(end(reason));
        let answer = answer_to(sse(&events)).await.0.unwrap();
        assert_eq!(answer.finish, finish, "{reason}");
        assert_eq!(answer.text, "", "an empty answer is an answer");
    }
}

#[tokio::test]
async fn errors_are_told_apart_by_type_with_a_status_and_within_the_stream() {
    use ModelErrorKind::*;
    for (status, kind_there, message, kind) in [
        (529, "overloaded_error", "Overloaded", Overloaded),
        (500, "api_error", "Internal server error", Overloaded),
        (429, "rate_limit_error", "slow down", RateLimited),
        (401, "authentication_error", "invalid x-api-key", Refused),
        (403, "permission_error", "no", Refused),
        (
            400,
            "invalid_request_error",
            "max_tokens: too large",
            BadRequest,
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 9 tokens > 8 maximum",
            ContextTooLong,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low",
            Refused,
        ),
    ] {
        let error = json!({"type": "error", "error": {"type": kind_there, "message": message}});
        let whole = ResponseTemplate::new(status).set_body_json(&error);
        let refused = answer_to(whole).await.0.unwrap_err();
        assert_eq!((refused.kind, refused.begun), (kind, false), "{message}");
        let within = answer_to(sse(&[begin(), error])).await.0.unwrap_err();
        assert_eq!((within.kind, within.begun), (kind, true), "{message}");
    }
}

#[test]
fn a_request_has_what_the_server_insists_on() {
    let system = |text: &str| Message::System { text: text.into() };
    let mut request = request(vec![system("Be brief."), user("Go."), system("And kind.")]);
    request.tools = vec![ToolSpec {
        name: "list_inputs".into(),
        description: "Lists.".into(),
        parameters: json!({"type": "object"}),
    }];
    assert_eq!(
        wire::request(&request),
        json!({
            "model": "claude-sonnet-4-5", "max_tokens": 8192, "stream": true,
            "system": "Be brief.\n\nAnd kind.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Go."}]}],
            "tools": [{"name": "list_inputs", "description": "Lists.",
                       "input_schema": {"type": "object"}}],
        })
    );
    request.max_tokens = Some(5);
    assert_eq!(wire::request(&request)["max_tokens"], 5);
}

#[test]
fn turns_alternate_and_results_come_first_in_theirs() {
    let text = |text: &str| json!({"type": "text", "text": text});
    let r = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": format!("result {id}")});
    let c =
        |id: &str| json!({"type": "tool_use", "id": id, "name": "list_inputs", "input": {"a": 1}});
    let messages = vec![
        user("task"),
        user("and more"),
        calling("I look.", &["1", "2"]),
        result("2"),
        user("hurry"),
        result("1"),
        calling(" ", &[]),
        user("well?"),
        calling("Done. ", &[]),
    ];
    assert_eq!(
        sent(messages),
        json!([
            {"role": "user", "content": [text("task"), text("and more")]},
            {"role": "assistant", "content": [text("I look."), c("1"), c("2")]},
            {"role": "user", "content": [r("2"), r("1"), text("hurry"), text("well?")]},
            {"role": "assistant", "content": [text("Done.")]},
        ])
    );
}

#[test]
fn a_call_without_a_result_gets_one() {
    for rest in [vec![], vec![result("1"), user("go on")]] {
        let told = rest.len();
        let mut messages = vec![user("task"), calling("", &["1", "2"])];
        messages.extend(rest);
        let sent = sent(messages);
        let blocks = sent[2]["content"].as_array().unwrap();
        assert_eq!(sent[2]["role"], "user");
        assert_eq!(blocks[0]["content"], "There is no result.");
        assert_eq!(blocks.len(), 2.max(told + 1));
        assert!(
            blocks[..2]
                .iter()
                .all(|block| block["type"] == "tool_result")
        );
    }
}

#[test]
fn what_another_model_wrote_is_sent_in_letters_that_are_taken() {
    let call = ToolCall {
        id: "call:1/ü".into(),
        name: "functions.list inputs".into(),
        arguments: "{broken".into(),
    };
    let messages = vec![
        user("task"),
        Message::Assistant {
            text: String::new(),
            tool_calls: vec![call],
        },
        result("call:1/ü"),
    ];
    let sent = sent(messages);
    let used = &sent[1]["content"][0];
    assert_eq!(used["id"], "call_1__");
    assert_eq!(used["name"], "functions_list_inputs");
    assert_eq!(used["input"], json!({"unreadableArguments": "{broken"}));
    assert_eq!(sent[2]["content"][0]["tool_use_id"], "call_1__");
}

#[test]
fn the_address_may_end_as_other_programs_write_it_and_the_key_never_shows() {
    for base in [
        "https://a.example",
        "https://a.example/",
        "https://a.example/v1/",
    ] {
        let shown = format!("{:?}", model(base));
        assert!(
            shown.contains("\"https://a.example/v1/messages\""),
            "{shown}"
        );
        assert!(!shown.contains(KEY));
    }
}
