//! The audit log: every change leaves an entry, and people can read it.

use std::{collections::BTreeSet, future::Future, sync::Arc};

use glassbox::{agent::worker::AgentWorker, platform::llm::Models, server};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{Answer, Client, model::Scripted},
    workbench::{Workbench, bad_fields},
};

/// Operations that change something and leave no entry, with the reason. May only
/// shrink.
const WITHOUT_ENTRY: &[&str] = &[
    // Opens a socket as whoever asks, and changes nothing of a tenant's.
    "ws_token",
    // One's own row, in no organization.
    "me_update",
    "notification_read",
    "notification_read_all",
    // They change nothing; a question is too long for an address.
    "search",
    "semantic",
    // The log goes with the organization; the program's own log tells of it.
    "org_delete",
];

/// The operations that change something on behalf of somebody, as the document knows
/// them. Those that anybody may call, or that a signed address allows, have no actor.
fn changing() -> BTreeSet<String> {
    let document = serde_json::to_value(server::document()).unwrap();
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            let access = operation["x-access"]["action"].as_str().unwrap_or_default();
            let changes = matches!(method.as_str(), "put" | "post" | "patch" | "delete");
            if changes && !matches!(access, "open" | "signed") {
                ids.insert(operation["operationId"].as_str().unwrap().to_owned());
            }
        }
    }
    ids
}

/// Calls operations, and notes which of them left an entry.
struct Walk {
    bench: Workbench,
    left: BTreeSet<String>,
}

