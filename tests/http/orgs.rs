//! Organizations and users.

use std::sync::{Arc, mpsc};

use glassbox::agent::worker::AgentWorker;
use serde_json::json;
use tokio::{sync::Notify, task};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        TestApp,
        model::{Scripted, says},
    },
    workbench::Workbench,
};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_changes_nothing_leaves_no_trace() {
    let bench = Workbench::start().await;
    let path = format!("/orgs/{}", bench.org);
    let org = bench.ada.get(&path).await.expect(200);
    let before = bench.count("audit_log").await;
    assert_eq!(bench.ada.patch(&path, org.clone()).await.expect(200), org);
    assert_eq!(bench.count("audit_log").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_changes_and_the_old_one_is_free_again() {
    let bench = Workbench::start().await;
    let path = format!("/orgs/{}", bench.org);
    let org = bench
        .ada
        .patch(&path, json!({ "slug": "new-labs" }))
        .await
        .expect(200);
    assert_eq!(org["slug"], "new-labs");
    let body = json!({ "name": "B", "slug": "labs" });
    bench.ada.post("/orgs", body).await.expect(201);
    let answer = bench.ada.patch(&path, json!({ "slug": "labs" })).await;
    answer.expect_problem(409, "SLUG_TAKEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_deleted_with_everything_in_it() {
    let bench = Workbench::start().await;
    bench.member("grace", "admin").await;
    bench.join_project("grace", &bench.project, "editor").await;
    let node = bench.titled("A").await;
    let child = bench.child("B", &node).await;
    bench.refer(&node, &child).await.expect(201);
    bench
        .ada
        .post_empty(&format!("/nodes/{node}/execute"))
        .await
        .expect(201);
    let settings = json!({ "settings": { "selfHostedKey": "sk-1" } });
    let path = format!("/orgs/{}", bench.org);
    bench.ada.patch(&path, settings).await.expect(200);
    bench.test.relay().await;
    let grace = bench.test.user("grace").await;
    grace.delete(&path).await.expect_problem(403, "FORBIDDEN");
    bench.ada.delete(&path).await.expect(204);
    let tables = "select table_name as name from information_schema.columns \
                  where table_schema = 'public' and column_name = 'org_id'";
    for table in bench.rows(tables).await {
        let table = table["name"].as_str().unwrap();
        // The system's own templates are nobody's.
        let theirs = format!("{table} where org_id is not null");
        assert_eq!(bench.count(&theirs).await, 0, "{table}");
    }
    assert_eq!(bench.count("users").await, 2);
    for who in [&bench.ada, &grace] {
        who.get(&path).await.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_a_deleted_organization_ends_quietly() {
    let asked = Arc::new(Notify::new());
    let (tell, told) = (Arc::clone(&asked), asked);
    let (go_on, wait) = mpsc::channel::<()>();
    let model = Scripted::new(move |_| {
        tell.notify_one();
        task::block_in_place(|| wait.recv().unwrap());
        Ok(says("It is done."))
    });
    let bench = Workbench::of(TestApp::start_with_model(model).await).await;
    let node = bench.titled("A").await;
    let body = json!({ "model": "script/ed" });
    bench
        .ada
        .post(&format!("/nodes/{node}/execute"), body)
        .await
        .expect(201);
    bench.test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    let running = tokio::spawn(async move {
        let stop = CancellationToken::new();
        // The first has the run; the second says that there is nothing left of it.
        (worker.step(&stop).await, worker.step(&stop).await)
    });
    told.notified().await;
    bench
        .ada
        .delete(&format!("/orgs/{}", bench.org))
        .await
        .expect(204);
    go_on.send(()).unwrap();
    let (first, second) = running.await.unwrap();
    assert!(first.unwrap());
    assert!(!second.unwrap());
    assert_eq!(bench.count("agent_trace_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_organization_and_working_in_it_do_not_block_each_other() {
    let bench = Workbench::start().await;
    for round in 0..6 {
        let (org, project) = bench.ada.workspace(&format!("other-{round}")).await;
        let list = format!("/projects/{project}/nodes");
        let node = bench.ada.post(&list, json!({ "title": "A" })).await.id();
        let path = format!("/nodes/{node}");
        let (org, titles) = (format!("/orgs/{org}"), ["a", "b", "c", "d"]);
        let work = titles.map(|title| bench.ada.patch(&path, json!({ "title": title })));
        let (deleted, worked) =
            tokio::join!(bench.ada.delete(&org), futures_util::future::join_all(work));
        deleted.expect(204);
        for answer in worked {
            assert!(matches!(answer.status, 200 | 404), "{}", answer.text);
        }
    }
}
