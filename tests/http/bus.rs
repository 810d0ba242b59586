//! The bus and the limiter: one suite over both implementations, then what only several
//! processes and a Redis that crashes can show. What an outage is to clients is in
//! `outage.rs`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_redis::redis;
use glassbox::{
    agent::worker::AgentWorker,
    config::{self, BusConfig},
    kernel::{
        ExecutionId, NodeId,
        clock::System,
        event::{Channel, EventKind},
    },
    platform::{
        bus::{Bus, LocalBus, Message, RedisBus, Subscription},
        limiter::{Limiter, LocalLimiter, Quota, RedisLimiter},
    },
};
use serde_json::json;
use tokio::{sync::broadcast::error::RecvError, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Client, Redis, TestApp, model::Stuck, until};

/// Longer than anything here takes, and shorter than every slow scan: what comes within
/// this came over the bus.
const SOON: Duration = Duration::from_secs(4);

fn node(n: u128) -> Channel {
    Channel::Node(NodeId::from_uuid(Uuid::from_u128(n)))
}

fn news(n: i64) -> Message {
    Message {
        kind: EventKind::NodeUpdated,
        payload: Arc::new(json!({ "n": n })),
        told: None,
    }
}

/// Waits until `bus` answers.
async fn up(bus: &dyn Bus) {
    until("a connection", async || bus.ping().await.ok()).await;
}

fn bus_config(redis: &Redis, prefix: &str) -> BusConfig {
    config::load("test", &redis.settings(prefix)).unwrap().bus
}

async fn redis_bus(redis: &Redis, prefix: &str) -> RedisBus {
    let bus = RedisBus::start(&bus_config(redis, prefix)).unwrap();
    up(&bus).await;
    bus
}

/// Both implementations; the tests of one process run at once, so each has a prefix.
async fn both(prefix: &str) -> [Arc<dyn Bus>; 2] {
    let redis = redis_bus(Redis::shared(), prefix).await;
    [Arc::new(LocalBus::new()), Arc::new(redis)]
}

