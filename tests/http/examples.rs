//! The examples of the OpenAPI document: what the program answered in one walk over all
//! operations. `make generate` keeps them in `src/server/examples.json`; without it the
//! walk is compared with what is kept there, so that no example can fall behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::TimeDelta;
use glassbox::{agent::worker::AgentWorker, ingest::indexer, server};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Answer, Client, TestApp, model::Scripted};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/examples.json");

/// Operations that answer with something else than JSON.
const OTHERWISE: &[&str] = &[
    "blob_get",
    "blob_put",
    "execution_stream",
    "project_events",
    "ws_open",
];

/// One walk, and what it met.
struct Walk {
    test: TestApp,
    client: Client,
    examples: BTreeMap<String, Value>,
    ids: BTreeMap<String, String>,
}

impl Walk {
    /// Calls an operation, which must succeed, and keeps what was said.
    async fn call(&mut self, operation: &str, method: &str, path: &str, body: Value) -> Value {
        // Each thing has a time of its own, so that lists stand in the order of the walk.
        self.test.clock.advance(TimeDelta::seconds(1));
        let mut request = self.client.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer: Answer = self.client.send(request).await;
        assert!(answer.status < 300, "{operation}: {}", answer.text);
        let mut example = json!({});
        for (part, value) in [("request", &body), ("response", &answer.body)] {
            if !value.is_null() {
                example[part] = self.plain("", value);
            }
        }
        self.examples.entry(operation.to_owned()).or_insert(example);
        answer.body
    }

    async fn get(&mut self, operation: &str, path: &str) -> Value {
        self.call(operation, "GET", path, Value::Null).await
    }

    async fn post(&mut self, operation: &str, path: &str, body: Value) -> Value {
        self.call(operation, "POST", path, body).await
    }

    async fn patch(&mut self, operation: &str, path: &str, body: Value) -> Value {
        self.call(operation, "PATCH", path, body).await
    }

    async fn delete(&mut self, operation: &str, path: &str) {
        self.call(operation, "DELETE", path, Value::Null).await;
    }

    /// The value without what differs from one walk to the next.
    fn plain(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Array(list) => list.iter().map(|item| self.plain(key, item)).collect(),
            Value::Object(map) => {
                let fields = map.iter();
                fields
                    .map(|(key, value)| (key.clone(), self.plain(key, value)))
                    .collect()
            }
            Value::String(text) => json!(self.plain_text(key, text)),
            Value::Number(_) if key.ends_with("Ms") || key == "uptimeSeconds" => json!(12),
            other => other.clone(),
        }
    }

    fn plain_text(&mut self, key: &str, text: &str) -> String {
        match key {
            "token" => return "En0KEwoEMTIzNBgDIgkKBwgKEgMYgAg".to_owned(),
            "signature" => return "5f".repeat(32),
            "version" if text == env!("CARGO_PKG_VERSION") => return "1.0.0".to_owned(),
            _ => {}
        }
        if let Some((path, _)) = text
            .strip_prefix(&self.test.url)
            .and_then(|rest| rest.split_once('?'))
        {
            let path = self.without_ids(path);
            return format!("https://glassbox.example{path}?expires=1769593800&signature=5f5f");
        }
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash && text.bytes().any(|byte| byte != b'0') {
            return self.numbered(text, |number| format!("{number:064x}"));
        }
        self.without_ids(text)
    }

    /// The text with each id replaced by one that tells when it was met first.
    fn without_ids(&mut self, text: &str) -> String {
        const LENGTH: usize = 36;
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let id = rest
                .get(..LENGTH)
                .filter(|id| uuid::Uuid::try_parse(id).is_ok());
            if let Some(id) = id {
                plain += &self.numbered(id, |number| {
                    format!("019c0000-0000-7000-8000-{number:012x}")
                });
                rest = &rest[LENGTH..];
            } else {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        plain
    }

    fn numbered(&mut self, text: &str, name: impl Fn(usize) -> String) -> String {
        let next = self.ids.len() + 1;
        let name = self
            .ids
            .entry(text.to_owned())
            .or_insert_with(|| name(next));
        name.clone()
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// What the document says: each operation with whether it reads and answers JSON.
fn wanted() -> BTreeMap<String, (bool, bool)> {
    let document = serde_json::to_value(server::document()).unwrap();
    let mut wanted = BTreeMap::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            let json = |content: &Value| content.get("application/json").is_some();
            let responses = operation["responses"].as_object().unwrap();
            let answers = responses
                .iter()
                .any(|(status, response)| status.starts_with('2') && json(&response["content"]));
            let reads = json(&operation["requestBody"]["content"]);
            wanted.insert(id.to_owned(), (reads, answers));
        }
    }
    wanted
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_document_is_what_the_program_says() {
    let test = TestApp::start_with_manual_clock().await;
    let mut walk = Walk {
        client: test.anonymous(),
        test,
        examples: BTreeMap::new(),
        ids: BTreeMap::new(),
    };
    health(&mut walk).await;
    let org = people(&mut walk).await;
    let project = project(&mut walk, &org).await;
    let node = nodes(&mut walk, &project).await;
    graph(&mut walk, &project, &node).await;
    templates(&mut walk, &org, &project).await;
    files(&mut walk, &org).await;
    executions(&mut walk, &org, &node).await;
    endings(&mut walk, &org, &project, &node).await;

    for (operation, (reads, answers)) in wanted() {
        let example = walk.examples.get(&operation);
        let has = |part| example.is_some_and(|example| example.get(part).is_some());
        let complete = (!reads || has("request")) && (!answers || has("response"));
        assert!(
            complete || OTHERWISE.contains(&operation.as_str()),
            "{operation} has no example: give it a step in the walk"
        );
    }
    let known: BTreeSet<_> = wanted().into_keys().collect();
    walk.examples
        .retain(|operation, _| known.contains(operation));
    let text = serde_json::to_string_pretty(&walk.examples).unwrap() + "\n";
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(FILE, text).unwrap();
        return;
    }
    let kept: BTreeMap<String, Value> =
        serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    for (operation, example) in &walk.examples {
        let kept = kept.get(operation);
        assert_eq!(
            kept,
            Some(example),
            "the example of {operation} is out of date; run `make generate` and commit it"
        );
    }
}

