//! Notifications: who is told of what, and reading them.

use std::sync::Arc;

use glassbox::{agent::worker::AgentWorker, platform::llm::ModelErrorKind};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        Client, TestApp,
        model::{Scripted, says},
    },
    workbench::{NOTHING, Workbench, bad_fields},
};

const MINE: &str = "/users/me/notifications";

async fn told(client: &Client) -> Vec<Value> {
    let list = client.get(MINE).await.expect(200);
    list["data"].as_array().unwrap().clone()
}

/// Types and titles, newest first.
async fn lines(client: &Client) -> Vec<String> {
    let line = |n: &Value| {
        format!(
            "{} {}",
            n["type"].as_str().unwrap(),
            n["title"].as_str().unwrap()
        )
    };
    told(client).await.iter().map(line).collect()
}

/// A workbench with Grace as a member, and her id.
async fn with_grace(test: TestApp) -> (Workbench, Client, String) {
    let bench = Workbench::of(test).await;
    let grace = bench.member("grace", "member").await;
    let id = grace.get("/users/me").await.id();
    (bench, grace, id)
}

/// Starts a run on `node` and takes it as far as it goes.
async fn run(bench: &Workbench, node: &str) -> String {
    let path = format!("/nodes/{node}/execute");
    let answer = bench
        .ada
        .post(&path, json!({ "model": "script/ed" }))
        .await
        .expect(201);
    bench.test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}
    answer["execution"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_supervisor_is_told_unless_they_did_it_themself() {
    let (bench, grace, id) = with_grace(TestApp::start().await).await;
    let node = bench
        .node(json!({ "title": "Pier", "supervisorUserId": id }))
        .await;
    let first = told(&grace).await.remove(0);
    assert_eq!(first["type"], "node_assigned");
    assert_eq!(
        (&first["resourceType"], &first["resourceId"]),
        (&json!("node"), &json!(node))
    );
    assert_eq!(
        (&first["userId"], &first["orgId"]),
        (&json!(id), &json!(bench.org))
    );
    assert!(
        first.get("readAt").is_none() && first.get("body").is_none(),
        "{first}"
    );
    let event = bench
        .events()
        .await
        .into_iter()
        .find(|event| event["name"] == "notification")
        .unwrap();
    assert_eq!(event["channels"], json!([format!("user:{id}")]));
    let expected = json!({
        "id": first["id"], "notificationType": "node_assigned", "title": first["title"],
        "message": first["title"], "projectId": bench.project, "nodeId": node, "userId": id,
        "createdAt": first["createdAt"], "read": false,
    });
    assert_eq!(event["payload"], expected);
    // Not for a change of something else, nor for saying the same again.
    bench
        .patch(&node, json!({ "title": "Quay", "supervisorUserId": id }))
        .await
        .expect(200);
    let ada = bench.ada.get("/users/me").await.id();
    bench
        .patch(&node, json!({ "supervisorUserId": ada }))
        .await
        .expect(200);
    assert_eq!(
        (told(&grace).await.len(), told(&bench.ada).await.len()),
        (1, 0)
    );
    bench
        .patch(&node, json!({ "supervisorUserId": id }))
        .await
        .expect(200);
    assert_eq!(
        lines(&grace).await.first().unwrap(),
        "node_assigned You supervise \u{201c}Quay\u{201d}"
    );
    let refused = bench
        .patch(&node, json!({ "supervisorUserId": NOTHING }))
        .await;
    assert_eq!(bad_fields(&refused), ["supervisorUserId"]);
    assert_eq!(told(&grace).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_turned_them_off_gets_none() {
    let (bench, grace, id) = with_grace(TestApp::start().await).await;
    for (in_app, expected) in [(json!(false), 0), (json!(true), 1), (json!(null), 2)] {
        let settings =
            json!({ "settings": { "notifications": { "inApp": in_app, "email": false } } });
        grace.patch("/users/me", settings).await.expect(200);
        bench
            .node(json!({ "title": "Pier", "supervisorUserId": id }))
            .await;
        assert_eq!(told(&grace).await.len(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starter_and_supervisor_are_told_how_a_run_ended() {
    let test = TestApp::start_with_model(Scripted::calling(vec![(
        "mark_complete",
        json!({ "summary": "All is well." }),
    )]))
    .await;
    let (bench, grace, id) = with_grace(test).await;
    let node = bench
        .node(json!({ "title": "Pier", "supervisorUserId": id }))
        .await;
    let execution = run(&bench, &node).await;
    let done = "execution_complete The agent is done with \u{201c}Pier\u{201d}";
    assert_eq!(lines(&bench.ada).await, [done]);
    assert_eq!(lines(&grace).await.first().unwrap(), done);
    let notification = told(&bench.ada).await.remove(0);
    assert_eq!(notification["resourceType"], "execution");
    assert_eq!(notification["resourceId"], json!(execution));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_an_agent_makes_for_its_starter_is_no_news_to_them() {
    let part = ("create_subnode", json!({ "title": "A part" }));
    let test = TestApp::start_with_model(Scripted::calling(vec![part])).await;
    let (bench, _, _) = with_grace(test).await;
    let node = bench.titled("Pier").await;
    run(&bench, &node).await;
    let me = bench.ada.get("/users/me").await.id();
    assert_eq!(
        bench
            .count(&format!("nodes where supervisor_user_id = '{me}'"))
            .await,
        1
    );
    let lines = lines(&bench.ada).await;
    assert!(
        lines.len() == 1 && lines[0].starts_with("execution_"),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_why() {
    let broken = |_: &_| {
        Err(glassbox::platform::llm::ModelError::new(
            ModelErrorKind::Refused,
            "No such luck.",
        ))
    };
    let test = TestApp::start_with_model(Scripted::new(broken)).await;
    let (bench, _, _) = with_grace(test).await;
    let node = bench.titled("Pier").await;
    run(&bench, &node).await;
    let notification = told(&bench.ada).await.remove(0);
    assert_eq!(notification["type"], "execution_failed");
    assert!(
        notification["body"]
            .as_str()
            .unwrap()
            .contains("No such luck."),
        "{notification}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_the_agent_reaches_people_once() {
    let ask = json!({ "prompt": "Which quarter? ".repeat(60) });
    let test =
        TestApp::start_with_model(Scripted::calling(vec![("request_human_input", ask)])).await;
    let (bench, _, _) = with_grace(test).await;
    let node = bench.titled("Pier").await;
    run(&bench, &node).await;
    let list = told(&bench.ada).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["type"], "human_input_needed");
    let body = list[0]["body"].as_str().unwrap();
    assert!(
        body.starts_with("Which quarter?") && body.chars().count() == 501,
        "{body}"
    );
    // A cancellation is told to nobody: who cancels knows it.
    bench
        .ada
        .post_empty(&format!("/nodes/{node}/execution/cancel"))
        .await
        .expect(200);
    assert_eq!(told(&bench.ada).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_read_one_by_one_or_all_at_once() {
    let (bench, grace, id) = with_grace(TestApp::start().await).await;
    for title in ["A", "B", "C"] {
        bench
            .node(json!({ "title": title, "supervisorUserId": id }))
            .await;
    }
    let newest = told(&grace).await.remove(0);
    let path = format!("{MINE}/{}/read", newest["id"].as_str().unwrap());
    let answer = grace.post_empty(&path).await.expect(200);
    assert_eq!(answer["success"], true);
    let read_at = answer["notification"]["readAt"].clone();
    assert!(read_at.is_string(), "{answer}");
    let again = grace.post_empty(&path).await.expect(200);
    assert_eq!(again["notification"]["readAt"], read_at);
    let total =
        async |query: &str| grace.get(&format!("{MINE}{query}")).await.expect(200)["total"].clone();
    assert_eq!(
        (total("?unread=true").await, total("?unread=false").await),
        (json!(2), json!(1))
    );
    let page = grace.get(&format!("{MINE}?limit=2")).await.expect(200);
    let rest = format!(
        "{MINE}?limit=2&cursor={}",
        page["nextCursor"].as_str().unwrap()
    );
    assert_eq!(
        grace.get(&rest).await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let all = format!("{MINE}/read-all");
    assert_eq!(
        grace.post_empty(&all).await.expect(200),
        json!({ "success": true, "count": 2 })
    );
    assert_eq!(grace.post_empty(&all).await.expect(200)["count"], 0);
    assert_eq!(total("?unread=true").await, json!(0));
    let answer = grace.get(&format!("{MINE}?unread=maybe")).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_or_reads_those_of_others() {
    let (bench, grace, id) = with_grace(TestApp::start().await).await;
    bench
        .node(json!({ "title": "A", "supervisorUserId": id }))
        .await;
    let notification = told(&grace).await.remove(0);
    let path = format!("{MINE}/{}/read", notification["id"].as_str().unwrap());
    assert!(told(&bench.ada).await.is_empty());
    bench
        .ada
        .post_empty(&path)
        .await
        .expect_problem(404, "NOT_FOUND");
    let all = bench
        .ada
        .post_empty(&format!("{MINE}/read-all"))
        .await
        .expect(200);
    assert_eq!(all["count"], 0);
    let anonymous = bench.test.anonymous();
    for answer in [anonymous.get(MINE).await, anonymous.post_empty(&path).await] {
        answer.expect_problem(401, "UNAUTHENTICATED");
    }
    assert_eq!(
        bench.count("notifications where read_at is not null").await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_the_organization_sees_and_gets_none_of_it() {
    let (bench, grace, id) = with_grace(TestApp::start().await).await;
    let node = bench
        .node(json!({ "title": "A", "supervisorUserId": id }))
        .await;
    grace
        .delete(&format!("/orgs/{}/members/{id}", bench.org))
        .await
        .expect(204);
    assert!(told(&grace).await.is_empty());
    // She stays named, and hears nothing.
    assert_eq!(bench.read(&node).await["supervisorUserId"], json!(id));
    bench
        .ada
        .post(&format!("/nodes/{node}/execute"), json!({}))
        .await
        .expect(201);
    bench.test.relay().await;
    let mut app = glassbox::app::App::clone(&bench.test.app);
    let models = glassbox::platform::llm::Models::builder();
    app.models = Arc::new(
        models
            .with("demo", Scripted::new(|_| Ok(says("Done."))))
            .build(),
    );
    let worker = AgentWorker::register(Arc::new(app)).await.unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}
    assert_eq!(lines(&bench.ada).await.len(), 1);
    assert_eq!(
        bench
            .count(&format!("notifications where user_id = '{id}'"))
            .await,
        1
    );
}
