//! People's control of executions: pause, resume, cancel, answers, approvals, messages, and
//! runs that start runs.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::TimeDelta;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    platform::llm::{ChatAnswer, ChatRequest, Message, Model, ModelError},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Client, TestApp,
    model::{Scripted, Stuck, call, calls, says},
};

/// Ada, her organization, a node and its run, none of whose calls was made yet.
struct Scene {
    test: TestApp,
    ada: Client,
    org: String,
    node: String,
    run: String,
}

impl Scene {
    async fn of(test: TestApp, policies: Value) -> Self {
        let ada = test.user("ada").await;
        let (org, project) = ada.workspace("labs").await;
        let settings = json!({ "settings": { "agentPolicies": policies } });
        ada.patch(&format!("/orgs/{org}"), settings)
            .await
            .expect(200);
        let node = json!({ "title": "A task" });
        let node = ada
            .post(&format!("/projects/{project}/nodes"), node)
            .await
            .id();
        let run = ada
            .post(
                &format!("/nodes/{node}/execute"),
                json!({ "model": "script/ed" }),
            )
            .await
            .expect(201);
        let run = run["execution"]["id"].as_str().unwrap().to_owned();
        Scene {
            test,
            ada,
            org,
            node,
            run,
        }
    }

    /// With a model that says `answers`, one after the other.
    async fn with(answers: Vec<ChatAnswer>, policies: Value) -> Self {
        let test = TestApp::start_with_manual_clock().await;
        Self::of(test.with_model(in_turn(answers)), policies).await
    }

    async fn worker(&self) -> AgentWorker {
        AgentWorker::register(Arc::clone(&self.test.app))
            .await
            .unwrap()
    }

    /// Days go by, after which Ada signs in again.
    async fn days_pass(&mut self, days: i64) {
        self.test.clock.advance(TimeDelta::days(days));
        self.ada = self.test.user("ada").await;
    }

    /// Works until nothing is left to do.
    async fn work(&self) {
        let worker = self.worker().await;
        self.test.relay().await;
        while worker.step(&CancellationToken::new()).await.unwrap() {
            self.test.relay().await;
        }
    }

    async fn state(&self) -> Value {
        let path = format!("/executions/{}", self.run);
        self.ada.get(&path).await.expect(200)["execution"].clone()
    }

    async fn status(&self) -> String {
        self.state().await["status"].as_str().unwrap().to_owned()
    }

