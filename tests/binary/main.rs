//! The built program. The newcomer's job: `glassbox dev` on an empty folder, killed at
//! every line and every entry of the journal, and asked over HTTP what came of it. What it
//! refuses to start with. Two of it beside each other. All roles as the stacks on AWS start
//! them. What the release before it says and leaves. And runs while everything dies.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own code may fail loudly, and what it spawns ends with its runtime"
)]

#[path = "../support/mod.rs"]
mod support;

mod chaos;
mod drain;
mod evidence;
mod files;
mod journal;
mod live;
mod metrics;
mod pair;
mod refusals;
mod release;
mod tasks;

use std::{
    collections::BTreeSet,
    path::Path,
    process::{ExitStatus, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// What `dev` prints last.
const LAST_LINE: &str = "Ctrl-C stops everything.";

/// A running `glassbox dev`.
struct Dev {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// `glassbox dev` on `folder`, in the repository's root, where `.tools` is.
fn command(folder: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["--env", "dev", "dev", "--data-dir"])
        .arg(folder)
        .args(["--port", &port.to_string()])
        // Whatever the developer has set must not make this a run on a real model.
        .env_remove("OPENAI_API_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Dev {
    fn start(folder: &Path, port: u16, arguments: &[&str]) -> Self {
        let mut child = command(folder, port).args(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Dev { child, lines }
    }

    /// The next line that says something; `None` when the program has ended.
    async fn line(&mut self) -> Option<String> {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if !line.trim().is_empty() {
                return Some(line);
            }
        }
        None
    }

    /// Reads until the program has shown all it has to show.
    async fn shown(&mut self) -> Vec<String> {
        let mut shown = Vec::new();
        while let Some(line) = self.line().await {
            let last = line.contains(LAST_LINE);
            shown.push(line);
            if last {
                return shown;
            }
        }
        panic!("it ended by itself:\n{}", shown.join("\n"));
    }

    /// What it said on standard error before it ended by itself.
    async fn last_words(mut self) -> String {
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut words).await.unwrap();
        words
    }

    /// SIGKILL, and gone.
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Ctrl-C, and its exit status.
    async fn interrupt(mut self) -> ExitStatus {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .await
            .unwrap();
        assert!(sent.success());
        while self.line().await.is_some() {}
        self.child.wait().await.unwrap()
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Asks the API as Ada.
struct Ada {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Ada {
    async fn sign_in(port: u16) -> Self {
        let base = format!("http://127.0.0.1:{port}/api/v1");
        let http = reqwest::Client::builder().build().unwrap();
        let who = json!({ "userId": "dev-ada", "email": "ada@example.com" });
        let url = format!("{base}/auth/dev-token");
        let answer: Value = http
            .post(url)
            .json(&who)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = answer["token"].as_str().unwrap().to_owned();
        Ada { base, token, http }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.base));
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// The node of the demo job, whole.
    async fn demo_node(&self) -> Value {
        let org = self.get("/orgs").await["data"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let projects = self.get(&format!("/orgs/{org}/projects")).await;
        assert_eq!(projects["total"], 1, "seeded once");
        let project = projects["data"][0]["id"].as_str().unwrap();
        let nodes = self.get(&format!("/projects/{project}/nodes")).await;
        let is_demo = |node: &&Value| node["metadata"]["demo"] == "analysis";
        let found: Vec<&Value> = nodes["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(is_demo)
            .collect();
        assert_eq!(found.len(), 1, "seeded once");
        self.get(&format!("/nodes/{}", found[0]["id"].as_str().unwrap()))
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_completes_once_however_often_it_is_killed() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    // While it makes its database, and then while it prepares the job.
    for n in 0..8 {
        kill_at_line(folder.path(), port, n, &["--no-demo"]).await;
    }
    journal::announce(folder.path(), port).await;
    for n in 0.. {
        let line = kill_at_line(folder.path(), port, n, &[]).await;
        if line.contains("The agent works") {
            break;
        }
    }
    // At every entry of the journal: each run is killed as soon as it has written one.
    let mut killed_at = BTreeSet::new();
    while let Some(entry) = journal::kill_at_next_entry(folder.path(), port).await {
        assert!(killed_at.insert(entry), "entry {entry} was written twice");
    }
    assert!(killed_at.len() >= 15, "killed at {killed_at:?}");

    let mut dev = Dev::start(folder.path(), port, &[]);
    let shown = dev.shown().await.join("\n");
    assert!(shown.contains("p. "), "outputs name their pages:\n{shown}");
    assert!(
        shown.contains("demo/analyst"),
        "the demo model is named:\n{shown}"
    );
    let ada = Ada::sign_in(port).await;
    assert_job_done_once(&ada).await;
    assert_no_secret_shows(folder.path(), &ada).await;

    assert!(dev.interrupt().await.success());
    let left = folder.path().join("postgres/data/postmaster.pid");
    assert!(!left.exists(), "Postgres stopped too");
}

/// Starts it, kills it after line `n` (from 0) or after the last one, and answers that line.
async fn kill_at_line(folder: &Path, port: u16, n: usize, arguments: &[&str]) -> String {
    let mut dev = Dev::start(folder, port, arguments);
    let mut line = String::new();
    for _ in 0..=n {
        line = match dev.line().await {
            Some(line) => line,
            None => panic!("it ended after {line:?}: {}", dev.last_words().await),
        };
        if line.contains(LAST_LINE) || line.contains("The agent works") {
            break;
        }
    }
    dev.kill().await;
    line
}

async fn assert_job_done_once(ada: &Ada) {
    let node = ada.demo_node().await;
    let id = node["id"].as_str().unwrap();
    let inputs = node["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 2, "{inputs:#?}");
    let outputs = node["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 1, "{outputs:#?}");
    let sources = outputs[0]["metadata"]["sources"].as_array().unwrap();
    assert!(!sources.is_empty());
    for source in sources {
        assert_eq!(source["verified"], true, "{source}");
        assert!(source["page"].as_i64().unwrap() >= 1, "{source}");
    }
    let project = node["projectId"].as_str().unwrap();
    let below = ada
        .get(&format!("/projects/{project}/nodes?parentId={id}"))
        .await;
    assert_eq!(below["total"], 1, "one sub-node");

    let runs = ada.get(&format!("/nodes/{id}/executions")).await;
    assert_eq!(runs["total"], 1, "one execution");
    let run = &runs["data"][0];
    assert_eq!(run["status"], "complete", "{run}");
    let run = run["id"].as_str().unwrap();
    let trace = ada.get(&format!("/executions/{run}/trace")).await;
    let trace = trace["data"].as_array().unwrap();
    for (entry, number) in trace.iter().zip(1..) {
        assert_eq!(entry["sequenceNumber"], number, "no gap");
    }
    let verified = ada.get(&format!("/executions/{run}/verify")).await;
    assert_eq!(verified["valid"], true, "{verified}");
}

/// Keys and tokens stand in no log line and in nothing the API gives.
async fn assert_no_secret_shows(folder: &Path, ada: &Ada) {
    let text = std::fs::read_to_string(folder.join("secrets.toml")).unwrap();
    let mut secrets: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    assert!(secrets.len() >= 2, "{} secrets", secrets.len());
    secrets.push(&ada.token);
    let node = ada.demo_node().await;
    let runs = ada
        .get(&format!(
            "/nodes/{}/executions",
            node["id"].as_str().unwrap()
        ))
        .await;
    let run = runs["data"][0]["id"].as_str().unwrap();
    let trace = ada.get(&format!("/executions/{run}/trace")).await;
    let log = std::fs::read_to_string(folder.join("glassbox.log")).unwrap();
    for said in [log, node.to_string(), runs.to_string(), trace.to_string()] {
        for secret in &secrets {
            assert!(!said.contains(secret), "a secret shows");
        }
    }
}