async fn health(walk: &mut Walk) {
    for (operation, path) in [
        ("health", "//health"),
        ("health_live", "//health/live"),
        ("health_ready", "//health/ready"),
    ] {
        walk.get(operation, path).await;
    }
}

async fn people(walk: &mut Walk) -> String {
    let body = json!({ "userId": "ada", "email": "ada@example.com", "name": "Ada" });
    let made = walk.post("dev_token", "/auth/dev-token", body).await;
    walk.client = walk.test.bearer(made["token"].as_str().unwrap());
    walk.test.user("grace").await;
    walk.get("me_get", "/users/me").await;
    walk.call("ws_token", "POST", "/auth/ws-token", Value::Null)
        .await;
    let body = json!({ "name": "Ada Lovelace" });
    walk.patch("me_update", "/users/me", body).await;
    let body = json!({ "name": "Harbour Works", "slug": "harbour-works" });
    let org = id(&walk.post("org_create", "/orgs", body).await);
    walk.get("org_list", "/orgs").await;
    let path = format!("/orgs/{org}");
    walk.get("org_get", &path).await;
    walk.patch("org_update", &path, json!({ "name": "Harbour Works Ltd" }))
        .await;
    let members = format!("{path}/members");
    let body = json!({ "email": "grace@example.com", "role": "guest" });
    let member = walk.post("member_add", &members, body).await;
    let member = format!("{members}/{}", member["userId"].as_str().unwrap());
    walk.get("member_list", &members).await;
    walk.patch("member_update", &member, json!({ "role": "member" }))
        .await;
    let tokens = format!("{path}/tokens");
    let body = json!({ "name": "Nightly report", "rights": ["node.read"], "expiresIn": 86_400 });
    let token = id(&walk.post("token_create", &tokens, body).await);
    walk.get("token_list", &tokens).await;
    walk.delete("token_revoke", &format!("{tokens}/{token}"))
        .await;
    org
}

async fn project(walk: &mut Walk, org: &str) -> String {
    let projects = format!("/orgs/{org}/projects");
    let body = json!({ "name": "Pier 7", "description": "The inspection of the north pier." });
    let project = id(&walk.post("project_create", &projects, body).await);
    walk.get("project_list", &projects).await;
    let path = format!("/projects/{project}");
    walk.get("project_get", &path).await;
    walk.patch("project_update", &path, json!({ "name": "Pier 7, north" }))
        .await;
    let members = format!("{path}/members");
    let body = json!({ "email": "grace@example.com", "role": "viewer" });
    let member = walk.post("project_member_add", &members, body).await;
    let member = format!("{members}/{}", member["userId"].as_str().unwrap());
    walk.get("project_member_list", &members).await;
    walk.patch(
        "project_member_update",
        &member,
        json!({ "role": "editor" }),
    )
    .await;
    walk.delete("project_member_remove", &member).await;
    project
}

