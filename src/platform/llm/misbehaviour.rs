//! Both dialects against servers that misbehave on purpose, and that count what they
//! are asked: what passes is tried again, what does not is told as what it is, and an
//! answer that began is never asked for twice behind anybody's back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use super::anthropic::{Anthropic, AnthropicOptions};
use super::openai::{OpenAi, OpenAiOptions, TokenLimit};
use super::retry::{RetryPolicy, Retrying};
use super::{ChatAnswer, ChatRequest, Finish, Message, Model, ModelError, ModelErrorKind};
use crate::platform::http::{self, Timeouts};

/// What a server does with one connection.
enum Reply {
    /// A status with headers and no body.
    Status(u16, &'static str),
    /// A stream that is whole.
    Whole(String),
    /// A stream that promises more than it sends, and closes.
    Cut(String),
    /// A stream that stops without closing.
    Silent(String),
    /// A stream of single bytes, each after this long.
    Slow(String, Duration),
    /// Closes without a word.
    Close,
}

/// A server with a script; the last line of it is not repeated.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    async fn start(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
        let seen = Arc::clone(&asked);
        // They end with the script, or with the test's runtime.
        let tasks = TaskTracker::new();
        let connections = tasks.clone();
        tasks.spawn(async move {
            for reply in script {
                let (mut socket, _) = listener.accept().await.unwrap();
                let body = read_request(&mut socket).await;
                seen.lock().unwrap().push(body);
                connections.spawn(answer(socket, reply));
            }
        });
        Server { url, asked }
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn read_request(socket: &mut TcpStream) -> Value {
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = socket.read(&mut buffer).await.unwrap();
        assert!(n > 0, "the client went away in its question");
        got.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&got);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return body;
        }
    }
}

async fn answer(mut socket: TcpStream, reply: Reply) {
    let head = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    // The client may hang up at any moment, which is what several tests are about.
    let _ = match reply {
        Reply::Close => Ok(()),
        Reply::Status(status, headers) => {
            let text = format!("HTTP/1.1 {status} x\r\n{headers}content-length: 0\r\n\r\n");
            socket.write_all(text.as_bytes()).await
        }
        Reply::Whole(body) => {
            let text = head(body.len()) + &body;
            socket.write_all(text.as_bytes()).await
        }
        Reply::Cut(body) => {
            let text = head(body.len() + 1) + &body;
            socket.write_all(text.as_bytes()).await
        }
        Reply::Silent(body) => {
            let text = head(body.len() + 1) + &body;
            let _ = socket.write_all(text.as_bytes()).await;
            let mut rest = Vec::new();
            socket.read_to_end(&mut rest).await.map(|_| ())
        }
        Reply::Slow(body, pause) => {
            let _ = socket.write_all(head(body.len()).as_bytes()).await;
            for byte in body.bytes() {
                if socket.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(pause).await;
            }
            Ok(())
        }
    };
    let _ = socket.shutdown().await;
}

#[derive(Debug, Clone, Copy)]
enum Dialect {
    OpenAi,
    Anthropic,
}

const BOTH: [Dialect; 2] = [Dialect::OpenAi, Dialect::Anthropic];

const QUICK: RetryPolicy = RetryPolicy {
    attempts: 3,
    base: Duration::from_millis(1),
    cap: Duration::from_millis(2),
    patience: Duration::from_secs(2),
};

impl Dialect {
    fn model(self, url: &str) -> Arc<dyn Model> {
        let timeouts = Timeouts {
            read: Duration::from_millis(150),
            total: Duration::from_secs(5),
            ..Timeouts::default()
        };
        let client = http::client(timeouts).unwrap();
        match self {
            Dialect::OpenAi => {
                let options = OpenAiOptions {
                    base_url: url.to_owned(),
                    api_key: None,
                    include_usage: true,
                    token_limit: TokenLimit::MaxTokens,
                };
                let model = OpenAi::new(client, options).unwrap();
                Arc::new(Retrying::new(model, QUICK))
            }
            Dialect::Anthropic => {
                let options = AnthropicOptions {
                    base_url: url.to_owned(),
                    api_key: None,
                };
                let model = Anthropic::new(client, options).unwrap();
                Arc::new(Retrying::new(model, QUICK))
            }
        }
    }

