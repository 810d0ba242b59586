//! Redis emptied, killed, hanging, and back: what is worse meanwhile is said, and nothing
//! else is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use deadpool_redis::redis;
use futures_util::future::join_all;
use glassbox::{
    agent::worker::AgentWorker,
    kernel::event::{Channel, EventKind},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{execution, hear},
    limits::header,
    locks::{lock, write_under},
    support::{Client, Redis, TestApp, until},
    workbench::Workbench,
};

/// Health, once it says `status`.
async fn health(client: &Client, status: &str) -> Value {
    until(status, async || {
        let body = client.get("//health").await.expect(200);
        (body["status"] == status).then_some(body)
    })
    .await
}

/// The settings of a process with limits, over `redis`.
fn limited(redis: &Redis, limit: &str) -> Vec<(&'static str, String)> {
    let mut settings = redis.settings("outage").to_vec();
    settings.push(("limits.enabled", "true".into()));
    settings.push(("limits.general", limit.into()));
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_redis_fails_no_request_and_news_flow_again_after_it() {
    let mut redis = Redis::start();
    let test = TestApp::start_configured(&limited(&redis, "1000000")).await;
    let ada = test.user("ada").await;
    let over = Arc::new(AtomicBool::new(false));
    let asking = {
        let (ada, over) = (ada.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut asked = 0;
            while !over.load(Ordering::SeqCst) {
                let answer = ada.get("/orgs").await;
                assert_eq!(answer.status, 200, "{}", answer.text);
                assert_eq!(answer.headers["ratelimit-limit"], "1000000");
                asked += 1;
            }
            asked
        })
    };
    redis.kill();
    let body = health(&ada, "degraded").await;
    assert_eq!(body["checks"]["bus"], "degraded: realtime, shared limits");
    assert_eq!(body["checks"]["queue"], "ok");
    // Jobs come through all the same, and what waits for them.
    let (node, execution) = execution(&ada, "labs").await;
    test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    assert!(worker.step(&CancellationToken::new()).await.unwrap());
    let path = format!("/executions/{execution}");
    let run = ada.get(&path).await.expect(200);
    assert_eq!(run["execution"]["status"], "complete", "{run}");
    redis.start_again();
    health(&ada, "healthy").await;
    test.relay().await;
    let mut listening = test
        .app
        .bus
        .subscribe(Channel::Node(node.parse().unwrap()))
        .await
        .unwrap();
    let changed = ada
        .patch(&format!("/nodes/{node}"), json!({ "title": "m" }))
        .await;
    changed.expect(200);
    test.relay().await;
    assert_eq!(hear(&mut listening).await.kind, EventKind::NodeUpdated);
    over.store(true, Ordering::SeqCst);
    assert!(asking.await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_counted_apart_while_redis_is_away_and_together_again_after_it() {
    let mut redis = Redis::start();
    let settings = limited(&redis, "5");
    let here = TestApp::start_configured(&settings).await;
    let there = here.start_beside(&settings).await;
    let ada = here.user("ada").await;
    let same = there.bearer(ada.token());
    let remaining =
        async |client: &Client| header(&client.get("/orgs").await, "ratelimit-remaining");
    assert_eq!((remaining(&ada).await, remaining(&same).await), (4, 3));

    redis.kill();
    for client in [&ada, &same] {
        let body = health(client, "degraded").await;
        assert_eq!(body["checks"]["bus"], "degraded: realtime, shared limits");
        // A limit is kept all the same, by each process alone.
        for left in [4, 3, 2, 1, 0] {
            assert_eq!(remaining(client).await, left);
        }
        let refused = client.get("/orgs").await;
        refused.expect_problem(429, "RATE_LIMITED");
    }

    redis.start_again();
    for client in [&ada, &same] {
        let body = health(client, "healthy").await;
        assert_eq!(body["checks"]["bus"], "ok");
    }
    for (client, left) in [(&ada, 4), (&same, 3), (&ada, 2), (&same, 1), (&ada, 0)] {
        assert_eq!(remaining(client).await, left);
    }
    let refused = same.get("/orgs").await;
    refused.expect_problem(429, "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_holds_requests_up_once_and_not_each_of_them() {
    let redis = Redis::start();
    let test = TestApp::start_configured(&limited(&redis, "1000000")).await;
    let ada = test.user("ada").await;
    let ask = async || {
        let answer = ada.get("/orgs").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    // More at once than there are connections.
    join_all((0..30).map(|_| ask())).await;
    redis.signal("STOP");
    join_all((0..30).map(|_| ask())).await;
    health(&ada, "degraded").await;
    let begun = Instant::now();
    for _ in 0..40 {
        ask().await;
    }
    // Had each waited for its time to pass, they had taken twice as long.
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    redis.signal("CONT");
    health(&ada, "healthy").await;
    ask().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_wrong_form_are_counted_too_however_long_counting_takes() {
    let redis = Redis::start();
    let test = TestApp::start_configured(&limited(&redis, "1000")).await;
    let ada = test.user("ada").await;
    redis.signal("STOP");
    let answers = tokio::join!(
        ada.get("/orgs/no-id"),
        ada.get("/orgs?limit=many"),
        ada.post("/orgs", json!({ "name": 1 })),
        ada.post("/orgs", json!({ "name": "", "slug": "a" })),
    );
    redis.signal("CONT");
    for answer in <[_; 4]>::from(answers) {
        assert!([400, 404].contains(&answer.status), "{}", answer.text);
        assert_eq!(header(&answer, "ratelimit-limit"), 1000, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_holds_no_more_connections_than_it_was_given_and_all_are_served() {
    let redis = Redis::start();
    let mut settings = limited(&redis, "1000000");
    settings.push(("bus.redis_connections", "2".into()));
    let test = TestApp::start_configured(&settings).await;
    let ada = test.user("ada").await;
    for answer in join_all((0..60).map(|_| ada.get("/orgs"))).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let mut raw = redis.connect().await;
    let mut list = redis::cmd("CLIENT");
    let list: String = list.arg("LIST").query_async(&mut raw).await.unwrap();
    // Two for commands, the one that listens, and the test's own.
    assert!(list.lines().count() <= 4, "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_closed_is_replaced_without_anybody_noticing() {
    let redis = Redis::start();
    let test = TestApp::start_configured(&limited(&redis, "5")).await;
    let ada = test.user("ada").await;
    let mut raw = redis.connect().await;
    // Counted by the process alone, all five would be there again.
    for left in [4, 3, 2, 1, 0] {
        let answer = ada.get("/orgs").await;
        assert_eq!(header(&answer, "ratelimit-remaining"), left);
        // As a server does that ends idle ones; those that listen stay.
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL").arg("TYPE").arg("normal");
        let killed: i64 = kill.query_async(&mut raw).await.unwrap();
        assert!(killed > 0);
    }
    assert_eq!(health(&ada, "healthy").await["checks"]["bus"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_paused_beyond_their_lock_writes_nothing_also_after_redis_was_emptied_or_killed() {
    let mut redis = Redis::start();
    let test = TestApp::start_with_manual_clock_configured(&redis.settings("locks")).await;
    let bench = Workbench::of(test).await;
    let bob = bench.member("bob", "member").await;
    let node = bench.titled("A").await;
    for outage in ["emptied", "killed", "back"] {
        let mine = lock(&bench.ada, &node).await.expect(200)["epoch"].clone();
        match outage {
            "emptied" => redis.empty().await,
            "killed" => redis.kill(),
            _ => redis.start_again(),
        }
        // Nothing of the lock was there: whoever holds it still does.
        lock(&bob, &node).await.expect_problem(409, "NODE_LOCKED");
        write_under(&bench.ada, &node, &mine).await.expect(200);
        bench.test.clock.advance(TimeDelta::seconds(300));
        let before = bench.read(&node).await;
        let late = write_under(&bench.ada, &node, &mine).await;
        late.expect_problem(409, "LOCK_LOST");
        let his = lock(&bob, &node).await.expect(200)["epoch"].clone();
        assert_eq!(his.as_i64(), mine.as_i64().map(|mine| mine + 1), "{outage}");
        let late = write_under(&bench.ada, &node, &mine).await;
        late.expect_problem(409, "LOCK_LOST");
        assert_eq!(late.body["details"]["lockedByEmail"], "bob@example.com");
        assert_eq!(bench.read(&node).await["version"], before["version"]);
        write_under(&bob, &node, &his).await.expect(200);
        bob.delete(&format!("/nodes/{node}/lock")).await.expect(204);
    }
}
