//! Locks of nodes: who gets one, what it keeps from whom, how it ends.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    cli::compose,
    kernel::event::{Channel, EventKind},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        Answer, Client, TestApp,
        model::{Scripted, Stuck},
    },
    workbench::{NOTHING, Workbench, bad_fields},
};

fn path(node: &str) -> String {
    format!("/nodes/{node}/lock")
}

pub async fn lock(client: &Client, node: &str) -> Answer {
    client.post_empty(&path(node)).await
}

async fn unlock(client: &Client, node: &str) -> Answer {
    client.delete(&path(node)).await
}

async fn break_off(client: &Client, node: &str) -> Answer {
    client.delete(&format!("{}?force=true", path(node))).await
}

/// A write under the lock of this epoch.
pub async fn write_under(client: &Client, node: &str, epoch: &Value) -> Answer {
    let request = client
        .request("PATCH", &format!("/nodes/{node}"))
        .header("x-lock-epoch", epoch.to_string())
        .json(&json!({ "title": format!("under {epoch}") }));
    client.send(request).await
}

/// Ada and Bob, both members, with a clock that stands still.
async fn bench() -> (Workbench, Client, String) {
    let bench = Workbench::of(TestApp::start_with_manual_clock().await).await;
    let bob = bench.member("bob", "member").await;
    let node = bench.titled("A").await;
    (bench, bob, node)
}

impl Workbench {
    fn later(&self, seconds: i64) {
        self.test.clock.advance(TimeDelta::seconds(seconds));
    }

