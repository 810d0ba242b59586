//! Evidence: forks of runs, what runs used, and payloads that are removed in time.

mod fork;
mod payloads;
mod retention;
mod spans;
mod usage;

use std::sync::Arc;

use glassbox::agent::worker::AgentWorker;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Client, TestApp, model::Scripted};

/// Ada's node after one run of it.
pub struct Run {
    pub test: TestApp,
    pub ada: Client,
    pub org: String,
    pub node: String,
    pub id: String,
}

/// Runs `model` on a new node to its end.
async fn run(model: Scripted) -> Run {
    run_on(TestApp::start_with_model(model).await).await
}

async fn run_on(test: TestApp) -> Run {
    let ada = test.user("ada").await;
    let (org, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let node = ada.post(&path, json!({ "title": "A task" })).await.id();
    let id = start(&ada, &node).await;
    work(&test).await;
    Run {
        test,
        ada,
        org,
        node,
        id,
    }
}

impl Run {
    async fn fork(&self, of: &str, body: Value) -> String {
        let path = format!("/executions/{of}/fork");
        id_of(&self.ada.post(&path, body).await.expect(201))
    }

    async fn get(&self, id: &str) -> Value {
        let answer = self.ada.get(&format!("/executions/{id}")).await;
        answer.expect(200)["execution"].clone()
    }

    async fn trace(&self, id: &str) -> Vec<Value> {
        let path = format!("/executions/{id}/trace");
        let answer = self.ada.get(&path).await.expect(200);
        answer["data"].as_array().unwrap().clone()
    }

    async fn verify(&self, id: &str) -> Value {
        let path = format!("/executions/{id}/verify");
        self.ada.get(&path).await.expect(200)
    }
}

async fn start(client: &Client, node: &str) -> String {
    let path = format!("/nodes/{node}/execute");
    let answer = client.post(&path, json!({ "model": "script/ed" })).await;
    id_of(&answer.expect(201))
}

fn id_of(answer: &Value) -> String {
    answer["execution"]["id"].as_str().unwrap().to_owned()
}

async fn work(test: &TestApp) {
    test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {
        test.relay().await;
    }
}

/// A model that looks at the inputs, gives one output and completes.
fn diligent() -> Scripted {
    Scripted::calling(vec![
        ("list_inputs", json!({})),
        (
            "add_output",
            json!({ "label": "Findings", "text": "Sound." }),
        ),
        ("mark_complete", json!({ "summary": "Done." })),
    ])
}
