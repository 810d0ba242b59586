//! The client against a server that misbehaves on purpose: what passes is tried again, and
//! what does not is never believed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::task::TaskTracker;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_partial_json, header, method, path},
};

use super::*;
use crate::config;

const QUICK: RetryPolicy = RetryPolicy {
    attempts: 3,
    base: Duration::from_millis(1),
    cap: Duration::from_millis(2),
    patience: Duration::from_secs(2),
};

fn service(url: &str, overrides: &[(&'static str, &str)]) -> Service {
    let own = [
        ("embedder.model", "m"),
        ("embedder.base_url", url),
        ("embedder.api_key", "sk-secret"),
        ("embedder.dimensions", "2"),
        ("embedder.batch", "2"),
    ];
    let all: Vec<_> = own
        .iter()
        .chain(overrides)
        .map(|(path, value)| (*path, (*value).to_owned()))
        .collect();
    let config = config::load("test", &all).unwrap();
    let key = config.embedder.key(&config.models);
    Service::new(&config.embedder, key)
        .unwrap()
        .with_retry(QUICK)
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("text {n}")).collect()
}

fn item(index: usize, embedding: &[f64]) -> Value {
    json!({ "object": "embedding", "index": index, "embedding": embedding })
}

fn answer(items: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "object": "list", "data": items }))
}

/// A server that gives `first` and then, for good, one vector.
async fn server(first: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for reply in first {
        Mock::given(path("/embeddings"))
            .respond_with(reply)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(path("/embeddings"))
        .respond_with(answer(&[item(0, &[3.0, 4.0])]))
        .mount(&server)
        .await;
    server
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn texts_go_in_batches_and_vectors_come_in_their_order_and_at_unit_length() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/embeddings"))
        .and(header("authorization", "Bearer sk-secret"))
        .and(body_partial_json(
            json!({ "model": "m", "input": ["text 0", "text 1"] }),
        ))
        .respond_with(answer(&[item(1, &[0.0, 2.0]), item(0, &[3.0, 4.0])]))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(body_partial_json(json!({ "input": ["text 2"] })))
        .respond_with(answer(&[json!({ "embedding": [0.0, 0.0] })]))
        .expect(1)
        .mount(&server)
        .await;
    let service = service(&server.uri(), &[]);
    let vectors = service.embed(&texts(3)).await.unwrap();
    assert_eq!(vectors, [vec![0.6, 0.8], vec![0.0, 1.0], vec![0.0, 0.0]]);
    assert_eq!(service.model(), "openai/m@2");
    let bodies = server.received_requests().await.unwrap();
    let body: Value = bodies[0].body_json().unwrap();
    assert!(body.get("dimensions").is_none(), "not every model knows it");
}

#[tokio::test]
async fn only_a_model_that_shortens_is_asked_for_a_length() {
    let server = server(vec![]).await;
    let short = service(&server.uri(), &[("embedder.shorten", "true")]);
    short.embed(&texts(1)).await.unwrap();
    let body: Value = server.received_requests().await.unwrap()[0]
        .body_json()
        .unwrap();
    assert_eq!(body["dimensions"], 2);
    let longer = short.sibling("openai/m@3").unwrap();
    assert_eq!((longer.called.as_str(), longer.dimensions), ("m", 3));
    assert!(longer.shorten);
    let other = short.sibling("openai/BAAI/bge@m3@1024").unwrap();
    assert_eq!(
        (other.called.as_str(), other.dimensions),
        ("BAAI/bge@m3", 1024)
    );
    assert!(!other.shorten);
    assert!(short.sibling("builtin/hashing-v1").is_none());
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let full = || ResponseTemplate::new(429).insert_header("retry-after-ms", "10");
    let failed = || ResponseTemplate::new(500);
    for trouble in [
        vec![full()],
        vec![failed(), failed()],
        vec![full(), failed()],
    ] {
        let expected = trouble.len() + 1;
        let server = server(trouble).await;
        let service = service(&server.uri(), &[]);
        assert_eq!(service.embed(&texts(1)).await.unwrap(), [[0.6, 0.8]]);
        assert_eq!(asked(&server).await, expected);
    }
}

#[tokio::test]
async fn a_wait_beyond_our_patience_is_told_to_whoever_can_put_the_work_off() {
    let server = server(vec![
        ResponseTemplate::new(429).insert_header("retry-after", "90"),
    ])
    .await;
    let error = service(&server.uri(), &[])
        .embed(&texts(1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::EmbeddingsUnavailable);
    assert_eq!(error.details().unwrap()["retryAfterSeconds"], 90);
    assert!(error.retryable());
    assert_eq!(asked(&server).await, 1);
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_not_believed() {
    for odd in [
        answer(&[]),
        answer(&[item(0, &[1.0, 0.0]), item(1, &[1.0, 0.0])]),
        answer(&[item(0, &[1.0, 0.0, 0.0])]),
        answer(&[item(0, &[])]),
        answer(&[item(7, &[1.0, 0.0])]),
        ResponseTemplate::new(200).set_body_json(json!({ "data": [{ "embedding": [null, 1] }] })),
        ResponseTemplate::new(200).set_body_json(json!({ "data": [{ "embedding": [1e300, 1] }] })),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(401).set_body_json(json!({ "error": { "message": "sk-secret" } })),
    ] {
        let server = server(vec![odd]).await;
        let error = service(&server.uri(), &[])
            .embed(&texts(1))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::EmbeddingsUnavailable);
        assert!(!error.chain().contains("sk-secret"), "{}", error.chain());
        assert_eq!(asked(&server).await, 1, "asking again mends nothing");
    }
}

/// Two connections: one that is cut in the middle of its answer, and one that is not.
#[tokio::test]
async fn an_answer_that_is_cut_is_asked_for_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        let body = json!({ "data": [{ "embedding": [0.0, 1.0] }] }).to_string();
        for sent in [body.len() / 2, body.len()] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = socket.read(&mut buffer).await.unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            socket.write_all(head.as_bytes()).await.unwrap();
            socket.write_all(&body.as_bytes()[..sent]).await.unwrap();
            let _ = socket.shutdown().await;
        }
    });
    let vectors = service(&url, &[]).embed(&texts(1)).await.unwrap();
    assert_eq!(vectors, [[0.0, 1.0]]);
}

