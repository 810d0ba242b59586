//! Two `glassbox serve` on one database and one Redis: what one of them does, the other
//! knows, and what Redis has to do with it.

use std::{process::Stdio, time::Duration};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;
use glassbox::{
    config,
    kernel::{
        NodeId,
        event::{Channel, EventKind},
    },
    platform::bus::{Bus, RedisBus, Subscription},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{
    free_port,
    support::{Answer, Client, Database, Redis, until},
};

/// The prefix in Redis.
const PREFIX: &str = "pair";

/// One process.
pub struct Serve {
    pub child: Child,
    pub url: String,
    _folder: TempDir,
}

impl Serve {
    pub async fn start(database: &Database, redis: &Redis, settings: &[(&str, &str)]) -> Self {
        Self::start_at(free_port(), database, redis, settings).await
    }

    pub async fn start_at(
        port: u16,
        database: &Database,
        redis: &Redis,
        settings: &[(&str, &str)],
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_glassbox"))
            .current_dir(folder.path())
            .args(["serve", "--port", &port.to_string()])
            .env("GLASSBOX_ENV", "test")
            .env("GLASSBOX_DATABASE__URL", database.app_url())
            .env("GLASSBOX_DATABASE__MAX_CONNECTIONS", "8")
            .env("GLASSBOX_BUS__REDIS_URL", redis.url())
            .env("GLASSBOX_BUS__PREFIX", PREFIX)
            .env("GLASSBOX_AUTH__DEV_TOKENS", "true")
            .env("GLASSBOX_AUTH__SIGNING_KEY", "07".repeat(32))
            .env("GLASSBOX_VAULT__KEY", "0a".repeat(32))
            .env("GLASSBOX_STORAGE__URL_SECRET", "a".repeat(40))
            .env("GLASSBOX_STORAGE__FOLDER", folder.path().join("blobs"))
            .env("GLASSBOX_LIMITS__ENABLED", "false")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let serve = Serve {
            child,
            url: format!("http://127.0.0.1:{port}"),
            _folder: folder,
        };
        let anyone = Client::new(&serve.url, None);
        until("the server", async || {
            let answer = anyone.request("GET", "//health").send().await.ok()?;
            let body: Value = answer.json().await.ok()?;
            // Redis may be away.
            let status = body["status"].as_str()?;
            matches!(status, "healthy" | "degraded").then_some(())
        })
        .await;
        serve
    }

    /// A client of a user, made on first sight.
    pub async fn user(&self, subject: &str) -> Client {
        let who = json!({ "userId": subject, "email": format!("{subject}@example.com") });
        let anonymous = Client::new(&self.url, None);
        let answer = anonymous.post("/auth/dev-token", who).await.expect(200);
        self.bearer(answer["token"].as_str().unwrap())
    }

    fn bearer(&self, token: &str) -> Client {
        Client::new(&self.url, Some(token))
    }

    async fn health(&self, status: &str) -> Value {
        let anyone = Client::new(&self.url, None);
        until(status, async || {
            let body = anyone.get("//health").await.expect(200);
            (body["status"] == status).then_some(body)
        })
        .await
    }
}

/// Two of them, and a node that Ada made.
struct Pair {
    database: Database,
    redis: Redis,
    here: Serve,
    there: Serve,
    ada: Client,
    project: String,
    node: String,
}

impl Pair {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (database, redis) = (Database::create().await, Redis::start());
        let here = Serve::start(&database, &redis, settings).await;
        let there = Serve::start(&database, &redis, settings).await;
        let ada = here.user("ada").await;
        let (_, project) = ada.workspace("labs").await;
        let body = json!({ "title": "A" });
        let nodes = format!("/projects/{project}/nodes");
        let node = ada.post(&nodes, body).await.id();
        Pair {
            database,
            redis,
            here,
            there,
            ada,
            project,
            node,
        }
    }

    async fn lock(&self, client: &Client) -> Answer {
        client
            .post_empty(&format!("/nodes/{}/lock", self.node))
            .await
    }

    async fn write_under(&self, client: &Client, epoch: &Value) -> Answer {
        let request = client
            .request("PATCH", &format!("/nodes/{}", self.node))
            .header("x-lock-epoch", epoch.to_string())
            .json(&json!({ "title": format!("under {epoch}") }));
        client.send(request).await
    }

    /// Bob, who may write as well, at the other process.
    async fn bob(&self) -> Client {
        let bob = self.there.user("bob").await;
        let orgs = self.ada.get("/orgs").await.expect(200);
        let path = format!("/orgs/{}/members", orgs["data"][0]["id"].as_str().unwrap());
        let body = json!({ "email": "bob@example.com", "role": "member" });
        self.ada.post(&path, body).await.expect(201);
        bob
    }

    /// Listens to the node as a third process would.
    async fn listener(&self) -> (RedisBus, Subscription) {
        let config = config::load("test", &self.redis.settings(PREFIX)).unwrap();
        let bus = RedisBus::start(&config.bus).unwrap();
        until("the listener's connection", async || bus.ping().await.ok()).await;
        let node: NodeId = self.node.parse().unwrap();
        let news = bus.subscribe(Channel::Node(node)).await.unwrap();
        (bus, news)
    }
}

