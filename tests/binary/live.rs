//! Those who watch, while processes are killed, Redis dies and connections are cut: what each
//! heard, joined over its connections, is exactly what was committed, or it was told to read
//! anew.
//!
//! Short among the tests. `make soak` (`GLASSBOX_SOAK=full`) makes it as long as the promise is. `GLASSBOX_SOAK_SEED` makes the same choices again.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Jsonb},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{
    free_port,
    pair::Serve,
    support::{Client, Database, Redis, Socket, until},
};

/// How much happens.
struct Size {
    clients: usize,
    nodes: usize,
    /// Changes of each node.
    changes: usize,
    /// Kills of processes, and of Redis.
    kills: (usize, usize),
    /// Messages after which a client is cut off, at most.
    patience: u64,
}

const SHORT: Size = Size {
    clients: 16,
    nodes: 4,
    changes: 60,
    kills: (4, 2),
    patience: 40,
};
const LONG: Size = Size {
    clients: 1000,
    nodes: 20,
    changes: 1000,
    kills: (10, 2),
    patience: 400,
};

/// Choices that a seed makes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A client that comes back after each cut, through whichever process lives.
struct Wanderer {
    token: String,
    urls: Arc<Vec<String>>,
    channel: String,
    last: i64,
    heard: BTreeMap<i64, Value>,
    resyncs: usize,
    cuts: usize,
    dice: Dice,
}

impl Wanderer {
    async fn connect(&mut self) -> Option<Socket> {
        let url = &self.urls[usize::try_from(self.dice.roll(self.urls.len() as u64)).unwrap()];
        let client = Client::new(url, Some(&self.token));
        let answer = client.request("POST", "/auth/ws-token").send().await.ok()?;
        let body: Value = answer.json().await.ok()?;
        let mut socket = Socket::try_open(url, body["token"].as_str()?).await?;
        let ask = json!({ "channel": self.channel, "since": self.last });
        socket.send("subscribe", ask, "s").await;
        Some(socket)
    }

    fn take(&mut self, message: &Value) {
        if message["type"] == "resync_required" {
            self.resyncs += 1;
        }
        let Some(seq) = message["seq"].as_i64() else {
            return;
        };
        assert_eq!(message["channel"], self.channel.as_str(), "not asked for");
        assert_eq!(seq, self.last + 1, "{}: {message}", self.channel);
        self.last = seq;
        self.heard.insert(seq, message["payload"].clone());
    }

    /// Listens until there is silence after number `end`.
    async fn wander(mut self, end: watch::Receiver<i64>, patience: u64) -> Self {
        loop {
            let Some(mut socket) = self.connect().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            for _ in 0..=self.dice.roll(patience) {
                let heard = tokio::time::timeout(Duration::from_millis(500), socket.hear()).await;
                match heard {
                    Ok(Ok(message)) => self.take(&message),
                    Ok(Err(_)) => break,
                    Err(_) if self.last >= *end.borrow() => return self,
                    Err(_) => {}
                }
            }
            self.cuts += 1;
        }
    }
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Jsonb)]
    payload: Value,
}

/// What a channel gave numbers to.
async fn log(database: &Database, channel: &str) -> Vec<Told> {
    let sql = format!(
        "select l.seq, o.payload from channel_log l join outbox o on o.id = l.event_id \
         where l.channel = '{channel}' order by l.seq"
    );
    let mut admin = database.admin().await;
    diesel::sql_query(sql).load(&mut admin).await.unwrap()
}

async fn waiting(admin: &mut AsyncPgConnection) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let sql = "select count(*) as count from outbox where published_at is null";
    let row: Count = diesel::sql_query(sql).get_result(admin).await.unwrap();
    row.count
}

