//! What an OpenTelemetry collector is told of an execution.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use super::{run_on, work};
use crate::support::{TestApp, model::Scripted};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The spans that the collector received, by name.
async fn received(collector: &MockServer) -> BTreeMap<String, Value> {
    let requests = collector.received_requests().await.unwrap();
    let mut spans = BTreeMap::new();
    for request in requests {
        let body: Value = request.body_json().unwrap();
        let told = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
        for span in told.as_array().unwrap() {
            spans.insert(span["name"].as_str().unwrap().to_owned(), span.clone());
        }
    }
    spans
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let list = span["attributes"].as_array().unwrap();
    let found = list.iter().find(|attribute| attribute["key"] == key);
    &found.unwrap_or_else(|| panic!("no {key} in {span}"))["value"]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_a_trace_by_the_genai_conventions() {
    let collector = MockServer::start().await;
    Mock::given(path("/v1/traces"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&collector)
        .await;
    let settings = [("telemetry.otlp_endpoint", collector.uri())];
    let test = TestApp::start_configured(&settings).await;
    let model = Scripted::calling(vec![
        ("read_input", json!({ "inputId": "none" })),
        (
            "mark_complete",
            json!({ "summary": "A secret of the node." }),
        ),
    ]);
    let run = run_on(test.with_model(model.clone())).await;
    let stop = CancellationToken::new();
    stop.cancel();
    run.test.app.spans.clone().run(stop).await;

    let spans = received(&collector).await;
    let names: Vec<&str> = spans.keys().map(String::as_str).collect();
    let expected = [
        "chat ed",
        "execute_tool mark_complete",
        "execute_tool read_input",
        "invoke_agent glassbox",
    ];
    assert_eq!(names, expected);
    let trace = run.id.replace('-', "");
    let root = spans["invoke_agent glassbox"]["spanId"].clone();
    for (name, span) in &spans {
        assert_eq!(span["traceId"], json!(trace), "{name}");
        let parent = (!name.starts_with("invoke_agent")).then_some(&root);
        assert_eq!(span.get("parentSpanId"), parent, "{name}");
        let conversation = attribute(span, "gen_ai.conversation.id");
        assert_eq!(conversation["stringValue"], json!(run.id));
        assert!(!span.to_string().contains("A secret"), "content stays here");
    }
    let chat = &spans["chat ed"];
    assert_eq!(chat["kind"], 3);
    assert_eq!(
        attribute(chat, "gen_ai.provider.name")["stringValue"],
        "script"
    );
    assert_eq!(attribute(chat, "gen_ai.request.model")["stringValue"], "ed");
    assert_eq!(
        attribute(chat, "gen_ai.usage.input_tokens")["intValue"],
        "100"
    );
    assert_eq!(
        attribute(chat, "gen_ai.usage.output_tokens")["intValue"],
        "10"
    );
    let reasons = &attribute(chat, "gen_ai.response.finish_reasons")["arrayValue"];
    assert_eq!(reasons["values"][0]["stringValue"], "tool_calls");
    let refused = &spans["execute_tool read_input"];
    assert_eq!(refused["status"]["code"], 2);
    assert!(attribute(refused, "error.type")["stringValue"].is_string());
    assert_eq!(spans["execute_tool mark_complete"]["status"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_execution_is_linked_to_the_request_that_started_it() {
    let collector = MockServer::start().await;
    Mock::given(path("/v1/traces"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&collector)
        .await;
    let settings = [("telemetry.otlp_endpoint", collector.uri())];
    let test = TestApp::start_configured(&settings).await;
    let model = Scripted::calling(vec![("mark_complete", json!({ "summary": "s" }))]);
    let test = test.with_model(model);
    let ada = test.user("ada").await;
    let (_, project) = ada.workspace("labs").await;
    let nodes = format!("/projects/{project}/nodes");
    let node = ada.post(&nodes, json!({ "title": "n" })).await.id();
    let start = ada
        .request("POST", &format!("/nodes/{node}/execute"))
        .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
        .json(&json!({ "model": "script/ed" }));
    ada.send(start).await.expect(201);
    work(&test).await;
    let stop = CancellationToken::new();
    stop.cancel();
    test.app.spans.clone().run(stop).await;
    let spans = received(&collector).await;
    let links = &spans["invoke_agent glassbox"]["links"];
    assert_eq!(links, &json!([{ "traceId": TRACE, "spanId": SPAN }]));
}
