//! Payloads that are too large for their rows: whole wherever they are needed, checked, and
//! gone when their time is over.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    app::App,
    executions::ops::{doctor, payloads, retention},
    kernel::{Code, Error, Result, Timestamp},
    platform::{
        blobs::{BlobInfo, BlobKey, BlobReader, Blobs, Declared, Listing, OldKeys, SignedRequest},
        llm::Message,
    },
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Run, run, run_on, start, work};
use crate::support::{
    TestApp,
    model::{Scripted, call},
};

/// An output of 180,000 bytes, and what the journal keeps in two entries of it.
fn long() -> String {
    "The tide is high. ".repeat(10_000)
}

/// What it says depends on the conversation alone, as after a crash it is asked again.
fn wordy() -> Scripted {
    Scripted::new(|request| {
        let answered = |message: &&Message| matches!(message, Message::Assistant { .. });
        let is_short = request.messages.iter().any(
            |message| matches!(message, Message::User { text } if text.starts_with("# Short")),
        );
        Ok(match request.messages.iter().filter(answered).count() {
            0 if !is_short => {
                let arguments = json!({ "label": "Long", "text": long() });
                call("add_output", &arguments.to_string())
            }
            _ => call("mark_complete", r#"{ "summary": "Done." }"#),
        })
    })
}

/// The entry of the call that gave the output.
fn call_of(trace: &[Value]) -> &Value {
    let is_call = |entry: &&Value| entry["eventData"]["tool"] == "add_output";
    trace.iter().find(is_call).unwrap()
}

async fn whole_trace(run: &Run, id: &str) -> Vec<Value> {
    let path = format!("/executions/{id}/trace?full=true");
    let answer = run.ada.get(&path).await.expect(200);
    answer["data"].as_array().unwrap().clone()
}

/// The keys of the payloads in the storage.
async fn keys(test: &TestApp) -> Vec<String> {
    let far = chrono::Utc::now() + TimeDelta::days(1);
    let mut keys = OldKeys::new(&*test.app.blobs, far);
    let mut keys = keys.page().await.unwrap().unwrap();
    keys.retain(|key| payloads::is_key(key));
    keys
}

async fn put(test: &TestApp, key: &str, text: &'static str) {
    let key = BlobKey::parse(key).unwrap();
    let bytes = Bytes::from_static(text.as_bytes());
    test.app
        .blobs
        .put(&key, "application/json", bytes)
        .await
        .unwrap();
}

/// Deletes bytes as the jobs say that are there.
async fn clean(test: &TestApp) {
    test.relay().await;
    let worker = test.file_worker().await;
    while worker.step().await.unwrap() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_payload_is_shown_in_part_and_on_request_whole() {
    let run = run(wordy()).await;
    assert_eq!(run.get(&run.id).await["status"], "complete");
    let trace = run.trace(&run.id).await;
    let shown = call_of(&trace);
    let part = shown["eventData"]["arguments"].as_str().unwrap();
    assert_eq!(part.len(), 2_000);
    let refs = &shown["payloadRefs"]["arguments"];
    assert!(refs["bytes"].as_u64().unwrap() > 180_000, "{refs}");
    assert_eq!(refs["sha256"].as_str().unwrap().len(), 64);
    assert!(trace[0].get("payloadRefs").is_none());

    let whole = whole_trace(&run, &run.id).await;
    let entry = call_of(&whole);
    assert!(entry.get("payloadRefs").is_none());
    let arguments: Value =
        serde_json::from_str(entry["eventData"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments["text"], long());
    assert_eq!(entry["hash"], shown["hash"]);
    assert_eq!(entry["dataHash"], shown["dataHash"]);

    let found = run.verify(&run.id).await;
    assert_eq!(found["valid"], true, "{found}");
    // The model's answer and its call.
    assert_eq!(found["payloadsApart"], 2);
    assert_eq!(keys(&run.test).await.len(), 2);
    for key in keys(&run.test).await {
        assert!(
            key.starts_with(&format!("{}/payloads/{}/", run.org, run.id)),
            "{key}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_lost_payload_is_found_and_named() {
    let run = run(wordy()).await;
    let trace = run.trace(&run.id).await;
    let entry = call_of(&trace);
    let sha256 = entry["payloadRefs"]["arguments"]["sha256"]
        .as_str()
        .unwrap();
    let key = format!("{}/payloads/{}/{sha256}.json", run.org, run.id);
    let folder = run.test.app.folder.clone().unwrap();
    for lost in [false, true] {
        if lost {
            folder.delete(&BlobKey::parse(&key).unwrap()).await.unwrap();
        } else {
            put(&run.test, &key, "\"another\"").await;
        }
        let found = run.verify(&run.id).await;
        assert_eq!(found["valid"], false, "{found}");
        assert_eq!(found["brokenAt"], entry["sequenceNumber"]);
        // The chain alone is right.
        let path = format!("/executions/{}/verify?contents=false", run.id);
        assert_eq!(run.ada.get(&path).await.expect(200)["valid"], true);
        let app = &run.test.app;
        let findings = doctor::doctor(&app.db, Some(&*folder), &app.config.agent, None).await;
        let findings = json!(findings.unwrap());
        assert_eq!(findings[0]["check"], "broken_chain", "{findings}");
        // What there is is shown.
        let whole = whole_trace(&run, &run.id).await;
        assert_eq!(call_of(&whole), entry);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_can_not_name_another_organizations_payload() {
    let ada = run(wordy()).await;
    let trace = ada.trace(&ada.id).await;
    let entry = call_of(&trace);
    let secret = entry["payloadRefs"].clone();
    let bob = ada.test.user("bob").await;
    let (_, project) = bob.workspace("other").await;
    let path = format!("/projects/{project}/nodes");
    let node = bob.post(&path, json!({ "title": "Short" })).await.id();
    let id = start(&bob, &node).await;
    work(&ada.test).await;
    // As somebody could who can write to the database.
    let sql = format!(
        "update agent_trace_events set payload_refs = '{secret}', \
         event_data = event_data || '{{\"arguments\": \"\"}}' \
         where execution_id = '{id}' and sequence_number = 2"
    );
    ada.test.database.execute(&sql).await;
    let path = format!("/executions/{id}/trace?full=true");
    let trace = bob.get(&path).await.expect(200);
    assert_eq!(trace["data"][1]["payloadRefs"], secret);
    assert_eq!(trace["data"][1]["eventData"]["arguments"], "");
    let path = format!("/executions/{id}/verify");
    assert_eq!(bob.get(&path).await.expect(200)["brokenAt"], 2);
    let path = format!("/executions/{}/trace?full=true", ada.id);
    bob.get(&path).await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_goes_on_from_whole_payloads() {
    let model = wordy();
    let asked = Arc::clone(&model.asked);
    let run = run(model).await;
    let fork = run.fork(&run.id, json!({ "afterSequence": 4 })).await;
    work(&run.test).await;
    assert_eq!(run.get(&fork).await["status"], "complete");
    let last = asked.lock().unwrap().last().cloned().unwrap();
    let read = last.messages.iter().any(|message| {
        let Message::Assistant { tool_calls, .. } = message else {
            return false;
        };
        tool_calls
            .iter()
            .any(|call| call.arguments.contains(&long()))
    });
    assert!(read, "the fork's model reads what the first one wrote");
    assert_eq!(run.verify(&fork).await["valid"], true);
    // What it shares is checked with it.
    put(&run.test, &keys(&run.test).await[0], "\"another\"").await;
    let found = run.verify(&fork).await;
    assert_eq!(
        (&found["valid"], &found["forkedFrom"]["valid"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_storing_and_writing_leaves_the_same_run() {
    let mut ends = Vec::new();
    for dies_at in [usize::MAX, 0, 1, 2, 3, 4, 5, 6, 7] {
        let test = TestApp::start_with_manual_clock().await.with_model(wordy());
        let ada = test.user("ada").await;
        let (_, project) = ada.workspace("labs").await;
        let path = format!("/projects/{project}/nodes");
        let node = ada.post(&path, json!({ "title": "A task" })).await.id();
        let id = start(&ada, &node).await;
        test.relay().await;
        let passed = AtomicUsize::new(0);
        let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
        let worker = worker.with_breakpoint(Arc::new(move |point| {
            point == Point::BeforeAppend && passed.fetch_add(1, Ordering::SeqCst) == dies_at
        }));
        worker.step(&CancellationToken::new()).await.unwrap();
        test.clock.advance(TimeDelta::seconds(31));
        work(&test).await;
        let answer = ada.get(&format!("/executions/{id}")).await.expect(200);
        let status = answer["execution"]["status"].clone();
        let found = ada
            .get(&format!("/executions/{id}/verify"))
            .await
            .expect(200);
        assert_eq!(found["valid"], true, "died at {dies_at}: {found}");
        let outputs = ada.get(&format!("/nodes/{node}")).await.expect(200);
        let outputs = outputs["outputs"].as_array().unwrap().len();
        ends.push((status, found["payloadsApart"].clone(), outputs));
    }
    let whole = (json!("complete"), json!(2), 1);
    assert!(ends.iter().all(|end| *end == whole), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_is_removed_with_its_entry() {
    let test = TestApp::start_with_manual_clock().await;
    let mut run = run_on(test.with_model(wordy())).await;
    run.test.clock.advance(TimeDelta::days(31));
    run.ada = run.test.user("ada").await;
    assert_eq!(keys(&run.test).await.len(), 2);
    let stop = CancellationToken::new();
    let swept = retention::sweep(&run.test.app, TimeDelta::days(30), &stop).await;
    assert_eq!(swept.unwrap(), 1);
    let folder = run.test.app.folder.clone().unwrap();
    let app = &run.test.app;
    assert!(payloads::doctor(&app.db, &*folder).await.unwrap().is_none());
    clean(&run.test).await;
    assert!(keys(&run.test).await.is_empty());
    let trace = run.trace(&run.id).await;
    assert!(trace.iter().all(|entry| entry["payloadRefs"].is_null()));
    let found = run.verify(&run.id).await;
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["payloadsApart"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_entry_refers_to_is_found_and_removed_once_its_run_has_ended() {
    // The clock of the storage is the machine's, and all is older than an hour to the program.
    let test = TestApp::start_with_manual_clock().await;
    let far = chrono::Utc::now() - crate::support::epoch() + TimeDelta::hours(2);
    test.clock.advance(far);
    let run = run_on(test.with_model(wordy())).await;
    let next = start(&run.ada, &run.node).await;
    let key = |id: &str, n: u8| {
        let sha256 = format!("{n:x}").repeat(64);
        format!("{}/payloads/{id}/{sha256}.json", run.org)
    };
    let gone = "019c0000-0000-7000-8000-000000000001";
    let (left, open, of_none) = (key(&run.id, 1), key(&next, 2), key(gone, 3));
    for key in [&left, &open, &of_none] {
        put(&run.test, key, "{}").await;
    }
    let app = &run.test.app;
    let folder = run.test.app.folder.clone().unwrap();
    let found = payloads::doctor(&app.db, &*folder).await.unwrap();
    let found = json!(found.unwrap());
    assert_eq!(found["check"], "orphaned_payload");
    assert_eq!(found["ids"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(payloads::sweep(&app.db, &*folder).await.unwrap(), 2);
    let there = keys(&run.test).await;
    assert_eq!(there.len(), 3, "{there:?}");
    assert!(there.contains(&open));
    assert_eq!(run.verify(&run.id).await["valid"], true);
}

/// A storage that takes nothing while it is down.
struct Down(Arc<dyn Blobs>, AtomicUsize);

#[async_trait]
impl Blobs for Down {
    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        self.0.head(key).await
    }

    async fn open(&self, _: &BlobKey) -> Result<BlobReader> {
        Err(Error::new(Code::Unavailable, "The storage is down."))
    }

    async fn put(&self, _: &BlobKey, _: &str, _: Bytes) -> Result<BlobInfo> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Err(Error::new(Code::Unavailable, "The storage is down."))
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        self.0.delete(key).await
    }

    fn bucket(&self) -> &str {
        self.0.bucket()
    }

    async fn list(&self, from: Option<&str>) -> Result<Listing> {
        self.0.list(from).await
    }

    async fn sign_put(
        &self,
        key: &BlobKey,
        declared: Declared<'_>,
        now: Timestamp,
        ttl: std::time::Duration,
    ) -> Result<SignedRequest> {
        self.0.sign_put(key, declared, now, ttl).await
    }

    async fn sign_get(
        &self,
        key: &BlobKey,
        filename: &str,
        now: Timestamp,
        ttl: std::time::Duration,
    ) -> Result<SignedRequest> {
        self.0.sign_get(key, filename, now, ttl).await
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_is_down_fails_no_run() {
    let test = TestApp::start_with_model(wordy()).await;
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let node = ada.post(&path, json!({ "title": "A task" })).await.id();
    let id = start(&ada, &node).await;
    test.relay().await;
    let down = Arc::new(Down(Arc::clone(&test.app.blobs), AtomicUsize::new(0)));
    let app = App {
        blobs: Arc::clone(&down) as Arc<dyn Blobs>,
        ..App::clone(&test.app)
    };
    let worker = AgentWorker::register(Arc::new(app)).await.unwrap();
    for _ in 0..3 {
        let failed = worker.step(&CancellationToken::new()).await.unwrap_err();
        assert_eq!(failed.code(), Code::Unavailable);
    }
    assert_eq!(down.1.load(Ordering::SeqCst), 3);
    let state = async || ada.get(&format!("/executions/{id}")).await.expect(200);
    assert_eq!(state().await["execution"]["status"], "running");
    work(&test).await;
    assert_eq!(state().await["execution"]["status"], "complete");
    let found = ada
        .get(&format!("/executions/{id}/verify"))
        .await
        .expect(200);
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["payloadsApart"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_payloads_are_lost_ends_with_a_sentence() {
    let test = TestApp::start_with_manual_clock().await.with_model(wordy());
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let node = ada.post(&path, json!({ "title": "A task" })).await.id();
    let id = start(&ada, &node).await;
    test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    let appended = AtomicUsize::new(0);
    let worker = worker.with_breakpoint(Arc::new(move |point| {
        point == Point::AfterAppend && appended.fetch_add(1, Ordering::SeqCst) == 1
    }));
    worker.step(&CancellationToken::new()).await.unwrap();
    for key in keys(&test).await {
        let key = BlobKey::parse(&key).unwrap();
        test.app.blobs.delete(&key).await.unwrap();
    }
    test.clock.advance(TimeDelta::seconds(31));
    work(&test).await;
    let state = ada.get(&format!("/executions/{id}")).await.expect(200);
    assert_eq!(state["execution"]["status"], "failed", "{state}");
    let why = state["execution"]["errorMessage"].as_str().unwrap();
    assert!(
        why.contains("toolCalls") && why.contains("entry 2"),
        "{why}"
    );
}