    /// The payloads of the events of this kind, oldest first.
    async fn heard(&self, kind: &str) -> Vec<Value> {
        let events = self.events().await;
        let of_kind = events.into_iter().filter(|event| event["name"] == kind);
        of_kind.map(|event| event["payload"].clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_lasts_five_minutes_and_its_holder_renews_it() {
    let (bench, bob, node) = bench().await;
    let before = bench.read(&node).await;
    let first = lock(&bench.ada, &node).await.expect(200);
    let me = bench.ada.get("/users/me").await.id();
    assert_eq!(
        first,
        json!({
            "success": true, "lockedBy": me, "lockedByEmail": "ada@example.com",
            "lockedAt": "2026-01-28T09:30:00Z", "expiresAt": "2026-01-28T09:35:00Z", "epoch": 1,
        })
    );
    bench.later(60);
    let request = bench
        .ada
        .request("POST", &path(&node))
        .header("content-type", "text/plain");
    let again = bench.ada.send(request).await.expect(200);
    assert_eq!(again["lockedAt"], first["lockedAt"]);
    assert_eq!(again["expiresAt"], "2026-01-28T09:36:00Z");
    assert_eq!(again["epoch"], 1);

    let refused = lock(&bob, &node).await;
    refused.expect_problem(409, "NODE_LOCKED");
    assert_eq!(
        refused.body["details"],
        json!({
            "nodeId": node, "lockedBy": me, "lockedByEmail": "ada@example.com",
            "expiresAt": "2026-01-28T09:36:00Z",
        })
    );
    let after = bench.read(&node).await;
    assert_eq!(after["lockedBy"], json!(me));
    assert_eq!(
        (&after["version"], &after["updatedAt"]),
        (&before["version"], &before["updatedAt"])
    );
    let heard = bench.heard("lock_acquired").await;
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(
        heard[1],
        json!({
            "nodeId": node, "lockedBy": me, "userEmail": "ada@example.com",
            "lockedByEmail": "ada@example.com", "expiresAt": "2026-01-28T09:36:00Z",
        })
    );
    let events = bench.events().await;
    let channels = &events.last().unwrap()["channels"];
    let expected = json!([format!("project:{}", bench.project), format!("node:{node}")]);
    assert_eq!(channels, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_lock_is_free_for_the_next() {
    let (bench, bob, node) = bench().await;
    unlock(&bench.ada, &node)
        .await
        .expect_problem(404, "NOT_FOUND");
    lock(&bench.ada, &node).await.expect(200);
    unlock(&bob, &node).await.expect_problem(404, "NOT_FOUND");
    assert_eq!(lock(&bob, &node).await.status, 409);
    unlock(&bench.ada, &node).await.expect(204);
    assert!(bench.read(&node).await.get("lockedBy").is_none());
    let second = lock(&bob, &node).await.expect(200);
    assert_eq!(second["epoch"], 2);
    let me = bench.ada.get("/users/me").await.id();
    let expected = json!({ "nodeId": node, "releasedBy": me, "reason": "released" });
    assert_eq!(bench.heard("lock_released").await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_one_gets_the_lock() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let mut people = Vec::new();
    for n in 0..10 {
        people.push(bench.member(&format!("p{n}"), "member").await);
    }
    let tries = (0..50).map(|n| lock(&people[n % 10], &node));
    let answers = join_all(tries).await;
    let won: Vec<&Answer> = answers.iter().filter(|a| a.status == 200).collect();
    let holder = &won[0].body["lockedBy"];
    assert!(
        won.iter().all(|a| &a.body["lockedBy"] == holder),
        "one holder"
    );
    assert!(won.iter().all(|a| a.body["epoch"] == 1), "one taking");
    assert!(won.len() <= 5, "the holder's own five tries at most");
    for lost in answers.iter().filter(|a| a.status != 200) {
        lost.expect_problem(409, "NODE_LOCKED");
        assert_eq!(&lost.body["details"]["lockedBy"], holder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_under_a_lock_is_good_while_that_lock_is_held() {
    let (bench, bob, node) = bench().await;
    let epoch = lock(&bench.ada, &node).await.expect(200)["epoch"].clone();
    write_under(&bench.ada, &node, &epoch).await.expect(200);
    write_under(&bench.ada, &node, &json!(7))
        .await
        .expect_problem(409, "LOCK_LOST");
    let refused = write_under(&bob, &node, &epoch).await;
    refused.expect_problem(409, "LOCK_LOST");
    assert_eq!(refused.body["details"]["lockedByEmail"], "ada@example.com");
    for odd in ["", "first", "1.0", "1, 2"] {
        let request = bench
            .ada
            .request("PATCH", &format!("/nodes/{node}"))
            .header("x-lock-epoch", odd)
            .json(&json!({ "title": "B" }));
        let answer = bench.ada.send(request).await;
        assert_eq!(bad_fields(&answer), ["X-Lock-Epoch"], "{odd:?}");
    }
    assert_eq!(bench.read(&node).await["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_paused_beyond_the_end_of_their_lock_can_not_write_under_it() {
    let (bench, bob, node) = bench().await;
    let mine = lock(&bench.ada, &node).await.expect(200)["epoch"].clone();
    bench.later(300);
    // Nobody took it, and nobody has noticed yet: the lock is over all the same.
    let refused = write_under(&bench.ada, &node, &mine).await;
    refused.expect_problem(409, "LOCK_LOST");
    assert_eq!(refused.body["details"], json!({ "nodeId": node }));
    // Bob had it meanwhile, and let go of it again.
    let his = lock(&bob, &node).await.expect(200)["epoch"].clone();
    assert_eq!(his, 2);
    write_under(&bob, &node, &his).await.expect(200);
    unlock(&bob, &node).await.expect(204);
    let title = bench.read(&node).await["title"].clone();
    write_under(&bench.ada, &node, &mine)
        .await
        .expect_problem(409, "LOCK_LOST");
    // Even with the lock in hand again: what was read under the first is old.
    let anew = lock(&bench.ada, &node).await.expect(200)["epoch"].clone();
    write_under(&bench.ada, &node, &mine)
        .await
        .expect_problem(409, "LOCK_LOST");
    assert_eq!(bench.read(&node).await["title"], title);
    write_under(&bench.ada, &node, &anew).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_of_a_node_looks_at_the_epoch() {
    let (bench, _, node) = bench().await;
    let base = format!("/nodes/{node}");
    let text = json!({ "inputType": "text", "textContent": "a" });
    let inputs = format!("{base}/inputs");
    let input = bench.ada.post(&inputs, text.clone()).await.id();
    let output = json!({ "outputType": "text", "textContent": "a" });
    let outputs = format!("{base}/outputs");
    let out = bench.ada.post(&outputs, output.clone()).await.id();
    let before = bench.read(&node).await;
    let move_it = json!({ "position": { "x": 1, "y": 1 } });
    for (method, path, body) in [
        ("PATCH", base.clone(), move_it),
        ("DELETE", base.clone(), json!({})),
        ("POST", inputs.clone(), text),
        ("POST", outputs.clone(), output),
        ("DELETE", format!("{inputs}/{input}"), json!({})),
        ("DELETE", format!("{outputs}/{out}"), json!({})),
    ] {
        let request = bench
            .ada
            .request(method, &path)
            .header("x-lock-epoch", "1")
            .json(&body);
        let answer = bench.ada.send(request).await;
        answer.expect_problem(409, "LOCK_LOST");
    }
    assert_eq!(bench.read(&node).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_can_be_made_under_a_locked_node() {
    let (bench, bob, node) = bench().await;
    lock(&bench.ada, &node).await.expect(200);
    let child = json!({ "title": "part", "parentId": node });
    let list = format!("/projects/{}/nodes", bench.project);
    bob.post(&list, child).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_lock_is_announced_once_however_many_watch() {
    let (bench, _, node) = bench().await;
    let other = bench.titled("B").await;
    lock(&bench.ada, &node).await.expect(200);
    bench.later(60);
    lock(&bench.ada, &other).await.expect(200);
    let watch = || compose::lock_watch(&bench.test.app);
    let next = watch().round().await.unwrap().unwrap();
    assert_eq!(next.to_rfc3339(), "2026-01-28T09:35:00+00:00");
    assert!(bench.heard("lock_released").await.is_empty());
    bench.later(240);
    let all: Vec<_> = (0..8).map(|_| watch()).collect();
    for next in join_all(all.iter().map(|watch| watch.round())).await {
        let next = next.unwrap().unwrap();
        assert_eq!(next.to_rfc3339(), "2026-01-28T09:36:00+00:00");
    }
    let me = bench.ada.get("/users/me").await.id();
    let expected = json!({ "nodeId": node, "releasedBy": me, "reason": "expired" });
    assert_eq!(bench.heard("lock_released").await, [expected]);
    bench.later(60);
    assert_eq!(watch().round().await.unwrap(), None);
    assert_eq!(bench.heard("lock_released").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_an_expired_lock_says_that_the_one_before_ended() {
    let (bench, bob, node) = bench().await;
    lock(&bench.ada, &node).await.expect(200);
    bench.later(301);
    lock(&bob, &node).await.expect(200);
    assert!(
        compose::lock_watch(&bench.test.app)
            .round()
            .await
            .unwrap()
            .is_some()
    );
    let heard = bench.heard("lock_released").await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["reason"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_and_supervisors_of_agents_break_locks_and_nobody_else() {
    let (bench, bob, node) = bench().await;
    bench.member("ed", "member").await;
    bench.join_project("ed", &bench.project, "editor").await;
    let ed = bench.test.user("ed").await;
    bench.member("vi", "guest").await;
    bench.join_project("vi", &bench.project, "viewer").await;
    let vi = bench.test.user("vi").await;
    bench.member("gus", "guest").await;
    let gus = bench.test.user("gus").await;
    let boss = bench.member("boss", "admin").await;
    bench.member("pa", "guest").await;
    bench.join_project("pa", &bench.project, "admin").await;
    let pa = bench.test.user("pa").await;

    lock(&bob, &node).await.expect(200);
    break_off(&ed, &node).await.expect_problem(403, "FORBIDDEN");
    break_off(&vi, &node).await.expect_problem(403, "FORBIDDEN");
    break_off(&gus, &node)
        .await
        .expect_problem(404, "NOT_FOUND");
    assert!(bench.read(&node).await["lockedBy"].is_string());
    for breaker in [&boss, &pa, &bench.ada] {
        break_off(breaker, &node).await.expect(204);
        break_off(breaker, &node)
            .await
            .expect_problem(404, "NOT_FOUND");
        lock(&bob, &node).await.expect(200);
    }
    let heard = bench.heard("lock_released").await;
    assert_eq!(heard[0]["reason"], "broken");
    assert_eq!(heard[0]["releasedBy"], boss.get("/users/me").await.id());

    // Who supervises a node breaks its lock when it is an agent's, not a person's.
    let supervisor = ed.get("/users/me").await.id();
    for (author, status) in [("human", 403), ("agent", 204)] {
        let body = json!({ "title": author, "authorType": author, "supervisorUserId": supervisor });
        let node = bench.node(body).await;
        lock(&bob, &node).await.expect(200);
        assert_eq!(break_off(&ed, &node).await.status, status, "{author}");
    }
    let actions = bench
        .rows("select action from audit_log where action like 'node.lock%' order by created_at, id")
        .await;
    let broken = actions
        .iter()
        .filter(|row| row["action"] == "node.lock_break");
    assert_eq!(broken.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_not_for_those_who_may_not_write_or_see() {
    let (bench, _, node) = bench().await;
    bench.member("vi", "guest").await;
    bench.join_project("vi", &bench.project, "viewer").await;
    let vi = bench.test.user("vi").await;
    let eve = bench.test.user("eve").await;
    eve.workspace("eves").await;
    let nobody = bench.test.anonymous();
    for (client, status, code) in [
        (&vi, 403, "FORBIDDEN"),
        (&eve, 404, "NOT_FOUND"),
        (&nobody, 401, "UNAUTHENTICATED"),
    ] {
        lock(client, &node).await.expect_problem(status, code);
        unlock(client, &node).await.expect_problem(status, code);
        break_off(client, &node).await.expect_problem(status, code);
    }
    lock(&bench.ada, NOTHING)
        .await
        .expect_problem(404, "NOT_FOUND");
    assert_eq!(bench.read(&node).await.get("lockedBy"), None);
}

/// Starts a run of `script/ed` on a node; answers its id.
async fn start(client: &Client, node: &str) -> String {
    let body = json!({ "model": "script/ed" });
    let path = format!("/nodes/{node}/execute");
    let run = client.post(&path, body).await.expect(201);
    run["execution"]["id"].as_str().unwrap().to_owned()
}

async fn worker(bench: &Workbench) -> AgentWorker {
    AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap()
}

/// Steps a worker until it finds nothing more to do.
async fn work(bench: &Workbench) {
    bench.test.relay().await;
    let worker = worker(bench).await;
    while worker.step(&CancellationToken::new()).await.unwrap() {}
}

async fn run_of(bench: &Workbench, id: &str) -> Value {
    let path = format!("/executions/{id}");
    bench.ada.get(&path).await.expect(200)["execution"].clone()
}

/// A run that ended as failed, with a whole chain, and left no lock.
async fn assert_failed(bench: &Workbench, node: &str, id: &str, words: &str) {
    let run = run_of(bench, id).await;
    assert_eq!(run["status"], "failed", "{run}");
    let why = run["errorMessage"].as_str().unwrap();
    assert!(why.contains(words), "{why}");
    let path = format!("/executions/{id}/verify");
    assert_eq!(bench.ada.get(&path).await.expect(200)["valid"], true);
    let holder = bench.read(node).await.get("lockedByExecution").cloned();
    assert_eq!(holder, None);
}

fn script(calls: &[(&'static str, Value)]) -> Scripted {
    Scripted::calling(calls.to_vec())
}

fn whole_job() -> Scripted {
    script(&[
        ("list_inputs", json!({})),
        (
            "add_output",
            json!({ "label": "Sum", "text": "It is wide." }),
        ),
        ("mark_complete", json!({ "summary": "done" })),
    ])
}

/// As [`bench`], with this model.
async fn bench_with(model: Scripted) -> (Workbench, Client, String) {
    let test = TestApp::start_with_manual_clock().await.with_model(model);
    let bench = Workbench::of(test).await;
    let bob = bench.member("bob", "member").await;
    let node = bench.titled("A").await;
    (bench, bob, node)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_holds_its_nodes_lock_from_its_start_to_its_end() {
    let (bench, bob, node) = bench_with(whole_job()).await;
    let run = start(&bench.ada, &node).await;
    let me = bench.ada.get("/users/me").await.id();
    let locked = bench.read(&node).await;
    assert_eq!(locked["lockedBy"], json!(me));
    assert_eq!(locked["lockedByExecution"], json!(run));
    let version = locked["version"].clone();
    // Nobody else writes meanwhile, not even who started it.
    for client in [&bench.ada, &bob] {
        let body = json!({ "position": { "x": 1, "y": 1 } });
        let refused = client.patch(&format!("/nodes/{node}"), body).await;
        refused.expect_problem(409, "NODE_LOCKED");
        assert_eq!(refused.body["details"]["lockedByExecution"], json!(run));
        lock(client, &node).await.expect_problem(409, "NODE_LOCKED");
        unlock(client, &node).await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(bench.read(&node).await["version"], version);
    work(&bench).await;
    assert_eq!(run_of(&bench, &run).await["status"], "complete");
    let free = bench.read(&node).await;
    assert!(free.get("lockedBy").is_none(), "{free}");
    assert_eq!(free["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(free["status"], "complete");
    let released = bench.heard("lock_released").await;
    let expected = json!({ "nodeId": node, "releasedBy": me, "reason": "finished" });
    assert_eq!(released, [expected]);
    bench
        .patch(&node, json!({ "title": "B" }))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_over_its_starters_lock_and_nobody_elses() {
    let (bench, bob, node) = bench_with(whole_job()).await;
    let mine = lock(&bench.ada, &node).await.expect(200)["epoch"].clone();
    let body = json!({ "model": "script/ed" });
    let path = format!("/nodes/{node}/execute");
    bob.post(&path, body)
        .await
        .expect_problem(409, "NODE_LOCKED");
    assert_eq!(bench.count("agent_executions").await, 0);
    let run = start(&bench.ada, &node).await;
    write_under(&bench.ada, &node, &mine)
        .await
        .expect_problem(409, "LOCK_LOST");
    work(&bench).await;
    assert_eq!(run_of(&bench, &run).await["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_or_failed_or_waiting_run_lets_go_of_the_lock() {
    let ask = json!({ "prompt": "Which?" });
    let (bench, _, node) = bench_with(script(&[("request_human_input", ask)])).await;
    let cancel = format!("/nodes/{node}/execution/cancel");
    start(&bench.ada, &node).await;
    bench.ada.post_empty(&cancel).await.expect(200);
    assert!(bench.read(&node).await.get("lockedBy").is_none());

    let run = start(&bench.ada, &node).await;
    work(&bench).await;
    assert_eq!(run_of(&bench, &run).await["status"], "awaiting_input");
    assert!(bench.read(&node).await.get("lockedBy").is_none());
    bench
        .patch(&node, json!({ "title": "B" }))
        .await
        .expect(200);
    bench.ada.post_empty(&cancel).await.expect(200);

    let body = json!({ "model": "script/ed", "config": { "maxIterations": 1 } });
    let path = format!("/nodes/{node}/execute");
    let failing = bench.ada.post(&path, body).await.expect(201);
    work(&bench).await;
    let id = failing["execution"]["id"].as_str().unwrap();
    assert_failed(&bench, &node, id, "1 model calls").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_lock_was_broken_writes_nothing_more_and_says_who_broke_it() {
    let (bench, bob, node) = bench_with(whole_job()).await;
    // In the middle of the run, before its output, and before a worker has taken it.
    for (title, steps) in [("in the middle", 4), ("before the start", 0)] {
        let node = bench.titled(title).await;
        let run = start(&bob, &node).await;
        let appends = std::sync::atomic::AtomicUsize::new(0);
        let (ada, path) = (bench.ada.clone(), format!("{}?force=true", path(&node)));
        if steps == 0 {
            ada.delete(&path).await.expect(204);
        }
        let stop = CancellationToken::new();
        bench.test.relay().await;
        let worker = worker(&bench).await.with_breakpoint(Arc::new(move |point| {
            let order = std::sync::atomic::Ordering::SeqCst;
            if point == Point::BeforeAppend && appends.fetch_add(1, order) + 1 == steps {
                tokio::task::block_in_place(|| {
                    let call = async { ada.delete(&path).await.expect(204) };
                    tokio::runtime::Handle::current().block_on(call);
                });
            }
            false
        }));
        while worker.step(&stop).await.unwrap() {}
        assert_failed(&bench, &node, &run, "ada@example.com broke the lock").await;
        let after = bench.read(&node).await;
        assert_eq!(after["outputs"], json!([]), "{title}");
        assert_eq!(after["version"], 1, "{title}");
    }
    lock(&bob, &node).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_a_runs_lock_and_takes_it_keeps_it() {
    let (bench, bob, node) = bench_with(whole_job()).await;
    let run = start(&bob, &node).await;
    break_off(&bench.ada, &node).await.expect(204);
    lock(&bench.ada, &node).await.expect(200);
    work(&bench).await;
    assert_failed(&bench, &node, &run, "ada@example.com broke the lock").await;
    bench
        .patch(&node, json!({ "title": "B" }))
        .await
        .expect(200);
    assert!(bench.read(&node).await["lockedBy"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_drove_for_long_waits_for_who_took_the_node_meanwhile() {
    let (bench, bob, node) = bench_with(whole_job()).await;
    let run = start(&bench.ada, &node).await;
    bench.test.relay().await;
    let dying = worker(&bench)
        .await
        .with_breakpoint(Arc::new(|point| point == Point::AfterAppend));
    assert!(dying.step(&CancellationToken::new()).await.unwrap());
    bench.later(301);
    lock(&bob, &node).await.expect(200);
    work(&bench).await;
    assert_eq!(run_of(&bench, &run).await["status"], "running");
    unlock(&bob, &node).await.expect(204);
    work(&bench).await;
    assert_eq!(run_of(&bench, &run).await["status"], "complete");
    assert!(bench.read(&node).await.get("lockedBy").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_run_keeps_its_lock_for_the_next_worker() {
    let (bench, bob, node) = bench_with(whole_job()).await;
    let run = start(&bench.ada, &node).await;
    bench.test.relay().await;
    let dying = worker(&bench)
        .await
        .with_breakpoint(Arc::new(|point| point == Point::AfterAppend));
    assert!(dying.step(&CancellationToken::new()).await.unwrap());
    bench.later(31);
    let heir = worker(&bench).await;
    lock(&bob, &node).await.expect_problem(409, "NODE_LOCKED");
    while heir.step(&CancellationToken::new()).await.unwrap() {}
    assert_eq!(run_of(&bench, &run).await["status"], "complete");
    assert_eq!(bench.heard("lock_acquired").await.len(), 1, "one taking");
    assert!(bench.read(&node).await.get("lockedBy").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_the_model_ends_when_the_lock_is_broken_under_it() {
    let stuck = Stuck::default();
    let bench = Workbench::of(TestApp::start_with_model(stuck.clone()).await).await;
    bench.test.relay_always();
    let node = bench.titled("A").await;
    let run = start(&bench.ada, &node).await;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker(&bench).await.run(stop.clone()));
    stuck.asked.notified().await;
    let id = Channel::Execution(run.parse().unwrap());
    let mut news = bench.test.app.bus.subscribe(id).await.unwrap();
    break_off(&bench.ada, &node).await.expect(204);
    stuck.dropped.notified().await;
    while news.recv().await.unwrap().payload["status"] != "failed" {}
    assert_failed(&bench, &node, &run, "ada@example.com broke the lock").await;
    stop.cancel();
    working.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_wakes_by_itself_when_a_lock_ends() {
    let short = [("nodes.lock_seconds", "1".to_owned())];
    let bench = Workbench::of(TestApp::start_configured(&short).await).await;
    bench.test.relay_always();
    let node = bench.titled("A").await;
    let channel = Channel::Node(node.parse().unwrap());
    let mut news = bench.test.app.bus.subscribe(channel).await.unwrap();
    let stop = CancellationToken::new();
    let watching = tokio::spawn(compose::lock_watch(&bench.test.app).run(stop.clone()));
    lock(&bench.ada, &node).await.expect(200);
    let released = loop {
        let message = news.recv().await.unwrap();
        if message.kind == EventKind::LockReleased {
            break message;
        }
    };
    assert_eq!(released.payload["reason"], "expired");
    stop.cancel();
    watching.await.unwrap();
}
