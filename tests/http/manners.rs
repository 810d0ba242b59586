//! What surrounds every request: origins, encodings, limits, traces.

use serde_json::json;

use crate::{
    support::{
        TestApp,
        issuer::{Issuer, Key},
    },
    workbench::Workbench,
};

const PAGE: &str = "https://app.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_configured_origin_may_read_answers_and_errors() {
    let test = TestApp::start_configured(&[("server.cors_origins", PAGE.into())]).await;
    let client = test.anonymous();
    for path in ["/orgs", "/nothing", "//health/live"] {
        let request = client.request("GET", path).header("origin", PAGE);
        let answer = client.send(request).await;
        assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
        assert!(answer.headers.contains_key("access-control-expose-headers"));
    }
    let preflight = client
        .request("OPTIONS", "/orgs")
        .header("origin", PAGE)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, if-match");
    let answer = client.send(preflight).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
    let other = client
        .request("GET", "/orgs")
        .header("origin", "https://evil.example.com");
    let answer = client.send(other).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_may_send_every_header_that_an_operation_reads() {
    let test = TestApp::start_configured(&[("server.cors_origins", PAGE.into())]).await;
    let client = test.anonymous();
    let preflight = client
        .request("OPTIONS", "/orgs")
        .header("origin", PAGE)
        .header("access-control-request-method", "POST");
    let answer = client.send(preflight).await;
    let allowed = answer.headers["access-control-allow-headers"]
        .to_str()
        .unwrap();
    let allowed: Vec<_> = allowed.split(", ").map(str::to_lowercase).collect();
    let document = serde_json::to_value(glassbox::server::document()).unwrap();
    let mut headers = 0;
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "header" {
                    let name = parameter["name"].as_str().unwrap().to_lowercase();
                    assert!(allowed.contains(&name), "{name} is not in {allowed:?}");
                    headers += 1;
                }
            }
        }
    }
    assert!(headers > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_json_is_compressed_for_those_who_take_it() {
    let test = TestApp::start().await;
    let client = test.anonymous();
    let gzip = |path: &str| {
        client
            .request("GET", path)
            .header("accept-encoding", "gzip")
    };
    let large = gzip("//openapi.json").send().await.unwrap();
    assert_eq!(large.headers()["content-encoding"], "gzip");
    let small = gzip("//health/live").send().await.unwrap();
    assert!(!small.headers().contains_key("content-encoding"));
    let plain = client.get("//openapi.json").await;
    assert!(!plain.headers.contains_key("content-encoding"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_undone() {
    let limit = [("server.request_seconds", "1".to_owned())];
    let bench = Workbench::of(TestApp::start_configured(&limit).await).await;
    let lock = "begin; lock table nodes in access exclusive mode";
    let mut admin = bench.test.database.admin().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut admin, lock)
        .await
        .unwrap();
    let path = format!("/projects/{}/nodes", bench.project);
    let late = bench.ada.post(&path, json!({ "title": "Pier" })).await;
    late.expect_problem(503, "TIMEOUT");
    drop(admin);
    bench.titled("Quay").await;
    assert_eq!(bench.count("nodes").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_options_are_answered_where_get_is() {
    let bench = Workbench::start().await;
    let head = bench.ada.send(bench.ada.request("HEAD", "/orgs")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    let options = bench.ada.send(bench.ada.request("OPTIONS", "/orgs")).await;
    assert_eq!(options.status, 204);
    assert_eq!(options.headers["allow"], "GET, HEAD, POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_the_caller_is_kept() {
    let test = TestApp::start().await;
    let client = test.anonymous();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = client
        .request("GET", "/nothing")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let answer = client.send(request).await;
    let ours = answer.headers["traceparent"].to_str().unwrap();
    assert!(ours.contains(trace) && !ours.contains("00f067aa0ba902b7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_settled_before_what_they_ask_is_looked_at() {
    let (key, impostor) = (Key::rsa("first", 0), Key::rsa("first", 1));
    for (method, path) in [
        ("GET", "/orgs/no-id"),
        ("GET", "/orgs?limit=many"),
        ("POST", "/orgs"),
    ] {
        // Each asks a new provider for its keys, so that the answer takes a while.
        let issuer = Issuer::start(&[&key]).await;
        let test = TestApp::start_configured(&issuer.settings()).await;
        let claims = issuer.access("ada", chrono::Utc::now().timestamp());
        let client = test.bearer(&impostor.token(&claims));
        let request = client.request(method, path).json(&json!({ "name": 1 }));
        let refused = client.send(request).await;
        refused.expect_problem(401, "TOKEN_INVALID");
    }
}