    async fn pending(&self) -> Vec<Value> {
        let state = self.state().await;
        state["humanInputRequests"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    async fn trace(&self) -> Vec<Value> {
        let path = format!("/executions/{}/trace", self.run);
        let trace = self.ada.get(&path).await.expect(200);
        trace["data"].as_array().unwrap().clone()
    }

    async fn kinds(&self) -> Vec<String> {
        let kind = |event: &Value| event["eventType"].as_str().unwrap().to_owned();
        self.trace().await.iter().map(kind).collect()
    }

    /// What the model was told of its calls.
    async fn results(&self) -> Vec<Value> {
        let trace = self.trace().await;
        let told = trace.iter().filter(|e| e["eventType"] == "tool_call");
        told.map(|e| e["eventData"]["result"].clone()).collect()
    }

    async fn answer(&self, body: Value) -> crate::support::Answer {
        let path = format!("/executions/{}/input", self.run);
        self.ada.post(&path, body).await
    }

    async fn approve(&self, request: &Value) {
        let body = json!({
            "requestId": request["requestId"], "callHash": request["callHash"],
            "input": { "approved": true },
        });
        self.answer(body).await.expect(200);
    }

    async fn control(&self, what: &str) -> crate::support::Answer {
        let path = format!("/nodes/{}/execution/{what}", self.node);
        self.ada.post_empty(&path).await
    }

    async fn outputs(&self) -> Vec<String> {
        let node = self.ada.get(&format!("/nodes/{}", self.node)).await;
        let node = node.expect(200);
        let outputs = node["outputs"].as_array().unwrap().iter();
        outputs
            .map(|output| output["label"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn assert_whole(&self) {
        let path = format!("/executions/{}/verify", self.run);
        let verified = self.ada.get(&path).await.expect(200);
        assert_eq!(verified["valid"], true, "{verified}");
    }
}

/// Says these answers, chosen by how many the model gave before: so a call that is made
/// again after a crash gets the same.
fn in_turn(answers: Vec<ChatAnswer>) -> Scripted {
    Scripted::new(move |request| {
        let given = |message: &&Message| matches!(message, Message::Assistant { .. });
        let turn = request.messages.iter().filter(given).count();
        Ok(answers.get(turn).cloned().unwrap_or_else(|| says("Done.")))
    })
}

fn output(label: &str) -> (&'static str, Value) {
    ("add_output", json!({ "label": label, "text": "words" }))
}

fn complete() -> ChatAnswer {
    call("mark_complete", &json!({ "summary": "done" }).to_string())
}

fn ask_for(tool: &str) -> Value {
    json!([{ "action": tool, "requiresApproval": true }])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_the_result_of_the_call_that_asked() {
    let question = json!({ "prompt": "Which pier?", "options": ["north", "south"] });
    let ask = call("request_human_input", &question.to_string());
    let scene = Scene::with(vec![ask, complete()], json!([])).await;
    scene
        .answer(json!({ "input": { "answer": "north" } }))
        .await
        .expect_problem(409, "EXECUTION_STATE");
    scene.work().await;
    let state = scene.state().await;
    assert_eq!(state["status"], "awaiting_input");
    assert_eq!(state["humanInputRequest"]["prompt"], "Which pier?");
    assert_eq!(state["humanInputRequest"]["options"][1], "south");
    scene
        .answer(json!({ "input": {} }))
        .await
        .expect_problem(400, "VALIDATION_FAILED");
    let answered = scene
        .answer(json!({ "input": { "answer": "north" } }))
        .await
        .expect(200);
    assert_eq!(answered["execution"]["status"], "pending");
    scene.work().await;
    assert_eq!(scene.status().await, "complete");
    assert_eq!(scene.results().await[0]["answer"]["answer"], "north");
    scene
        .answer(json!({ "input": { "answer": "south" } }))
        .await
        .expect_problem(409, "EXECUTION_STATE");
    scene.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_approvals_answered_in_any_order_each_reach_their_call_once() {
    let labels: Vec<String> = (0..8).map(|n| format!("output {n}")).collect();
    let list: Vec<_> = labels.iter().map(|label| output(label)).collect();
    let scene = Scene::with(vec![calls(&list), complete()], ask_for("add_output")).await;
    scene.work().await;
    let pending = scene.pending().await;
    assert_eq!(pending.len(), 8);
    scene
        .answer(json!({ "input": { "approved": true } }))
        .await
        .expect_problem(400, "VALIDATION_FAILED");
    for (round, n) in [5, 2, 7, 0, 3, 6, 1, 4].into_iter().enumerate() {
        scene.approve(&pending[n]).await;
        // A worker dies with the answer in its hands, at another point each time.
        let passed = AtomicUsize::new(0);
        let die_at = Arc::new(move |_: Point| passed.fetch_add(1, Ordering::SeqCst) == round % 3);
        let dying = scene.worker().await.with_breakpoint(die_at);
        scene.test.relay().await;
        dying.step(&CancellationToken::new()).await.unwrap();
        scene.test.clock.advance(TimeDelta::seconds(31));
        scene.work().await;
        let made = scene.outputs().await;
        assert_eq!(made.len(), round + 1, "{made:?}");
        assert_eq!(
            made.last(),
            Some(&labels[n]),
            "the approved call and no other"
        );
    }
    assert_eq!(scene.status().await, "complete");
    let mut made = scene.outputs().await;
    made.sort();
    assert_eq!(made, labels);
    scene.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_void_when_the_node_has_changed() {
    let answers = vec![calls(&[output("report")]), complete()];
    let scene = Scene::with(answers, ask_for("add_output")).await;
    scene.work().await;
    let first = scene.pending().await.remove(0);
    let title = json!({ "title": "Another task" });
    let path = format!("/nodes/{}", scene.node);
    scene.ada.patch(&path, title).await.expect(200);
    scene.approve(&first).await;
    scene.work().await;
    assert_eq!(scene.status().await, "awaiting_input");
    assert!(scene.outputs().await.is_empty());
    let second = scene.pending().await.remove(0);
    assert_ne!(first["requestId"], second["requestId"]);
    assert_ne!(first["callHash"], second["callHash"]);
    let old = json!({ "requestId": first["requestId"], "input": { "approved": true } });
    scene
        .answer(old)
        .await
        .expect_problem(409, "EXECUTION_STATE");
    let other = json!({ "callHash": first["callHash"], "input": { "approved": true } });
    scene.answer(other).await.expect_problem(409, "CONFLICT");
    scene.approve(&second).await;
    scene.work().await;
    assert_eq!(scene.status().await, "complete");
    assert_eq!(scene.outputs().await, ["report"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_edit_the_arguments_and_the_journal_has_both() {
    let answers = vec![calls(&[output("draft")]), complete()];
    let scene = Scene::with(answers, ask_for("add_output")).await;
    scene.work().await;
    let edited = json!({ "label": "final", "text": "better words" });
    let body = json!({ "input": { "approved": true, "arguments": edited } });
    scene.answer(body).await.expect(200);
    scene.work().await;
    assert_eq!(scene.outputs().await, ["final"]);
    let trace = scene.trace().await;
    let entry = trace.iter().find(|e| e["eventType"] == "tool_call");
    let entry = &entry.unwrap()["eventData"];
    assert!(entry["arguments"].as_str().unwrap().contains("final"));
    assert!(entry["askedFor"].as_str().unwrap().contains("draft"));
    assert!(entry["approvedBy"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_not_made_and_the_model_learns_why() {
    let answers = vec![calls(&[output("report")]), complete()];
    let scene = Scene::with(answers, ask_for("add_output")).await;
    scene.work().await;
    let body = json!({ "input": { "approved": false, "comment": "not yet" } });
    scene.answer(body).await.expect(200);
    scene.work().await;
    assert!(scene.outputs().await.is_empty());
    let told = scene.results().await[0]["error"].clone();
    assert!(told.as_str().unwrap().contains("not yet"), "{told}");
    assert_eq!(scene.status().await, "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_denies_nobody_can_approve() {
    let rule = json!([
        { "action": "add_output", "requiresApproval": true },
        { "action": "add_output", "allowed": false,
          "when": [{ "argument": "/label", "contains": "secret" }] },
    ]);
    let answers = vec![calls(&[output("the secret"), output("plain")]), complete()];
    let scene = Scene::with(answers, rule).await;
    scene.work().await;
    let pending = scene.pending().await;
    assert_eq!(pending.len(), 1, "the denied call was not even asked for");
    let edited = json!({ "label": "another secret", "text": "words" });
    let body = json!({ "input": { "approved": true, "arguments": edited } });
    scene.answer(body).await.expect(200);
    scene.work().await;
    assert!(scene.outputs().await.is_empty());
    assert_eq!(scene.status().await, "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_so_many_calls_a_policy_asks() {
    let rule = json!([{ "action": "add_output", "maxWithoutApproval": 2 }]);
    let list: Vec<_> = ["a", "b", "c"].map(output).to_vec();
    let scene = Scene::with(vec![calls(&list), complete()], rule).await;
    scene.work().await;
    assert_eq!(scene.outputs().await, ["a", "b"]);
    assert_eq!(scene.status().await, "awaiting_input");
    let pending = scene.pending().await.remove(0);
    assert_eq!(pending["metadata"]["arguments"]["label"], "c");
    scene.approve(&pending).await;
    scene.work().await;
    assert_eq!(scene.outputs().await, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_answers_ends() {
    let ask = call("request_human_input", r#"{ "prompt": "Which?" }"#);
    let mut scene = Scene::with(vec![ask, complete()], json!([])).await;
    scene.work().await;
    assert_eq!(scene.status().await, "awaiting_input");
    scene.days_pass(29).await;
    scene.work().await;
    assert_eq!(scene.status().await, "awaiting_input");
    scene.days_pass(2).await;
    let late = json!({ "input": { "answer": "late" } });
    scene
        .answer(late)
        .await
        .expect_problem(409, "EXECUTION_STATE");
    scene.work().await;
    // Days of waiting are not work: the limit of half an hour is not reached.
    assert_eq!(scene.status().await, "complete");
    assert!(scene.results().await[0]["error"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_takes_answers_and_uses_them_when_it_is_resumed() {
    let ask = call("request_human_input", r#"{ "prompt": "Which?" }"#);
    let scene = Scene::with(vec![ask, complete()], json!([])).await;
    scene.work().await;
    scene.control("pause").await.expect(200);
    scene
        .control("pause")
        .await
        .expect_problem(409, "EXECUTION_STATE");
    let answer = json!({ "input": { "answer": "this one" } });
    scene.answer(answer).await.expect(200);
    scene.work().await;
    assert_eq!(scene.status().await, "paused");
    scene.control("resume").await.expect(200);
    scene
        .control("resume")
        .await
        .expect_problem(409, "EXECUTION_STATE");
    scene.work().await;
    assert_eq!(scene.status().await, "complete");
    assert_eq!(scene.results().await[0]["answer"]["answer"], "this one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_resumed_without_an_answer_waits_again() {
    let ask = call("request_human_input", r#"{ "prompt": "Which?" }"#);
    let scene = Scene::with(vec![ask, complete()], json!([])).await;
    scene.work().await;
    scene.control("pause").await.expect(200);
    scene.control("resume").await.expect(200);
    scene.work().await;
    assert_eq!(scene.status().await, "awaiting_input");
    assert_eq!(scene.pending().await.len(), 1);
}

/// A model that is stuck once and then goes on with another.
struct StuckOnce {
    stuck: Stuck,
    then: Scripted,
    called: AtomicUsize,
}

#[async_trait::async_trait]
impl Model for StuckOnce {
    async fn chat(
        &self,
        request: &ChatRequest,
        delta: glassbox::platform::llm::Delta<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        if self.called.fetch_add(1, Ordering::SeqCst) == 0 {
            return self.stuck.chat(request, delta).await;
        }
        self.then.chat(request, delta).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_drops_a_call_of_the_model_and_resuming_makes_it_anew() {
    let stuck = Stuck::default();
    let model = StuckOnce {
        stuck: stuck.clone(),
        then: in_turn(vec![complete()]),
        called: AtomicUsize::new(0),
    };
    let test = TestApp::start_with_model(model).await;
    test.relay_always();
    let scene = Scene::of(test, json!([])).await;
    let stop = CancellationToken::new();
    let working = tokio::spawn(scene.worker().await.run(stop.clone()));
    stuck.asked.notified().await;
    scene.control("pause").await.expect(200);
    stuck.dropped.notified().await;
    assert_eq!(scene.status().await, "paused");
    let resumed = scene.control("resume").await.expect(200);
    assert_eq!(resumed["execution"]["status"], "pending");
    let path = format!("/executions/{}/stream", scene.run);
    // The stream ends with the run.
    scene.ada.get(&path).await;
    assert_eq!(scene.status().await, "complete");
    stop.cancel();
    working.await.unwrap();
    let kinds = scene.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "llm_call").count(), 1);
    scene.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_read_at_the_next_step_and_never_between_a_call_and_its_result() {
    let test = TestApp::start().await;
    let model = in_turn(vec![calls(&[output("a"), output("b")]), complete()]);
    let asked = Arc::clone(&model.asked);
    let scene = Scene::of(test.with_model(model), json!([])).await;
    let (ada, run) = (scene.ada.clone(), scene.run.clone());
    let appended = AtomicUsize::new(0);
    let speaking = scene.worker().await.with_breakpoint(Arc::new(move |point| {
        // Behind the worker's back, between its look at the journal and its third entry.
        if point == Point::BeforeAppend && appended.fetch_add(1, Ordering::SeqCst) == 2 {
            let (ada, path) = (ada.clone(), format!("/executions/{run}/messages"));
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let text = json!({ "text": "Mind the tide." });
                    ada.post(&path, text).await.expect(200);
                });
            });
        }
        false
    }));
    scene.test.relay().await;
    assert!(speaking.step(&CancellationToken::new()).await.unwrap());
    assert_eq!(scene.status().await, "complete");
    assert_eq!(scene.outputs().await, ["a", "b"], "each call was made once");
    let asked = asked.lock().unwrap();
    let last = &asked.last().unwrap().messages;
    let roles: Vec<&str> = last
        .iter()
        .map(|message| match message {
            Message::System { .. } => "system",
            Message::User { .. } => "user",
            Message::Assistant { .. } => "assistant",
            Message::Tool { .. } => "tool",
        })
        .collect();
    assert_eq!(
        roles,
        ["system", "user", "assistant", "tool", "tool", "user"]
    );
    let Some(Message::User { text }) = last.last() else {
        panic!("{last:?}")
    };
    assert!(text.contains("Mind the tide."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_run_that_ended_is_refused() {
    let scene = Scene::with(vec![complete()], json!([])).await;
    scene.work().await;
    let path = format!("/executions/{}/messages", scene.run);
    let late = scene.ada.post(&path, json!({ "text": "Wait!" })).await;
    late.expect_problem(409, "EXECUTION_STATE");
    let blank = scene.ada.post(&path, json!({ "text": " " })).await;
    blank.expect_problem(400, "VALIDATION_FAILED");
}

/// A parent that starts two runs and awaits them; they do as `child` says.
fn family(child: Vec<ChatAnswer>) -> Scripted {
    let start = |title: &str| {
        let arguments = json!({ "title": title, "execute": true });
        ("create_subnode", arguments)
    };
    let parent = vec![
        calls(&[start("child 1"), start("child 2")]),
        call("await_subnodes", "{}"),
        complete(),
    ];
    Scripted::new(move |request| {
        let given = |message: &&Message| matches!(message, Message::Assistant { .. });
        let turn = request.messages.iter().filter(given).count();
        let is_child = request.messages.iter().any(
            |message| matches!(message, Message::User { text } if text.starts_with("# child")),
        );
        let script = if is_child { &child } else { &parent };
        Ok(script.get(turn).cloned().unwrap_or_else(|| says("Done.")))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_rests_until_its_children_have_ended() {
    let model = family(vec![calls(&[output("part")]), complete()]);
    let test = TestApp::start_with_manual_clock().await.with_model(model);
    let scene = Scene::of(test, json!([])).await;
    let worker = scene.worker().await;
    scene.test.relay().await;
    assert!(worker.step(&CancellationToken::new()).await.unwrap());
    assert_eq!(scene.status().await, "awaiting_subnodes");
    scene.work().await;
    assert_eq!(scene.status().await, "complete");
    let results = scene.results().await;
    let report = results
        .iter()
        .find(|result| result.get("subnodes").is_some())
        .unwrap();
    for child in report["subnodes"].as_array().unwrap() {
        assert_eq!(child["status"], "complete", "{child}");
        assert_eq!(child["outputs"][0]["label"], "part", "{child}");
        let path = format!("/executions/{}", child["executionId"].as_str().unwrap());
        let child = scene.ada.get(&path).await.expect(200);
        assert_eq!(child["execution"]["parentExecutionId"], scene.run.as_str());
    }
    let waits = scene.kinds().await;
    assert_eq!(waits.iter().filter(|kind| *kind == "tool_call").count(), 4);
    scene.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_parent_cancels_what_it_started() {
    let ask = call("request_human_input", r#"{ "prompt": "Which?" }"#);
    let test = TestApp::start_with_manual_clock().await;
    let scene = Scene::of(test.with_model(family(vec![ask])), json!([])).await;
    scene.work().await;
    assert_eq!(scene.status().await, "awaiting_subnodes");
    let trace = scene.trace().await;
    let children: Vec<&str> = trace
        .iter()
        .filter(|event| event["eventType"] == "subnode_created")
        .map(|event| event["eventData"]["executionId"].as_str().unwrap())
        .collect();
    assert_eq!(children.len(), 2);
    scene.control("cancel").await.expect(200);
    for child in children {
        let child = scene.ada.get(&format!("/executions/{child}")).await;
        let child = child.expect(200);
        assert_eq!(child["execution"]["status"], "cancelled");
        assert!(child["execution"].get("humanInputRequest").is_none());
    }
    scene.work().await;
    assert_eq!(scene.status().await, "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_whose_wake_up_was_lost_is_found() {
    let test = TestApp::start_with_manual_clock().await;
    let scene = Scene::of(test.with_model(family(vec![complete()])), json!([])).await;
    scene.work().await;
    assert_eq!(scene.status().await, "complete");

    let other = json!({ "title": "Another", "model": "script/ed" });
    let projects = format!("/orgs/{}/projects", scene.org);
    let project = scene.ada.post(&projects, json!({ "name": "Other" })).await;
    let nodes = format!("/projects/{}/nodes", project.id());
    let node = scene.ada.post(&nodes, other).await.id();
    let scene = Scene {
        run: scene
            .ada
            .post(
                &format!("/nodes/{node}/execute"),
                json!({ "model": "script/ed" }),
            )
            .await
            .expect(201)["execution"]["id"]
            .as_str()
            .unwrap()
            .to_owned(),
        node,
        ..scene
    };
    // Every wake-up is lost: only the sweep finds work.
    scene.test.relay().await;
    scene.test.database.execute("delete from jobs").await;
    let worker = scene.worker().await;
    while worker
        .step_abandoned(&CancellationToken::new())
        .await
        .unwrap()
    {
        scene.test.relay().await;
        scene.test.database.execute("delete from jobs").await;
    }
    assert_eq!(scene.status().await, "complete");
}

/// What a person does at some moment, and the states in which that is refused.
const CONTROLS: &[&str] = &["pause", "resume", "cancel", "answer", "message"];

/// Does `what`; answers the status code.
async fn act(ada: &Client, node: &str, run: &str, what: &str) -> u16 {
    match what {
        "answer" => {
            let body = json!({ "input": { "approved": true } });
            ada.post(&format!("/executions/{run}/input"), body)
                .await
                .status
        }
        "message" => {
            let body = json!({ "text": "Hello." });
            ada.post(&format!("/executions/{run}/messages"), body)
                .await
                .status
        }
        control => {
            let path = format!("/nodes/{node}/execution/{control}");
            ada.post_empty(&path).await.status
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pair_of_controls_at_every_boundary_leaves_no_run_behind() {
    let answers = || {
        let list = [output("a"), output("b")];
        vec![calls(&list), complete()]
    };
    let test = TestApp::start_with_manual_clock().await;
    let scene = Scene::of(test.with_model(in_turn(answers())), ask_for("add_output")).await;
    let project = scene.ada.get(&format!("/nodes/{}", scene.node)).await;
    let project = project.expect(200)["projectId"]
        .as_str()
        .unwrap()
        .to_owned();
    let pairs = CONTROLS
        .iter()
        .flat_map(|first| CONTROLS.iter().map(move |second| (*first, *second)));
    let mut tried = 0;
    for (first, second) in pairs {
        for boundary in [0, 1, 2, 4, 5, 7] {
            let node = json!({ "title": "A task" });
            let nodes = format!("/projects/{project}/nodes");
            let node = scene.ada.post(&nodes, node).await.id();
            let start = json!({ "model": "script/ed" });
            let execute = format!("/nodes/{node}/execute");
            let run = scene.ada.post(&execute, start).await.expect(201)["execution"]["id"]
                .as_str()
                .unwrap()
                .to_owned();
            at_boundary(&scene, &node, &run, boundary, [first, second]).await;
            finish(&scene, &node, &run).await;
            tried += 1;
        }
    }
    assert_eq!(tried, 25 * 6);
}

/// Drives the run and does both things when the driver passes `boundary`.
async fn at_boundary(scene: &Scene, node: &str, run: &str, boundary: usize, acts: [&str; 2]) {
    let passed = AtomicUsize::new(0);
    let (ada, node, run) = (scene.ada.clone(), node.to_owned(), run.to_owned());
    let acts = acts.map(str::to_owned);
    let driver = scene.worker().await.with_breakpoint(Arc::new(move |_| {
        if passed.fetch_add(1, Ordering::SeqCst) == boundary {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    for what in &acts {
                        let status = act(&ada, &node, &run, what).await;
                        assert!([200, 400, 409].contains(&status), "{what}: {status}");
                    }
                });
            });
        }
        false
    }));
    scene.test.relay().await;
    while driver.step(&CancellationToken::new()).await.unwrap() {
        scene.test.relay().await;
    }
}

/// Brings the run to its end whatever state it is in; there must be a way.
async fn finish(scene: &Scene, node: &str, run: &str) {
    let path = format!("/executions/{run}");
    for _ in 0..12 {
        let state = scene.ada.get(&path).await.expect(200)["execution"].clone();
        match state["status"].as_str().unwrap() {
            "complete" | "cancelled" => {
                let verified = scene.ada.get(&format!("{path}/verify")).await.expect(200);
                assert_eq!(verified["valid"], true, "{verified}");
                let outputs = scene.ada.get(&format!("/nodes/{node}")).await.expect(200);
                let made = outputs["outputs"].as_array().unwrap().len();
                assert!(
                    state["status"] == "cancelled" || made == 2,
                    "{made} outputs"
                );
                return;
            }
            "paused" => assert_eq!(act(&scene.ada, node, run, "resume").await, 200),
            "awaiting_input" => {
                let request = &state["humanInputRequest"]["requestId"];
                let body = json!({ "requestId": request, "input": { "approved": true } });
                let answer = scene.ada.post(&format!("{path}/input"), body).await;
                answer.expect(200);
            }
            "pending" => {}
            other => panic!("left behind as {other}: {state}"),
        }
        scene.work().await;
    }
    panic!("the run never ended");
}
