//! `/health*`, the documents, and what surrounds every request.

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn every_backend_answers() {
    let test = TestApp::start().await;
    let body = test.anonymous().get("//health").await.expect(200);
    assert_eq!(body["status"], "healthy");
    assert_eq!(body["service"], "glassbox-api");
    for backend in ["database", "bus", "queue", "storage"] {
        assert_eq!(body["checks"][backend], "ok", "{body}");
    }
    test.anonymous().get("//health/live").await.expect(200);
    test.anonymous().get("//health/ready").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_told_apart() {
    let test = TestApp::start().await;
    let client = test.anonymous();
    client
        .get("/nothing")
        .await
        .expect_problem(404, "ROUTE_NOT_FOUND");
    let answer = client.delete("/orgs").await;
    answer.expect_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.headers["allow"], "GET, HEAD, POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sane_request_id_is_kept_and_an_odd_one_replaced() {
    let test = TestApp::start().await;
    let client = test.anonymous();
    let kept = client
        .request("GET", "//health/live")
        .header("x-request-id", "abc-1");
    assert_eq!(client.send(kept).await.headers["x-request-id"], "abc-1");
    let odd = client
        .request("GET", "//health/live")
        .header("x-request-id", "a b");
    assert_ne!(client.send(odd).await.headers["x-request-id"], "a b");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_need_no_token_and_no_network() {
    let test = TestApp::start().await;
    let client = test.anonymous();
    assert_eq!(
        client.get("//openapi.json").await.expect(200)["openapi"],
        "3.1.0"
    );
    let page = client.get("//docs").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.text.contains("https://"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_reaches_other_processes_on_the_same_database() {
    use glassbox::{
        kernel::clock::System,
        platform::db::{Db, Exchange, Topic},
    };
    use std::sync::Arc;
    use tokio_util::sync::CancellationToken;

    let test = TestApp::start().await;
    let config = &test.app.config.database;
    let other = Db::new(config, Arc::new(System), Arc::new(System)).unwrap();
    let stop = CancellationToken::new();
    let exchange = |db: &Db| Exchange {
        db: db.clone(),
        url: config.app().unwrap(),
    };
    tokio::spawn(exchange(&test.app.db).run(stop.clone()));
    tokio::spawn(exchange(&other).run(stop.clone()));
    // The first wake-up only says that the other one listens by now.
    other.signal().wait(Topic::FileJobs).await;
    test.app.db.signal().wake(Topic::FileJobs);
    other.signal().wait(Topic::FileJobs).await;
    stop.cancel();
}