/// Changes a node until each change is made, through whichever process answers.
async fn write(
    urls: Arc<Vec<String>>,
    token: String,
    node: String,
    changes: usize,
    mut dice: Dice,
) {
    for number in 0..changes {
        let body = json!({ "title": format!("Title {number}") });
        loop {
            let at = usize::try_from(dice.roll(urls.len() as u64)).unwrap();
            let client = Client::new(&urls[at], Some(&token));
            let request = client.request("PATCH", &format!("/nodes/{node}"));
            let answer = request.json(&body).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_watch_hear_all_that_was_committed_whatever_dies() {
    let is_full = std::env::var("GLASSBOX_SOAK").is_ok_and(|form| form == "full");
    let size = if is_full { LONG } else { SHORT };
    let seed = std::env::var("GLASSBOX_SOAK_SEED").ok();
    let seed = seed.map_or_else(
        || u64::from(std::process::id()),
        |seed| seed.parse().unwrap(),
    );
    eprintln!("GLASSBOX_SOAK_SEED={seed}");
    let mut dice = Dice(seed);
    let (database, mut redis) = (Database::create().await, Redis::start());
    let settings = [
        ("GLASSBOX_LIVE__CONNECTIONS_PER_USER", "100000"),
        ("GLASSBOX_LIVE__REPLAY", "1000000"),
    ];
    let ports = [free_port(), free_port(), free_port()];
    let mut processes = Vec::new();
    for port in ports {
        processes.push(Serve::start_at(port, &database, &redis, &settings).await);
    }
    let urls: Arc<Vec<String>> = Arc::new(processes.iter().map(|one| one.url.clone()).collect());
    let ada = processes[0].user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    // Another organization, whose client must hear nothing at all.
    let eve = processes[1].user("eve").await;
    let (_, foreign) = eve.workspace("others").await;

    let mut channels = vec![format!("project:{project}")];
    let mut nodes = Vec::new();
    for number in 0..size.nodes {
        let body = json!({ "title": format!("Node {number}") });
        let node = ada
            .post(&format!("/projects/{project}/nodes"), body)
            .await
            .id();
        channels.push(format!("node:{node}"));
        nodes.push(node);
    }
    let tasks = TaskTracker::new();
    let ends: Vec<watch::Sender<i64>> = channels
        .iter()
        .map(|_| watch::Sender::new(i64::MAX))
        .collect();
    let wanderer = |channel: &str, client: &Client, seed: u64| Wanderer {
        token: client.token().to_owned(),
        urls: Arc::clone(&urls),
        channel: channel.to_owned(),
        last: 0,
        heard: BTreeMap::new(),
        resyncs: 0,
        cuts: 0,
        dice: Dice(seed),
    };
    let mut wandering = Vec::new();
    for number in 0..size.clients {
        let at = number % channels.len();
        let one = wanderer(&channels[at], &ada, seed ^ number as u64);
        let end = ends[at].subscribe();
        wandering.push((at, tasks.spawn(one.wander(end, size.patience))));
    }
    let none = watch::Sender::new(i64::MAX);
    let stranger = wanderer(&format!("project:{foreign}"), &eve, seed);
    let stranger = tasks.spawn(stranger.wander(none.subscribe(), size.patience));

    let writers: Vec<_> = nodes
        .iter()
        .map(|node| {
            let (urls, token) = (Arc::clone(&urls), ada.token().to_owned());
            let dice = Dice(dice.roll(u64::MAX));
            tasks.spawn(write(urls, token, node.clone(), size.changes, dice))
        })
        .collect();
    let mut faults: Vec<bool> = vec![false; size.kills.0];
    faults.extend(vec![true; size.kills.1]);
    while !faults.is_empty() {
        let fault = faults.remove(usize::try_from(dice.roll(faults.len() as u64)).unwrap());
        tokio::time::sleep(Duration::from_millis(300 + dice.roll(1200))).await;
        if fault {
            redis.kill();
            tokio::time::sleep(Duration::from_millis(dice.roll(800))).await;
            redis.start_again();
        } else {
            let at = usize::try_from(dice.roll(processes.len() as u64)).unwrap();
            processes[at].child.kill().await.unwrap();
            processes[at] = Serve::start_at(ports[at], &database, &redis, &settings).await;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let mut admin = database.admin().await;
    until("the relay to be done", async || {
        (waiting(&mut admin).await == 0).then_some(())
    })
    .await;
    let mut logs = Vec::new();
    for (channel, end) in channels.iter().zip(&ends) {
        let log = log(&database, channel).await;
        end.send_replace(i64::try_from(log.len()).unwrap());
        logs.push(log);
    }
    let written = Instant::now();
    none.send_replace(0);
    // Each change that was committed was told: a node's versions follow each other.
    for log in &logs[1..] {
        let versions = log
            .iter()
            .skip(1)
            .map(|told| told.payload["version"].as_i64().unwrap());
        assert!(
            versions.eq(2..=i64::try_from(log.len()).unwrap()),
            "a change was not told"
        );
        assert!(log.len() > size.changes);
    }
    let (mut cuts, mut resyncs) = (0, 0);
    for (at, wanderer) in wandering {
        let wanderer = wanderer.await.unwrap();
        cuts += wanderer.cuts;
        resyncs += wanderer.resyncs;
        let log = &logs[at];
        let told: Vec<(i64, &Value)> = log.iter().map(|told| (told.seq, &told.payload)).collect();
        let heard: Vec<(i64, &Value)> = wanderer
            .heard
            .iter()
            .map(|(seq, told)| (*seq, told))
            .collect();
        assert_eq!(heard, told, "{}", wanderer.channel);
    }
    let stranger = stranger.await.unwrap();
    assert!(stranger.heard.is_empty(), "{:?}", stranger.heard);
    assert_eq!(resyncs, 0);
    eprintln!(
        "{} clients were cut {cuts} times; the last was done {:?} after the last change",
        size.clients,
        written.elapsed()
    );
}
