//! One execution of twelve answers, with questions, approvals, runs of its own and outputs,
//! whose worker dies at every point once: what comes of it is always the same. `make soak`
//! tries every point, the short form every fourth.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::TimeDelta;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    platform::llm::{ChatAnswer, Message},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Client, TestApp,
    model::{Scripted, call, calls},
};

fn output(label: &str) -> (&'static str, Value) {
    ("add_output", json!({ "label": label, "text": "words" }))
}

/// One that is too large for the rows of its entries.
fn long_output(label: &str) -> (&'static str, Value) {
    let text = "words ".repeat(15_000);
    ("add_output", json!({ "label": label, "text": text }))
}

fn child(title: &str) -> (&'static str, Value) {
    ("create_subnode", json!({ "title": title, "execute": true }))
}

fn question(prompt: &str) -> (&'static str, Value) {
    ("request_human_input", json!({ "prompt": prompt }))
}

/// Two children, two questions, three approvals, five outputs in all, of which one is long.
fn script() -> Vec<ChatAnswer> {
    vec![
        call("list_inputs", "{}"),
        calls(&[child("child 1"), child("child 2")]),
        calls(&[question("Which pier?")]),
        calls(&[output("draft")]),
        calls(&[output("report a"), output("report b")]),
        call("await_subnodes", "{}"),
        call("access_node", "{}"),
        calls(&[long_output("notes")]),
        calls(&[("create_subnode", json!({ "title": "note" }))]),
        calls(&[question("Which tide?"), output("report c")]),
        call("list_inputs", "{}"),
        call("mark_complete", r#"{ "summary": "Done." }"#),
    ]
}

fn model() -> Scripted {
    let whole = script();
    let part = vec![calls(&[output("part")]), whole[whole.len() - 1].clone()];
    Scripted::new(move |request| {
        let given = |message: &&Message| matches!(message, Message::Assistant { .. });
        let turn = request.messages.iter().filter(given).count();
        let is_child = request.messages.iter().any(
            |message| matches!(message, Message::User { text } if text.starts_with("# child")),
        );
        let script = if is_child { &part } else { &whole };
        Ok(script[turn].clone())
    })
}

struct Scene {
    test: TestApp,
    ada: Client,
    project: String,
}

impl Scene {
    async fn set() -> Self {
        let test = TestApp::start_with_manual_clock().await.with_model(model());
        let ada = test.user("ada").await;
        let (org, project) = ada.workspace("labs").await;
        let rule = json!([{ "action": "add_output", "requiresApproval": true,
            "when": [{ "argument": "/label", "contains": "report" }] }]);
        let settings = json!({ "settings": { "agentPolicies": rule } });
        let path = format!("/orgs/{org}");
        ada.patch(&path, settings).await.expect(200);
        Scene { test, ada, project }
    }

    async fn state(&self, run: &str) -> Value {
        let path = format!("/executions/{run}");
        self.ada.get(&path).await.expect(200)["execution"].clone()
    }

    /// Runs a new node to its end, the worker dying at the point number `last`; answers
    /// what came of it and how many points were passed.
    async fn run(&mut self, last: usize) -> (Value, usize) {
        self.ada = self.test.user("ada").await;
        let nodes = format!("/projects/{}/nodes", self.project);
        let node = self
            .ada
            .post(&nodes, json!({ "title": "A task" }))
            .await
            .id();
        let start = json!({ "model": "script/ed" });
        let run = self
            .ada
            .post(&format!("/nodes/{node}/execute"), start)
            .await;
        let run = run.expect(201)["execution"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let passed = Arc::new(AtomicUsize::new(0));
        for _ in 0..20 {
            self.work(&passed, last).await;
            let state = self.state(&run).await;
            match state["status"].as_str().unwrap() {
                "complete" => {
                    let outcome = self.outcome(&node, &run).await;
                    return (outcome, passed.load(Ordering::SeqCst));
                }
                "awaiting_input" => self.answer(&run, &state).await,
                "running" | "awaiting_subnodes" | "pending" => {}
                other => panic!("killed at {last}: {other}: {state}"),
            }
            // Whoever died is dead for all to see.
            self.test.clock.advance(TimeDelta::seconds(31));
        }
        panic!(
            "killed at {last}, it never ended: {}",
            self.state(&run).await
        );
    }

    async fn work(&self, passed: &Arc<AtomicUsize>, last: usize) {
        let count = Arc::clone(passed);
        let dies = move |_: Point| count.fetch_add(1, Ordering::SeqCst) == last;
        let worker = AgentWorker::register(Arc::clone(&self.test.app)).await;
        let worker = worker.unwrap().with_breakpoint(Arc::new(dies));
        self.test.relay().await;
        while worker.step(&CancellationToken::new()).await.unwrap() {
            self.test.relay().await;
        }
    }

    async fn answer(&self, run: &str, state: &Value) {
        for request in state["humanInputRequests"].as_array().unwrap() {
            let input = match request["requestType"].as_str().unwrap() {
                "approval" => json!({ "approved": true }),
                _ => json!({ "answer": "the northern one" }),
            };
            let body = json!({ "requestId": request["requestId"], "input": input });
            let path = format!("/executions/{run}/input");
            self.ada.post(&path, body).await.expect(200);
        }
    }

    /// What came of a run, without what is different in every run.
    async fn outcome(&self, node: &str, run: &str) -> Value {
        let verified = self.ada.get(&format!("/executions/{run}/verify")).await;
        assert_eq!(verified.expect(200)["valid"], true);
        let below = format!("/projects/{}/nodes?parentId={node}", self.project);
        let below = self.ada.get(&below).await.expect(200);
        let mut parts = Vec::new();
        for part in below["data"].as_array().unwrap() {
            let id = part["id"].as_str().unwrap();
            let runs = self.ada.get(&format!("/nodes/{id}/executions")).await;
            for run in runs.expect(200)["data"].as_array().unwrap() {
                parts.push(self.journal(run["id"].as_str().unwrap()).await);
            }
            parts.push(self.outputs(id).await);
        }
        let state = self.state(run).await;
        let mut outcome = json!({
            "journal": self.journal(run).await,
            "outputs": self.outputs(node).await,
            "parts": parts,
            "tokens": [state["totalTokensIn"], state["totalTokensOut"]],
        });
        plain(&mut outcome);
        outcome
    }

    async fn journal(&self, run: &str) -> Value {
        let trace = self.ada.get(&format!("/executions/{run}/trace")).await;
        let trace = trace.expect(200)["data"].clone();
        let entry = |entry: &Value| {
            json!([
                entry["sequenceNumber"],
                entry["eventType"],
                entry["eventData"]
            ])
        };
        trace.as_array().unwrap().iter().map(entry).collect()
    }

    async fn outputs(&self, node: &str) -> Value {
        let node = self.ada.get(&format!("/nodes/{node}")).await.expect(200);
        let output = |output: &Value| json!([output["label"], output["textContent"]]);
        let outputs = node["outputs"].as_array().unwrap().iter();
        json!([
            node["status"],
            node["version"],
            outputs.map(output).collect::<Vec<_>>()
        ])
    }
}

/// Takes ids, hashes and times away.
fn plain(value: &mut Value) {
    match value {
        Value::String(text) if uuid::Uuid::parse_str(text).is_ok() => *value = json!("id"),
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(map) => {
            map.retain(|key, _| !["createdAt", "expiresAt", "callHash"].contains(&key.as_str()));
            map.values_mut().for_each(plain);
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_crash_point_of_a_long_run_leads_to_the_same_end() {
    let mut scene = Scene::set().await;
    let (undisturbed, points) = scene.run(usize::MAX).await;
    assert_eq!(undisturbed["outputs"][2].as_array().unwrap().len(), 5);
    assert!(points > 60, "{points}");
    // A step has three points, so that every fourth of them is of each kind in turn.
    let full = std::env::var("GLASSBOX_SOAK").is_ok_and(|form| form == "full");
    let stride = if full { 1 } else { 4 };
    for last in (0..points).step_by(stride) {
        let (outcome, _) = scene.run(last).await;
        assert_eq!(outcome, undisturbed, "killed at point {last} of {points}");
    }
}
