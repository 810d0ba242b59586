//! Several processes over one Redis, and what is heard through them while it dies.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::{
    support::{Client, Redis, Socket, TestApp, until},
    workbench::Workbench,
};

/// As many processes as are asked for, on one database and one Redis.
struct Cluster {
    redis: Redis,
    bench: Workbench,
    others: Vec<TestApp>,
}

impl Cluster {
    async fn start(count: usize) -> Self {
        let redis = Redis::start();
        let settings = redis.settings("live");
        let bench = Workbench::of(TestApp::start_configured(&settings).await).await;
        bench.test.relay_always();
        let mut others = Vec::new();
        for _ in 1..count {
            let other = bench.test.start_beside(&settings).await;
            other.relay_always();
            others.push(other);
        }
        Cluster {
            redis,
            bench,
            others,
        }
    }

    fn urls(&self) -> Vec<String> {
        let others = self.others.iter().map(|other| other.url.clone());
        std::iter::once(self.bench.test.url.clone())
            .chain(others)
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_through_one_process_is_heard_through_all_at_once() {
    let cluster = Cluster::start(2).await;
    let node = cluster.bench.titled("One").await;
    let mut sockets = Vec::new();
    for url in cluster.urls() {
        let mut socket = Socket::open(&url, &cluster.bench.ada).await;
        socket.subscribe(&format!("node:{node}")).await;
        sockets.push(socket);
    }
    for number in 0..5 {
        let body = json!({ "title": format!("Title {number}") });
        cluster.bench.patch(&node, body).await.expect(200);
        let begun = Instant::now();
        let first = sockets[0].next().await;
        let second = sockets[1].next().await;
        assert_eq!(first, second);
        assert!(begun.elapsed() < Duration::from_millis(700), "by the bus");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_agrees_on_all_processes_and_goes_with_one_that_dies() {
    let mut cluster = Cluster::start(2).await;
    let node = cluster.bench.titled("One").await;
    let bob = cluster.bench.member("bob", "member").await;
    let urls = cluster.urls();
    let mut here = Socket::open(&urls[0], &cluster.bench.ada).await;
    here.subscribe(&format!("node:{node}")).await;
    let mut there = Socket::open(&urls[1], &bob).await;
    let doing = json!({ "nodeId": node, "action": "editing" });
    there.send("presence", doing, "").await;
    let update = here.next_of("presence_update").await;
    assert_eq!(update["payload"]["users"][0]["email"], "bob@example.com");
    drop(cluster.others.remove(0));
    let begun = Instant::now();
    let update = here.next_of("presence_update").await;
    assert_eq!(update["payload"]["users"], json!([]));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_a_membership_is_cut_off_on_all_processes_also_without_redis() {
    let mut cluster = Cluster::start(2).await;
    let bob = cluster.bench.member("bob", "member").await;
    let id = bob.get("/users/me").await.expect(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let project = format!("project:{}", cluster.bench.project);
    let member = format!("/orgs/{}/members/{id}", cluster.bench.org);
    for with_redis in [true, false] {
        let url = cluster.urls().remove(1);
        let mut socket = Socket::open(&url, &bob).await;
        socket.subscribe(&project).await;
        if !with_redis {
            cluster.redis.kill();
        }
        assert_eq!(cluster.bench.ada.delete(&member).await.status, 204);
        let begun = Instant::now();
        let cut = socket.next_of("unsubscribed").await;
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(cut["payload"]["channel"], project.as_str());
        if with_redis {
            let body = json!({ "email": "bob@example.com", "role": "member" });
            let path = format!("/orgs/{}/members", cluster.bench.org);
            cluster.bench.ada.post(&path, body).await.expect(201);
        }
    }
}

/// A client that comes back after each cut, through whichever process, and keeps what it
/// heard of one channel.
struct Wanderer {
    client: Client,
    urls: Vec<String>,
    channel: String,
    heard: BTreeMap<i64, Value>,
    last: Option<i64>,
    resyncs: usize,
}

impl Wanderer {
    async fn connect(&mut self, turn: usize) -> Option<Socket> {
        let url = &self.urls[turn % self.urls.len()];
        let token = Socket::ticket(&self.client).await;
        let mut socket = Socket::with_ticket(url, &token, None).await.ok()?;
        let mut ask = json!({ "channel": self.channel });
        if let Some(last) = self.last {
            ask["since"] = json!(last);
        }
        socket.send("subscribe", ask, "s").await;
        loop {
            let answer = socket.hear().await.ok()?;
            if answer["type"] == "subscribed" {
                if self.last.is_none() {
                    self.last = answer["payload"]["seq"].as_i64();
                }
                return Some(socket);
            }
        }
    }

    /// Takes a message in; numbers follow each other.
    fn take(&mut self, message: Value) {
        if message["type"] == "resync_required" {
            self.resyncs += 1;
            return;
        }
        let Some(seq) = message["seq"]
            .as_i64()
            .filter(|_| message["channel"] == *self.channel)
        else {
            return;
        };
        assert_eq!(
            Some(seq),
            self.last.map(|last| last + 1),
            "{}",
            self.channel
        );
        self.last = Some(seq);
        self.heard.insert(seq, message["payload"].clone());
    }

    /// Listens, cut off after each `patience` messages or so, until `end` was heard.
    async fn wander(mut self, seed: usize, end: i64) -> Self {
        let mut turn = seed;
        while self.last.is_none_or(|last| last < end) {
            turn += 1;
            let Some(mut socket) = self.connect(turn).await else {
                continue;
            };
            let patience = 3 + (turn * 7) % 11;
            for _ in 0..patience {
                if self.last.is_some_and(|last| last >= end) {
                    break;
                }
                match socket.hear().await {
                    Ok(message) => self.take(message),
                    Err(_) => break,
                }
            }
        }
        self
    }
}

/// Changes, clients, and what may happen to both: small, so that it is among the tests.
const CHANGES: i64 = 120;
const CLIENTS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn through_cuts_and_a_redis_that_dies_everybody_hears_exactly_what_was_committed() {
    let mut cluster = Cluster::start(3).await;
    let node = cluster.bench.titled("One").await;
    let channel = format!("node:{node}");
    let query = format!("select * from channel_log where channel = '{channel}' order by seq");
    until("the first number", async || {
        (cluster.bench.rows(&query).await.len() == 1).then_some(())
    })
    .await;
    let tasks = TaskTracker::new();
    let end = 1 + CHANGES;
    let mut wanderers = Vec::new();
    for seed in 0..CLIENTS {
        let wanderer = Wanderer {
            client: cluster.bench.ada.clone(),
            urls: cluster.urls(),
            channel: channel.clone(),
            heard: BTreeMap::new(),
            last: Some(1),
            resyncs: 0,
        };
        wanderers.push(tasks.spawn(wanderer.wander(seed, end)));
    }
    let writers: Vec<Client> = cluster
        .urls()
        .iter()
        .map(|url| Client::new(url, Some(cluster.bench.ada.token())))
        .collect();
    let mut titles = Vec::new();
    for number in 0..CHANGES {
        match number {
            40 => cluster.redis.kill(),
            60 => cluster.redis.start_again(),
            80 => cluster.redis.empty().await,
            90 => cluster.redis.kill(),
            95 => cluster.redis.start_again(),
            _ => {}
        }
        let title = format!("Title {number}");
        let writer = &writers[usize::try_from(number).unwrap() % writers.len()];
        let path = format!("/nodes/{node}");
        writer
            .patch(&path, json!({ "title": title }))
            .await
            .expect(200);
        titles.push(title);
    }
    for wanderer in wanderers {
        let wanderer = wanderer.await.unwrap();
        let numbers: Vec<i64> = wanderer.heard.keys().copied().collect();
        assert_eq!(numbers, (2..=end).collect::<Vec<_>>());
        let heard = wanderer.heard.values();
        let heard: Vec<&str> = heard
            .map(|event| event["changes"]["title"].as_str().unwrap())
            .collect();
        assert_eq!(heard, titles);
        assert_eq!(wanderer.resyncs, 0);
    }
}
