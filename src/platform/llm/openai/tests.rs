//! Against servers on loopback: wiremock for whole answers, a bare socket for the
//! ones that break off or never end.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::platform::http;
use crate::platform::llm::retry::{RetryPolicy, Retrying};
use crate::platform::llm::{Finish, Message, ModelErrorKind, ToolCall, ToolSpec, Usage};

const KEY: &str = "sk-very-secret-0123456789";

fn options(base_url: &str) -> OpenAiOptions {
    OpenAiOptions {
        base_url: base_url.to_owned(),
        api_key: Some(KEY.to_owned().into()),
        include_usage: true,
        token_limit: TokenLimit::MaxCompletionTokens,
    }
}

fn client(read: Duration) -> Client {
    let timeouts = http::Timeouts {
        read,
        ..http::Timeouts::default()
    };
    http::client(timeouts).unwrap()
}

fn open(options: OpenAiOptions) -> Result<OpenAi> {
    OpenAi::new(client(Duration::from_secs(5)), options)
}

fn request() -> ChatRequest {
    ChatRequest {
        model: "openai/gpt-4o".into(),
        messages: vec![
            Message::System {
                text: "Be brief.".into(),
            },
            Message::User { text: "Go.".into() },
        ],
        tools: vec![ToolSpec {
            name: "list_inputs".into(),
            description: "Lists.".into(),
            parameters: json!({"type": "object"}),
        }],
        max_tokens: Some(100),
        temperature: None,
    }
}

fn sse(events: &[Value]) -> String {
    let mut out: String = events.iter().map(|e| format!("data: {e}\n\n")).collect();
    out.push_str("data: [DONE]\n\n");
    out
}

fn stream(events: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(sse(events), "text/event-stream")
}

fn text(text: &str) -> Value {
    json!({"choices": [{"delta": {"content": text}}]})
}

fn calls(calls: Value) -> Value {
    json!({"choices": [{"delta": {"content": null, "tool_calls": calls}}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"delta": {}, "finish_reason": reason}]})
}

async fn serving(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

/// The answer and the words heard on the way.
async fn ask(model: &impl Model) -> (Result<ChatAnswer, ModelError>, String) {
    let heard = Mutex::new(String::new());
    let result = model
        .chat(&request(), &|piece| heard.lock().unwrap().push_str(piece))
        .await;
    (result, heard.into_inner().unwrap())
}

async fn answer_to(events: &[Value]) -> Result<ChatAnswer, ModelError> {
    let server = serving(stream(events)).await;
    ask(&open(options(&server.uri())).unwrap()).await.0
}

/// The calls of an answer, as `id name arguments`.
async fn calls_of(events: &[Value]) -> Vec<String> {
    let answer = answer_to(events).await.unwrap();
    assert_eq!(answer.finish, Finish::ToolCalls);
    answer
        .tool_calls
        .iter()
        .map(|c| format!("{} {} {}", c.id, c.name, c.arguments))
        .collect()
}

/// A server that answers its first connection with `bytes` and then, if `hold`,
/// says no more until the client goes, which it reports by ending.
async fn raw(bytes: &'static str, hold: bool) -> (String, impl Future<Output = ()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let serve = async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";
        let length = bytes.len() + usize::from(hold);
        let head = format!("{head}content-length: {length}\r\n\r\n{bytes}");
        socket.write_all(head.as_bytes()).await.unwrap();
        if hold {
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest).await;
        }
    };
    (url, serve)
}

async fn read_request(socket: &mut TcpStream) {
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    while !got.ends_with(b"}") {
        let n = socket.read(&mut buffer).await.unwrap();
        got.extend_from_slice(&buffer[..n]);
    }
}

#[tokio::test]
async fn words_are_streamed_and_usage_comes_last_without_choices() {
    let server = MockServer::start().await;
    Mock::given(path("/v1/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}")))
        .respond_with(stream(&[
            json!({"model": "gpt-4o-2024-08-06", "choices": [{"delta": {"role": "assistant", "content": ""}}]}),
            text("Hel"),
            text("lo."),
            end("stop"),
            json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}),
        ]))
        .mount(&server)
        .await;
    let model = open(options(&format!("{}/v1/", server.uri()))).unwrap();
    let (answer, heard) = ask(&model).await;
    assert_eq!(heard, "Hello.");
    assert_eq!(
        answer.unwrap(),
        ChatAnswer {
            text: "Hello.".into(),
            tool_calls: vec![],
            finish: Finish::Stop,
            usage: Some(Usage {
                input_tokens: 7,
                output_tokens: 2,
                ..Usage::default()
            }),
            model: "gpt-4o-2024-08-06".into(),
        }
    );
    let sent: Value = server.received_requests().await.unwrap()[0]
        .body_json()
        .unwrap();
    assert_eq!(
        sent,
        json!({
            "model": "gpt-4o",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go."}],
            "stream": true,
            "stream_options": {"include_usage": true},
            "tools": [{"type": "function", "function": {
                "name": "list_inputs", "description": "Lists.", "parameters": {"type": "object"}}}],
            "max_completion_tokens": 100,
        })
    );
}

