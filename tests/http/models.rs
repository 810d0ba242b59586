//! Models of an organization's own: found by name, asked with its key at its address,
//! and followed by the next when they don't answer. The models are servers on loopback.

use std::sync::Arc;

use glassbox::{agent::worker::AgentWorker, platform::llm::Message};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{
    Client, TestApp,
    model::{Scripted, Stuck},
};

const KEY: &str = "sk-of-the-organization-0123456789";

/// Operators who run models in their own network allow it.
async fn start() -> TestApp {
    TestApp::start_configured(&[("models.allowed_hosts", "127.0.0.1".to_owned())]).await
}

fn stream(events: &[Value]) -> ResponseTemplate {
    let body: String = events.iter().map(|e| format!("data: {e}\n\n")).collect();
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

/// A server that completes the work in its first answer.
async fn good() -> MockServer {
    let call = json!({ "index": 0, "id": "c1", "function": {
        "name": "mark_complete", "arguments": "{\"summary\":\"Done.\"}" } });
    let answer = stream(&[
        json!({ "model": "q-2026", "choices": [{ "delta": { "tool_calls": [call] } }] }),
        json!({ "choices": [{ "delta": {}, "finish_reason": "tool_calls" }] }),
        json!({ "choices": [], "usage": { "prompt_tokens": 10, "completion_tokens": 5 } }),
    ]);
    serving(answer).await
}

async fn serving(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn asked(server: &MockServer) -> Vec<wiremock::Request> {
    server.received_requests().await.unwrap()
}

fn own(name: &str, server: &MockServer) -> Value {
    json!({ "name": name, "litellmModel": format!("openai/{name}-at-home"),
            "apiBase": format!("{}/v1", server.uri()), "apiKey": KEY })
}

/// An organization with these settings, and a node in it.
async fn organization(ada: &Client, slug: &str, settings: Value) -> (String, String) {
    let (org, project) = ada.workspace(slug).await;
    let path = format!("/orgs/{org}");
    ada.patch(&path, json!({ "settings": settings }))
        .await
        .expect(200);
    let path = format!("/projects/{project}/nodes");
    let node = ada.post(&path, json!({ "title": "A task" })).await.id();
    (org, node)
}

/// Runs the node to the end; answers the execution and its trace.
async fn run(test: &TestApp, ada: &Client, node: &str, body: Value) -> (Value, Vec<Value>) {
    let path = format!("/nodes/{node}/execute");
    let id = ada.post(&path, body).await.expect(201)["execution"]["id"].clone();
    test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}
    let path = format!("/executions/{}", id.as_str().unwrap());
    let execution = ada.get(&path).await.expect(200)["execution"].clone();
    let trace = ada.get(&format!("{path}/trace")).await.expect(200);
    (execution, trace["data"].as_array().unwrap().clone())
}

fn calls(trace: &[Value]) -> Vec<&Value> {
    let is_call = |event: &&Value| event["eventType"] == "llm_call";
    trace.iter().filter(is_call).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_model_is_asked_at_its_address_with_its_key_and_by_its_name_there() {
    let (test, server) = (start().await, good().await);
    let ada = test.user("ada").await;
    let settings = json!({ "models": [own("house", &server)], "defaultModel": "house" });
    let (_, node) = organization(&ada, "labs", settings).await;
    let (execution, trace) = run(&test, &ada, &node, json!({})).await;
    assert_eq!(execution["status"], "complete", "{execution}");
    assert_eq!(execution["modelId"], "house");
    let call = calls(&trace)[0];
    assert_eq!(call["model"], "house");
    assert_eq!(call["eventData"]["model"], "q-2026");
    assert!(call["eventData"].get("fallbackFrom").is_none());
    let asked = asked(&server).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].url.path(), "/v1/chat/completions");
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {KEY}"));
    let body: Value = asked[0].body_json().unwrap();
    assert_eq!(body["model"], "house-at-home");
    assert!(!serde_json::to_string(&trace).unwrap().contains(KEY));
    // What nobody has a price for has no known cost.
    assert_eq!(execution["estimatedCostUsd"], Value::Null, "{execution}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_endpoint_serves_what_nobody_else_has() {
    let (test, server) = (start().await, good().await);
    let ada = test.user("ada").await;
    let settings = json!({ "selfHostedEndpoint": server.uri(), "selfHostedKey": KEY });
    let (_, node) = organization(&ada, "labs", settings).await;
    for (name, served) in [("self_hosted/llama", "llama"), ("meta/llama", "meta/llama")] {
        let (execution, _) = run(&test, &ada, &node, json!({ "model": name })).await;
        assert_eq!(execution["status"], "complete", "{execution}");
        let body: Value = asked(&server).await.last().unwrap().body_json().unwrap();
        assert_eq!(body["model"], served);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_model_is_asked_when_one_does_not_answer_and_the_journal_says_why() {
    let (test, server) = (start().await, good().await);
    let refusing = serving(ResponseTemplate::new(401)).await;
    let small = json!({ "error": { "code": "context_length_exceeded", "message": "too long" } });
    let small = serving(ResponseTemplate::new(400).set_body_json(small)).await;
    let ada = test.user("ada").await;
    let models = [
        own("first", &refusing),
        own("second", &small),
        own("third", &server),
    ];
    let (_, node) = organization(&ada, "labs", json!({ "models": models })).await;
    let (execution, trace) = run(&test, &ada, &node, json!({ "model": "first" })).await;
    assert_eq!(execution["status"], "complete", "{execution}");
    let call = calls(&trace)[0];
    assert_eq!(call["model"], "third");
    let from = &call["eventData"]["fallbackFrom"];
    assert_eq!(
        (&from[0]["model"], &from[0]["kind"]),
        (&json!("first"), &json!("refused"))
    );
    assert_eq!(
        (&from[1]["model"], &from[1]["kind"]),
        (&json!("second"), &json!("context_too_long"))
    );
    // The one that could not read it all was asked once more, with half as much.
    let counts = [
        asked(&refusing).await,
        asked(&small).await,
        asked(&server).await,
    ];
    assert_eq!(counts.map(|asked| asked.len()), [1, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_is_asked_when_the_settings_say_so_or_the_question_is_wrong() {
    let (test, server) = (start().await, good().await);
    let wrong = serving(ResponseTemplate::new(400)).await;
    let refusing = serving(ResponseTemplate::new(401)).await;
    let ada = test.user("ada").await;
    let mut alone = own("alone", &refusing);
    alone["fallbacks"] = json!([]);
    let models = [alone, own("wrong", &wrong), own("good", &server)];
    let (_, node) = organization(&ada, "labs", json!({ "models": models })).await;
    for (name, word) in [("alone", "key"), ("wrong", "refused the request")] {
        let (execution, _) = run(&test, &ada, &node, json!({ "model": name })).await;
        assert_eq!(execution["status"], "failed", "{execution}");
        let why = execution["errorMessage"].as_str().unwrap();
        assert!(why.contains(name) && why.contains(word), "{why}");
    }
    assert!(asked(&server).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let test = start().await;
    let server = MockServer::start().await;
    let half = stream(&[json!({ "choices": [{ "delta": { "content": "Let me" } }] })]);
    let first = Mock::given(any()).respond_with(half).up_to_n_times(1);
    first.mount(&server).await;
    let done = stream(&[
        json!({ "choices": [{ "delta": { "content": "Done." } }] }),
        json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }),
    ]);
    Mock::given(any()).respond_with(done).mount(&server).await;
    let ada = test.user("ada").await;
    let settings = json!({ "models": [own("house", &server)] });
    let (_, node) = organization(&ada, "labs", settings).await;
    let (execution, trace) = run(&test, &ada, &node, json!({ "model": "house" })).await;
    assert_eq!(execution["status"], "complete", "{execution}");
    // The words of the half are nowhere in the journal; a reminder made the third call.
    let texts: Vec<_> = calls(&trace)
        .iter()
        .map(|call| call["eventData"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["Done.", "Done."]);
    // The server does not say what it counted, so it is our estimate that counts.
    let call = calls(&trace)[0];
    assert_eq!(call["eventData"]["usageEstimated"], true);
    assert!(call["tokensIn"].as_i64().unwrap() > 100, "{call}");
    assert_eq!(asked(&server).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_is_not_called_on_a_users_word() {
    // Nothing is allowed here, and the server listens on loopback.
    let (test, server) = (TestApp::start().await, good().await);
    let ada = test.user("ada").await;
    let port = server.address().port();
    let at = |name: &str, host: &str| {
        json!({ "name": name, "litellmModel": "openai/x", "fallbacks": [],
                "apiBase": format!("http://{host}:{port}/v1") })
    };
    let models = [
        at("number", "127.0.0.1"),
        at("name", "localhost"),
        at("odd", "0x7f.1"),
    ];
    let settings = json!({ "models": models, "selfHostedEndpoint": server.uri() });
    let (_, node) = organization(&ada, "labs", settings).await;
    for name in ["number", "name", "odd", "self_hosted/x"] {
        let (execution, _) = run(&test, &ada, &node, json!({ "model": name })).await;
        assert_eq!(execution["status"], "failed", "{execution}");
        let why = execution["errorMessage"].as_str().unwrap();
        assert!(why.contains("private network"), "{why}");
    }
    assert!(asked(&server).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_means_something_only_to_the_organization_that_gave_it() {
    let (test, server) = (start().await, good().await);
    let ada = test.user("ada").await;
    let settings = json!({ "models": [own("house", &server)] });
    organization(&ada, "labs", settings).await;
    let bob = test.user("bob").await;
    let (_, node) = organization(&bob, "others", json!({})).await;
    let path = format!("/nodes/{node}/execute");
    let refused = bob.post(&path, json!({ "model": "house" })).await;
    refused.expect_problem(400, "VALIDATION_FAILED");
    let broken = json!({ "defaultModel": "house" });
    let (_, node) = organization(&bob, "more", broken).await;
    let path = format!("/nodes/{node}/execute");
    let refused = bob.post(&path, json!({})).await;
    refused.expect_problem(400, "VALIDATION_FAILED");
    assert!(asked(&server).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropics_dialect_is_spoken_where_the_name_says_so() {
    let test = start().await;
    let events = [
        json!({ "type": "message_start", "message": { "model": "claude", "usage": { "input_tokens": 9 } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block":
                { "type": "tool_use", "id": "t1", "name": "mark_complete", "input": {} } }),
        json!({ "type": "content_block_delta", "index": 0, "delta":
                { "type": "input_json_delta", "partial_json": "{\"summary\":\"Done.\"}" } }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 4 } }),
        json!({ "type": "message_stop" }),
    ];
    let server = serving(stream(&events)).await;
    let ada = test.user("ada").await;
    let claude = json!({ "name": "claude", "litellmModel": "anthropic/claude-haiku-4-5",
                         "apiBase": server.uri(), "apiKey": KEY });
    let (_, node) = organization(&ada, "labs", json!({ "models": [claude] })).await;
    let (execution, trace) = run(&test, &ada, &node, json!({ "model": "claude" })).await;
    assert_eq!(execution["status"], "complete", "{execution}");
    assert_eq!(calls(&trace)[0]["tokensIn"], 9);
    assert_eq!(
        execution["estimatedCostUsd"],
        json!(0.000029),
        "{execution}"
    );
    let asked = asked(&server).await;
    assert_eq!(asked[0].url.path(), "/v1/messages");
    assert_eq!(asked[0].headers["x-api-key"], KEY);
}

/// A run of `model` on a node of this description, with a window of so many tokens.
async fn run_in_window(model: Scripted, window: u64, text: &str) -> (Value, Vec<Value>) {
    let window = ("models.default_window", window.to_string());
    let test = TestApp::start_configured(&[window]).await.with_model(model);
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let node = json!({ "title": "A task", "description": text });
    let node = ada.post(&path, node).await.id();
    run(&test, &ada, &node, json!({ "model": "script/ed" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn old_results_are_sent_as_references_and_stay_whole_in_the_journal() {
    let mut calls = vec![("access_node", json!({})); 20];
    calls.push(("mark_complete", json!({ "summary": "Done." })));
    let model = Scripted::calling(calls);
    let asked = Arc::clone(&model.asked);
    let text = "What was measured. ".repeat(120);
    let (execution, trace) = run_in_window(model, 14_000, &text).await;
    assert_eq!(execution["status"], "complete", "{execution}");
    let asked = asked.lock().unwrap();
    let last = &asked.last().unwrap().messages;
    let results: Vec<Value> = last
        .iter()
        .filter_map(|message| match message {
            Message::Tool { content, .. } => Some(serde_json::from_str(content).unwrap()),
            _ => None,
        })
        .collect();
    let reference = results.iter().find(|result| result["omitted"] == true);
    let reference = reference.expect("nothing was left out");
    // The reference leads to the whole, which is what the last, equal call was told.
    let entry = trace
        .iter()
        .find(|event| event["sequenceNumber"] == reference["sequenceNumber"]);
    let entry = entry.expect("the entry is there");
    assert_eq!(&entry["eventData"]["result"], results.last().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_no_window_takes_fails_with_a_sentence_and_no_call() {
    let model = Scripted::calling(vec![]);
    let asked = Arc::clone(&model.asked);
    let (execution, _) = run_in_window(model, 4_096, &"word ".repeat(1_900)).await;
    assert_eq!(execution["status"], "failed", "{execution}");
    let why = execution["errorMessage"].as_str().unwrap();
    assert!(why.contains("larger window"), "{why}");
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_ends_takes_no_more_time_than_the_run_has() {
    let short = ("agent.max_seconds", "1".to_owned());
    let stuck = Stuck::default();
    let dropped = Arc::clone(&stuck.dropped);
    let test = TestApp::start_configured(&[short]).await.with_model(stuck);
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let path = format!("/projects/{project}/nodes");
    let node = ada.post(&path, json!({ "title": "A task" })).await.id();
    let (execution, _) = run(&test, &ada, &node, json!({ "model": "script/ed" })).await;
    assert_eq!(execution["status"], "failed", "{execution}");
    let why = execution["errorMessage"].as_str().unwrap();
    assert!(why.contains("limit of 1 seconds"), "{why}");
    dropped.notified().await;
}
