//! Requests byte by byte, as no library sends them: slow, endless, too large, ambiguous.

use std::sync::Arc;

use glassbox::agent::worker::AgentWorker;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{TestApp, model::Stuck},
    workbench::Workbench,
};

/// A connection to the server.
struct Wire(TcpStream);

impl Wire {
    async fn open(test: &TestApp) -> Self {
        let address = test.url.strip_prefix("http://").unwrap();
        Wire(TcpStream::connect(address).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// What comes until the server closes. It may do so with a reset, when it did not
    /// read all that was sent.
    async fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes).await;
        String::from_utf8(bytes).unwrap()
    }

    /// What comes until `end` has come.
    async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            bytes.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(bytes).unwrap()
    }
}

/// The head of a request that makes a node, up to the headers of its body.
fn head(bench: &Workbench) -> String {
    format!(
        "POST /api/v1/projects/{}/nodes HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nConnection: close\r\n",
        bench.project,
        bench.ada.token()
    )
}

/// What is answered to a head and a body that is not all that the head announces.
async fn answered(bench: &Workbench, framing: &str, body: &str) -> String {
    let mut wire = Wire::open(&bench.test).await;
    wire.send(&format!("{}{framing}\r\n\r\n{body}", head(bench)))
        .await;
    wire.rest().await
}

async fn with(setting: &'static str, value: &str) -> Workbench {
    Workbench::of(TestApp::start_configured(&[(setting, value.to_owned())]).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_end_is_cut_off_at_the_limit() {
    let bench = with("server.body_limit_bytes", "1024").await;
    let chunk = format!("600\r\n{{\"title\":\"{}", "x".repeat(0x600 - 10));
    let declared = "x".repeat(2000);
    for (framing, body) in [
        ("Transfer-Encoding: chunked", &chunk),
        ("Content-Length: 99999", &declared),
    ] {
        let mut wire = Wire::open(&bench.test).await;
        wire.send(&format!("{}{framing}\r\n\r\n{body}", head(&bench)))
            .await;
        // The rest of the body never comes, and the answer does not wait for it.
        let answer = wire.until("}").await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("\"BODY_TOO_LARGE\""), "{answer}");
    }
    assert_eq!(bench.count("nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_not_waited_for() {
    let bench = with("server.request_seconds", "1").await;
    for extra in ["", "\r\nIdempotency-Key: k1"] {
        let framing = format!("Content-Length: 99{extra}");
        let answer = answered(&bench, &framing, "{\"title\":").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("\"TIMEOUT\""), "{answer}");
    }
    assert_eq!(bench.count("nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_too_slowly_is_not_waited_for() {
    let bench = with("server.request_seconds", "1").await;
    let mut wire = Wire::open(&bench.test).await;
    wire.send("GET /health/live HTTP/1.1\r\nHost:").await;
    let answer = wire.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_changes_nothing() {
    let bench = Workbench::start().await;
    let mut wire = Wire::open(&bench.test).await;
    let whole = "{\"title\":\"Pier\"}";
    let framing = "Transfer-Encoding: chunked";
    // All of the JSON, but not the end of the body.
    let chunk = format!("{:x}\r\n{whole}\r\n", whole.len());
    wire.send(&format!("{}{framing}\r\n\r\n{chunk}", head(&bench)))
        .await;
    wire.0.shutdown().await.unwrap();
    let answer = wire.rest().await;
    assert!(!answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(bench.count("nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_many_or_too_large_are_refused() {
    let bench = Workbench::start().await;
    let large = format!("X-Large: {}\r\n", "x".repeat(200_000));
    let many = "X-Many: x\r\n".repeat(200);
    for headers in [large, many] {
        let mut wire = Wire::open(&bench.test).await;
        let request = format!("GET /health/live HTTP/1.1\r\nHost: test\r\n{headers}\r\n");
        // The answer may come, and the connection end, before all is sent.
        let _ = wire.0.write_all(request.as_bytes()).await;
        let answer = wire.rest().await;
        let status = answer.split(' ').nth(1);
        assert!(matches!(status, Some("400" | "431")), "{answer}");
    }
    bench.titled("Pier").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_ends_in_two_ways_is_refused() {
    let bench = Workbench::start().await;
    let body = "{\"title\":\"Pier\"}";
    let both = "Content-Length: 16\r\nTransfer-Encoding: chunked";
    let chunked = format!("10\r\n{body}\r\n0\r\n\r\n");
    let twice = "Content-Length: 16\r\nContent-Length: 17";
    for (framing, body) in [(both, chunked.as_str()), (twice, body)] {
        let answer = answered(&bench, framing, body).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{framing}: {answer}");
    }
    assert_eq!(bench.count("nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_to_be_told_to_go_on_is_told() {
    let bench = Workbench::start().await;
    let mut wire = Wire::open(&bench.test).await;
    let framing = "Content-Length: 16\r\nExpect: 100-continue";
    wire.send(&format!("{}{framing}\r\n\r\n", head(&bench)))
        .await;
    let told = wire.until("\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 100 "), "{told}");
    wire.send("{\"title\":\"Pier\"}").await;
    let answer = wire.rest().await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_not_held_back_by_compression() {
    let stuck = Stuck::default();
    let test = TestApp::start_with_model(stuck.clone()).await;
    test.relay_always();
    let bench = Workbench::of(test).await;
    let node = bench.titled("Pier").await;
    let run = bench
        .ada
        .post(
            &format!("/nodes/{node}/execute"),
            json!({ "model": "script/ed" }),
        )
        .await
        .expect(201);
    let id = run["execution"]["id"].as_str().unwrap();
    let stream = bench
        .ada
        .request("GET", &format!("/executions/{id}/stream"))
        .header("accept-encoding", "gzip");
    let mut stream = stream.send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert!(!stream.headers().contains_key("content-encoding"));
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run(stop.clone()));
    // The model says these words and then nothing more, so the stream does not end.
    let mut seen = String::new();
    while !seen.contains("Let me think") {
        let piece = stream.chunk().await.unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let state = bench.ada.get(&format!("/executions/{id}")).await;
    assert_eq!(state.body["execution"]["status"], "running");
    stop.cancel();
    working.await.unwrap();
}