#[tokio::test]
async fn a_question_waits_a_moment_and_the_next_one_not_at_all() {
    let server = MockServer::start().await;
    Mock::given(path("/embeddings"))
        .respond_with(answer(&[item(0, &[3.0, 4.0])]).set_delay(Duration::from_secs(30)))
        .mount(&server)
        .await;
    let service = service(&server.uri(), &[("embedder.question_ms", "100")]);
    let begun = Instant::now();
    for _ in 0..20 {
        let error = service.question("why").await.unwrap_err();
        assert_eq!(error.code(), Code::EmbeddingsUnavailable);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(asked(&server).await, 1);
    service.rest(None);
    server.reset().await;
    Mock::given(path("/embeddings"))
        .respond_with(answer(&[item(0, &[3.0, 4.0])]))
        .mount(&server)
        .await;
    assert_eq!(service.question("why").await.unwrap(), [0.6, 0.8]);
}

#[test]
fn a_key_goes_to_its_own_address_only() {
    let key = |base: &str, own: &str| {
        let settings = [
            ("models.openai_api_key", "sk-models"),
            ("models.openai_base_url", "https://api.openai.com/v1"),
            ("embedder.base_url", base),
            ("embedder.api_key", own),
        ]
        .map(|(path, value)| (path, value.to_owned()));
        let config = config::load("test", &settings).unwrap();
        let key = config.embedder.key(&config.models);
        key.map(|key| key.expose_secret().to_owned())
    };
    let elsewhere = "http://127.0.0.1:11434/v1";
    assert_eq!(
        key("https://api.openai.com/v1/", ""),
        Some("sk-models".into())
    );
    assert_eq!(
        key("https://api.openai.com/v1", "sk-own"),
        Some("sk-own".into())
    );
    assert_eq!(key(elsewhere, ""), None);
    assert_eq!(key(elsewhere, "sk-own"), Some("sk-own".into()));
}
