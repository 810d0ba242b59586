//! Servers that are commands of the operator's, and the settings of all servers.

use glassbox::platform::llm::ChatAnswer;
use serde_json::{Value, json};

use super::{KEY, Scene, allowed, done, entry};
use crate::support::{TestApp, model::call, tools::ToolServer};

/// With the counting server as the command `counter`; answers the file of its calls, too.
async fn scene(answers: Vec<ChatAnswer>, rest: Value) -> (Scene, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp_counter.py");
    let args = format!("{script},--stdio,--file,{}", file.path().display());
    let mut settings = allowed();
    settings.push(("mcp.commands.counter.program", "python3".to_owned()));
    settings.push(("mcp.commands.counter.args", args));
    let test = TestApp::start_configured(&settings).await;
    let mut server = json!({ "name": "count", "command": "counter", "trustHints": true });
    let rest = rest.as_object().unwrap().clone();
    server.as_object_mut().unwrap().extend(rest);
    let settings = json!({ "mcpServers": [server] });
    (Scene::set(test, answers, settings).await, file)
}

fn lines(file: &tempfile::NamedTempFile) -> Vec<Value> {
    let text = std::fs::read_to_string(file.path()).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_a_server_like_any_other() {
    let answers = vec![
        call("count__note_once", r#"{ "text": "a" }"#),
        call("count__look", "{}"),
        done(),
    ];
    let (scene, file) = scene(answers, json!({})).await;
    let run = scene.run().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    let results = scene.results(&run).await;
    assert_eq!(results[1]["structuredContent"]["lines"], 2);
    let lines = lines(&file);
    assert_eq!(lines[0]["tool"], "note_once");
    assert!(lines[0]["key"].as_str().unwrap().starts_with(&run));
    assert_eq!(scene.entries(&run, "checkpoint").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_late_is_killed_and_started_anew() {
    let answers = vec![
        call("count__note_once", r#"{ "text": "a", "delayMs": 60000 }"#),
        call("count__look", "{}"),
        done(),
    ];
    let (scene, file) = scene(answers, json!({ "timeoutSeconds": 2 })).await;
    let run = scene.run().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    let results = scene.results(&run).await;
    assert_eq!(results[0]["error"]["code"], "OUTCOME_UNKNOWN");
    assert_eq!(results[1]["structuredContent"]["lines"], 2, "{results:?}");
    assert_eq!(lines(&file).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_names_a_command_and_does_not_write_one() {
    let (scene, _file) = scene(vec![done()], json!({})).await;
    let path = format!("/orgs/{}", scene.org);
    let server = json!({ "name": "x", "command": "sh" });
    let body = json!({ "settings": { "mcpServers": [server] } });
    let refused = scene.ada.patch(&path, body).await;
    refused.expect_problem(400, "VALIDATION_FAILED");
    let field = &refused.body["details"]["fields"][0];
    assert_eq!(field["field"], "settings.mcpServers[0].command");
    assert!(
        field["message"].as_str().unwrap().contains("counter"),
        "{field}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_key_is_only_written_and_goes_to_its_address_alone() {
    let server = ToolServer::start().await;
    let mut own = entry(&server, json!({ "key": KEY, "keyHeader": "X-Api-Key" }));
    let scene = Scene::with(vec![call("crm__pay", "{}"), done()], own.clone()).await;
    own.as_object_mut().unwrap().remove("key");
    let read = scene.settings(json!({ "mcpServers": [own.clone()] })).await;
    assert_eq!(read["mcpServers"][0]["keySet"], true);
    assert!(read["mcpServers"][0].get("key").is_none());
    scene.run().await;
    let head = &server.calls()[0].head;
    assert!(head.contains(&format!("x-api-key: {KEY}")), "{head}");
    own["url"] = json!("https://evil.example/mcp");
    let body = json!({ "settings": { "mcpServers": [own] } });
    let path = format!("/orgs/{}", scene.org);
    let moved = scene.ada.patch(&path, body).await;
    moved.expect_problem(400, "VALIDATION_FAILED");
    let field = &moved.body["details"]["fields"][0]["field"];
    assert_eq!(field, "settings.mcpServers[0].url");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_owners_and_administrators_choose_servers() {
    let server = ToolServer::start().await;
    let scene = Scene::with(vec![done()], entry(&server, json!({}))).await;
    let bob = scene.test.user("bob").await;
    let path = format!("/orgs/{}", scene.org);
    let body = json!({ "settings": { "mcpServers": [] } });
    assert_eq!(bob.patch(&path, body).await.status, 404);
}
