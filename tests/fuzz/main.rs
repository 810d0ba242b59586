//! schemathesis against the running server: every operation of the document, every
//! check, with a good token of somebody who owns what there is.
//!
//! `make check` runs it in a short form, `make fuzz` with 200 examples an operation. It
//! needs the program of `deploy/dev/checks.txt`, hence the `#[ignore]`.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly, and a task that it spawns ends with its runtime"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{path::Path, process::Stdio, sync::Arc};

use glassbox::agent::worker::AgentWorker;
use serde_json::{Value, json};
use support::{Client, TestApp};
use tokio_util::sync::CancellationToken;

/// Ids that paths are filled with, by the name of the placeholder. Without them nearly
/// every call would end at 404.
async fn workspace(test: &TestApp, ada: &Client) -> Value {
    let (org, project) = ada.workspace("labs").await;
    let nodes = format!("/projects/{project}/nodes");
    let source = ada.post(&nodes, json!({ "title": "Source" })).await.id();
    let node = ada.post(&nodes, json!({ "title": "Pier" })).await.id();
    let inputs = format!("/nodes/{node}/inputs");
    let reference = json!({ "inputType": "node_reference", "sourceNodeId": source });
    let input = ada.post(&inputs, reference).await.id();
    let outputs = format!("/nodes/{node}/outputs");
    let text = json!({ "outputType": "text", "textContent": "Sound." });
    let output = ada.post(&outputs, text).await.id();
    let file = test
        .upload(ada, &org, "pier.txt", "text/plain", b"The pier is sound.")
        .await;
    let execution = ada
        .post_empty(&format!("/nodes/{source}/execute"))
        .await
        .expect(201);
    json!({
        "orgId": org,
        "projectId": project,
        "nodeId": node,
        "inputId": input,
        "outputId": output,
        "fileId": file,
        "executionId": execution["execution"]["id"],
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs schemathesis; `make check` and `make fuzz` install and run it"]
async fn schemathesis_finds_nothing() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let ids = workspace(&test, &ada).await;
    test.relay_always();
    // Executions that are started end, and with them their streams.
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    tokio::spawn(worker.run(CancellationToken::new()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/fuzz");
    let examples = std::env::var("FUZZ_EXAMPLES").unwrap_or_else(|_| "10".to_owned());
    let status = tokio::process::Command::new(root.join(".tools/venv/bin/schemathesis"))
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", test.url)])
        .args(["--max-examples", &examples])
        .env("FUZZ_TOKEN", ada.token())
        .env("FUZZ_IDS", ids.to_string())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", &folder)
        // Where it keeps its own cache.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .status()
        .await
        .unwrap();
    assert!(status.success(), "schemathesis complains; see above");
}