impl Walk {
    async fn step(&mut self, operation: &str, call: impl Future<Output = Answer>) -> Value {
        let before = self.bench.count("audit_log").await;
        let answer = call.await;
        assert!(answer.status < 300, "{operation}: {}", answer.text);
        let entries = self.bench.count("audit_log").await - before;
        assert!(entries > 0, "{operation} left no entry in the audit log");
        self.left.insert(operation.to_owned());
        answer.body
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_that_changes_something_leaves_an_entry() {
    let bench = Workbench::start().await;
    let ada = bench.ada.clone();
    let mut walk = Walk {
        bench,
        left: BTreeSet::new(),
    };
    people(&mut walk, &ada).await;
    forms(&mut walk, &ada).await;
    work(&mut walk, &ada).await;
    files(&mut walk, &ada).await;
    let mut done = walk.left;
    done.extend(WITHOUT_ENTRY.iter().map(|id| (*id).to_owned()));
    let missing: Vec<_> = changing().difference(&done).cloned().collect();
    assert!(missing.is_empty(), "give these a step here: {missing:?}");
    let gone: Vec<_> = done.difference(&changing()).cloned().collect();
    assert!(
        gone.is_empty(),
        "there are no such operations any more: {gone:?}"
    );
}

async fn people(walk: &mut Walk, ada: &Client) {
    let body = json!({ "name": "B", "slug": "second" });
    let org = id(&walk.step("org_create", ada.post("/orgs", body)).await);
    let path = format!("/orgs/{org}");
    walk.step("org_update", ada.patch(&path, json!({ "name": "C" })))
        .await;
    walk.bench.test.user("grace").await;
    let new = json!({ "email": "grace@example.com", "role": "guest" });
    let members = format!("{path}/members");
    let member = walk.step("member_add", ada.post(&members, new)).await;
    let member = format!("{members}/{}", member["userId"].as_str().unwrap());
    walk.step(
        "member_update",
        ada.patch(&member, json!({ "role": "member" })),
    )
    .await;
    let projects = format!("{path}/projects");
    let project = walk
        .step(
            "project_create",
            ada.post(&projects, json!({ "name": "P" })),
        )
        .await;
    let project = format!("/projects/{}", id(&project));
    walk.step(
        "project_update",
        ada.patch(&project, json!({ "name": "Q" })),
    )
    .await;
    let new = json!({ "email": "grace@example.com", "role": "viewer" });
    let team = format!("{project}/members");
    let part = walk.step("project_member_add", ada.post(&team, new)).await;
    let part = format!("{team}/{}", part["userId"].as_str().unwrap());
    walk.step(
        "project_member_update",
        ada.patch(&part, json!({ "role": "editor" })),
    )
    .await;
    walk.step("project_member_remove", ada.delete(&part)).await;
    walk.step("project_delete", ada.delete(&project)).await;
    walk.step("member_remove", ada.delete(&member)).await;
}

async fn forms(walk: &mut Walk, ada: &Client) {
    let (org, project) = (walk.bench.org.clone(), walk.bench.project.clone());
    let body = json!({ "orgId": org, "name": "Survey" });
    let template = id(&walk
        .step("template_create", ada.post("/templates", body))
        .await);
    let path = format!("/templates/{template}");
    let body = json!({ "name": "Inspection" });
    walk.step("template_update", ada.patch(&path, body)).await;
    let body = json!({ "projectId": project });
    let apply = format!("{path}/apply");
    walk.step("template_apply", ada.post(&apply, body)).await;
    walk.step("template_delete", ada.delete(&path)).await;

    let tokens = format!("/orgs/{org}/tokens");
    let body = json!({ "name": "CI", "rights": ["node.read"] });
    let token = id(&walk.step("token_create", ada.post(&tokens, body)).await);
    let token = format!("{tokens}/{token}");
    walk.step("token_revoke", ada.delete(&token)).await;
}

async fn work(walk: &mut Walk, ada: &Client) {
    let list = format!("/projects/{}/nodes", walk.bench.project);
    let node = walk
        .step("node_create", ada.post(&list, json!({ "title": "A" })))
        .await;
    let path = format!("/nodes/{}", id(&node));
    walk.step("node_update", ada.patch(&path, json!({ "title": "B" })))
        .await;
    walk.step(
        "node_rollback",
        ada.post_empty(&format!("{path}/rollback/1")),
    )
    .await;
    let text = json!({ "inputType": "text", "textContent": "a" });
    let inputs = format!("{path}/inputs");
    let input = id(&walk.step("input_add", ada.post(&inputs, text)).await);
    walk.step("input_remove", ada.delete(&format!("{inputs}/{input}")))
        .await;
    let text = json!({ "outputType": "text", "textContent": "a" });
    let outputs = format!("{path}/outputs");
    let output = id(&walk.step("output_add", ada.post(&outputs, text)).await);
    walk.step("output_remove", ada.delete(&format!("{outputs}/{output}")))
        .await;
    let lock = format!("{path}/lock");
    walk.step("lock_acquire", ada.post_empty(&lock)).await;
    walk.step("lock_release", ada.delete(&lock)).await;
    walk.step(
        "execution_start",
        ada.post_empty(&format!("{path}/execute")),
    )
    .await;
    let control = |what: &str| format!("{path}/execution/{what}");
    let pause = control("pause");
    let run = walk.step("execution_pause", ada.post_empty(&pause)).await;
    let run = format!("/executions/{}", id(&run["execution"]));
    let message = json!({ "text": "Mind the gap." });
    let messages = format!("{run}/messages");
    walk.step("execution_message", ada.post(&messages, message))
        .await;
    let resume = control("resume");
    walk.step("execution_resume", ada.post_empty(&resume)).await;
    asks(&walk.bench).await;
    let answer = json!({ "input": { "answer": "yes" } });
    let input = format!("{run}/input");
    walk.step("execution_input", ada.post(&input, answer)).await;
    let cancel = control("cancel");
    walk.step("execution_cancel", ada.post_empty(&cancel)).await;
    let fork = format!("{run}/fork");
    let body = json!({ "afterSequence": 1 });
    walk.step("execution_fork", ada.post(&fork, body)).await;
    ada.post_empty(&cancel).await.expect(200);
    walk.step("node_delete", ada.delete(&path)).await;
}

/// Has the execution that waits for a worker ask something.
async fn asks(bench: &Workbench) {
    let question = ("request_human_input", json!({ "prompt": "Shall I?" }));
    let mut app = (*bench.test.app).clone();
    let model = Scripted::calling(vec![question]);
    app.models = Arc::new(Models::builder().with("demo", model).build());
    bench.test.relay().await;
    let worker = AgentWorker::register(Arc::new(app)).await.unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}
}

async fn files(walk: &mut Walk, ada: &Client) {
    let body = json!({ "filename": "a.txt", "contentType": "text/plain" });
    let path = format!("/orgs/{}/files/upload", walk.bench.org);
    let upload = walk.step("file_upload", ada.post(&path, body)).await;
    let put = ada
        .http
        .put(upload["uploadUrl"].as_str().unwrap())
        .header("content-type", "text/plain")
        .body("text");
    assert_eq!(ada.send(put).await.status, 200);
    let path = format!("/files/{}", upload["fileId"].as_str().unwrap());
    walk.step("file_confirm", ada.post_empty(&format!("{path}/confirm")))
        .await;
    walk.bench.test.relay().await;
    let worker = walk.bench.test.file_worker().await;
    while worker.step().await.unwrap() {}
    walk.step(
        "file_reprocess",
        ada.post_empty(&format!("{path}/reprocess")),
    )
    .await;
    walk.step("file_delete", ada.delete(&path)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_who_what_and_from_where() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let request = bench
        .ada
        .request("PATCH", &format!("/nodes/{node}"))
        .header("x-request-id", "my-own-id")
        .json(&json!({ "title": "B" }));
    bench.ada.send(request).await.expect(200);
    let audit = format!("/orgs/{}/audit", bench.org);
    let list = bench.ada.get(&audit).await.expect(200);
    let me = bench.ada.get("/users/me").await.id();
    let entry = &list["data"][0];
    assert_eq!(
        entry["actor"],
        json!({ "id": me, "email": "ada@example.com" })
    );
    assert_eq!(entry["action"], "node.update");
    assert_eq!(
        (&entry["resourceType"], &entry["resourceId"]),
        (&json!("node"), &json!(node))
    );
    assert_eq!(entry["before"], json!({ "title": "A" }));
    assert_eq!(entry["after"], json!({ "title": "B" }));
    assert_eq!(
        (&entry["requestId"], &entry["ip"]),
        (&json!("my-own-id"), &json!("127.0.0.1"))
    );
    assert_eq!(entry["orgId"], json!(bench.org));
    assert!(entry.get("executionId").is_none() && entry["createdAt"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_paged_and_filtered() {
    let bench = Workbench::start().await;
    let grace = bench.member("grace", "member").await;
    let node = bench.titled("A").await;
    grace
        .patch(&format!("/nodes/{node}"), json!({ "title": "B" }))
        .await
        .expect(200);
    bench
        .patch(&node, json!({ "title": "C" }))
        .await
        .expect(200);
    let get = async |query: &str| {
        let path = format!("/orgs/{}/audit{query}", bench.org);
        bench.ada.get(&path).await.expect(200)
    };
    let all = get("").await;
    let actions: Vec<&Value> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["action"])
        .collect();
    assert_eq!(
        actions,
        [
            "node.update",
            "node.update",
            "node.create",
            "project.create",
            "org.create"
        ]
    );
    let id = grace.get("/users/me").await.id();
    assert_eq!(get(&format!("?actor={id}")).await["total"], 1);
    assert_eq!(get("?action=node.update").await["total"], 2);
    assert_eq!(
        get(&format!("?resourceType=node&resourceId={node}")).await["total"],
        3
    );
    let middle = all["data"][1]["createdAt"].as_str().unwrap();
    let since = get(&format!("?since={middle}")).await["total"]
        .as_i64()
        .unwrap();
    let until = get(&format!("?until={middle}")).await["total"]
        .as_i64()
        .unwrap();
    assert_eq!(since + until, 5);
    assert!(since >= 2, "{since}");
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&format!("?limit=2{cursor}")).await;
        seen.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(seen), all["data"]);
    let odd = format!("/orgs/{}/audit?actor=me&since=yesterday", bench.org);
    assert_eq!(bad_fields(&bench.ada.get(&odd).await), ["actor", "since"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_read_the_log_and_nobody_else_does() {
    let bench = Workbench::start().await;
    let path = format!("/orgs/{}/audit", bench.org);
    bench
        .member("mia", "member")
        .await
        .get(&path)
        .await
        .expect(200);
    bench
        .member("gus", "guest")
        .await
        .get(&path)
        .await
        .expect_problem(403, "FORBIDDEN");
    let eve = bench.test.user("eve").await;
    eve.workspace("eves").await;
    eve.get(&path).await.expect_problem(404, "NOT_FOUND");
    bench
        .test
        .anonymous()
        .get(&path)
        .await
        .expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_is_still_named() {
    let bench = Workbench::start().await;
    let grace = bench.member("grace", "member").await;
    let node = bench.titled("A").await;
    grace
        .patch(&format!("/nodes/{node}"), json!({ "title": "B" }))
        .await
        .expect(200);
    let id = grace.get("/users/me").await.id();
    bench
        .ada
        .delete(&format!("/orgs/{}/members/{id}", bench.org))
        .await
        .expect(204);
    let path = format!("/orgs/{}/audit?actor={id}", bench.org);
    let entry = &bench.ada.get(&path).await.expect(200)["data"][0];
    assert_eq!(entry["actor"]["email"], "grace@example.com");
}