#[tokio::test]
async fn a_conversation_with_tools_is_sent_as_the_format_wants_it() {
    let server = serving(stream(&[end("stop")])).await;
    let model = open(OpenAiOptions {
        api_key: None,
        include_usage: false,
        token_limit: TokenLimit::MaxTokens,
        ..options(&server.uri())
    })
    .unwrap();
    let mut request = request();
    request.tools.clear();
    request.messages = vec![
        Message::Assistant {
            text: String::new(),
            tool_calls: vec![ToolCall {
                id: "c1".into(),
                name: "f".into(),
                arguments: "{ \"a\":1}".into(),
            }],
        },
        Message::Tool {
            call_id: "c1".into(),
            name: "f".into(),
            content: "ok".into(),
        },
    ];
    let answer = model.chat(&request, &|_| ()).await.unwrap();
    assert_eq!(answer.usage, None, "no usage is unknown usage");
    let received = server.received_requests().await.unwrap();
    assert!(!received[0].headers.contains_key("authorization"));
    assert_eq!(
        received[0].body_json::<Value>().unwrap(),
        json!({
            "model": "gpt-4o",
            "messages": [
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{ \"a\":1}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "ok"},
            ],
            "stream": true,
            "max_tokens": 100,
        })
    );
}

#[tokio::test]
async fn numbered_pieces_of_two_calls_are_put_together() {
    let got = calls_of(&[
        calls(json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}])),
        calls(json!([{"index": 0, "function": {"arguments": "{\"x\":"}}])),
        calls(json!([{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}])),
        calls(json!([{"index": 0, "id": "", "function": {"name": null, "arguments": "1}"}}])),
        end("tool_calls"),
    ])
    .await;
    assert_eq!(got, ["a f {\"x\":1}", "b g {}"]);
}

#[tokio::test]
async fn without_numbers_the_id_tells_calls_apart() {
    let got = calls_of(&[
        calls(json!([{"id": "a", "function": {"name": "f", "arguments": "{\"x\":"}}])),
        calls(json!([{"function": {"arguments": "1"}}])),
        calls(json!([{"id": "a", "function": {"arguments": "}"}}])),
        calls(json!([{"id": "b", "function": {"name": "f", "arguments": "{\"x\":"}}])),
        calls(json!([{"function": {"arguments": "2}"}}])),
        end("stop"),
    ])
    .await;
    assert_eq!(got, ["a f {\"x\":1}", "b f {\"x\":2}"]);
}

#[tokio::test]
async fn calls_that_are_all_number_zero_are_told_apart_by_their_ids() {
    let got = calls_of(&[
        calls(json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}])),
        calls(json!([{"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}}])),
        end("tool_calls"),
    ])
    .await;
    assert_eq!(got, ["a f {}", "b f {}"]);
}

#[tokio::test]
async fn calls_without_number_or_id_go_by_their_place_and_get_ids() {
    let got = calls_of(&[
        calls(json!([
            {"function": {"name": "f", "arguments": {"x": 1}}},
            {"id": "", "function": {"name": "f", "arguments": "{\"x\":"}},
        ])),
        calls(json!([{}, {"function": {"arguments": "2}"}}])),
        calls(json!([{"function": {"name": "f", "arguments": null}}])),
        end("tool_calls"),
    ])
    .await;
    assert_eq!(
        got,
        [
            "call_2_0 f {\"x\":1}",
            "call_2_1 f {\"x\":2}",
            "call_2_2 f {}"
        ]
    );
}

#[tokio::test]
async fn a_fresh_id_with_each_piece_does_not_tear_a_call_apart() {
    let got = calls_of(&[
        calls(json!([{"index": 0, "id": "a1", "function": {"name": "f", "arguments": "{\"x\""}}])),
        calls(json!([{"index": 0, "id": "a2", "function": {"arguments": ":1}"}}])),
        end("tool_calls"),
    ])
    .await;
    assert_eq!(got, ["a1 f {\"x\":1}"]);
}

#[tokio::test]
async fn a_call_without_a_name_is_malformed() {
    let error = answer_to(&[calls(json!([{"index": 0, "id": "a"}])), end("tool_calls")])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Malformed);
}

#[tokio::test]
async fn a_server_that_answers_whole_is_understood() {
    let server = serving(ResponseTemplate::new(200).set_body_json(json!({
        "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1},
        "choices": [{"message": {"content": "Hi."}, "finish_reason": "stop"}],
    })))
    .await;
    let (answer, heard) = ask(&open(options(&server.uri())).unwrap()).await;
    assert_eq!(
        (answer.unwrap().text.as_str(), heard.as_str()),
        ("Hi.", "Hi.")
    );
}

