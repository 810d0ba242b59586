//! Executions, with workers stepped by hand.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::TimeDelta;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    platform::db::Topic,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Client, Scrape, TestApp, until};

/// A node with a text instruction and a small file of two sections, ready to be run.
async fn node_with_inputs(test: &TestApp, client: &Client, slug: &str) -> String {
    let (org, project) = client.workspace(slug).await;
    let path = format!("/projects/{project}/nodes");
    let node = client
        .post(&path, json!({ "title": "What went wrong?" }))
        .await
        .id();
    let text = "What caused the outage, and what did it cost?";
    let input = json!({ "inputType": "text", "textContent": text, "label": "Task" });
    client
        .post(&format!("/nodes/{node}/inputs"), input)
        .await
        .expect(201);
    let file = test
        .upload(client, &org, "report.md", "text/markdown", REPORT)
        .await;
    let input = json!({ "inputType": "file", "fileId": file });
    client
        .post(&format!("/nodes/{node}/inputs"), input)
        .await
        .expect(201);
    node
}

/// Ada with an execution of a prepared node that waits for a worker.
async fn pending(test: &TestApp) -> (Client, String, String) {
    let ada = test.user("ada").await;
    let node = node_with_inputs(test, &ada, "labs").await;
    let execution = execute(&ada, &node, json!({})).await;
    (ada, node, execution)
}

/// What must hold of the figures when `ended` runs are complete, whatever happened on the way.
async fn assert_counted_once(test: &TestApp, ended: usize) {
    let told = Scrape::read(&test.app.db.metrics().text().unwrap());
    let complete = [("status", "complete")];
    let counted = told.get("glassbox_executions_ended_total", &complete);
    assert_eq!(counted, ended as f64);
    let steps = told.all("glassbox_execution_steps_total");
    let steps: f64 = steps.iter().map(|(_, count)| count).sum();
    let entries = "select count(*)::text as text from agent_trace_events";
    let entries: f64 = test.database.text(entries).await.parse().unwrap();
    assert_eq!(steps, entries);
}

/// Ada with a node that has nothing to read.
async fn bare_node(test: &TestApp) -> (Client, String) {
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let node = json!({ "title": "n" });
    let node = ada
        .post(&format!("/projects/{project}/nodes"), node)
        .await
        .id();
    (ada, node)
}

const REPORT: &[u8] = b"# Report\n\nThe outage was caused by a full disk on the second database host. \
Nobody had watched its space since the move in January.\n\n# Cost\n\nThe outage cost 41,200 USD in credits \
to 310 customers. No data was lost.\n";

async fn worker(test: &TestApp) -> AgentWorker {
    AgentWorker::register(Arc::clone(&test.app)).await.unwrap()
}

/// Steps `worker` until it finds nothing more to do.
async fn work(test: &TestApp, worker: &AgentWorker) {
    test.relay().await;
    while worker.step(&CancellationToken::new()).await.unwrap() {
        test.relay().await;
    }
}

async fn execute(client: &Client, node: &str, body: Value) -> String {
    let answer = client
        .post(&format!("/nodes/{node}/execute"), body)
        .await
        .expect(201);
    answer["execution"]["id"].as_str().unwrap().to_owned()
}

async fn trace(client: &Client, execution: &str) -> Vec<Value> {
    let answer = client
        .get(&format!("/executions/{execution}/trace"))
        .await
        .expect(200);
    assert_eq!(answer["data"], answer["events"]);
    answer["data"].as_array().unwrap().clone()
}

fn kinds(trace: &[Value]) -> Vec<&str> {
    trace
        .iter()
        .map(|event| event["eventType"].as_str().unwrap())
        .collect()
}

async fn status(client: &Client, execution: &str) -> Value {
    let answer = client
        .get(&format!("/executions/{execution}"))
        .await
        .expect(200);
    answer["execution"].clone()
}