/// The next message; what was missed before it is passed over.
pub async fn hear(from: &mut Subscription) -> Message {
    let next = async {
        loop {
            match from.recv().await {
                Ok(message) => return message,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => panic!("closed"),
            }
        }
    };
    timeout(SOON, next).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listener_of_a_channel_hears_all_of_it_in_order_and_nothing_else() {
    for bus in both("order").await {
        let mut first = bus.subscribe(node(1)).await.unwrap();
        let mut second = bus.subscribe(node(1)).await.unwrap();
        let mut other = bus.subscribe(node(2)).await.unwrap();
        for n in 0..100 {
            bus.publish(node(1), news(n)).await.unwrap();
        }
        bus.publish(node(2), news(-1)).await.unwrap();
        for n in 0..100 {
            assert_eq!(hear(&mut first).await, news(n), "{bus:?}");
            assert_eq!(hear(&mut second).await, news(n), "{bus:?}");
        }
        assert_eq!(hear(&mut other).await, news(-1), "{bus:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_can_be_left_and_joined_again_and_one_leaving_takes_nothing_from_another() {
    for bus in both("leaving").await {
        for n in 0..50 {
            let mut stays = bus.subscribe(node(1)).await.unwrap();
            let leaves = bus.subscribe(node(1)).await.unwrap();
            drop(leaves);
            bus.publish(node(1), news(n)).await.unwrap();
            assert_eq!(hear(&mut stays).await, news(n), "{bus:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_listener_is_bounded_and_told_what_it_lost() {
    for bus in both("slow").await {
        let mut slow = bus.subscribe(node(1)).await.unwrap();
        let mut quick = bus.subscribe(node(1)).await.unwrap();
        for n in 0..400 {
            bus.publish(node(1), news(n)).await.unwrap();
            assert_eq!(hear(&mut quick).await, news(n), "{bus:?}");
        }
        let lost = slow.recv().await.unwrap_err();
        assert_eq!(lost, RecvError::Lagged(144), "{bus:?}");
        assert_eq!(slow.recv().await.unwrap(), news(144), "{bus:?}");
    }
}

async fn limiters(prefix: &str) -> [Arc<dyn Limiter>; 2] {
    // The bus keeps the connection up, so it lives as long as the limiter.
    let bus: &'static RedisBus = Box::leak(Box::new(redis_bus(Redis::shared(), prefix).await));
    let clock = Arc::new(System);
    [
        Arc::new(LocalLimiter::new(clock.clone())),
        Arc::new(RedisLimiter::new(bus.redis(), clock)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_its_limit_at_once_and_no_more_and_others_have_their_own() {
    for limiter in limiters("limit").await {
        let quota = Quota::per_minute(5);
        for left in (0..5).rev() {
            let verdict = limiter.take("ada", quota).await;
            assert_eq!((verdict.limit, verdict.remaining), (5, left), "{limiter:?}");
            assert_eq!(verdict.retry_after, None, "{limiter:?}");
        }
        // Being refused costs nothing: the time to wait does not grow.
        for _ in 0..3 {
            let verdict = limiter.take("ada", quota).await;
            let wait = verdict.retry_after.unwrap();
            assert!(wait <= Duration::from_secs(12), "{wait:?} {limiter:?}");
            assert!(verdict.reset > Duration::from_secs(40), "{verdict:?}");
            assert!(verdict.reset <= Duration::from_secs(60), "{verdict:?}");
            assert_eq!(verdict.remaining, 0);
        }
        let verdict = limiter.take("bob", quota).await;
        assert_eq!(verdict.remaining, 4, "{limiter:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_as_told_is_let_through_again() {
    for limiter in limiters("wait").await {
        let quota = Quota {
            limit: 2,
            window: Duration::from_millis(400),
        };
        let mut waited = Duration::ZERO;
        for _ in 0..6 {
            while let Some(wait) = limiter.take("ada", quota).await.retry_after {
                assert!(wait <= Duration::from_millis(200), "{wait:?} {limiter:?}");
                waited += wait;
                tokio::time::sleep(wait).await;
            }
        }
        assert!(waited > Duration::ZERO, "{limiter:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_one_process_reach_another_but_no_other_installation() {
    let (here, there) = (
        redis_bus(Redis::shared(), "one").await,
        redis_bus(Redis::shared(), "one").await,
    );
    let stranger = redis_bus(Redis::shared(), "another").await;
    let mut heard = there.subscribe(node(1)).await.unwrap();
    let mut unheard = stranger.subscribe(node(1)).await.unwrap();
    here.publish(node(1), news(1)).await.unwrap();
    assert_eq!(hear(&mut heard).await, news(1));
    stranger.publish(node(1), news(2)).await.unwrap();
    assert_eq!(hear(&mut unheard).await, news(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_of_a_newer_version_and_nonsense_are_passed_over() {
    let redis = Redis::shared();
    let bus = redis_bus(redis, "newer").await;
    let mut listening = bus.subscribe(node(1)).await.unwrap();
    let mut raw = redis.connect().await;
    let channel = format!("newer:news:{}", node(1));
    for body in [r#"{"kind":"node_sang","payload":{}}"#, "nonsense", ""] {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&channel).arg(body);
        let heard: i64 = publish.query_async(&mut raw).await.unwrap();
        assert_eq!(heard, 1);
    }
    bus.publish(node(1), news(1)).await.unwrap();
    assert_eq!(hear(&mut listening).await, news(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_of_redis_every_listener_is_told_that_it_may_have_missed_something() {
    let mut redis = Redis::start();
    let bus = redis_bus(&redis, "crash").await;
    let mut before = bus.subscribe(node(1)).await.unwrap();
    redis.kill();
    // What can be told within the process is told, and the failure is quick.
    let begun = Instant::now();
    bus.publish(node(1), news(1)).await.unwrap_err();
    bus.ping().await.unwrap_err();
    let mut during = bus.subscribe(node(2)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(hear(&mut before).await, news(1));
    redis.start_again();
    for listener in [&mut before, &mut during] {
        let told = timeout(Duration::from_secs(20), listener.recv()).await;
        assert_eq!(told.unwrap(), Err(RecvError::Lagged(0)));
    }
    up(&bus).await;
    for (channel, listener) in [(node(1), &mut before), (node(2), &mut during)] {
        bus.publish(channel, news(2)).await.unwrap();
        assert_eq!(hear(listener).await, news(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_one_process_could_not_send_are_owned_up_to_in_all_of_them() {
    let redis = Redis::start();
    let (here, there) = (
        redis_bus(&redis, "owned").await,
        redis_bus(&redis, "owned").await,
    );
    let mut listening = there.subscribe(node(1)).await.unwrap();
    let mut raw = redis.connect().await;
    // As a full server, or a rule of its own, would refuse: the connections stay.
    for rule in ["-publish", "+publish"] {
        let mut acl = redis::cmd("ACL");
        acl.arg("SETUSER").arg("default").arg(rule);
        let _: String = acl.query_async(&mut raw).await.unwrap();
        if rule == "-publish" {
            here.publish(node(1), news(1)).await.unwrap_err();
        }
    }
    // Upon the next command that fails, or the next ping, at the latest.
    let told = timeout(Duration::from_secs(30), listening.recv()).await;
    assert_eq!(told.unwrap(), Err(RecvError::Lagged(0)));
    here.publish(node(1), news(2)).await.unwrap();
    assert_eq!(hear(&mut listening).await, news(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_reached_fails_nothing_but_the_ping() {
    // TLS goes to a port where nobody listens: what is tested is that it is there.
    for url in ["rediss://127.0.0.1:1", "redis://127.0.0.1:1"] {
        let settings = [("bus.redis_url", url.to_owned())];
        let config = config::load("test", &settings).unwrap();
        let bus = RedisBus::start(&config.bus).unwrap();
        let mut listening = bus.subscribe(node(1)).await.unwrap();
        bus.ping().await.unwrap_err();
        bus.publish(node(1), news(1)).await.unwrap_err();
        assert_eq!(hear(&mut listening).await, news(1));
    }
}

/// Ada with an execution of an empty node.
pub async fn execution(client: &Client, slug: &str) -> (String, String) {
    let (_, project) = client.workspace(slug).await;
    let path = format!("/projects/{project}/nodes");
    let node = client.post(&path, json!({ "title": "n" })).await.id();
    let path = format!("/nodes/{node}/execute");
    let answer = client.post(&path, json!({})).await.expect(201);
    let execution = answer["execution"]["id"].as_str().unwrap().to_owned();
    (node, execution)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_at_one_process_hears_the_words_of_a_model_at_another() {
    let settings = Redis::shared().settings("words");
    let here = TestApp::start_configured(&settings).await;
    let there = here.start_beside(&settings).await;
    here.relay_always();
    let ada = there.user("ada").await;
    let (_, execution) = execution(&ada, "labs").await;
    let following = {
        let (ada, path) = (ada.clone(), format!("/executions/{execution}/stream"));
        tokio::spawn(async move { ada.get(&path).await })
    };
    // The stream listens before it is worked on.
    let id: ExecutionId = execution.parse().unwrap();
    listened_to(Redis::shared(), "words", Channel::Execution(id)).await;
    there.relay().await;
    let worker = AgentWorker::register(Arc::clone(&here.app)).await.unwrap();
    let begun = Instant::now();
    while !worker.step(&CancellationToken::new()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let stream = following.await.unwrap();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    // Words are stored nowhere: over the bus, or not at all.
    assert!(stream.text.contains("event: llm_delta"), "{}", stream.text);
    assert!(stream.text.contains("execution_complete"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_at_one_process_drops_the_call_of_the_model_at_another() {
    let settings = Redis::shared().settings("cancel");
    let stuck = Stuck::default();
    let here = TestApp::start_configured(&settings).await;
    let there = here.start_beside(&settings).await;
    let here = here.with_model(stuck.clone());
    let ada = there.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let node = ada.post(&path, json!({ "title": "n" })).await.id();
    let body = json!({ "model": "script/stuck" });
    ada.post(&format!("/nodes/{node}/execute"), body)
        .await
        .expect(201);
    there.relay().await;
    let worker = AgentWorker::register(Arc::clone(&here.app)).await.unwrap();
    let working =
        tokio::spawn(
            async move { while !worker.step(&CancellationToken::new()).await.unwrap() {} },
        );
    timeout(SOON, stuck.asked.notified()).await.unwrap();
    let begun = Instant::now();
    ada.post_empty(&format!("/nodes/{node}/execution/cancel"))
        .await
        .expect(200);
    there.relay().await;
    let dropped = timeout(SOON, stuck.dropped.notified()).await;
    assert!(dropped.is_ok(), "{:?}", begun.elapsed());
    working.await.unwrap();
}

/// Waits until somebody listens to `channel`.
async fn listened_to(redis: &Redis, prefix: &str, channel: Channel) {
    let mut raw = redis.connect().await;
    let name = format!("{prefix}:news:{channel}");
    until("a listener", async || {
        let mut count = redis::cmd("PUBSUB");
        count.arg("NUMSUB").arg(&name);
        let (_, listeners): (String, i64) = count.query_async(&mut raw).await.unwrap();
        (listeners > 0).then_some(())
    })
    .await;
}