#[tokio::test]
async fn a_full_house_is_tried_again_until_there_is_room() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after-ms", "1"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(stream(&[text("Done."), end("stop")]))
        .mount(&server)
        .await;
    let policy = RetryPolicy {
        base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    let model = Retrying::new(open(options(&server.uri())).unwrap(), policy);
    assert_eq!(ask(&model).await.0.unwrap().text, "Done.");
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again_and_never_shown() {
    let echo = json!({"error": {"message": format!("Incorrect API key: {KEY}")}});
    for (status, kind) in [
        (401, ModelErrorKind::Refused),
        (400, ModelErrorKind::BadRequest),
    ] {
        let server = serving(ResponseTemplate::new(status).set_body_json(&echo)).await;
        let model = open(options(&server.uri())).unwrap();
        assert!(!format!("{model:?}").contains(KEY));
        let model = Retrying::new(model, RetryPolicy::default());
        let error = ask(&model).await.0.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(!format!("{error:?} {error}").contains(KEY), "{error:?}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_error_within_the_stream_is_an_error() {
    let event = json!({"error": {"type": "server_error", "message": "boom"}});
    let error = answer_to(&[text("Well"), event]).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Overloaded);
    assert!(error.begun);
}

#[tokio::test]
async fn what_is_not_json_is_malformed_and_not_quoted() {
    let server = serving(
        ResponseTemplate::new(200).set_body_raw("data: {\"secret\n\n", "text/event-stream"),
    )
    .await;
    let error = ask(&open(options(&server.uri())).unwrap())
        .await
        .0
        .unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Malformed);
    assert!(!error.message.contains("secret"));
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let long = "x".repeat(2_000);
    let server = serving(stream(&[text(&long), text(&long), end("stop")])).await;
    let mut model = open(options(&server.uri())).unwrap();
    model.exchange.max_answer = 3_000;
    let error = ask(&model).await.0.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Malformed);
    assert!(error.message.contains("larger"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    const PART: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\ndata: {\"cho";
    let (url, serve) = raw(PART, false).await;
    let model = open(options(&url)).unwrap();
    let ((result, heard), ()) = tokio::join!(ask(&model), serve);
    let error = result.unwrap_err();
    assert_eq!(heard, "Half");
    assert_eq!(error.kind, ModelErrorKind::Unreachable);
    assert!(
        error.begun && error.message.contains("broke off"),
        "{error}"
    );
}

#[tokio::test]
async fn an_end_without_done_is_good_when_the_model_said_why_it_stopped() {
    const WHOLE: &str =
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n";
    let (url, serve) = raw(WHOLE, false).await;
    let model = open(options(&url)).unwrap();
    let ((result, _), ()) = tokio::join!(ask(&model), serve);
    assert_eq!(result.unwrap().text, "Hi");
}

#[tokio::test]
async fn an_end_by_done_alone_is_good() {
    assert_eq!(answer_to(&[text("Hi")]).await.unwrap().text, "Hi");
}

#[tokio::test]
async fn silence_in_the_middle_is_given_up() {
    let (url, serve) = raw("data: {\"choices\":[]}\n\n", true).await;
    let model = OpenAi::new(client(Duration::from_millis(100)), options(&url)).unwrap();
    let ((result, _), ()) = tokio::join!(ask(&model), serve);
    assert_eq!(result.unwrap_err().kind, ModelErrorKind::Timeout);
}

#[tokio::test]
async fn dropping_the_call_closes_the_connection() {
    let (url, serve) = raw(
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        true,
    )
    .await;
    let model = open(options(&url)).unwrap();
    let (heard, mut first_word) = tokio::sync::mpsc::unbounded_channel();
    let asked = request();
    let listen = |_: &str| heard.send(()).unwrap();
    let call = model.chat(&asked, &listen);
    let hang_up = async {
        tokio::select! {
            _ = call => panic!("the server never finishes"),
            _ = first_word.recv() => {}
        }
    };
    // The server's part ends only when the client has gone.
    tokio::join!(hang_up, serve);
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(&open(options(&url)).unwrap()).await.0.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unreachable);
    assert!(error.retryable() && !error.begun);
    assert!(!error.message.contains("127.0.0.1"));
}

#[test]
fn an_address_must_be_http_and_hold_no_password() {
    for bad in [
        "",
        "ftp://host",
        "host/v1",
        "https://user:pass@host/v1",
        "file:///etc",
    ] {
        assert!(open(options(bad)).is_err(), "{bad}");
    }
    assert!(open(options("http://127.0.0.1:11434/v1")).is_ok());
}
