//! What an agent can and can't do, with models that say what a test tells them to.

use std::sync::Arc;

use diesel_async::SimpleAsyncConnection;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    platform::llm::{Message, ModelError, ModelErrorKind},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        Client, TestApp,
        model::{Gated, Scripted, Stuck, call, says},
        until,
    },
    workbench::Workbench,
};

async fn node(client: &Client, slug: &str) -> String {
    let (_, project) = client.workspace(slug).await;
    let path = format!("/projects/{project}/nodes");
    client.post(&path, json!({ "title": "A task" })).await.id()
}

async fn start(client: &Client, node: &str) -> String {
    let body = json!({ "model": "script/ed" });
    let answer = client
        .post(&format!("/nodes/{node}/execute"), body)
        .await
        .expect(201);
    answer["execution"]["id"].as_str().unwrap().to_owned()
}

/// Runs `model` on a new node to its end; answers the client, the node and the execution.
async fn run(model: Scripted) -> (TestApp, Client, String, String) {
    let test = TestApp::start_with_model(model).await;
    let ada = test.user("ada").await;
    let node = node(&ada, "labs").await;
    let execution = start(&ada, &node).await;
    work(&test).await;
    (test, ada, node, execution)
}

async fn work(test: &TestApp) {
    test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}
}

async fn execution(client: &Client, id: &str) -> Value {
    client.get(&format!("/executions/{id}")).await.expect(200)["execution"].clone()
}

