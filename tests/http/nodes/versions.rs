//! Versions: reading them, comparing them, going back to one.

use serde_json::{Value, json};

use crate::{
    support::Answer,
    workbench::{Workbench, bad_fields},
};

impl Workbench {
    async fn rollback(&self, node: &str, version: i32) -> Answer {
        let path = format!("/nodes/{node}/rollback/{version}");
        self.ada.post_empty(&path).await
    }

    async fn diff(&self, node: &str, from: i32, to: i32) -> Value {
        let path = format!("/nodes/{node}/versions/{from}/diff/{to}");
        self.ada.get(&path).await.expect(200)
    }

    async fn attach(&self, node: &str, list: &str, body: Value) -> String {
        let path = format!("/nodes/{node}/{list}");
        let answer = self.ada.post(&path, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.id()
    }
}

/// The content of a node: what a rollback brings back.
fn content(node: &Value) -> Value {
    let mut content = json!({});
    for field in [
        "title",
        "description",
        "status",
        "parentId",
        "supervisorUserId",
        "metadata",
        "inputs",
        "outputs",
    ] {
        content[field] = node[field].clone();
    }
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_listed_newest_first_and_in_pages() {
    let bench = Workbench::start().await;
    let me = bench.ada.get("/users/me").await.id();
    let node = bench.titled("1").await;
    for n in 2..=5 {
        bench
            .patch(&node, json!({ "title": n.to_string() }))
            .await
            .expect(200);
    }
    let path = format!("/nodes/{node}/versions");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench
            .ada
            .get(&format!("{path}?limit=2{cursor}"))
            .await
            .expect(200);
        assert_eq!(page["total"], 5);
        seen.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let numbers: Vec<i64> = seen
        .iter()
        .map(|v| v["version"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    let one = bench.ada.get(&format!("{path}/5")).await.expect(200);
    assert_eq!(one, seen[0]);
    assert_eq!(one["snapshot"], bench.read(&node).await);
    assert_eq!(
        (&one["changeType"], &one["changeSummary"]),
        (&json!("updated"), &json!("changed title"))
    );
    assert_eq!(
        (&one["changedBy"], &one["nodeId"]),
        (&json!(me), &json!(node))
    );
    for odd in ["0", "6", "-1"] {
        let answer = bench.ada.get(&format!("{path}/{odd}")).await;
        answer.expect_problem(404, "NOT_FOUND");
    }
    let answer = bench.ada.get(&format!("{path}/one")).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    let answer = bench.ada.get(&format!("{path}?cursor=x")).await;
    assert_eq!(bad_fields(&answer), ["cursor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_are_compared_field_by_field() {
    let bench = Workbench::start().await;
    let node = bench
        .node(json!({ "title": "A", "metadata": { "priority": 1, "tags": ["a"] } }))
        .await;
    let input = bench
        .attach(
            &node,
            "inputs",
            json!({ "inputType": "text", "textContent": "x" }),
        )
        .await;
    let change =
        json!({ "title": "B", "description": "d", "metadata": { "tags": ["a"], "due": null } });
    bench.patch(&node, change).await.expect(200);
    let output = bench
        .attach(
            &node,
            "outputs",
            json!({ "outputType": "text", "textContent": "y" }),
        )
        .await;
    let diff = bench.diff(&node, 1, 4).await;
    assert_eq!(
        diff["changed"],
        json!(["title", "description", "metadata", "inputs", "outputs"])
    );
    assert_eq!(
        diff["fields"],
        json!({ "title": { "before": "A", "after": "B" },
                "description": { "before": null, "after": "d" } })
    );
    assert_eq!(
        diff["metadata"],
        json!({ "priority": { "before": 1 }, "due": { "after": null } })
    );
    assert_eq!(diff["inputs"]["added"][0]["id"], json!(input));
    assert_eq!(diff["outputs"]["added"][0]["id"], json!(output));
    assert_eq!(
        (&diff["from"], &diff["to"], &diff["nodeId"]),
        (&json!(1), &json!(4), &json!(node))
    );
    let back = bench.diff(&node, 4, 1).await;
    assert_eq!(back["inputs"]["removed"][0]["id"], json!(input));
    assert_eq!(
        back["fields"]["title"],
        json!({ "before": "B", "after": "A" })
    );
    assert_eq!(bench.diff(&node, 2, 2).await["changed"], json!([]));
    let answer = bench
        .ada
        .get(&format!("/nodes/{node}/versions/1/diff/9"))
        .await;
    answer.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_makes_a_new_version_that_is_equal_to_the_old_one() {
    let bench = Workbench::start().await;
    let me = bench.ada.get("/users/me").await.id();
    let (source, parent) = (bench.titled("Source").await, bench.titled("Parent").await);
    let node = bench
        .node(json!({ "title": "A", "description": "d", "parentId": parent,
                      "supervisorUserId": me, "metadata": { "a": 1 }, "position": { "x": 1, "y": 1 } }))
        .await;
    let file = bench.file("ada").await;
    let gone = bench
        .attach(
            &node,
            "inputs",
            json!({ "inputType": "file", "fileId": file }),
        )
        .await;
    let reference = bench.refer(&node, &source).await.id();
    let output = bench
        .attach(
            &node,
            "outputs",
            json!({ "outputType": "structured_data", "structuredData": { "a": [1] } }),
        )
        .await;
    let old = bench.read(&node).await;
    for (list, id) in [
        ("inputs", &gone),
        ("inputs", &reference),
        ("outputs", &output),
    ] {
        let path = format!("/nodes/{node}/{list}/{id}");
        bench.ada.delete(&path).await.expect(204);
    }
    bench
        .attach(
            &node,
            "inputs",
            json!({ "inputType": "text", "textContent": "new" }),
        )
        .await;
    let body = json!({ "title": "B", "description": null, "parentId": null, "status": "complete",
                       "supervisorUserId": null, "metadata": {}, "position": { "x": 9, "y": 9 } });
    bench.patch(&node, body).await.expect(200);
    assert_eq!(bench.count("node_dependencies").await, 0);
    let answer = bench.rollback(&node, 4).await;
    assert_eq!(answer.headers["etag"], "\"v10\"");
    let rolled = answer.expect(200);
    assert_eq!(content(&rolled), content(&old));
    assert_eq!(rolled["position"], json!({ "x": 9.0, "y": 9.0 }));
    assert_eq!(rolled, bench.read(&node).await);
    assert_eq!(bench.diff(&node, 4, 10).await["changed"], json!([]));
    assert_eq!(bench.count("node_dependencies").await, 1);
    let versions = bench.versions(&node).await;
    assert_eq!(versions.len(), 10);
    assert_eq!(versions[9]["changeType"], "rollback");
    assert_eq!(versions[9]["changeSummary"], "rolled back to version 4");
    let event = bench.events().await.pop().unwrap();
    assert_eq!(event["name"], "node_updated");
    let changes = &event["payload"]["changes"];
    assert_eq!(changes["title"], "A");
    assert_eq!(changes["inputs"].as_array().unwrap().len(), 2);
    let entries = bench
        .rows("select after->'rolledBackTo' as version from audit_log where after ? 'rolledBackTo'")
        .await;
    assert_eq!(entries, [json!({ "version": 4 })]);
    // And forward again: history is all there.
    let forward = bench.rollback(&node, 9).await.expect(200);
    assert_eq!(content(&forward), content(&versions[8]["snapshot"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_stands_in_the_way_of_a_rollback_and_nothing_changes() {
    let bench = Workbench::start().await;
    bench.member("grace", "member").await;
    let grace = "select id from users where cognito_sub = 'grace'";
    let grace = bench.rows(grace).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/projects/{}", bench.project);
    let states = |states: Value| bench.ada.patch(&path, json!({ "workflowStates": states }));
    states(json!(["odd", "draft"])).await.expect(200);
    let (source, parent) = (bench.titled("Source").await, bench.titled("Parent").await);
    let file = bench.file("ada").await;
    let node = bench
        .node(
            json!({ "title": "A", "status": "odd", "parentId": parent, "supervisorUserId": grace }),
        )
        .await;
    let input = bench.refer(&node, &source).await.id();
    let output = bench
        .attach(
            &node,
            "outputs",
            json!({ "outputType": "file", "fileId": file }),
        )
        .await;
    for (list, id) in [("inputs", &input), ("outputs", &output)] {
        let path = format!("/nodes/{node}/{list}/{id}");
        bench.ada.delete(&path).await.expect(204);
    }
    let body = json!({ "status": "draft", "parentId": null, "supervisorUserId": null });
    bench.patch(&node, body).await.expect(200);
    for id in [&source, &parent] {
        bench
            .patch(id, json!({ "status": "draft" }))
            .await
            .expect(200);
        bench.ada.delete(&format!("/nodes/{id}")).await.expect(204);
    }
    states(json!(["draft"])).await.expect(200);
    bench
        .ada
        .delete(&format!("/orgs/{}/members/{grace}", bench.org))
        .await
        .expect(204);
    bench
        .ada
        .delete(&format!("/files/{file}"))
        .await
        .expect(204);
    let before = bench.read(&node).await;
    let entries = bench.count("audit_log").await;
    let answer = bench.rollback(&node, 3).await;
    answer.expect_problem(422, "UNPROCESSABLE");
    let obstacles = answer.body["details"]["obstacles"].as_array().unwrap();
    let fields: Vec<&str> = obstacles
        .iter()
        .map(|o| o["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "parentId",
            "status",
            "supervisorUserId",
            "inputs",
            "outputs"
        ]
    );
    assert_eq!(obstacles[3]["id"], json!(input));
    assert_eq!(bench.read(&node).await, before);
    assert_eq!(bench.count("audit_log").await, entries);
    bench
        .rollback(&node, 77)
        .await
        .expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_closes_no_cycle() {
    let bench = Workbench::start().await;
    let (a, b) = (bench.titled("A").await, bench.titled("B").await);
    let input = bench.refer(&a, &b).await.id();
    let path = format!("/nodes/{a}/inputs/{input}");
    bench.ada.delete(&path).await.expect(204);
    bench.refer(&b, &a).await.expect(201);
    let answer = bench.rollback(&a, 2).await;
    answer.expect_problem(409, "DEPENDENCY_CYCLE");
    assert_eq!(answer.body["details"]["path"], json!([a, b, a]));
    let (c, d) = (bench.titled("C").await, bench.titled("D").await);
    bench.patch(&c, json!({ "parentId": d })).await.expect(200);
    bench
        .patch(&c, json!({ "parentId": null }))
        .await
        .expect(200);
    bench.patch(&d, json!({ "parentId": c })).await.expect(200);
    let answer = bench.rollback(&c, 2).await;
    answer.expect_problem(409, "TREE_CYCLE");
    assert_eq!(bench.read(&a).await["version"], 3);
    assert_eq!(bench.read(&c).await["version"], 3);
    assert_eq!(bench.count("node_dependencies").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_honours_locks_and_if_match() {
    let bench = Workbench::start().await;
    bench.member("grace", "member").await;
    let node = bench.titled("A").await;
    bench
        .patch(&node, json!({ "title": "B" }))
        .await
        .expect(200);
    let path = format!("/nodes/{node}/rollback/1");
    let stale = bench
        .ada
        .request("POST", &path)
        .header("if-match", "\"v1\"");
    let answer = bench.ada.send(stale).await;
    answer.expect_problem(412, "VERSION_MISMATCH");
    assert_eq!(answer.body["details"]["theirs"], json!({ "title": "B" }));
    assert_eq!(answer.body["details"]["yours"], json!({}));
    bench.lock(&node, "grace", 5).await;
    bench
        .rollback(&node, 1)
        .await
        .expect_problem(409, "NODE_LOCKED");
    assert_eq!(bench.versions(&node).await.len(), 2);
    bench.lock(&node, "ada", 5).await;
    let fresh = bench
        .ada
        .request("POST", &path)
        .header("if-match", "\"v2\"");
    assert_eq!(bench.ada.send(fresh).await.expect(200)["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_a_file_cannot_bring_it_back() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let file = bench.file("ada").await;
    let input = bench
        .attach(
            &node,
            "inputs",
            json!({ "inputType": "file", "fileId": file }),
        )
        .await;
    let path = format!("/nodes/{node}/inputs/{input}");
    bench.ada.delete(&path).await.expect(204);
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "editor").await;
    let path = format!("/nodes/{node}/rollback/2");
    let answer = gus.post_empty(&path).await;
    answer.expect_problem(422, "UNPROCESSABLE");
    bench.ada.post_empty(&path).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_reference_shows_its_source_then_and_now() {
    let bench = Workbench::start().await;
    let (node, source) = (bench.titled("A").await, bench.titled("Then").await);
    let body =
        json!({ "inputType": "node_reference", "sourceNodeId": source, "sourceNodeVersion": 1 });
    bench.attach(&node, "inputs", body).await;
    bench.refer(&node, &source).await.expect(201);
    bench
        .patch(&source, json!({ "title": "Now", "status": "complete" }))
        .await
        .expect(200);
    let inputs = bench.read(&node).await["inputs"].clone();
    let now = json!({ "id": source, "projectId": bench.project, "title": "Now",
                      "status": "complete", "version": 2 });
    let mut pinned = now.clone();
    pinned["pinned"] = json!({ "version": 1, "title": "Then", "status": "draft" });
    assert_eq!(inputs[0]["sourceNode"], pinned);
    assert_eq!(inputs[1]["sourceNode"], now);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_is_told_what_it_lost_to() {
    let bench = Workbench::start().await;
    let node = bench
        .node(json!({ "title": "A", "description": "d", "metadata": { "a": 1 } }))
        .await;
    bench
        .patch(&node, json!({ "title": "B", "status": "complete" }))
        .await
        .expect(200);
    bench
        .attach(
            &node,
            "inputs",
            json!({ "inputType": "text", "textContent": "x" }),
        )
        .await;
    let patch = |tag: &'static str, body: Value| {
        let request = bench.ada.request("PATCH", &format!("/nodes/{node}"));
        bench.ada.send(request.header("if-match", tag).json(&body))
    };
    let answer = patch("\"v1\"", json!({ "title": "C", "description": null })).await;
    answer.expect_problem(412, "VERSION_MISMATCH");
    let details = &answer.body["details"];
    assert_eq!(details["expectedVersion"], 1);
    assert_eq!(details["currentVersion"], 3);
    assert_eq!(
        details["base"],
        json!({ "title": "A", "description": "d", "status": "draft", "parentId": null,
                "supervisorUserId": null, "metadata": { "a": 1 } })
    );
    assert_eq!(details["theirs"]["title"], "B");
    assert_eq!(details["theirs"]["status"], "complete");
    assert_eq!(details["theirs"]["inputs"][0]["textContent"], "x");
    assert_eq!(
        details["yours"],
        json!({ "title": "C", "description": null })
    );
    assert_eq!(details["conflicts"], json!(["title"]));
    let answer = patch("\"v9\"", json!({ "title": "C" })).await;
    assert_eq!(
        answer.body["details"],
        json!({ "expectedVersion": 9, "currentVersion": 3 })
    );
    assert_eq!(bench.read(&node).await["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_versions_come_in_shorter_pages_and_all_of_them() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    for _ in 0..4 {
        let text = noise(600_000);
        let body = json!({ "outputType": "text", "textContent": text });
        bench.attach(&node, "outputs", body).await;
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("/nodes/{node}/versions?limit=100{cursor}");
        let page = bench.ada.get(&path).await.expect(200);
        let versions = page["data"].as_array().unwrap();
        seen.extend(versions.iter().map(|v| v["version"].as_i64().unwrap()));
        pages += 1;
        match page["nextCursor"].as_str() {
            Some(next) => {
                assert_eq!(page["limit"], versions.len());
                cursor = format!("&cursor={next}");
            }
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    assert!(pages > 1, "all in one page");
}

/// Text that can't be packed.
fn noise(characters: usize) -> String {
    let mut state: u64 = 88_172_645_463_325_252;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + u8::try_from(state % 94).unwrap())
    };
    (0..characters).map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_needs_every_right_that_it_uses() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let body = json!({ "inputType": "text", "textContent": "x" });
    bench.attach(&node, "inputs", body).await;
    let path = format!("/nodes/{node}/rollback/1");
    for (rights, status) in [
        (json!(["node.read", "node.update"]), 403),
        (json!(["node.read", "node.update", "input.add"]), 403),
        (json!(["node.read", "node.update", "input.remove"]), 200),
    ] {
        let body = json!({ "name": "CI", "rights": rights });
        let tokens = format!("/orgs/{}/tokens", bench.org);
        let token = bench.ada.post(&tokens, body).await.expect(201);
        let program = bench.test.bearer(token["token"].as_str().unwrap());
        let answer = program.post_empty(&path).await;
        assert_eq!(answer.status, status, "{rights}: {}", answer.text);
    }
    assert_eq!(bench.read(&node).await["inputs"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_as_hidden_as_their_node() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    bench
        .patch(&node, json!({ "title": "B" }))
        .await
        .expect(200);
    let versions = format!("/nodes/{node}/versions");
    let reads = [
        versions.clone(),
        format!("{versions}/1"),
        format!("{versions}/1/diff/2"),
    ];
    let rollback = format!("/nodes/{node}/rollback/1");
    let eve = bench.test.user("eve").await;
    eve.workspace("eves").await;
    let vera = bench.member("vera", "guest").await;
    bench.join_project("vera", &bench.project, "viewer").await;
    for path in &reads {
        eve.get(path).await.expect_problem(404, "NOT_FOUND");
        vera.get(path).await.expect(200);
        let nobody = bench.test.anonymous();
        nobody
            .get(path)
            .await
            .expect_problem(401, "UNAUTHENTICATED");
    }
    eve.post_empty(&rollback)
        .await
        .expect_problem(404, "NOT_FOUND");
    vera.post_empty(&rollback)
        .await
        .expect_problem(403, "FORBIDDEN");
    assert_eq!(bench.read(&node).await["version"], 2);
    bench
        .ada
        .delete(&format!("/nodes/{node}"))
        .await
        .expect(204);
    for path in &reads {
        let answer = bench.ada.get(path).await;
        answer.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_has_all_that_hung_on_the_node_and_keeps_only_what_came_and_went() {
    let bench = Workbench::start().await;
    let node = bench.titled("A long list").await;
    let outputs = format!("/nodes/{node}/outputs");
    let mut states = vec![bench.read(&node).await];
    for n in 0..160 {
        let text = format!("Finding {n}. ").repeat(40);
        let body = json!({ "outputType": "text", "textContent": text });
        let id = bench.ada.post(&outputs, body).await.id();
        states.push(bench.read(&node).await);
        if n % 9 == 4 {
            bench
                .ada
                .delete(&format!("{outputs}/{id}"))
                .await
                .expect(204);
            states.push(bench.read(&node).await);
        }
        if n % 20 == 7 {
            bench
                .patch(&node, json!({ "title": format!("At {n}") }))
                .await
                .expect(200);
            states.push(bench.read(&node).await);
        }
    }
    let content = |node: &Value| {
        let fields = ["title", "version", "inputs", "outputs"];
        fields.map(|field| node[field].clone())
    };
    let versions = bench.versions(&node).await;
    assert_eq!(versions.len(), states.len());
    for (version, state) in versions.iter().zip(&states) {
        assert_eq!(content(&version["snapshot"]), content(state));
    }
    let one = bench.ada.get(&format!("/nodes/{node}/versions/70")).await;
    assert_eq!(content(&one.expect(200)["snapshot"]), content(&states[69]));
    // News of a long list name it, and don't carry it.
    let last = bench.events().await.pop().unwrap();
    assert_eq!(
        last["payload"]["changes"],
        json!({ "outputsOmitted": true })
    );
    // Whole each time, they would be about eighty times what was added.
    let sizes = "select sum(length(snapshot::text) + coalesce(length(turns::text), 0))::bigint as kept, \
                 (select sum(length(text_content)) from node_outputs)::bigint as added \
                 from node_versions";
    let sizes = bench.rows(sizes).await.remove(0);
    let (kept, added) = (
        sizes["kept"].as_i64().unwrap(),
        sizes["added"].as_i64().unwrap(),
    );
    assert!(kept < 5 * added, "{kept} bytes kept of {added}");
    // And one of them comes back.
    bench.rollback(&node, 30).await.expect(200);
    let now = bench.read(&node).await;
    assert_eq!(now["outputs"], states[29]["outputs"]);
    assert_eq!(
        bench.versions(&node).await.last().unwrap()["snapshot"]["outputs"],
        now["outputs"]
    );
}
