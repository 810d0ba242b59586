//! Deleting nodes.

use serde_json::json;

use crate::workbench::Workbench;

#[tokio::test(flavor = "multi_thread")]
async fn descendants_go_with_a_node_and_each_is_told_of() {
    let bench = Workbench::start().await;
    let root = bench.titled("root").await;
    let child = bench.child("child", &root).await;
    let grandchild = bench.child("grandchild", &child).await;
    let other = bench.titled("other").await;
    let told = bench.events().await.len();
    bench
        .ada
        .delete(&format!("/nodes/{root}"))
        .await
        .expect(204);
    for id in [&root, &child, &grandchild] {
        let path = format!("/nodes/{id}");
        bench.ada.get(&path).await.expect_problem(404, "NOT_FOUND");
        let answer = bench.ada.patch(&path, json!({ "title": "x" })).await;
        answer.expect_problem(404, "NOT_FOUND");
        bench
            .ada
            .delete(&path)
            .await
            .expect_problem(404, "NOT_FOUND");
    }
    let path = format!("/projects/{}/nodes", bench.project);
    let list = bench.ada.get(&path).await.expect(200);
    assert_eq!(
        (&list["total"], &list["data"][0]["id"]),
        (&json!(1), &json!(other))
    );
    let events = bench.events().await.split_off(told);
    let mut ids: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(event["name"], "node_deleted");
            assert_eq!(event["payload"]["deletedBy"]["email"], "ada@example.com");
            event["payload"]["nodeId"].as_str().unwrap()
        })
        .collect();
    ids.sort_unstable();
    let mut expected = [root.as_str(), &child, &grandchild];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    // The rows and their history stay.
    assert_eq!(bench.count("nodes").await, 4);
    assert_eq!(bench.count("node_versions").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_lifted_to_the_parent_of_the_deleted_node() {
    let bench = Workbench::start().await;
    let root = bench.titled("root").await;
    let middle = bench.child("middle", &root).await;
    let leaf = bench.child("leaf", &middle).await;
    let path = format!("/nodes/{middle}?children=orphan");
    bench.ada.delete(&path).await.expect(204);
    let node = bench.read(&leaf).await;
    assert_eq!(
        (&node["parentId"], &node["version"]),
        (&json!(root), &json!(2))
    );
    let path = format!("/nodes/{root}?children=orphan");
    bench.ada.delete(&path).await.expect(204);
    assert!(bench.read(&leaf).await.get("parentId").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_anywhere_below_keeps_the_whole_branch() {
    let bench = Workbench::start().await;
    let root = bench.titled("root").await;
    let child = bench.child("child", &root).await;
    bench.member("bob", "member").await;
    bench.lock(&child, "bob", 5).await;
    let path = format!("/nodes/{root}");
    let answer = bench.ada.delete(&path).await;
    answer.expect_problem(409, "NODE_LOCKED");
    assert_eq!(answer.body["details"]["nodeId"], json!(child));
    let answer = bench.ada.delete(&format!("{path}?children=orphan")).await;
    answer.expect_problem(409, "NODE_LOCKED");
    bench.read(&root).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_fate_of_the_children_is_refused() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    let answer = bench.ada.delete(&format!("/nodes/{id}?children=eat")).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    bench.read(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_child_is_left_behind_by_a_deletion_at_the_same_moment() {
    let bench = Workbench::start().await;
    for _ in 0..5 {
        let root = bench.titled("root").await;
        let list = format!("/projects/{}/nodes", bench.project);
        let body = json!({ "title": "child", "parentId": root });
        let path = format!("/nodes/{root}");
        let (made, gone) = tokio::join!(bench.ada.post(&list, body), bench.ada.delete(&path));
        assert_eq!(gone.status, 204);
        assert!(matches!(made.status, 201 | 404), "{}", made.text);
    }
    let live = bench
        .rows("select id from nodes where deleted_at is null")
        .await;
    assert!(live.is_empty(), "{live:?}");
}