/// What must hold of a completed run of the demo model, whatever happened on the way.
async fn assert_done_once(client: &Client, node: &str, execution: &str) {
    let run = status(client, execution).await;
    assert_eq!(run["status"], "complete", "{run}");
    let trace = trace(client, execution).await;
    for (event, number) in trace.iter().zip(1..) {
        assert_eq!(event["sequenceNumber"], number, "a gap in the trace");
    }
    let count = |kind: &str| kinds(&trace).iter().filter(|k| **k == kind).count();
    assert_eq!(count("execution_start"), 1);
    assert_eq!(count("execution_complete"), 1);
    assert_eq!(count("subnode_created"), 1);
    assert_eq!(count("output_added"), 1);
    let verified = client
        .get(&format!("/executions/{execution}/verify"))
        .await
        .expect(200);
    assert_eq!(verified["valid"], true, "{verified}");
    assert_eq!(verified["events"], trace.len());
    let node = client.get(&format!("/nodes/{node}")).await.expect(200);
    assert_eq!(node["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(node["status"], "complete");
    let path = format!(
        "/projects/{}/nodes?parentId={}",
        node["projectId"].as_str().unwrap(),
        node["id"].as_str().unwrap()
    );
    assert_eq!(
        client.get(&path).await.expect(200)["total"],
        1,
        "one sub-node"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_model_reads_splits_quotes_and_completes() {
    let test = TestApp::start().await;
    let (ada, node, execution) = pending(&test).await;
    assert_eq!(status(&ada, &execution).await["status"], "pending");
    work(&test, &worker(&test).await).await;
    assert_done_once(&ada, &node, &execution).await;

    let node = ada.get(&format!("/nodes/{node}")).await.expect(200);
    let output = &node["outputs"][0];
    let sources = output["metadata"]["sources"].as_array().unwrap();
    assert!(!sources.is_empty(), "{output}");
    for source in sources {
        assert_eq!(source["verified"], true, "{source}");
    }
    let text = output["textContent"].as_str().unwrap();
    assert!(text.contains("full disk"), "{text}");
    assert!(text.contains("demo"), "it says what made it: {text}");
    let file = output["fileId"].as_str().unwrap();
    let stored = ada.get(&format!("/files/{file}/text")).await;
    assert_eq!(stored.text, text, "the output is a file too");
    let run = status(&ada, &execution).await;
    assert!(run["totalTokensIn"].as_i64().unwrap() > 0);
    assert_eq!(run["estimatedCostUsd"], 0.0);
    assert!(!run["traceSummary"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_die_at_any_point_and_nothing_happens_twice() {
    let test = TestApp::start_with_manual_clock().await;
    let ada = test.user("ada").await;
    // How many points one undisturbed run passes.
    let points = Arc::new(AtomicUsize::new(0));
    let node = node_with_inputs(&test, &ada, "undisturbed").await;
    let execution = execute(&ada, &node, json!({})).await;
    let count = Arc::clone(&points);
    let counting = worker(&test)
        .await
        .with_breakpoint(Arc::new(move |_: Point| {
            count.fetch_add(1, Ordering::SeqCst);
            false
        }));
    work(&test, &counting).await;
    assert_done_once(&ada, &node, &execution).await;
    let points = points.load(Ordering::SeqCst);
    assert!(points > 15, "{points}");

    for last in 0..points {
        let node = node_with_inputs(&test, &ada, &format!("dies-at-{last}")).await;
        let execution = execute(&ada, &node, json!({})).await;
        let passed = AtomicUsize::new(0);
        let dying = worker(&test)
            .await
            .with_breakpoint(Arc::new(move |_: Point| {
                passed.fetch_add(1, Ordering::SeqCst) == last
            }));
        test.relay().await;
        assert!(dying.step(&CancellationToken::new()).await.unwrap());
        let heir = worker(&test).await;
        // While the dead worker may still be alive, nobody takes its work away.
        assert!(
            !heir
                .step_abandoned(&CancellationToken::new())
                .await
                .unwrap()
        );
        test.clock.advance(TimeDelta::seconds(31));
        let heir = worker(&test).await;
        work(&test, &heir).await;
        assert_done_once(&ada, &node, &execution).await;
    }
    assert_counted_once(&test, points + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_worker_gives_back_what_it_holds_only_by_the_database() {
    let test = TestApp::start_with_manual_clock().await;
    let (ada, node, execution) = pending(&test).await;
    // It stops driving without having given its lease back, as when Postgres went away.
    let passed = AtomicUsize::new(0);
    let worker = worker(&test).await.with_breakpoint(Arc::new(move |_| {
        passed.fetch_add(1, Ordering::SeqCst) == 4
    }));
    test.relay().await;
    let stop = CancellationToken::new();
    assert!(worker.step(&stop).await.unwrap());
    assert!(!worker.step(&stop).await.unwrap(), "it is its own");
    let away = "alter table jobs rename to jobs_away";
    test.database.execute(away).await;
    worker.step(&stop).await.unwrap_err();
    let back = "alter table jobs_away rename to jobs";
    test.database.execute(back).await;
    // No time has passed, so nobody thinks it dead.
    work(&test, &worker).await;
    assert_done_once(&ada, &node, &execution).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_gives_that_back_though_no_message_ever_comes() {
    let settings = [
        ("agent.sweep_seconds", "1".into()),
        ("agent.concurrency", "1".into()),
    ];
    let test = TestApp::start_with_manual_clock_configured(&settings).await;
    let (ada, node, execution) = pending(&test).await;
    let passed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&passed);
    let worker = worker(&test)
        .await
        .with_breakpoint(Arc::new(move |_| count.fetch_add(1, Ordering::SeqCst) == 4));
    test.relay().await;
    // Nothing wakes the worker from here on.
    test.app.db.signal().wait(Topic::AgentJobs).await;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.clone().run(stop.clone()));
    until("the driver to stop", async || {
        (passed.load(Ordering::SeqCst) > 4).then_some(())
    })
    .await;
    // What fails is another hand of the same process.
    let away = "alter table jobs rename to jobs_away";
    test.database.execute(away).await;
    worker.step(&stop).await.unwrap_err();
    let back = "alter table jobs_away rename to jobs";
    test.database.execute(back).await;
    until("the end of the run", async || {
        let run = status(&ada, &execution).await;
        (run["status"] == "complete").then_some(())
    })
    .await;
    stop.cancel();
    working.await.unwrap();
    assert_done_once(&ada, &node, &execution).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_can_not_write() {
    let test = TestApp::start_with_manual_clock().await;
    let (ada, node, execution) = pending(&test).await;
    test.relay().await;
    // In the middle of the slow worker's step, another one takes over and finishes.
    let (app, clock) = (Arc::clone(&test.app), Arc::clone(&test.clock));
    let steps = AtomicUsize::new(0);
    let slow = worker(&test).await.with_breakpoint(Arc::new(move |point| {
        if point == Point::BeforeAppend && steps.fetch_add(1, Ordering::SeqCst) == 3 {
            clock.advance(TimeDelta::seconds(31));
            let app = Arc::clone(&app);
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let heir = AgentWorker::register(app).await.unwrap();
                    let stop = CancellationToken::new();
                    assert!(heir.step_abandoned(&stop).await.unwrap());
                });
            });
        }
        false
    }));
    assert!(slow.step(&CancellationToken::new()).await.unwrap());
    assert_done_once(&ada, &node, &execution).await;
    assert_counted_once(&test, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_execution_of_a_node_at_a_time() {
    let test = TestApp::start().await;
    let (ada, node) = bare_node(&test).await;
    let path = format!("/nodes/{node}/execute");
    let (a, b) = tokio::join!(ada.post_empty(&path), ada.post_empty(&path));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", a.text, b.text);
    let third = ada.post_empty(&path).await;
    third.expect_problem(409, "EXECUTION_ACTIVE");
    assert!(third.body["details"]["executionId"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_execution_takes_nothing_more_and_can_be_followed_by_another() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let node = node_with_inputs(&test, &ada, "labs").await;
    let first = execute(&ada, &node, json!({})).await;
    let cancel = format!("/nodes/{node}/execution/cancel");
    let answer = ada.post_empty(&cancel).await.expect(200);
    assert_eq!(answer["execution"]["status"], "cancelled");
    let again = ada.post_empty(&cancel).await;
    again.expect_problem(409, "EXECUTION_STATE");
    assert_eq!(again.body["details"]["status"], "cancelled");
    work(&test, &worker(&test).await).await;
    assert_eq!(kinds(&trace(&ada, &first).await), ["execution_cancelled"]);
    let second = execute(&ada, &node, json!({})).await;
    work(&test, &worker(&test).await).await;
    assert_done_once(&ada, &node, &second).await;
    let list = ada
        .get(&format!("/nodes/{node}/executions"))
        .await
        .expect(200);
    assert_eq!(list["total"], 2);
    assert_eq!(list["data"][0]["id"], second.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_end_a_run_with_a_sentence() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let node = node_with_inputs(&test, &ada, "labs").await;
    let execution = execute(&ada, &node, json!({ "config": { "maxIterations": 2 } })).await;
    work(&test, &worker(&test).await).await;
    let run = status(&ada, &execution).await;
    assert_eq!(run["status"], "failed");
    assert!(
        run["errorMessage"]
            .as_str()
            .unwrap()
            .contains("2 model calls"),
        "{run}"
    );
    assert_eq!(kinds(&trace(&ada, &execution).await).last(), Some(&"error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_node_without_inputs_still_ends() {
    let test = TestApp::start().await;
    let (ada, node) = bare_node(&test).await;
    let execution = execute(&ada, &node, json!({})).await;
    work(&test, &worker(&test).await).await;
    assert_eq!(status(&ada, &execution).await["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_starts_are_refused_before_anything_is_queued() {
    let test = TestApp::start().await;
    let (ada, node) = bare_node(&test).await;
    let path = format!("/nodes/{node}/execute");
    let start = |body| ada.post(&path, body);
    start(json!({ "model": "nobody/knows" }))
        .await
        .expect_problem(400, "VALIDATION_FAILED");
    for config in [
        json!({ "maxIterations": 0 }),
        json!({ "temperature": 3 }),
        json!({ "tools": ["rm"] }),
        json!({ "budgetUsd": -1 }),
        json!({ "maxTokens": "many" }),
    ] {
        let answer = start(json!({ "config": config })).await;
        answer.expect_problem(400, "VALIDATION_FAILED");
    }
    ada.get(&format!("/nodes/{node}/execution"))
        .await
        .expect_problem(404, "NOT_FOUND");
    let unknown = "01890000-0000-7000-8000-000000000000";
    ada.get(&format!("/executions/{unknown}"))
        .await
        .expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_an_execution() {
    let test = TestApp::start().await;
    let (_, node, execution) = pending(&test).await;
    let eve = test.user("eve").await;
    eve.workspace("eves").await;
    for path in [
        format!("/executions/{execution}"),
        format!("/executions/{execution}/trace"),
        format!("/executions/{execution}/stream"),
        format!("/executions/{execution}/verify"),
        format!("/nodes/{node}/execution"),
        format!("/nodes/{node}/executions"),
    ] {
        eve.get(&path).await.expect_problem(404, "NOT_FOUND");
    }
    for path in [
        format!("/nodes/{node}/execute"),
        format!("/nodes/{node}/execution/cancel"),
    ] {
        eve.post_empty(&path).await.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_loses_the_rights_that_its_person_loses() {
    let test = TestApp::start().await;
    let (ada, _, execution) = pending(&test).await;
    test.database
        .execute("update org_members set role = 'guest'")
        .await;
    work(&test, &worker(&test).await).await;
    test.database
        .execute("update org_members set role = 'owner'")
        .await;
    let run = status(&ada, &execution).await;
    assert_eq!(run["status"], "failed", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_missing_entry_is_found() {
    let test = TestApp::start().await;
    let (ada, _, execution) = pending(&test).await;
    work(&test, &worker(&test).await).await;
    test.database
        .execute("update agent_trace_events set event_data = '{\"tool\":\"x\"}' where sequence_number = 3")
        .await;
    let verified = ada
        .get(&format!("/executions/{execution}/verify"))
        .await
        .expect(200);
    assert_eq!(
        (&verified["valid"], &verified["brokenAt"]),
        (&json!(false), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_gives_every_entry_once_and_ends() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let node = node_with_inputs(&test, &ada, "labs").await;
    test.relay_always();
    let execution = execute(&ada, &node, json!({})).await;
    let following = {
        let (ada, path) = (ada.clone(), format!("/executions/{execution}/stream"));
        tokio::spawn(async move { ada.get(&path).await })
    };
    let worker = worker(&test).await;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run(stop.clone()));
    let stream = following.await.unwrap();
    stop.cancel();
    working.await.unwrap();
    assert_eq!(stream.status, 200);
    let ids: Vec<i64> = stream
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .map(|id| id.parse().unwrap())
        .collect();
    let whole = trace(&ada, &execution).await;
    assert_eq!(
        ids,
        (1..=i64::try_from(whole.len()).unwrap()).collect::<Vec<_>>()
    );
    assert!(stream.text.contains("event: llm_delta"), "{}", stream.text);

    // Again from the middle, after the end: the rest, and then the end.
    let path = format!("/executions/{execution}/stream");
    let rest = ada.request("GET", &path).header("Last-Event-ID", "5");
    let rest = ada.send(rest).await;
    assert!(rest.text.starts_with("id: 6\n"), "{}", rest.text);
}
