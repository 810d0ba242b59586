//! Rate limits as clients meet them.

use serde_json::json;

use crate::support::{Answer, Redis, TestApp};

pub fn header(answer: &Answer, name: &str) -> u64 {
    let value = answer.headers.get(name);
    let value = value.unwrap_or_else(|| panic!("no {name} in {:?}", answer.headers));
    value.to_str().unwrap().parse().unwrap()
}

/// Limits on, with these numbers.
async fn limited(numbers: &[(&'static str, &str)]) -> TestApp {
    let mut settings = vec![("limits.enabled", "true".to_owned())];
    settings.extend(numbers.iter().map(|(name, n)| (*name, (*n).to_owned())));
    TestApp::start_configured(&settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_what_is_left_and_one_too_many_is_refused_and_changes_nothing() {
    let test = limited(&[("limits.general", "4")]).await;
    let (ada, bob) = (test.user("ada").await, test.user("bob").await);
    for left in [3, 2, 1] {
        let answer = ada.get("/orgs").await;
        assert_eq!(answer.status, 200);
        assert_eq!(header(&answer, "ratelimit-limit"), 4);
        assert_eq!(header(&answer, "ratelimit-remaining"), left);
        assert!((1..=60).contains(&header(&answer, "ratelimit-reset")));
        assert!(!answer.headers.contains_key("retry-after"));
    }
    // What fails counts, and says so.
    let answer = ada.get("/nothing-of-the-kind").await;
    assert!(!answer.headers.contains_key("ratelimit-limit"));
    let answer = ada.post("/orgs", json!({ "name": "" })).await;
    assert_eq!(answer.status, 400);
    assert_eq!(header(&answer, "ratelimit-remaining"), 0);

    let refused = ada.post("/orgs", json!({ "name": "N", "slug": "n" })).await;
    refused.expect_problem(429, "RATE_LIMITED");
    assert_eq!(refused.body["details"]["limit"], 4);
    let wait = header(&refused, "retry-after");
    assert!((1..=15).contains(&wait), "{wait}");
    assert_eq!(refused.body["details"]["retryAfterSeconds"], wait);
    assert_eq!(header(&refused, "ratelimit-remaining"), 0);
    let orgs = bob.get("/orgs").await;
    assert_eq!(header(&orgs, "ratelimit-remaining"), 3, "bob has his own");
    assert_eq!(orgs.body["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_and_executions_have_limits_of_their_own() {
    let numbers = [("limits.uploads", "1"), ("limits.executions", "1")];
    let test = limited(&numbers).await;
    let ada = test.user("ada").await;
    let (org, project) = ada.workspace("labs").await;
    let upload = format!("/orgs/{org}/files/upload");
    let body = json!({ "filename": "a.txt", "contentType": "text/plain" });
    let answer = ada.post(&upload, body.clone()).await;
    assert_eq!(header(&answer, "ratelimit-limit"), 1);
    let file = answer.expect(200)["fileId"].clone();
    let refused = ada.post(&upload, body).await;
    refused.expect_problem(429, "RATE_LIMITED");
    // Confirming is no upload; that the bytes are missing is what it is about.
    let confirm = format!("/files/{}/confirm", file.as_str().unwrap());
    let answer = ada.post_empty(&confirm).await;
    answer.expect_problem(409, "UPLOAD_MISSING");
    assert_eq!(header(&answer, "ratelimit-limit"), 100);

    let nodes = format!("/projects/{project}/nodes");
    let node = ada.post(&nodes, json!({ "title": "n" })).await.id();
    let execute = format!("/nodes/{node}/execute");
    ada.post_empty(&execute).await.expect(201);
    let refused = ada.post_empty(&execute).await;
    refused.expect_problem(429, "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_token_is_asked_for_the_address_is_counted_or_nothing() {
    let test = limited(&[("limits.general", "2")]).await;
    test.user("ada").await;
    test.user("bob").await;
    let body = json!({ "userId": "eve", "email": "eve@example.com" });
    let refused = test.anonymous().post("/auth/dev-token", body).await;
    refused.expect_problem(429, "RATE_LIMITED");
    for _ in 0..5 {
        let answer = test.anonymous().get("//health").await;
        assert_eq!(answer.status, 200);
        assert!(!answer.headers.contains_key("ratelimit-limit"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_is_answered_with_429_soon_and_good_tokens_notice_nothing() {
    let test = limited(&[("limits.bad_tokens", "2")]).await;
    let ada = test.user("ada").await;
    let guess = test.bearer("guess");
    for _ in 0..2 {
        guess
            .get("/orgs")
            .await
            .expect_problem(401, "TOKEN_INVALID");
    }
    let refused = guess.get("/orgs").await;
    refused.expect_problem(429, "RATE_LIMITED");
    assert!(header(&refused, "retry-after") >= 1);
    ada.get("/orgs").await.expect(200);
    let answer = test.anonymous().get("/orgs").await;
    answer.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_they_say_nothing_and_refuse_nothing() {
    let test = TestApp::start_configured(&[("limits.general", "1".into())]).await;
    let ada = test.user("ada").await;
    for _ in 0..5 {
        let answer = ada.get("/orgs").await;
        assert_eq!(answer.status, 200);
        assert!(!answer.headers.contains_key("ratelimit-limit"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_one_redis_count_together() {
    let mut settings = Redis::shared().settings("together").to_vec();
    settings.push(("limits.enabled", "true".into()));
    settings.push(("limits.general", "4".into()));
    let here = TestApp::start_configured(&settings).await;
    let there = here.start_beside(&settings).await;
    let ada = here.user("ada").await;
    let same = there.bearer(ada.token());
    for (client, left) in [(&ada, 3), (&same, 2), (&ada, 1), (&same, 0)] {
        let answer = client.get("/orgs").await;
        assert_eq!(header(&answer, "ratelimit-remaining"), left);
    }
    for client in [&ada, &same] {
        let refused = client.get("/orgs").await;
        refused.expect_problem(429, "RATE_LIMITED");
    }
}
