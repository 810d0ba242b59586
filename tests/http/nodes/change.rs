//! Changing nodes: versions, concurrency, places in the tree, locks.

use serde_json::{Value, json};

use crate::workbench::{Workbench, bad_fields};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_content_makes_one_version_with_the_whole_node() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    let body =
        json!({ "title": "B", "metadata": { "tags": ["x"] }, "position": { "x": 1, "y": 2.5 } });
    let answer = bench.patch(&id, body).await;
    assert_eq!(answer.headers["etag"], "\"v2\"");
    let node = answer.expect(200);
    assert_eq!(node["version"], 2);
    let versions = bench.versions(&id).await;
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[1]["changeType"], "updated");
    assert_eq!(versions[1]["changeSummary"], "changed title, metadata");
    assert_eq!(versions[1]["snapshot"], node);
    assert_eq!(versions[0]["snapshot"]["title"], "A");
    let event = bench.events().await.pop().unwrap();
    assert_eq!(event["name"], "node_updated");
    assert_eq!(
        event["payload"]["changes"],
        json!({ "title": "B", "metadata": { "tags": ["x"] }, "position": { "x": 1.0, "y": 2.5 } })
    );
    assert_eq!(event["payload"]["version"], 2);
    assert_eq!(event["payload"]["updatedBy"]["email"], "ada@example.com");
    assert_eq!(event["payload"]["updatedAt"], node["updatedAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_alone_is_a_status_change() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    bench
        .patch(&id, json!({ "status": "complete" }))
        .await
        .expect(200);
    let versions = bench.versions(&id).await;
    assert_eq!(versions[1]["changeType"], "status_change");
    let answer = bench.patch(&id, json!({ "status": "lost" })).await;
    assert_eq!(bad_fields(&answer), ["status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_alone_makes_no_version_but_an_event() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    let node = bench
        .patch(&id, json!({ "position": { "x": 1, "y": 2 } }))
        .await;
    assert_eq!(node.headers["etag"], "\"v1\"");
    assert_eq!(node.expect(200)["position"], json!({ "x": 1.0, "y": 2.0 }));
    assert_eq!(bench.versions(&id).await.len(), 1);
    let event = bench.events().await.pop().unwrap();
    assert_eq!(event["name"], "node_updated");
    assert_eq!(event["payload"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_node_sent_back_changes_nothing() {
    let bench = Workbench::start().await;
    let parent = bench.titled("P").await;
    let id = bench.child("A", &parent).await;
    let before = bench.read(&id).await;
    let (events, entries) = (bench.events().await.len(), bench.count("audit_log").await);
    let after = bench.patch(&id, before.clone()).await.expect(200);
    assert_eq!(after, before);
    bench.patch(&id, json!({})).await.expect(200);
    assert_eq!(bench.versions(&id).await.len(), 1);
    assert_eq!(bench.events().await.len(), events);
    assert_eq!(bench.count("audit_log").await, entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn null_clears_what_can_be_cleared() {
    let bench = Workbench::start().await;
    let me = bench.ada.get("/users/me").await.id();
    let parent = bench.titled("P").await;
    let body = json!({ "title": "A", "description": "d", "parentId": parent,
                       "supervisorUserId": me, "metadata": { "a": 1 }, "position": { "x": 0, "y": 0 } });
    let id = bench.node(body).await;
    let body = json!({ "description": null, "parentId": null, "supervisorUserId": null,
                       "metadata": null, "position": null });
    let node = bench.patch(&id, body).await.expect(200);
    for field in ["description", "parentId", "supervisorUserId", "position"] {
        assert!(node.get(field).is_none(), "{field}: {node}");
    }
    assert_eq!(node["metadata"], json!({}));
    let answer = bench
        .patch(&id, json!({ "title": null, "status": null }))
        .await;
    assert_eq!(bad_fields(&answer), ["title", "status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_is_refused_and_nothing_changes() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    bench.patch(&id, json!({ "title": "B" })).await.expect(200);
    let path = format!("/nodes/{id}");
    let patch = |tag: &str, title: &str| {
        let request = bench.ada.request("PATCH", &path).header("if-match", tag);
        bench.ada.send(request.json(&json!({ "title": title })))
    };
    let answer = patch("\"v1\"", "C").await;
    answer.expect_problem(412, "VERSION_MISMATCH");
    let details = &answer.body["details"];
    assert_eq!(
        (&details["expectedVersion"], &details["currentVersion"]),
        (&json!(1), &json!(2))
    );
    let delete = bench
        .ada
        .request("DELETE", &path)
        .header("if-match", "\"v1\"");
    let answer = bench.ada.send(delete).await;
    answer.expect_problem(412, "VERSION_MISMATCH");
    assert_eq!(bench.read(&id).await["title"], "B");
    for (version, tag) in ["\"v2\"", "W/\"v3\"", "v4", "*"].iter().enumerate() {
        let node = patch(tag, &format!("{version}")).await.expect(200);
        assert_eq!(node["version"], version + 3);
    }
    let delete = bench
        .ada
        .request("DELETE", &path)
        .header("if-match", "\"v6\"");
    bench.ada.send(delete).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_never_lose_one() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    let path = format!("/nodes/{id}");
    let changes = (0..12).map(|n| {
        let (ada, path) = (bench.ada.clone(), path.clone());
        let field = if n % 2 == 0 { "title" } else { "description" };
        async move {
            ada.patch(&path, json!({ field: n.to_string() }))
                .await
                .status
        }
    });
    let statuses = futures_util::future::join_all(changes).await;
    assert_eq!(statuses, [200; 12]);
    let node = bench.read(&id).await;
    assert_eq!(node["version"], 13);
    let versions = bench.versions(&id).await;
    let mut seen: Vec<String> = Vec::new();
    for pair in versions.windows(2) {
        let (was, is) = (&pair[0]["snapshot"], &pair[1]["snapshot"]);
        let changed = ["title", "description"]
            .into_iter()
            .filter(|f| was[f] != is[f]);
        seen.extend(changed.map(|field| is[field].as_str().unwrap().to_owned()));
    }
    seen.sort_by_key(|text| text.parse::<u32>().unwrap());
    let all: Vec<String> = (0..12).map(|n| n.to_string()).collect();
    assert_eq!(
        seen, all,
        "each version differs from the one before by one change"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_from_the_same_version_one_is_refused() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    let path = format!("/nodes/{id}");
    let change = |title: &str| {
        let request = bench
            .ada
            .request("PATCH", &path)
            .header("if-match", "\"v1\"");
        bench.ada.send(request.json(&json!({ "title": title })))
    };
    let (one, two) = tokio::join!(change("one"), change("two"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_never_placed_under_itself() {
    let bench = Workbench::start().await;
    let a = bench.titled("A").await;
    let b = bench.child("B", &a).await;
    let c = bench.child("C", &b).await;
    for parent in [&a, &b, &c] {
        let answer = bench.patch(&a, json!({ "parentId": parent })).await;
        answer.expect_problem(409, "TREE_CYCLE");
    }
    bench.patch(&c, json!({ "parentId": a })).await.expect(200);
    assert_eq!(bench.read(&c).await["parentId"], json!(a));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_moves_at_once_make_no_cycle() {
    let bench = Workbench::start().await;
    for _ in 0..5 {
        let (a, b) = (bench.titled("A").await, bench.titled("B").await);
        let (one, two) = tokio::join!(
            bench.patch(&a, json!({ "parentId": b })),
            bench.patch(&b, json!({ "parentId": a })),
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_somebody_else_holds_the_lock_nothing_is_written() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    let path = format!("/nodes/{id}");
    let input = json!({ "inputType": "text", "textContent": "a" });
    let output = json!({ "outputType": "text", "textContent": "a" });
    let input_id = bench
        .ada
        .post(&format!("{path}/inputs"), input.clone())
        .await
        .id();
    let output_id = bench
        .ada
        .post(&format!("{path}/outputs"), output.clone())
        .await
        .id();
    bench.member("bob", "member").await;
    bench.lock(&id, "bob", 5).await;
    for answer in [
        bench.ada.patch(&path, json!({ "title": "B" })).await,
        bench
            .ada
            .patch(&path, json!({ "position": { "x": 1, "y": 1 } }))
            .await,
        bench.ada.delete(&path).await,
        bench.ada.post(&format!("{path}/inputs"), input).await,
        bench.ada.post(&format!("{path}/outputs"), output).await,
        bench.ada.delete(&format!("{path}/inputs/{input_id}")).await,
        bench
            .ada
            .delete(&format!("{path}/outputs/{output_id}"))
            .await,
    ] {
        answer.expect_problem(409, "NODE_LOCKED");
        let details = &answer.body["details"];
        assert_eq!(details["lockedByEmail"], "bob@example.com");
        assert!(details["lockedBy"].is_string() && details["expiresAt"].is_string());
    }
    let node = bench.read(&id).await;
    assert_eq!(node["version"], 3);
    assert!(node["lockedBy"].is_string() && node["lockExpiresAt"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_lock_and_one_whose_time_is_over_are_not_in_the_way() {
    let bench = Workbench::start().await;
    let id = bench.titled("A").await;
    bench.lock(&id, "ada", 5).await;
    bench.patch(&id, json!({ "title": "B" })).await.expect(200);
    bench.member("bob", "member").await;
    bench.lock(&id, "bob", -1).await;
    let node = bench.patch(&id, json!({ "title": "C" })).await.expect(200);
    assert_eq!(node.get("lockedBy"), None::<&Value>);
    let versions = bench.versions(&id).await;
    assert!(versions[1]["snapshot"].get("lockedBy").is_none());
}