/// The payload of the next news of this kind.
async fn next(news: &mut Subscription, kind: EventKind) -> Value {
    let next = async {
        loop {
            if let Ok(message) = news.recv().await
                && message.kind == kind
            {
                return message.payload.as_ref().clone();
            }
        }
    };
    timeout(Duration::from_secs(30), next).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_lock_is_announced_though_the_process_that_gave_it_is_dead() {
    let mut pair = Pair::start(&[("GLASSBOX_NODES__LOCK_SECONDS", "3")]).await;
    let (_bus, mut news) = pair.listener().await;
    let mut spy = AsyncPgConnection::establish(&pair.database.app_url())
        .await
        .unwrap();
    spy.batch_execute("listen glassbox").await.unwrap();
    let mut signals = std::pin::pin!(spy.notifications_stream());
    pair.lock(&pair.ada).await.expect(200);
    let taken = next(&mut news, EventKind::LockAcquired).await;
    assert_eq!(taken["lockedByEmail"], "ada@example.com");
    // The other process hears of the lock now, and of its end from nobody: it must watch.
    while signals.next().await.unwrap().unwrap().payload != "locks" {}
    pair.here.child.kill().await.unwrap();
    let ended = next(&mut news, EventKind::LockReleased).await;
    assert_eq!(ended["reason"], "expired");
    assert_eq!(ended["nodeId"], json!(pair.node));
    let ada = pair.there.bearer(pair.ada.token());
    let node = ada.get(&format!("/nodes/{}", pair.node)).await.expect(200);
    assert!(node.get("lockedBy").is_none(), "{node}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_holder_who_paused_writes_nothing_at_any_process_whatever_became_of_redis() {
    let mut pair = Pair::start(&[("GLASSBOX_NODES__LOCK_SECONDS", "1")]).await;
    let bob = pair.bob().await;
    for outage in ["emptied", "killed", "back"] {
        let mine = pair.lock(&pair.ada).await.expect(200)["epoch"].clone();
        match outage {
            "emptied" => pair.redis.empty().await,
            "killed" => pair.redis.kill(),
            _ => pair.redis.start_again(),
        }
        // As soon as it is free, which it is by time alone.
        let his = until("the end of the lock", async || {
            let answer = pair.lock(&bob).await;
            (answer.status == 200).then(|| answer.body["epoch"].clone())
        })
        .await;
        assert_ne!(his, mine);
        for process in [&pair.here, &pair.there] {
            let ada = process.bearer(pair.ada.token());
            let late = pair.write_under(&ada, &mine).await;
            late.expect_problem(409, "LOCK_LOST");
        }
        bob.delete(&format!("/nodes/{}/lock", pair.node)).await;
    }
    let node = pair.ada.get(&format!("/nodes/{}", pair.node)).await;
    assert_eq!(node.expect(200)["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_both_answer_and_say_what_is_worse_and_after_it_they_count_together() {
    let settings = [
        ("GLASSBOX_LIMITS__ENABLED", "true"),
        ("GLASSBOX_LIMITS__GENERAL", "10"),
    ];
    let mut pair = Pair::start(&settings).await;
    let same = pair.there.bearer(pair.ada.token());
    let nodes = format!("/projects/{}/nodes", pair.project);

    pair.redis.kill();
    for process in [&pair.here, &pair.there] {
        let body = process.health("degraded").await;
        assert_eq!(body["checks"]["bus"], "degraded: realtime, shared limits");
        assert_eq!(body["checks"]["database"], "ok");
    }
    for (client, title) in [(&pair.ada, "here"), (&same, "there")] {
        let made = client.post(&nodes, json!({ "title": title })).await;
        // Each process counts alone, and begins anew.
        assert_eq!(made.headers["ratelimit-remaining"], "9");
        let id = made.id();
        let path = format!("/nodes/{id}");
        assert_eq!(client.get(&path).await.expect(200)["title"], json!(title));
    }

    pair.redis.start_again();
    for process in [&pair.here, &pair.there] {
        let body = process.health("healthy").await;
        assert_eq!(body["checks"]["bus"], "ok");
    }
    let mut counted = Vec::new();
    for client in [&pair.ada, &same, &pair.ada, &same] {
        let answer = client.get("/orgs").await;
        counted.push(answer.headers["ratelimit-remaining"].clone());
    }
    assert_eq!(counted, ["9", "8", "7", "6"]);
}
