//! Opening a socket: a ticket is good once, for five minutes, from pages that may.

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    support::{Socket, TestApp, epoch},
    workbench::Workbench,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_socket_over_all_processes() {
    let bench = Workbench::start().await;
    let beside = bench.test.start_beside(&[]).await;
    let token = Socket::ticket(&bench.ada).await;
    let mut socket = Socket::with_ticket(&beside.url, &token, None)
        .await
        .unwrap();
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
    for url in [&bench.test.url, &beside.url] {
        let again = Socket::with_ticket(url, &token, None).await;
        assert_eq!(again.err(), Some(401));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_ticket_at_once_one_gets_a_socket() {
    let bench = Workbench::start().await;
    let token = Socket::ticket(&bench.ada).await;
    let tries = (0..8).map(|_| Socket::with_ticket(&bench.test.url, &token, None));
    let opened = futures_util::future::join_all(tries).await;
    assert_eq!(opened.iter().filter(|one| one.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_ticket_there_is_no_upgrade() {
    let bench = Workbench::start().await;
    let url = &bench.test.url;
    let bearer = bench.ada.token().to_owned();
    for token in ["", "nonsense", &"a".repeat(43), &"b".repeat(6000), &bearer] {
        let refused = Socket::with_ticket(url, token, None).await;
        assert_eq!(refused.err(), Some(401), "{token}");
    }
    bench
        .test
        .anonymous()
        .get("/ws")
        .await
        .expect_problem(401, "UNAUTHENTICATED");
    bench
        .test
        .anonymous()
        .post_empty("/auth/ws-token")
        .await
        .expect_problem(401, "UNAUTHENTICATED");
    // A ticket opens sockets and nothing else.
    let ticket = Socket::ticket(&bench.ada).await;
    let answer = bench.test.bearer(&ticket).get("/users/me").await;
    answer.expect_problem(401, "TOKEN_INVALID");
    let plain = bench.test.anonymous();
    let answer = plain.get(&format!("/ws?token={ticket}")).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    // Which did not use it up.
    Socket::with_ticket(url, &ticket, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_ends_after_five_minutes() {
    let bench = Workbench::of(TestApp::start_with_manual_clock().await).await;
    let answer = bench.ada.post_empty("/auth/ws-token").await.expect(200);
    let end = epoch() + TimeDelta::minutes(5);
    let told: chrono::DateTime<chrono::Utc> =
        serde_json::from_value(answer["expiresAt"].clone()).unwrap();
    assert_eq!(told, end);
    bench.test.clock.advance(TimeDelta::seconds(300));
    let token = answer["token"].as_str().unwrap();
    let late = Socket::with_ticket(&bench.test.url, token, None).await;
    assert_eq!(late.err(), Some(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_open_nothing() {
    let settings = [("server.cors_origins", "https://app.example.com".to_owned())];
    let bench = Workbench::of(TestApp::start_configured(&settings).await).await;
    let url = &bench.test.url;
    let token = Socket::ticket(&bench.ada).await;
    let half = url.get(..url.len() - 1).unwrap();
    for origin in [
        "https://evil.example.com",
        "null",
        "",
        "http://127.0.0.1",
        half,
    ] {
        let refused = Socket::with_ticket(url, &token, Some(origin)).await;
        assert_eq!(refused.err(), Some(403), "{origin}");
    }
    for origin in ["https://app.example.com", url] {
        let token = Socket::ticket(&bench.ada).await;
        let opened = Socket::with_ticket(url, &token, Some(origin)).await;
        assert!(opened.is_ok(), "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_a_bounded_number_of_sockets() {
    let settings = [("live.connections_per_user", "2".to_owned())];
    let bench = Workbench::of(TestApp::start_configured(&settings).await).await;
    let url = &bench.test.url;
    let first = Socket::open(url, &bench.ada).await;
    let _second = Socket::open(url, &bench.ada).await;
    let token = Socket::ticket(&bench.ada).await;
    let third = Socket::with_ticket(url, &token, None).await;
    assert_eq!(third.err(), Some(429));
    let bob = bench.member("bob", "member").await;
    Socket::open(url, &bob).await;
    drop(first);
    crate::support::until("the first one's place", async || {
        let token = Socket::ticket(&bench.ada).await;
        Socket::with_ticket(url, &token, None).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_token_opens_a_socket_that_is_as_narrow() {
    let bench = Workbench::start().await;
    bench.test.relay_always();
    let node = bench.titled("Inside").await;
    let other = bench.titled("Outside").await;
    let body = json!({
        "name": "robot", "rights": ["node.read"], "resource": { "nodeId": node },
    });
    let path = format!("/orgs/{}/tokens", bench.org);
    let made = bench.ada.post(&path, body).await.expect(201);
    let robot = bench.test.bearer(made["token"].as_str().unwrap());
    let mut socket = Socket::open(&bench.test.url, &robot).await;
    socket.subscribe(&format!("node:{node}")).await;
    for channel in [
        format!("node:{other}"),
        format!("project:{}", bench.project),
        format!("user:{}", made["createdBy"].as_str().unwrap()),
    ] {
        let answer = socket.ask("subscribe", json!({ "channel": channel })).await;
        assert_eq!(answer["payload"]["code"], "CHANNEL_FORBIDDEN", "{answer}");
    }
    // Revoked, the socket ends at once.
    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.ada.delete(&path).await.status, 204);
    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_the_token_that_it_was_asked_for_with() {
    let bench = Workbench::of(TestApp::start_with_manual_clock().await).await;
    let mut socket = Socket::open(&bench.test.url, &bench.ada).await;
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
    bench.test.clock.advance(TimeDelta::hours(24));
    assert_eq!(socket.closed().await, 4401);
}