async fn nodes(walk: &mut Walk, project: &str) -> String {
    let nodes = format!("/projects/{project}/nodes");
    let body = json!({
        "title": "Inspect the pilings", "description": "All sixty of them, below the waterline.",
        "metadata": { "season": "winter" }, "position": { "x": 120, "y": 80 },
    });
    let node = id(&walk.post("node_create", &nodes, body).await);
    walk.get("node_list", &nodes).await;
    let path = format!("/nodes/{node}");
    let (inputs, outputs) = (format!("{path}/inputs"), format!("{path}/outputs"));
    let body = json!({ "inputType": "text", "textContent": "Piling 12 was replaced in 2019.",
                       "label": "History" });
    let input = id(&walk.post("input_add", &inputs, body).await);
    let body = json!({ "outputType": "text", "textContent": "Four pilings need work.",
                       "label": "Findings" });
    let output = id(&walk.post("output_add", &outputs, body).await);
    let citations = format!("/outputs/{output}/citations");
    walk.get("output_citations", &citations).await;
    walk.get("node_get", &path).await;
    walk.get("node_context", &format!("{path}/context")).await;
    walk.patch(
        "node_update",
        &path,
        json!({ "title": "Inspect the north pilings" }),
    )
    .await;
    let versions = format!("{path}/versions");
    walk.get("version_list", &format!("{versions}?limit=2"))
        .await;
    walk.get("version_get", &format!("{versions}/2")).await;
    walk.get("version_diff", &format!("{versions}/1/diff/4"))
        .await;
    let rollback = format!("{path}/rollback/3");
    walk.post("node_rollback", &rollback, Value::Null).await;
    let lock = format!("{path}/lock");
    walk.post("lock_acquire", &lock, Value::Null).await;
    walk.delete("lock_release", &lock).await;
    walk.delete("input_remove", &format!("{inputs}/{input}"))
        .await;
    walk.delete("output_remove", &format!("{outputs}/{output}"))
        .await;
    node
}

async fn graph(walk: &mut Walk, project: &str, node: &str) {
    let nodes = format!("/projects/{project}/nodes");
    let body = json!({ "title": "Photographs", "parentId": node });
    let part = id(&walk.post("node_create", &nodes, body).await);
    let body = json!({ "inputType": "node_reference", "sourceNodeId": part });
    walk.post("input_add", &format!("/nodes/{node}/inputs"), body)
        .await;
    walk.get("node_children", &format!("/nodes/{node}/children"))
        .await;
    walk.get("node_dependencies", &format!("/nodes/{node}/dependencies"))
        .await;
}

async fn templates(walk: &mut Walk, org: &str, project: &str) {
    let body = json!({
        "orgId": org, "name": "Inspection",
        "structure": {
            "inputs": [{ "label": "Photographs", "type": "file" }],
            "outputs": [{ "label": "Findings", "type": "text" }],
            "subNodes": [{ "title": "Sort the photographs", "authorType": "human" }],
        },
    });
    let template = id(&walk.post("template_create", "/templates", body).await);
    walk.get("template_list", &format!("/templates?orgId={org}"))
        .await;
    let path = format!("/templates/{template}");
    walk.get("template_get", &path).await;
    let body = json!({ "description": "For piers and quays." });
    walk.patch("template_update", &path, body).await;
    let body = json!({ "projectId": project, "title": "Inspect the quay" });
    walk.post("template_apply", &format!("{path}/apply"), body)
        .await;
    walk.delete("template_delete", &path).await;
}

async fn files(walk: &mut Walk, org: &str) {
    let body = json!({ "filename": "pilings.txt", "contentType": "text/plain" });
    let path = format!("/orgs/{org}/files/upload");
    let upload = walk.post("file_upload", &path, body).await;
    let put = walk.client.http.put(upload["uploadUrl"].as_str().unwrap());
    let put = put
        .header("content-type", "text/plain")
        .body("Piling 12: sound.");
    let stored = walk.client.send(put).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
    let file = upload["fileId"].as_str().unwrap().to_owned();
    let path = format!("/files/{file}");
    let confirm = format!("{path}/confirm");
    walk.post("file_confirm", &confirm, Value::Null).await;
    walk.test.relay().await;
    let worker = walk.test.file_worker().await;
    while worker.step().await.unwrap() {}
    walk.get("file_get", &path).await;
    walk.get("file_text", &format!("{path}/text")).await;
    walk.get("file_list", &format!("/orgs/{org}/files")).await;
    while indexer::round(&walk.test.app).await.unwrap() > 0 {}
    let question = json!({ "query": "sound piling", "limit": 1 });
    let search = format!("/orgs/{org}/search");
    walk.post("search", &search, question.clone()).await;
    walk.post("semantic", &format!("{search}/semantic"), question)
        .await;
    let again = format!("{path}/reprocess");
    walk.post("file_reprocess", &again, Value::Null).await;
    walk.delete("file_delete", &path).await;
}

