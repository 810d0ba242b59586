//! Organizations and users.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_creator_becomes_owner_and_sees_it_in_the_list() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = ada
        .post("/orgs", json!({ "name": "Labs", "slug": "labs" }))
        .await
        .expect(201);
    assert_eq!(org["role"], "owner");
    let list = ada.get("/orgs").await.expect(200);
    assert_eq!(list["total"], 1);
    assert_eq!(list["data"][0]["id"], org["id"]);
    assert_eq!(list["hasMore"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_slug_is_refused() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    ada.post("/orgs", json!({ "name": "A", "slug": "labs" }))
        .await
        .expect(201);
    let grace = test.user("grace").await;
    let answer = grace
        .post("/orgs", json!({ "name": "B", "slug": "labs" }))
        .await;
    answer.expect_problem(409, "SLUG_TAKEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_is_named_at_once() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let answer = ada
        .post("/orgs", json!({ "name": "", "slug": "No!" }))
        .await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    let fields = answer.body["details"]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 2, "{fields:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_an_organization() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let id = ada
        .post("/orgs", json!({ "name": "A", "slug": "labs" }))
        .await
        .id();
    let eve = test.user("eve").await;
    for answer in [
        eve.get(&format!("/orgs/{id}")).await,
        eve.patch(&format!("/orgs/{id}"), json!({ "name": "mine" }))
            .await,
        eve.delete(&format!("/orgs/{id}")).await,
    ] {
        answer.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(eve.get("/orgs").await.expect(200)["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn patch_changes_what_it_names_and_nothing_else() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let id = ada
        .post("/orgs", json!({ "name": "A", "slug": "labs" }))
        .await
        .id();
    let path = format!("/orgs/{id}");
    let org = ada
        .patch(&path, json!({ "name": "B", "unknown": 1 }))
        .await
        .expect(200);
    assert_eq!((&org["name"], &org["slug"]), (&json!("B"), &json!("labs")));
    let answer = ada.patch(&path, json!({ "name": null })).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    ada.delete(&path).await.expect(204);
    ada.get(&path).await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_good_token_is_refused() {
    let test = TestApp::start().await;
    let anonymous = test.anonymous();
    let answer = anonymous.get("/orgs").await;
    answer.expect_problem(401, "UNAUTHENTICATED");
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    let forged = crate::support::Client::new(&test.url, Some("not-a-token"));
    forged
        .get("/orgs")
        .await
        .expect_problem(401, "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_subject_is_the_same_user() {
    let test = TestApp::start().await;
    let first = test.user("ada").await.get("/users/me").await.expect(200);
    let second = test.user("ada").await.get("/users/me").await.expect(200);
    assert_eq!(first["id"], second["id"]);
    assert_eq!(first["cognitoSub"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_organizations_leads_to_the_next_without_gap_or_repeat() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    for i in 0..5 {
        let body = json!({ "name": "A", "slug": format!("labs-{i}") });
        ada.post("/orgs", body).await.expect(201);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.get(&format!("/orgs?limit=2{cursor}")).await.expect(200);
        for org in page["data"].as_array().unwrap() {
            seen.push(org["slug"].as_str().unwrap().to_owned());
        }
        assert_eq!(page["total"], 5);
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["labs-4", "labs-3", "labs-2", "labs-1", "labs-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_get_a_code_and_a_sentence() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let body = |text: String, kind: &str| {
        ada.request("POST", "/orgs")
            .header("content-type", kind)
            .body(text)
    };
    let large = json!({ "name": "x".repeat(1 << 20), "slug": "labs" }).to_string();
    for (request, status, code) in [
        (body("{".into(), "application/json"), 400, "MALFORMED_JSON"),
        (
            body("\u{1}".into(), "application/json"),
            400,
            "MALFORMED_JSON",
        ),
        (
            body("[]".into(), "application/json"),
            400,
            "VALIDATION_FAILED",
        ),
        (
            body("{}".into(), "application/json"),
            400,
            "VALIDATION_FAILED",
        ),
        (
            body("{}".into(), "text/plain"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (body(large, "application/json"), 413, "BODY_TOO_LARGE"),
        (
            ada.request("GET", "/orgs/not-an-id"),
            400,
            "VALIDATION_FAILED",
        ),
        (
            ada.request("GET", "/orgs?limit=0"),
            400,
            "VALIDATION_FAILED",
        ),
        (
            ada.request("GET", "/orgs?limit=many"),
            400,
            "VALIDATION_FAILED",
        ),
        (
            ada.request("GET", "/orgs?cursor=x"),
            400,
            "VALIDATION_FAILED",
        ),
    ] {
        ada.send(request).await.expect_problem(status, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_its_time_is_over() {
    let test = TestApp::start_with_manual_clock().await;
    let ada = test.user("ada").await;
    ada.get("/users/me").await.expect(200);
    test.clock.advance(chrono::TimeDelta::hours(24));
    ada.get("/users/me")
        .await
        .expect_problem(401, "TOKEN_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn development_tokens_are_not_there_unless_configured() {
    let off = [("auth.dev_tokens", "false".to_owned())];
    let test = TestApp::start_configured(&off).await;
    let body = json!({ "userId": "ada", "email": "ada@example.com" });
    let answer = test.anonymous().post("/auth/dev-token", body).await;
    answer.expect_problem(404, "ROUTE_NOT_FOUND");
}
