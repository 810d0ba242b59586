//! Files: uploads and what becomes of them, with the worker stepped by hand.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy takes helpers of an integration test for production code"
)]

mod access;
mod blobs;
mod faults;
mod quota;
mod text;
mod uploads;
mod worker;

use glassbox::{
    access::{Caller, Origin},
    app::Ctx,
    ingest::{
        sandbox::Sandbox,
        worker::{FileWorker, limits},
    },
    kernel::clock::{Ids, System},
};
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

const MARKDOWN: &str = "text/markdown";

/// An upload that was granted.
struct Granted {
    id: String,
    url: String,
}

impl Granted {
    fn path(&self) -> String {
        format!("/files/{}", self.id)
    }

    fn confirm_path(&self) -> String {
        format!("/files/{}/confirm", self.id)
    }

    fn text_path(&self) -> String {
        format!("/files/{}/text", self.id)
    }
}

/// A new id.
fn uuid() -> uuid::Uuid {
    System.uuid()
}

async fn org(client: &Client, slug: &str) -> String {
    client
        .post("/orgs", json!({ "name": slug, "slug": slug }))
        .await
        .id()
}

async fn grant(client: &Client, org: &str, body: Value) -> Granted {
    let path = format!("/orgs/{org}/files/upload");
    let answer = client.post(&path, body).await.expect(200);
    Granted {
        id: answer["fileId"].as_str().unwrap().to_owned(),
        url: answer["uploadUrl"].as_str().unwrap().to_owned(),
    }
}

/// Sends bytes to a signed address, as somebody without a token.
async fn put(url: &str, content_type: &str, bytes: impl Into<reqwest::Body>) -> Answer {
    let client = Client::new("", None);
    let request = client
        .http
        .put(url)
        .header("content-type", content_type)
        .body(bytes);
    client.send(request).await
}

/// Uploads and confirms.
async fn upload(
    client: &Client,
    org: &str,
    filename: &str,
    content_type: &str,
    bytes: impl Into<Vec<u8>>,
) -> Granted {
    let body = json!({ "filename": filename, "contentType": content_type });
    let granted = grant(client, org, body).await;
    let answer = put(&granted.url, content_type, bytes.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let file = client.post_empty(&granted.confirm_path()).await.expect(200);
    assert_eq!(file["processingStatus"], "pending");
    granted
}

async fn worker_with(test: &TestApp, sandbox: Sandbox) -> FileWorker {
    FileWorker::register(test.app.clone(), sandbox)
        .await
        .unwrap()
}

fn sandbox(test: &TestApp) -> Sandbox {
    Sandbox {
        program: env!("CARGO_BIN_EXE_glassbox").into(),
        limits: limits(&test.app.config),
    }
}

async fn worker(test: &TestApp) -> FileWorker {
    worker_with(test, sandbox(test)).await
}

/// Relays, then works until the queue is empty; answers how many messages there were.
async fn work(test: &TestApp, worker: &FileWorker) -> usize {
    test.relay().await;
    let mut messages = 0;
    while worker.step().await.unwrap() {
        messages += 1;
    }
    messages
}

/// The context of a client, for operations that have no route.
fn ctx(test: &TestApp, client: &Client) -> Ctx {
    let now = test.app.db.now();
    let token = test.app.keyring.verify(client.token(), now).unwrap();
    Ctx {
        app: test.app.clone(),
        caller: Caller::new(token, Origin::default()),
        attempt: None,
    }
}

/// A project and a node in it that has the file among its inputs, made behind the
/// program's back; answers the ids of the project and the node.
async fn use_in_a_node(test: &TestApp, org: &str, file: &str) -> (String, String) {
    let project = uuid();
    let node = uuid();
    let input = uuid();
    test.database
        .execute(&format!(
            "insert into projects (id, org_id, name, created_at, updated_at) \
               values ('{project}', '{org}', 'P', now(), now()); \
             insert into nodes (id, org_id, project_id, title, status, author_type, version, created_at, updated_at) \
               values ('{node}', '{org}', '{project}', 'N', 'draft', 'human', 1, now(), now()); \
             insert into node_inputs (id, org_id, node_id, input_type, file_id, created_at) \
               values ('{input}', '{org}', '{node}', 'file', '{file}', now())"
        ))
        .await;
    (project.to_string(), node.to_string())
}

/// The names of everything in the blob folder's part of this name.
fn files_in(test: &TestApp, part: &str) -> Vec<String> {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                walk(&entry.path(), found);
            } else {
                found.push(entry.path().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(&test.app.config.storage.folder.join(part), &mut found);
    found
}