    fn events(self, events: &[Value]) -> String {
        let mut body = String::new();
        for event in events {
            body.push_str(&format!("data: {event}\n\n"));
        }
        if let Dialect::OpenAi = self {
            body.push_str("data: [DONE]\n\n");
        }
        body
    }

    /// The beginning of an answer that says "Hi".
    fn words(self) -> Value {
        match self {
            Dialect::OpenAi => json!({"choices": [{"delta": {"content": "Hi"}}]}),
            Dialect::Anthropic => json!({"type": "content_block_delta", "index": 0,
                                         "delta": {"type": "text_delta", "text": "Hi"}}),
        }
    }

    /// A call whose arguments are `arguments`, whatever they are.
    fn call(self, arguments: &str) -> Vec<Value> {
        match self {
            Dialect::OpenAi => vec![json!({"choices": [{"delta": {"tool_calls": [
                {"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}}]}}]})],
            Dialect::Anthropic => vec![
                json!({"type": "content_block_start", "index": 0,
                       "content_block": {"type": "tool_use", "id": "c", "name": "f", "input": {}}}),
                json!({"type": "content_block_delta", "index": 0,
                       "delta": {"type": "input_json_delta", "partial_json": arguments}}),
            ],
        }
    }

    fn end(self, calls: bool) -> Vec<Value> {
        match self {
            Dialect::OpenAi => {
                let reason = if calls { "tool_calls" } else { "stop" };
                vec![json!({"choices": [{"delta": {}, "finish_reason": reason}]})]
            }
            Dialect::Anthropic => {
                let reason = if calls { "tool_use" } else { "end_turn" };
                vec![
                    json!({"type": "message_delta", "delta": {"stop_reason": reason}}),
                    json!({"type": "message_stop"}),
                ]
            }
        }
    }

    fn good(self) -> Reply {
        let mut events = vec![self.words()];
        events.extend(self.end(false));
        Reply::Whole(self.events(&events))
    }

    /// One event, and whatever stands after it.
    fn begun(self, then: &str) -> String {
        format!("data: {}\n\n{then}", self.words())
    }
}

async fn ask(dialect: Dialect, server: &Server) -> (Result<ChatAnswer, ModelError>, String) {
    let request = ChatRequest {
        model: "x/y".into(),
        messages: vec![Message::User { text: "Go.".into() }],
        tools: vec![],
        max_tokens: None,
        temperature: None,
    };
    let heard = Mutex::new(String::new());
    let model = dialect.model(&server.url);
    let listen = |piece: &str| heard.lock().unwrap().push_str(piece);
    let answer = model.chat(&request, &listen).await;
    (answer, heard.into_inner().unwrap())
}

#[tokio::test]
async fn what_passes_is_tried_again_until_it_is_answered() {
    for dialect in BOTH {
        let dated =
            "date: Wed, 21 Oct 2026 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2026 07:28:01 GMT\r\n";
        for trouble in [
            vec![Reply::Status(500, ""), Reply::Status(503, "")],
            vec![Reply::Status(529, "retry-after: 0\r\n")],
            vec![Reply::Status(429, "retry-after: 1\r\n")],
            vec![Reply::Status(429, dated)],
            vec![Reply::Close, Reply::Close],
            // Cut before its first byte: nothing was said yet.
            vec![Reply::Status(408, ""), Reply::Close],
        ] {
            let asked = trouble.len() + 1;
            let mut script = trouble;
            script.push(dialect.good());
            let server = Server::start(script).await;
            let (answer, heard) = ask(dialect, &server).await;
            assert_eq!(answer.unwrap().text, "Hi", "{dialect:?}");
            assert_eq!(heard, "Hi");
            assert_eq!(server.count(), asked, "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept_and_too_long_a_one_is_told() {
    for dialect in BOTH {
        let full = Reply::Status(429, "retry-after: 1\r\n");
        let server = Server::start(vec![full, dialect.good()]).await;
        let begun = std::time::Instant::now();
        ask(dialect, &server).await.0.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1), "{dialect:?}");
        let server = Server::start(vec![Reply::Status(429, "retry-after: 3600\r\n")]).await;
        let error = ask(dialect, &server).await.0.unwrap_err();
        assert_eq!(error.retry_after, Some(Duration::from_secs(3600)));
        assert_eq!(
            (error.kind, server.count()),
            (ModelErrorKind::RateLimited, 1)
        );
    }
}

#[tokio::test]
async fn a_server_that_only_fails_is_given_up_after_the_tries_it_has() {
    for dialect in BOTH {
        let fail = || Reply::Status(500, "");
        let server = Server::start(vec![fail(), fail(), fail(), fail()]).await;
        let error = ask(dialect, &server).await.0.unwrap_err();
        assert_eq!(
            (error.kind, server.count()),
            (ModelErrorKind::Overloaded, 3)
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_after_its_first_word_is_told_and_not_repeated() {
    for dialect in BOTH {
        let half = dialect.begun("data: {\"ty");
        let ended = dialect.begun("");
        for reply in [
            Reply::Cut(half.clone()),
            Reply::Whole(ended),
            Reply::Whole(half),
        ] {
            let server = Server::start(vec![reply, dialect.good()]).await;
            let (answer, heard) = ask(dialect, &server).await;
            let error = answer.unwrap_err();
            assert_eq!(error.kind, ModelErrorKind::Unreachable, "{dialect:?}");
            assert!(error.begun, "{dialect:?}");
            assert_eq!((heard.as_str(), server.count()), ("Hi", 1), "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn silence_in_the_middle_is_given_up_and_slowness_is_not() {
    for dialect in BOTH {
        let server = Server::start(vec![Reply::Silent(dialect.begun(""))]).await;
        let error = ask(dialect, &server).await.0.unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::Timeout, "{dialect:?}");
        let mut events = vec![dialect.words()];
        events.extend(dialect.end(false));
        let slow = Reply::Slow(dialect.events(&events), Duration::from_millis(2));
        let server = Server::start(vec![slow]).await;
        let answer = ask(dialect, &server).await.0.unwrap();
        assert_eq!((answer.text.as_str(), server.count()), ("Hi", 1));
    }
}

#[tokio::test]
async fn a_piece_that_is_not_json_is_malformed_and_not_quoted() {
    for dialect in BOTH {
        let broken = dialect.begun("data: {\"secret\": tru\n\n");
        let server = Server::start(vec![Reply::Whole(broken)]).await;
        let error = ask(dialect, &server).await.0.unwrap_err();
        assert_eq!((error.kind, server.count()), (ModelErrorKind::Malformed, 1));
        assert!(!error.message.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn wrong_arguments_reach_us_as_they_were_written() {
    for dialect in BOTH {
        for arguments in ["{\"inputId\": ", "[1, 2]", "\"text\"", "{\"inputId\": 7}"] {
            let mut events = dialect.call(arguments);
            events.extend(dialect.end(true));
            let server = Server::start(vec![Reply::Whole(dialect.events(&events))]).await;
            let answer = ask(dialect, &server).await.0.unwrap();
            assert_eq!(answer.tool_calls[0].arguments, arguments, "{dialect:?}");
            assert_eq!(answer.finish, Finish::ToolCalls);
        }
    }
}

#[tokio::test]
async fn an_empty_answer_is_an_answer() {
    for dialect in BOTH {
        let body = dialect.events(&dialect.end(false));
        let server = Server::start(vec![Reply::Whole(body)]).await;
        let answer = ask(dialect, &server).await.0.unwrap();
        assert_eq!((answer.text.as_str(), answer.finish), ("", Finish::Stop));
        assert!(answer.tool_calls.is_empty() && answer.usage.is_none());
    }
}
