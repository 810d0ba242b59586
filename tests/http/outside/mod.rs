//! Tools of servers outside: what agents are offered, what comes of calls, and that what
//! must not happen twice does not, whatever dies when.

mod crash;
mod stdio;
mod trouble;

use std::sync::Arc;

use glassbox::{agent::worker::AgentWorker, platform::llm::ChatAnswer};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Client, TestApp,
    model::{Scripted, call, calls},
    tools::{Manner, ToolServer},
};

const KEY: &str = "key-of-the-organization-0123456789";

/// Ada, her organization, and what an agent on a new node of hers says.
struct Scene {
    test: TestApp,
    ada: Client,
    org: String,
    project: String,
    model: Scripted,
}

fn allowed() -> Vec<(&'static str, String)> {
    vec![("models.allowed_hosts", "127.0.0.1".to_owned())]
}

/// Says these answers, one after the other, in each run.
fn script(answers: Vec<ChatAnswer>) -> Scripted {
    use glassbox::platform::llm::Message;
    Scripted::new(move |request| {
        let said = |message: &&Message| matches!(message, Message::Assistant { .. });
        let turn = request.messages.iter().filter(said).count();
        Ok(answers[turn].clone())
    })
}

fn done() -> ChatAnswer {
    call("mark_complete", r#"{ "summary": "Done." }"#)
}

/// A server's entry in the settings.
fn entry(server: &ToolServer, rest: Value) -> Value {
    let mut entry = json!({ "name": "crm", "url": server.url });
    let rest = rest.as_object().unwrap().clone();
    entry.as_object_mut().unwrap().extend(rest);
    entry
}

impl Scene {
    async fn set(test: TestApp, answers: Vec<ChatAnswer>, settings: Value) -> Self {
        let model = script(answers);
        let test = test.with_model(model.clone());
        let ada = test.user("ada").await;
        let (org, project) = ada.workspace("labs").await;
        let scene = Scene {
            test,
            ada,
            org,
            project,
            model,
        };
        scene.settings(settings).await;
        scene
    }

    async fn with(answers: Vec<ChatAnswer>, server: Value) -> Self {
        let test = TestApp::start_configured(&allowed()).await;
        Self::set(test, answers, json!({ "mcpServers": [server] })).await
    }

    async fn settings(&self, settings: Value) -> Value {
        let path = format!("/orgs/{}", self.org);
        let body = json!({ "settings": settings });
        self.ada.patch(&path, body).await.expect(200)["settings"].clone()
    }

    /// Starts an agent on a new node; answers the run's id and the node's.
    async fn start(&self) -> (String, String) {
        self.start_with(json!({ "model": "script/ed" })).await
    }

    async fn start_with(&self, body: Value) -> (String, String) {
        let path = format!("/projects/{}/nodes", self.project);
        let node = self
            .ada
            .post(&path, json!({ "title": "A task" }))
            .await
            .id();
        let path = format!("/nodes/{node}/execute");
        let run = self.ada.post(&path, body).await.expect(201);
        let run = run["execution"]["id"].as_str().unwrap().to_owned();
        (run, node)
    }

    async fn worker(&self) -> AgentWorker {
        AgentWorker::register(Arc::clone(&self.test.app))
            .await
            .unwrap()
    }

    async fn work(&self) {
        let worker = self.worker().await;
        self.test.relay().await;
        while worker.step(&CancellationToken::new()).await.unwrap() {
            self.test.relay().await;
        }
    }

    /// Runs a new node as far as it goes.
    async fn run(&self) -> String {
        let (run, _) = self.start().await;
        self.work().await;
        run
    }

    async fn state(&self, run: &str) -> Value {
        let path = format!("/executions/{run}");
        self.ada.get(&path).await.expect(200)["execution"].clone()
    }

    async fn trace(&self, run: &str) -> Vec<Value> {
        let path = format!("/executions/{run}/trace");
        let trace = self.ada.get(&path).await.expect(200);
        trace["data"].as_array().unwrap().clone()
    }

    /// The data of the entries of a kind.
    async fn entries(&self, run: &str, kind: &str) -> Vec<Value> {
        let trace = self.trace(run).await;
        let of_kind = trace.iter().filter(|entry| entry["eventType"] == kind);
        of_kind.map(|entry| entry["eventData"].clone()).collect()
    }

    /// What the model was told of its calls.
    async fn results(&self, run: &str) -> Vec<Value> {
        let calls = self.entries(run, "tool_call").await;
        calls.iter().map(|call| call["result"].clone()).collect()
    }

    /// The names of what the model was offered last.
    fn offered(&self) -> Vec<String> {
        let asked = self.model.asked.lock().unwrap();
        let tools = &asked.last().unwrap().tools;
        tools.iter().map(|tool| tool.name.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_of_a_server_are_offered_and_called_and_the_journal_says_so() {
    let server = ToolServer::start().await;
    let answers = vec![
        call("crm__pay", r#"{ "text": "100" }"#),
        call("crm__look", "{}"),
        done(),
    ];
    let effects = json!({ "effects": { "look": "read" }, "key": KEY });
    let scene = Scene::with(answers, entry(&server, effects)).await;
    let run = scene.run().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    let offered = scene.offered();
    for name in ["crm__pay", "crm__put", "crm__look", "mark_complete"] {
        assert!(offered.iter().any(|offer| offer == name), "{offered:?}");
    }
    let start = scene.entries(&run, "execution_start").await.remove(0);
    let names = json!(["crm__look", "crm__pay", "crm__put"]);
    assert_eq!(start["toolServers"]["servers"][0]["tools"], names);
    assert_eq!(start["toolServers"]["hash"].as_str().unwrap().len(), 64);
    assert!(
        start["tools"]
            .as_array()
            .unwrap()
            .contains(&json!("crm__pay"))
    );
    // What may have an effect is announced first, and what only reads is not.
    let intents = scene.entries(&run, "checkpoint").await;
    assert_eq!(intents.len(), 1, "{intents:?}");
    assert_eq!(intents[0]["reason"], "call_begins");
    assert_eq!(intents[0]["effect"], "at_most_once");
    let paid = &server.calls_of("pay")[0];
    assert_eq!(paid.key.as_deref(), intents[0]["idempotencyKey"].as_str());
    assert!(paid.key.as_ref().unwrap().starts_with(&run));
    assert_eq!(paid.arguments, json!({ "text": "100" }));
    assert!(paid.head.contains(&format!("authorization: bearer {KEY}")));
    let told = json!({ "content": "done", "structuredContent": { "n": 1 } });
    assert_eq!(scene.results(&run).await[..2], [told.clone(), told]);
    let verified = scene.ada.get(&format!("/executions/{run}/verify")).await;
    assert_eq!(verified.expect(200)["valid"], true);
    for path in [
        format!("/executions/{run}/trace"),
        format!("/orgs/{}", scene.org),
    ] {
        let shown = scene.ada.get(&path).await.expect(200);
        assert!(!shown.to_string().contains(KEY), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_people_decide_about_outside_tools_as_about_ours() {
    let server = ToolServer::start().await;
    let pay = ("crm__pay", json!({ "text": "100" }));
    let answers = vec![calls(&[("crm__put", json!({})), pay]), done()];
    let scene = Scene::with(answers, entry(&server, json!({}))).await;
    scene
        .settings(json!({
            "mcpServers": [entry(&server, json!({}))],
            "agentPolicies": [
                { "action": "crm__put", "allowed": false },
                { "action": "crm__pay", "requiresApproval": true },
            ],
        }))
        .await;
    let run = scene.run().await;
    let state = scene.state(&run).await;
    assert_eq!(state["status"], "awaiting_input", "{state}");
    assert!(server.calls().is_empty());
    let request = &state["humanInputRequests"][0];
    assert_eq!(request["metadata"]["tool"], "crm__pay");
    let input = json!({ "approved": true, "arguments": { "text": "90" } });
    let body = json!({ "requestId": request["requestId"], "input": input });
    let path = format!("/executions/{run}/input");
    scene.ada.post(&path, body).await.expect(200);
    scene.work().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    let results = scene.results(&run).await;
    assert_eq!(results[0]["code"], "FORBIDDEN");
    let paid = server.calls();
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0].arguments, json!({ "text": "90" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_only_the_tools_that_its_organization_and_its_start_allow() {
    let server = ToolServer::start().await;
    let some = entry(&server, json!({ "tools": ["look", "pay"] }));
    let scene = Scene::with(vec![call("crm__put", "{}"), done()], some).await;
    let given = json!({ "model": "script/ed", "config": { "tools": ["list_inputs", "crm__pay"] } });
    let (run, _) = scene.start_with(given).await;
    scene.work().await;
    assert_eq!(
        scene.offered(),
        ["list_inputs", "mark_complete", "crm__pay"]
    );
    assert_eq!(scene.results(&run).await[0]["code"], "NOT_FOUND");
    let odd = json!({ "model": "script/ed", "config": { "tools": ["crm__p.y"] } });
    let path = format!("/projects/{}/nodes", scene.project);
    let node = scene.ada.post(&path, json!({ "title": "T" })).await.id();
    let refused = scene.ada.post(&format!("/nodes/{node}/execute"), odd).await;
    refused.expect_problem(400, "VALIDATION_FAILED");
    assert!(server.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organizations_servers_are_never_offered() {
    let server = ToolServer::start().await;
    let mut scene = Scene::with(
        vec![call("crm__pay", "{}"), done()],
        entry(&server, json!({})),
    )
    .await;
    let bob = scene.test.user("bob").await;
    let (_, project) = bob.workspace("others").await;
    (scene.ada, scene.project) = (bob, project);
    let run = scene.run().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    assert!(scene.offered().iter().all(|name| !name.contains("__")));
    assert_eq!(scene.results(&run).await[0]["code"], "NOT_FOUND");
    assert_eq!(server.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_costs_its_tools_and_not_the_run() {
    let server = ToolServer::start().await;
    let gone = json!({ "name": "gone", "url": "http://127.0.0.1:9/mcp" });
    let scene = Scene::with(vec![done()], gone.clone()).await;
    let servers = json!({ "mcpServers": [gone, entry(&server, json!({}))] });
    scene.settings(servers).await;
    let run = scene.run().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    let start = scene.entries(&run, "execution_start").await.remove(0);
    let told = &start["toolServers"]["servers"];
    assert_eq!(told[0]["error"]["kind"], "unreachable");
    assert_eq!(told[1]["tools"].as_array().unwrap().len(), 3);
    assert!(scene.offered().contains(&"crm__pay".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_to_a_run_that_goes_on_is_noted_when_it_changed() {
    let server = ToolServer::start().await;
    let ask = call("request_human_input", r#"{ "prompt": "Which?" }"#);
    let scene = Scene::with(vec![ask, done()], entry(&server, json!({}))).await;
    let run = scene.run().await;
    assert!(scene.entries(&run, "checkpoint").await.is_empty());
    scene.settings(json!({ "mcpServers": [] })).await;
    let state = scene.state(&run).await;
    let request = &state["humanInputRequests"][0]["requestId"];
    let body = json!({ "requestId": request, "input": { "answer": "that" } });
    let path = format!("/executions/{run}/input");
    scene.ada.post(&path, body).await.expect(200);
    scene.work().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    let notes = scene.entries(&run, "checkpoint").await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0]["reason"], "tools_offered");
    assert_eq!(notes[0]["toolServers"], Value::Null);
    assert!(scene.offered().iter().all(|name| !name.contains("__")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_told_by_its_kind_and_size() {
    let server = ToolServer::start().await;
    server.set(Manner::Mixed);
    let scene = Scene::with(
        vec![call("crm__look", "{}"), done()],
        entry(&server, json!({})),
    )
    .await;
    let run = scene.run().await;
    let told = &scene.results(&run).await[0];
    assert_eq!(told["content"], "first\n[image: image/png, 6 bytes]\nlast");
}
