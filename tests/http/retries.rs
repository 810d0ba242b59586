//! Idempotency keys: a POST that is sent again is done once.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    support::{Answer, Client, TestApp},
    workbench::{Workbench, bad_fields},
};

async fn keyed(client: &Client, path: &str, key: &str, body: Value) -> Answer {
    let request = client.request("POST", path).json(&body);
    client.send(request.header("Idempotency-Key", key)).await
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotency-replayed")
}

fn nodes(bench: &Workbench) -> String {
    format!("/projects/{}/nodes", bench.project)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_done_once_and_answered_as_before() {
    let bench = Workbench::start().await;
    let path = nodes(&bench);
    let body = json!({ "title": "Pier" });
    let first = keyed(&bench.ada, &path, "k1", body.clone()).await;
    let second = keyed(&bench.ada, &path, "k1", body).await;
    assert!(!replayed(&first) && replayed(&second));
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.body, second.body);
    assert_eq!(bench.count("nodes").await, 1);
    assert_eq!(bench.events().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_has_the_headers_of_the_first_answer() {
    let bench = Workbench::start().await;
    let (path, body) = (nodes(&bench), json!({ "title": "Pier" }));
    let first = keyed(&bench.ada, &path, "k1", body.clone()).await;
    bench.patch(&first.id(), json!({ "title": "Quay" })).await;
    let second = keyed(&bench.ada, &path, "k1", body).await;
    assert!(replayed(&second));
    assert_eq!(second.headers["etag"], "\"v1\"");
    for header in ["etag", "content-type"] {
        assert_eq!(second.headers[header], first.headers[header]);
        assert_eq!(second.headers.get_all(header).iter().count(), 1);
    }
    // What surrounds an answer is each one's own.
    assert_ne!(
        second.headers["x-request-id"],
        first.headers["x-request-id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_are_one() {
    let bench = Workbench::start().await;
    let path = nodes(&bench);
    let send = || keyed(&bench.ada, &path, "k1", json!({ "title": "Pier" }));
    let answers = join_all((0..20).map(|_| send())).await;
    let ids: Vec<String> = answers.iter().map(Answer::id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(answers.iter().filter(|answer| !replayed(answer)).count(), 1);
    assert_eq!(bench.count("nodes").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_for_one_request_of_one_person() {
    let bench = Workbench::start().await;
    let path = nodes(&bench);
    keyed(&bench.ada, &path, "k1", json!({ "title": "Pier" }))
        .await
        .expect(201);
    let other_body = keyed(&bench.ada, &path, "k1", json!({ "title": "Quay" })).await;
    other_body.expect_problem(409, "IDEMPOTENCY_KEY_REUSED");
    let other_path = keyed(&bench.ada, "/orgs", "k1", json!({ "title": "Pier" })).await;
    // Malformed here, so the key is never asked for.
    other_path.expect_problem(400, "VALIDATION_FAILED");
    let org = json!({ "name": "Dock", "slug": "dock" });
    let other_path = keyed(&bench.ada, "/orgs", "k1", org).await;
    other_path.expect_problem(409, "IDEMPOTENCY_KEY_REUSED");
    let bob = bench.member("bob", "member").await;
    let other_person = keyed(&bob, &path, "k1", json!({ "title": "Pier" })).await;
    assert!(!replayed(&other_person));
    assert_eq!(bench.count("nodes").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_may_be_mended_under_its_key() {
    let bench = Workbench::start().await;
    let path = nodes(&bench);
    let bad = keyed(
        &bench.ada,
        &path,
        "k1",
        json!({ "title": "Pier", "status": "no" }),
    )
    .await;
    assert_eq!(bad.status, 400, "{}", bad.text);
    let good = keyed(&bench.ada, &path, "k1", json!({ "title": "Pier" })).await;
    assert_eq!(good.status, 201, "{}", good.text);
    assert!(!replayed(&good));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_key_is_refused_and_changes_nothing() {
    let bench = Workbench::start().await;
    for key in [" ", "a b", &"x".repeat(201)] {
        let answer = keyed(&bench.ada, &nodes(&bench), key, json!({ "title": "Pier" })).await;
        answer.expect_problem(400, "VALIDATION_FAILED");
        assert_eq!(bad_fields(&answer), ["Idempotency-Key"]);
    }
    assert_eq!(bench.count("nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_right_is_not_shown_the_answer_of_before() {
    let bench = Workbench::start().await;
    let bob = bench.member("bob", "member").await;
    keyed(&bob, &nodes(&bench), "k1", json!({ "title": "Pier" }))
        .await
        .expect(201);
    let me = bob.get("/users/me").await.id();
    let path = format!("/orgs/{}/members/{me}", bench.org);
    bench.ada.delete(&path).await.expect(204);
    let again = keyed(&bob, &nodes(&bench), "k1", json!({ "title": "Pier" })).await;
    again.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_token_is_not_given_its_persons_answer() {
    let bench = Workbench::start().await;
    let path = nodes(&bench);
    keyed(&bench.ada, &path, "k1", json!({ "title": "Pier" }))
        .await
        .expect(201);
    let body = json!({ "name": "CI", "rights": ["node.create"] });
    let token = bench
        .ada
        .post(&format!("/orgs/{}/tokens", bench.org), body)
        .await
        .expect(201);
    let narrowed = Client::new(&bench.test.url, token["token"].as_str());
    let answer = keyed(&narrowed, &path, "k1", json!({ "title": "Pier" })).await;
    answer.expect_problem(409, "IDEMPOTENCY_KEY_REUSED");
    let first = keyed(&narrowed, &path, "k2", json!({ "title": "Quay" })).await;
    let second = keyed(&narrowed, &path, "k2", json!({ "title": "Quay" })).await;
    assert!(
        !replayed(&first) && replayed(&second),
        "{} {}",
        first.text,
        second.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_a_key_is_new_again() {
    let days = [("auth.token_hours", "48".into())];
    let test = TestApp::start_with_manual_clock_configured(&days).await;
    let bench = Workbench::of(test).await;
    let send = || {
        keyed(
            &bench.ada,
            "/orgs",
            "k1",
            json!({ "name": "Dock", "slug": "dock" }),
        )
    };
    send().await.expect(201);
    bench.test.clock.advance(TimeDelta::hours(23));
    assert!(replayed(&send().await));
    bench.test.clock.advance(TimeDelta::hours(2));
    send().await.expect_problem(409, "SLUG_TAKEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_and_an_execution_are_begun_once() {
    let bench = Workbench::start().await;
    let uploads = format!("/orgs/{}/files/upload", bench.org);
    let body = json!({ "filename": "pier.txt", "contentType": "text/plain" });
    let first = keyed(&bench.ada, &uploads, "k1", body.clone())
        .await
        .expect(200);
    let second = keyed(&bench.ada, &uploads, "k1", body).await.expect(200);
    assert_eq!(first["fileId"], second["fileId"]);

    let node = bench.titled("Pier").await;
    let execute = format!("/nodes/{node}/execute");
    let first = keyed(&bench.ada, &execute, "k2", json!({}))
        .await
        .expect(201);
    let second = keyed(&bench.ada, &execute, "k2", json!({}))
        .await
        .expect(201);
    assert_eq!(first["execution"]["id"], second["execution"]["id"]);
    assert_eq!(bench.count("agent_executions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_shown_once_is_not_kept_for_a_repeat() {
    let bench = Workbench::start().await;
    let path = format!("/orgs/{}/tokens", bench.org);
    let body = json!({ "name": "CI", "rights": ["node.read"] });
    let answer = keyed(&bench.ada, &path, "k1", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(bench.count("idempotency_keys").await, 0);
    assert_eq!(bench.count("tokens").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_written_undoes_the_change() {
    let bench = Workbench::start().await;
    bench
        .test
        .database
        .execute("alter table idempotency_keys add constraint none check (key <> 'k1')")
        .await;
    let answer = keyed(&bench.ada, &nodes(&bench), "k1", json!({ "title": "Pier" })).await;
    answer.expect_problem(500, "INTERNAL");
    assert_eq!(bench.count("nodes").await, 0);
    assert!(bench.events().await.is_empty());
}
