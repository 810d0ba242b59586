//! schemathesis against the running server: every operation of the document, every
//! check, with a good token of somebody who owns what there is.
//!
//! `make check` runs it in a short form, always with the same seed; `make fuzz` with 200
//! examples an operation and a seed of chance, which it prints. `FUZZ_EXAMPLES` and
//! `FUZZ_SEED` change that, and `FUZZ_PATHS` (a regular expression) tries only some paths.
//! It needs the program of `deploy/dev/checks.txt`, hence the `#[ignore]`.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly, and a task that it spawns ends with its runtime"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use glassbox::agent::worker::AgentWorker;
use serde_json::{Value, json};
use support::{Client, TestApp};
use tokio_util::sync::CancellationToken;

/// What there is, told to `hooks.py`: ids by the name of the placeholder that takes them,
/// and two signed addresses. Without them nearly every call would end at 404.
async fn workspace(test: &TestApp, ada: &Client) -> Value {
    let (org, project) = ada.workspace("labs").await;
    let me = ada.get("/users/me").await.id();
    // Somebody whom an organization may still take in.
    test.user("joan").await;
    let grace = colleague(test, ada, &org, &project).await;
    let nodes = format!("/projects/{project}/nodes");
    let watched = json!({ "title": "Source", "supervisorUserId": me });
    let source = grace.post(&nodes, watched).await.id();
    let notifications = ada.get("/users/me/notifications").await.expect(200);
    let node = ada.post(&nodes, json!({ "title": "Pier" })).await.id();
    let inputs = format!("/nodes/{node}/inputs");
    let reference = json!({ "inputType": "node_reference", "sourceNodeId": source });
    let input = ada.post(&inputs, reference).await.id();
    let outputs = format!("/nodes/{node}/outputs");
    let text = json!({ "outputType": "text", "textContent": "Sound." });
    let output = ada.post(&outputs, text).await.id();
    // Of the system, and so to be used in every organization.
    let shared = ada.get("/templates").await.expect(200);
    let template = json!({ "orgId": org, "name": "Inspection" });
    let template = ada.post("/templates", template).await.id();
    let file = test
        .upload(ada, &org, "pier.txt", "text/plain", b"The pier is sound.")
        .await;
    let upload = json!({ "filename": "more", "contentType": "application/octet-stream" });
    let upload = ada.post(&format!("/orgs/{org}/files/upload"), upload).await;
    let download = ada.get(&format!("/files/{file}")).await.expect(200);
    let execution = ada
        .post_empty(&format!("/nodes/{source}/execute"))
        .await
        .expect(201);
    json!({
        "me": me,
        "userId": grace.get("/users/me").await.id(),
        "orgId": org,
        "projectId": project,
        "nodeId": node,
        "inputId": input,
        "outputId": output,
        "templateId": template,
        "sharedTemplateId": shared["data"][0]["id"],
        "address": "joan@example.com",
        "fileId": file,
        "executionId": execution["execution"]["id"],
        "notificationId": notifications["data"][0]["id"],
        "uploadUrl": upload.expect(200)["uploadUrl"],
        "downloadUrl": download["downloadUrl"],
    })
}

/// Somebody else in the organization and the project.
async fn colleague(test: &TestApp, ada: &Client, org: &str, project: &str) -> Client {
    let grace = test.user("grace").await;
    for place in [format!("/orgs/{org}"), format!("/projects/{project}")] {
        let role = if place.starts_with("/orgs") {
            "member"
        } else {
            "editor"
        };
        let body = json!({ "email": "grace@example.com", "role": role });
        ada.post(&format!("{place}/members"), body)
            .await
            .expect(201);
    }
    grace
}

/// A file (Web Fuzzing Commons) of who calls: Ada all the time, and a stranger who must not
/// see what she sees.
fn users(ada: &Client, stranger: &Client) -> PathBuf {
    let user = |name, client: &Client| {
        let value = format!("Bearer {}", client.token());
        json!({ "name": name, "fixedHeaders": [{ "name": "Authorization", "value": value }] })
    };
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("users.json");
    let users = json!({ "auth": [user("ada", ada), user("stranger", stranger)] });
    std::fs::write(&file, users.to_string()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs schemathesis; `make check` and `make fuzz` install and run it"]
async fn schemathesis_finds_nothing() {
    // The signed addresses are good until the longest run ends.
    let test = TestApp::start_configured(&[("storage.url_seconds", "86400".into())]).await;
    let ada = test.user("ada").await;
    let ids = workspace(&test, &ada).await;
    test.relay_always();
    // Executions that are started end, and with them their streams.
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    tokio::spawn(worker.run(CancellationToken::new()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/fuzz");
    let mut schemathesis = tokio::process::Command::new(root.join(".tools/venv/bin/schemathesis"));
    schemathesis
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", test.url)])
        .args(["--checks", "all"])
        // It has no end.
        .args(["--exclude-operation-id", "project_events"])
        // What an earlier run found would make this one another than its seed says.
        .args(["--generation-database", "none"])
        .env("FUZZ_USERS", users(&ada, &test.user("sam").await))
        .env("FUZZ_IDS", ids.to_string())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", &folder)
        // Where it keeps its own cache.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    for (variable, option, otherwise) in [
        ("FUZZ_EXAMPLES", "--max-examples", Some("10")),
        ("FUZZ_SEED", "--seed", None),
        ("FUZZ_PATHS", "--include-path-regex", None),
    ] {
        let value = std::env::var(variable).ok();
        if let Some(value) = value.or(otherwise.map(str::to_owned)) {
            schemathesis.args([option, &value]);
        }
    }
    let status = schemathesis.status().await.unwrap();
    assert!(status.success(), "schemathesis complains; see above");
}
