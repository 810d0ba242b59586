//! `glassbox serve` as its platform stops it: SIGTERM, and what is under way is finished. What
//! the workers do then is in `files.rs` and `chaos/`.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

use super::{
    Ada, free_port, pair,
    support::{Client, Database, Redis, until},
};

/// How long a process may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(30);

/// SIGTERM, and how the process ended.
pub async fn end(child: &mut Child) -> ExitStatus {
    terminate(child).await;
    timeout(PATIENCE, child.wait()).await.unwrap().unwrap()
}

async fn terminate(child: &Child) {
    let pid = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(sent.unwrap().success());
}

/// `glassbox serve`, once it takes requests.
pub struct Serve {
    child: Child,
    pub port: u16,
    _log: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>,
}

impl Serve {
    pub async fn start(database: &Database, folder: &Path) -> Self {
        let port = free_port();
        let mut child = Command::new(env!("CARGO_BIN_EXE_glassbox"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--env", "dev", "serve", "--port", &port.to_string()])
            .env("GLASSBOX_DATABASE__URL", database.app_url())
            .env("GLASSBOX_AUTH__SIGNING_KEY", "07".repeat(32))
            .env("GLASSBOX_STORAGE__URL_SECRET", "x".repeat(32))
            .env("GLASSBOX_STORAGE__FOLDER", folder)
            .env("GLASSBOX_LIMITS__ENABLED", "false")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        while !log.next_line().await.unwrap().unwrap().contains("serving") {}
        Serve {
            child,
            port,
            _log: log,
        }
    }

    async fn terminate(&self) {
        terminate(&self.child).await;
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.port)).await
    }

    /// Asks on a connection that stays open; answers what came, which is nothing when the
    /// connection was closed.
    async fn ask(&self, stream: &mut TcpStream, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        if stream.write_all(request.as_bytes()).await.is_err() {
            return String::new();
        }
        let mut answer = [0; 1024];
        let read = stream.read(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    /// A request that the server has begun with and whose body has not come yet.
    async fn begin(&self, ada: &Ada, body: &str) -> TcpStream {
        let mut stream = self.connect().await.unwrap();
        let head = format!(
            "POST /api/v1/orgs HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            ada.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut told = [0; 25];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }
}

const BODY: &str = r#"{"name":"Labs","slug":"labs"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_finished_before_the_program_ends() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let mut serve = Serve::start(&database, folder.path()).await;
    let ada = Ada::sign_in(serve.port).await;
    let mut watch = serve.connect().await.unwrap();
    let ready = serve.ask(&mut watch, "/health/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    let mut under_way = serve.begin(&ada, BODY).await;

    serve.terminate().await;
    // Who still has a connection loses it, or is told to go elsewhere.
    loop {
        let ready = serve.ask(&mut watch, "/health/ready").await;
        if ready.starts_with("HTTP/1.1 200 ") {
            continue;
        }
        let told = ready.starts_with("HTTP/1.1 503 ") && ready.contains("connection: close");
        assert!(ready.is_empty() || told, "{ready}");
        break;
    }
    // Nobody new is let in.
    while let Ok(mut stream) = serve.connect().await {
        serve.ask(&mut stream, "/health/live").await;
    }
    assert!(serve.child.try_wait().unwrap().is_none(), "it waits");

    under_way.write_all(BODY.as_bytes()).await.unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(serve.child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let mut serve = Serve::start(&database, folder.path()).await;
    let ada = Ada::sign_in(serve.port).await;
    let _under_way = serve.begin(&ada, BODY).await;
    serve.terminate().await;
    // The first one has been heard once nobody new is let in.
    while let Ok(mut stream) = serve.connect().await {
        serve.ask(&mut stream, "/health/live").await;
    }
    serve.terminate().await;
    assert_eq!(serve.child.wait().await.unwrap().code(), Some(143));
}

/// Stands before several servers, as a load balancer that asks another one where one was not
/// there, closed the connection before it answered, or said that it was not ready.
struct Balancer {
    servers: Vec<Client>,
    turn: AtomicUsize,
    asked_again: AtomicUsize,
}

impl Balancer {
    async fn ask(&self, method: &str, path: &str, body: Option<&Value>, key: &str) -> Value {
        let asking = async {
            loop {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                let server = &self.servers[turn % self.servers.len()];
                let mut request = server.request(method, path).header("idempotency-key", key);
                if let Some(body) = body {
                    request = request.json(body);
                }
                if let Ok(answer) = request.send().await {
                    let status = answer.status().as_u16();
                    if status != 503 {
                        let answer: Value = answer.json().await.unwrap();
                        assert!(status < 300, "{method} {path}: {status} {answer}");
                        return answer;
                    }
                }
                self.asked_again.fetch_add(1, Ordering::Relaxed);
            }
        };
        timeout(PATIENCE, asking).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_all_servers_are_replaced_one_after_the_other() {
    let (database, redis) = (Database::create().await, Redis::start());
    let ports = [free_port(), free_port()];
    let start = async |port| pair::Serve::start_at(port, &database, &redis, &[]).await;
    let mut servers = [start(ports[0]).await, start(ports[1]).await];
    let ada = servers[0].user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let balancer = Balancer {
        servers: servers
            .iter()
            .map(|server| Client::new(&server.url, Some(ada.token())))
            .collect(),
        turn: AtomicUsize::new(0),
        asked_again: AtomicUsize::new(0),
    };
    let (made, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = async |who: usize| {
        for n in 0.. {
            if over.load(Ordering::Relaxed) {
                return;
            }
            let (key, body) = (
                format!("{who}-{n}"),
                json!({ "title": format!("{who}-{n}") }),
            );
            let path = format!("/projects/{project}/nodes");
            let node = balancer.ask("POST", &path, Some(&body), &key).await;
            let path = format!("/nodes/{}", node["id"].as_str().unwrap());
            let read = balancer.ask("GET", &path, None, &key).await;
            assert_eq!(read["title"], body["title"]);
            made.fetch_add(1, Ordering::Relaxed);
        }
    };
    let replace = async {
        for round in 0..3 {
            for (server, port) in servers.iter_mut().zip(ports) {
                assert_eq!(end(&mut server.child).await.code(), Some(0), "{round}");
                let before = made.load(Ordering::Relaxed);
                let without_it = async || (made.load(Ordering::Relaxed) > before + 8).then_some(());
                until("work at the other one", without_it).await;
                *server = start(port).await;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(join_all((0..8).map(&work)), replace);
    assert!(balancer.asked_again.load(Ordering::Relaxed) > 0);
    let nodes = "select count(*) || ' ' || count(distinct title) as text from nodes \
                 where parent_id is not null or title like '%-%'";
    let made = made.load(Ordering::Relaxed);
    assert_eq!(database.text(nodes).await, format!("{made} {made}"));
}