/// Steps `worker` until there is nothing to do.
async fn work(walk: &Walk, worker: &AgentWorker) {
    walk.test.relay().await;
    while worker.step(&CancellationToken::new()).await.unwrap() {
        walk.test.relay().await;
    }
}

async fn executions(walk: &mut Walk, org: &str, node: &str) {
    let path = format!("/nodes/{node}");
    let execute = format!("{path}/execute");
    let body = json!({ "model": "script/ed", "instructions": "Look for rot first." });
    walk.post("execution_start", &execute, body).await;
    let cancel = format!("{path}/execution/cancel");
    walk.post("execution_cancel", &cancel, Value::Null).await;
    let second = json!({ "model": "script/ed" });
    let second = walk.post("execution_start", &execute, second).await;
    let execution = second["execution"]["id"].as_str().unwrap().to_owned();
    walk.get("execution_current", &format!("{path}/execution"))
        .await;
    walk.post(
        "execution_pause",
        &format!("{path}/execution/pause"),
        Value::Null,
    )
    .await;
    walk.post(
        "execution_resume",
        &format!("{path}/execution/resume"),
        Value::Null,
    )
    .await;
    let model = Scripted::calling(vec![
        (
            "request_human_input",
            json!({ "prompt": "Which pilings matter most?" }),
        ),
        (
            "add_output",
            json!({ "label": "Findings", "text": "Piling 12 is sound." }),
        ),
        (
            "mark_complete",
            json!({ "summary": "One piling was looked at." }),
        ),
    ]);
    let mut app = (*walk.test.app).clone();
    let models = glassbox::platform::llm::Models::builder().with("script", model);
    app.models = Arc::new(models.build());
    let worker = AgentWorker::register(Arc::new(app)).await.unwrap();
    work(walk, &worker).await;
    let path = format!("/executions/{execution}");
    let message = json!({ "text": "Piling 9 was replaced last year." });
    walk.post("execution_message", &format!("{path}/messages"), message)
        .await;
    let answer = json!({ "input": { "answer": "Those of the north side." } });
    walk.post("execution_input", &format!("{path}/input"), answer)
        .await;
    work(walk, &worker).await;
    walk.get("execution_get", &path).await;
    walk.get("execution_trace", &format!("{path}/trace?limit=3"))
        .await;
    walk.get("execution_verify", &format!("{path}/verify"))
        .await;
    let usage = "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&groupBy=node";
    walk.get("usage_get", &format!("/orgs/{org}/usage?{usage}"))
        .await;
    walk.get("execution_list", &format!("/nodes/{node}/executions"))
        .await;
    let list = "/users/me/notifications";
    let notifications = walk.get("notification_list", list).await;
    let first = id(&notifications["data"][0]);
    walk.post(
        "notification_read",
        &format!("{list}/{first}/read"),
        Value::Null,
    )
    .await;
    walk.post(
        "notification_read_all",
        &format!("{list}/read-all"),
        Value::Null,
    )
    .await;
    let edit = json!({ "message": "Look at piling 14 as well." });
    let body = json!({ "afterSequence": 3, "edit": edit });
    walk.post("execution_fork", &format!("{path}/fork"), body)
        .await;
    walk.client.post_empty(&cancel).await.expect(200);
}

async fn endings(walk: &mut Walk, org: &str, project: &str, node: &str) {
    let path = format!("/orgs/{org}");
    walk.get("audit_list", &format!("{path}/audit?limit=3"))
        .await;
    walk.delete("node_delete", &format!("/nodes/{node}")).await;
    walk.delete("project_delete", &format!("/projects/{project}"))
        .await;
    let members = walk.get("member_list", &format!("{path}/members")).await;
    let grace = members["data"].as_array().unwrap().iter();
    let grace = grace.filter(|member| member["role"] == "member");
    for member in grace {
        let user = member["userId"].as_str().unwrap();
        walk.delete("member_remove", &format!("{path}/members/{user}"))
            .await;
    }
    walk.delete("org_delete", &path).await;
}
