//! Nodes.

mod access;
mod attachments;
mod change;
mod delete;
mod graph;
mod list;
mod soak;
mod versions;

use serde_json::json;

use crate::workbench::{NOTHING, Workbench, bad_fields};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_needs_only_a_title() {
    let bench = Workbench::start().await;
    let path = format!("/projects/{}/nodes", bench.project);
    let answer = bench.ada.post(&path, json!({ "title": "Pier" })).await;
    assert_eq!(answer.headers["etag"], "\"v1\"");
    let id = answer.id();
    let me = bench.ada.get("/users/me").await.id();
    let node = answer.expect(201);
    assert_eq!(node["status"], "draft");
    assert_eq!(node["authorType"], "human");
    assert_eq!(node["authorUserId"], me);
    assert_eq!(node["version"], 1);
    assert_eq!(node["metadata"], json!({}));
    assert_eq!(
        (&node["inputs"], &node["outputs"]),
        (&json!([]), &json!([]))
    );
    assert!(node.get("parentId").is_none());
    let answer = bench.ada.get(&format!("/nodes/{id}")).await;
    assert_eq!(answer.headers["etag"], "\"v1\"");
    assert_eq!(answer.expect(200), node);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_leaves_a_version_an_audit_entry_and_an_event() {
    let bench = Workbench::start().await;
    let me = bench.ada.get("/users/me").await.id();
    let id = bench.titled("Pier").await;
    let node = bench.read(&id).await;
    let versions = bench.versions(&id).await;
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0]["changeType"], "created");
    assert_eq!(versions[0]["snapshot"], node);
    let events = bench.events().await;
    assert_eq!(
        events,
        [json!({
            "name": "node_created",
            "channels": [format!("project:{}", bench.project), format!("node:{id}")],
            "payload": { "projectId": bench.project, "node": node,
                         "createdBy": { "id": me, "email": "ada@example.com" } },
        })]
    );
    let entries = bench
        .rows("select action, after->>'title' as title from audit_log where resource_type = 'node'")
        .await;
    assert_eq!(
        entries,
        [json!({ "action": "node.create", "title": "Pier" })]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_begins_in_the_projects_default_state() {
    let bench = Workbench::start().await;
    let body = json!({ "settings": { "defaultNodeStatus": "in_progress" } });
    let path = format!("/projects/{}", bench.project);
    bench.ada.patch(&path, body).await.expect(200);
    let id = bench.titled("A").await;
    assert_eq!(bench.read(&id).await["status"], "in_progress");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_fields_of_a_new_node_are_named() {
    let bench = Workbench::start().await;
    let path = format!("/projects/{}/nodes", bench.project);
    for (body, field) in [
        (json!({}), "body"),
        (json!({ "title": "" }), "title"),
        (json!({ "title": "  " }), "title"),
        (json!({ "title": "x".repeat(501) }), "title"),
        (json!({ "title": 3 }), "title"),
        (
            json!({ "title": "a", "description": "x".repeat(100_001) }),
            "description",
        ),
        (json!({ "title": "a", "metadata": [] }), "metadata"),
        (
            json!({ "title": "a", "metadata": { "t": "x".repeat(70_000) } }),
            "metadata",
        ),
        (json!({ "title": "a", "status": "lost" }), "status"),
        (json!({ "title": "a", "authorType": "robot" }), "authorType"),
        (
            json!({ "title": "a", "supervisorUserId": NOTHING }),
            "supervisorUserId",
        ),
        (json!({ "title": "a", "parentId": "7" }), "parentId"),
        (json!({ "title": "a", "position": { "x": 1 } }), "position"),
    ] {
        let answer = bench.ada.post(&path, body.clone()).await;
        assert_eq!(bad_fields(&answer), [field], "{body}");
    }
    let answer = bench
        .ada
        .post(&path, json!({ "title": "a", "status": "lost" }))
        .await;
    let sentence = answer.body["error"].as_str().unwrap();
    assert!(
        sentence.contains("draft, in_progress, complete"),
        "{sentence}"
    );
    assert_eq!(bench.count("nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_must_be_a_live_node_of_the_same_project() {
    let bench = Workbench::start().await;
    let other = bench.project_named("Other").await;
    let path = format!("/projects/{other}/nodes");
    let foreign = bench.ada.post(&path, json!({ "title": "x" })).await.id();
    let gone = bench.titled("gone").await;
    bench
        .ada
        .delete(&format!("/nodes/{gone}"))
        .await
        .expect(204);
    let own = bench.titled("own").await;
    let path = format!("/projects/{}/nodes", bench.project);
    for parent in [foreign, gone, NOTHING.to_owned()] {
        let body = json!({ "title": "a", "parentId": parent });
        bench
            .ada
            .post(&path, body)
            .await
            .expect_problem(404, "NOT_FOUND");
        let answer = bench.patch(&own, json!({ "parentId": parent })).await;
        answer.expect_problem(404, "NOT_FOUND");
        assert!(answer.body["error"].as_str().unwrap().contains("parent"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_not_deeper_than_a_hundred_levels() {
    let bench = Workbench::start().await;
    let root = bench.titled("1").await;
    let mut deepest = root.clone();
    for level in 2..=100 {
        deepest = bench.child(&level.to_string(), &deepest).await;
    }
    let path = format!("/projects/{}/nodes", bench.project);
    let body = json!({ "title": "101", "parentId": deepest });
    bench
        .ada
        .post(&path, body)
        .await
        .expect_problem(422, "UNPROCESSABLE");
    let top = bench.titled("top").await;
    let answer = bench.patch(&root, json!({ "parentId": top })).await;
    answer.expect_problem(422, "UNPROCESSABLE");
}