async fn results(client: &Client, id: &str) -> Vec<Value> {
    let trace = client
        .get(&format!("/executions/{id}/trace"))
        .await
        .expect(200);
    let events = trace["data"].as_array().unwrap();
    events
        .iter()
        .filter(|event| event["eventType"] == "tool_call")
        .map(|event| event["eventData"]["result"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_a_person_with_no_worker_holding_it() {
    let ask = json!({ "prompt": "Which quarter?", "options": ["Q1", "Q2"] });
    let (test, ada, node, id) = run(Scripted::calling(vec![("request_human_input", ask)])).await;
    let run = execution(&ada, &id).await;
    assert_eq!(run["status"], "awaiting_input");
    assert_eq!(run["humanInputRequest"]["prompt"], "Which quarter?");
    assert_eq!(run["humanInputRequest"]["requestType"], "question");
    assert_eq!(run["humanInputRequest"]["options"], json!(["Q1", "Q2"]));
    work(&test).await;
    assert_eq!(execution(&ada, &id).await["status"], "awaiting_input");
    ada.post_empty(&format!("/nodes/{node}/execution/cancel"))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_refused_tells_the_model_why_and_leaves_nothing() {
    let model = Scripted::calling(vec![
        ("no_such_tool", json!({})),
        ("create_subnode", json!({ "title": "" })),
        ("read_input", json!({ "inputId": "not-an-id" })),
        (
            "access_node",
            json!({ "nodeId": "01890000-0000-7000-8000-000000000000" }),
        ),
        ("add_output", json!({ "label": "x", "text": "" })),
        ("mark_complete", json!({ "summary": "done" })),
    ]);
    let (_test, ada, node, id) = run(model).await;
    let results = results(&ada, &id).await;
    assert_eq!(results.len(), 6);
    for refused in &results[..5] {
        let why = refused["error"]
            .as_str()
            .unwrap_or_else(|| panic!("{refused}"));
        assert!(why.ends_with('.'), "{why}");
    }
    assert_eq!(execution(&ada, &id).await["status"], "complete");
    let node = ada.get(&format!("/nodes/{node}")).await.expect(200);
    assert_eq!(node["outputs"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reaches_its_own_subtree_and_nothing_beside_it() {
    let test = TestApp::start_with_model(Scripted::calling(vec![])).await;
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let own = ada.post(&path, json!({ "title": "own" })).await.id();
    let below = json!({ "title": "below", "parentId": own });
    let below = ada.post(&path, below).await.id();
    let beside = ada.post(&path, json!({ "title": "beside" })).await.id();
    let model = Scripted::calling(vec![
        ("access_node", json!({})),
        ("access_node", json!({ "nodeId": below })),
        ("access_node", json!({ "nodeId": beside })),
        ("mark_complete", json!({ "summary": "done" })),
    ]);
    let test = test.with_model(model);
    let id = start(&ada, &own).await;
    work(&test).await;
    let results = results(&ada, &id).await;
    assert_eq!(results[0]["title"], "own");
    assert_eq!(results[0]["children"][0]["title"], "below");
    assert_eq!(results[1]["title"], "below");
    assert_eq!(results[2]["code"], "FORBIDDEN", "{}", results[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reads_a_reference_at_the_version_it_is_pinned_to() {
    let test = TestApp::start_with_model(Scripted::calling(vec![])).await;
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let own = ada.post(&path, json!({ "title": "own" })).await.id();
    let source = ada.post(&path, json!({ "title": "Then" })).await.id();
    let inputs = format!("/nodes/{own}/inputs");
    let mut calls = Vec::new();
    for version in [json!(1), json!(null)] {
        let body = json!({ "inputType": "node_reference", "sourceNodeId": source,
                           "sourceNodeVersion": version });
        let input = ada.post(&inputs, body).await.id();
        calls.push(("read_input", json!({ "inputId": input })));
    }
    calls.push(("mark_complete", json!({ "summary": "done" })));
    let now = json!({ "title": "Now" });
    ada.patch(&format!("/nodes/{source}"), now)
        .await
        .expect(200);
    let test = test.with_model(Scripted::calling(calls));
    let id = start(&ada, &own).await;
    work(&test).await;
    let results = results(&ada, &id).await;
    assert_eq!(results[0]["text"], "Then", "{}", results[0]);
    assert_eq!(results[1]["text"], "Now", "{}", results[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_is_not_in_its_source_is_marked() {
    let test = TestApp::start_with_model(Scripted::calling(vec![])).await;
    let ada = test.user("ada").await;
    let node = node(&ada, "labs").await;
    let text = json!({ "inputType": "text", "textContent": "The sea is\n  salty. It is wide." });
    let input = ada.post(&format!("/nodes/{node}/inputs"), text).await.id();
    let source = |quote: &str| json!({ "inputId": input, "quote": quote });
    let output = json!({
        "label": "Sea", "text": "Salty.",
        "sources": [source("The sea is salty."), source("The sea is sweet.")],
    });
    let done = json!({ "summary": "done" });
    let test = test.with_model(Scripted::calling(vec![
        ("add_output", output),
        ("mark_complete", done),
    ]));
    let id = start(&ada, &node).await;
    work(&test).await;
    assert_eq!(results(&ada, &id).await[0]["unverified"], 1);
    let node = ada.get(&format!("/nodes/{node}")).await.expect(200);
    let sources = node["outputs"][0]["metadata"]["sources"].clone();
    assert_eq!(sources[0]["verified"], true, "{sources}");
    assert_eq!(sources[1]["verified"], false, "{sources}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_model_is_reminded_once_and_then_taken_at_its_word() {
    let model = Scripted::new(|_| Ok(says("It was the disk.")));
    let asked = Arc::clone(&model.asked);
    let (_test, ada, _, id) = run(model).await;
    let run = execution(&ada, &id).await;
    assert_eq!(run["status"], "complete", "{run}");
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    let Some(Message::User { text }) = asked[1].messages.last() else {
        panic!("{:?}", asked[1].messages)
    };
    assert!(text.contains("mark_complete"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_refuses_fails_the_run_with_its_sentence_and_no_secret() {
    let model = Scripted::new(|_| {
        Err(ModelError::new(
            ModelErrorKind::Refused,
            "The key was not accepted.",
        ))
    });
    let (_test, ada, _, id) = run(model).await;
    let run = execution(&ada, &id).await;
    assert_eq!(run["status"], "failed");
    let why = run["errorMessage"].as_str().unwrap();
    assert!(
        why.contains("script/ed") && why.contains("not accepted"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_may_write_anything() {
    let odd = [
        call("create_subnode", r#"{"title":"a\u0000b"}"#),
        call("create_subnode", "not json"),
        call("", ""),
        call("list_inputs", ""),
        call("create_subnode", r#"{"title":1e400}"#),
        call(
            "create_subnode",
            &format!("{{\"title\":\"{}\"}}", "x".repeat(501)),
        ),
        says("a\0b \u{202e} \u{fffd}"),
        call("mark_complete", r#"{"summary":"-0.0 1e3 \u0000"}"#),
    ];
    let mut odd = odd.to_vec();
    odd.reverse();
    let (_test, ada, _, id) = run(Scripted::new(move |_| {
        Ok(odd.pop().unwrap_or_else(|| says("")))
    }))
    .await;
    let run = execution(&ada, &id).await;
    assert_eq!(run["status"], "complete", "{run}");
    let verified = ada
        .get(&format!("/executions/{id}/verify"))
        .await
        .expect(200);
    assert_eq!(verified["valid"], true, "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_drops_a_call_of_the_model_in_the_middle() {
    let stuck = Stuck::default();
    let test = TestApp::start_with_model(stuck.clone()).await;
    test.relay_always();
    let ada = test.user("ada").await;
    let node = node(&ada, "labs").await;
    let id = start(&ada, &node).await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run(stop.clone()));
    stuck.asked.notified().await;
    ada.post_empty(&format!("/nodes/{node}/execution/cancel"))
        .await
        .expect(200);
    stuck.dropped.notified().await;
    assert_eq!(execution(&ada, &id).await["status"], "cancelled");
    stop.cancel();
    working.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_worker_hands_over_and_another_goes_on_at_once() {
    let stuck = Stuck::default();
    let at_once = [("agent.drain_seconds", "0".to_owned())];
    let test = TestApp::start_configured(&at_once).await;
    let test = test.with_model(stuck.clone());
    test.relay_always();
    let ada = test.user("ada").await;
    let node = node(&ada, "labs").await;
    let id = start(&ada, &node).await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run(stop.clone()));
    stuck.asked.notified().await;
    stop.cancel();
    working.await.unwrap();
    assert_eq!(execution(&ada, &id).await["status"], "running");
    let test = test.with_model(Scripted::calling(vec![(
        "mark_complete",
        json!({ "summary": "done" }),
    )]));
    work(&test).await;
    assert_eq!(execution(&ada, &id).await["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_price_makes_the_cost_unknown_and_not_zero() {
    let done = json!({ "summary": "done" });
    let (_test, ada, _, id) = run(Scripted::calling(vec![("mark_complete", done)])).await;
    let run = execution(&ada, &id).await;
    assert_eq!(run["totalTokensIn"], 100);
    assert!(run.get("estimatedCostUsd").is_none(), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_over_run_whose_person_has_lost_the_node_does_nothing_more() {
    let add = json!({ "label": "Result", "text": "Sea water." });
    let model = Scripted::calling(vec![("add_output", add)]);
    let test = TestApp::start_with_manual_clock().await.with_model(model);
    let bench = Workbench::of(test).await;
    let grace = bench.member("grace", "member").await;
    bench.join_project("grace", &bench.project, "editor").await;
    let node = bench.titled("A task").await;
    let id = start(&grace, &node).await;
    bench.test.relay().await;
    // It dies once the model's answer is in the journal, with a call that nobody made yet.
    let entries = std::sync::atomic::AtomicUsize::new(0);
    let dies = Arc::new(move |point| {
        let count = || entries.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        point == Point::AfterAppend && count() == 1
    });
    let worker = AgentWorker::register(Arc::clone(&bench.test.app)).await;
    let dying = worker.unwrap().with_breakpoint(dies);
    assert!(dying.step(&CancellationToken::new()).await.unwrap());
    for table in ["project_members", "org_members"] {
        let sql = format!(
            "delete from {table} where user_id = (select id from users where cognito_sub = 'grace')"
        );
        bench.test.database.execute(&sql).await;
    }
    bench.test.clock.advance(chrono::TimeDelta::seconds(31));
    work(&bench.test).await;
    let run = execution(&bench.ada, &id).await;
    assert_eq!(run["status"], "failed", "{run}");
    let why = run["errorMessage"].as_str().unwrap();
    assert!(why.contains("no access to the node any more"), "{why}");
    assert_eq!(bench.count("node_outputs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_sets_a_status_takes_the_project_before_the_node() {
    let model = Gated::new(vec![call("mark_complete", r#"{ "summary": "done" }"#)]);
    let test = TestApp::start().await.with_model(model.clone());
    let bench = Workbench::of(test).await;
    let node = bench.titled("A task").await;
    let path = format!("/nodes/{node}/execute");
    let body = json!({ "model": "script/ed" });
    bench.ada.post(&path, body).await.expect(201);
    bench.test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    let working = tokio::spawn(async move { worker.step(&CancellationToken::new()).await });
    model.asked().await;
    // Somebody begins to delete the project.
    let mut admin = bench.test.database.admin().await;
    let project = format!(
        "begin; select from projects where id = '{}' for update",
        bench.project
    );
    admin.batch_execute(&project).await.unwrap();
    model.answer();
    until("the step waits for the project", async || {
        let waits = "select exists (select from pg_locks where not granted)::text as text";
        let waits = bench.test.database.text(waits).await;
        (waits == "true").then_some(())
    })
    .await;
    let nodes = format!("select from nodes where id = '{node}' for update nowait; rollback");
    admin
        .batch_execute(&nodes)
        .await
        .expect("the step holds the node and waits for the project");
    assert!(working.await.unwrap().unwrap());
    let run = bench.ada.get(&format!("/nodes/{node}/executions")).await;
    assert_eq!(run.expect(200)["data"][0]["status"], "complete");
}
