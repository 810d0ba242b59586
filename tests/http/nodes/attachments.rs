//! Inputs and outputs.

use serde_json::{Value, json};

use crate::workbench::{NOTHING, Workbench, bad_fields};

impl Workbench {
    async fn input(&self, node: &str, body: Value) -> crate::support::Answer {
        self.ada.post(&format!("/nodes/{node}/inputs"), body).await
    }

    async fn output(&self, node: &str, body: Value) -> crate::support::Answer {
        self.ada.post(&format!("/nodes/{node}/outputs"), body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_each_type_shows_what_it_points_at() {
    let bench = Workbench::start().await;
    let (node, source) = (bench.titled("A").await, bench.titled("Source").await);
    let file = bench.file("ada").await;
    let text = json!({ "inputType": "text", "textContent": "look", "label": "note", "metadata": { "a": 1 } });
    let text = bench.input(&node, text).await.expect(201);
    assert_eq!(
        (&text["sortOrder"], &text["nodeId"]),
        (&json!(0), &json!(node))
    );
    let link = json!({ "inputType": "external_link", "externalUrl": "https://example.com/a", "sortOrder": 7 });
    bench.input(&node, link).await.expect(201);
    let input = bench
        .input(&node, json!({ "inputType": "file", "fileId": file }))
        .await
        .expect(201);
    assert_eq!(input["sortOrder"], 8);
    assert_eq!(
        input["file"],
        json!({ "id": file, "filename": "pier.txt", "contentType": "text/plain", "processingStatus": "pending" })
    );
    let body =
        json!({ "inputType": "node_reference", "sourceNodeId": source, "sourceNodeVersion": 1 });
    let input = bench.input(&node, body).await.expect(201);
    assert_eq!(
        input["sourceNode"],
        json!({ "id": source, "projectId": bench.project, "title": "Source", "status": "draft", "version": 1,
                "pinned": { "version": 1, "title": "Source", "status": "draft" } })
    );
    let read = bench.read(&node).await;
    let types: Vec<&Value> = read["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["inputType"])
        .collect();
    assert_eq!(types, ["text", "external_link", "file", "node_reference"]);
    assert_eq!(read["version"], 5);
    assert_eq!(read["inputs"][0], text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_of_each_type_shows_what_it_points_at() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let file = bench.file("ada").await;
    for (body, field) in [
        (json!({ "outputType": "file", "fileId": file }), "file"),
        (
            json!({ "outputType": "structured_data", "structuredData": [1, { "a": null }] }),
            "structuredData",
        ),
        (
            json!({ "outputType": "structured_data", "structuredData": false }),
            "structuredData",
        ),
        (
            json!({ "outputType": "text", "textContent": "done" }),
            "textContent",
        ),
        (
            json!({ "outputType": "external_link", "externalUrl": "http://example.com" }),
            "externalUrl",
        ),
    ] {
        let output = bench.output(&node, body.clone()).await.expect(201);
        assert!(output.get(field).is_some(), "{output}");
        if field != "file" {
            assert_eq!(output[field], body[field]);
        }
    }
    let read = bench.read(&node).await;
    assert_eq!(read["outputs"].as_array().unwrap().len(), 5);
    assert_eq!(read["outputs"][4]["sortOrder"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_and_removing_make_versions_and_events() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let long = "x".repeat(9000);
    let body = json!({ "inputType": "text", "textContent": long, "label": "note" });
    let input = bench.input(&node, body).await.id();
    let body = json!({ "outputType": "text", "textContent": "b" });
    let output = bench.output(&node, body).await.id();
    bench
        .ada
        .delete(&format!("/nodes/{node}/inputs/{input}"))
        .await
        .expect(204);
    bench
        .ada
        .delete(&format!("/nodes/{node}/outputs/{output}"))
        .await
        .expect(204);
    let versions = bench.versions(&node).await;
    let kinds: Vec<&Value> = versions.iter().map(|v| &v["changeType"]).collect();
    assert_eq!(
        kinds,
        [
            "created",
            "inputs_changed",
            "outputs_changed",
            "inputs_changed",
            "outputs_changed"
        ]
    );
    assert_eq!(versions[1]["changeSummary"], "added input (text): note");
    let snapshot = &versions[2]["snapshot"];
    assert_eq!(snapshot["inputs"][0]["textContent"], long);
    assert_eq!(snapshot["outputs"][0]["textContent"], "b");
    assert_eq!(versions[4]["snapshot"]["inputs"], json!([]));
    let events = bench.events().await;
    let changes = &events[1]["payload"]["changes"];
    assert_eq!(changes["inputs"][0]["contentOmitted"], true);
    assert_eq!(changes["inputs"][0].get("textContent"), None);
    assert_eq!(
        events[2]["payload"]["changes"]["outputs"][0]["textContent"],
        "b"
    );
    assert_eq!(events[3]["payload"]["changes"], json!({ "inputs": [] }));
    let entries = bench
        .rows("select action, before->'input'->>'id' as gone from audit_log where action = 'input.remove'")
        .await;
    assert_eq!(
        entries,
        [json!({ "action": "input.remove", "gone": input })]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_input_or_output_is_not_removed() {
    let bench = Workbench::start().await;
    let (node, other) = (bench.titled("A").await, bench.titled("B").await);
    let body = json!({ "inputType": "text", "textContent": "a" });
    let input = bench.input(&node, body).await.id();
    for path in [
        format!("/nodes/{other}/inputs/{input}"),
        format!("/nodes/{node}/inputs/{other}"),
        format!("/nodes/{node}/outputs/{input}"),
    ] {
        bench
            .ada
            .delete(&path)
            .await
            .expect_problem(404, "NOT_FOUND");
    }
    let answer = bench.ada.delete(&format!("/nodes/{node}/inputs/7")).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    assert_eq!(bench.read(&node).await["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_other_types_and_odd_values_are_named() {
    let bench = Workbench::start().await;
    let (node, source) = (bench.titled("A").await, bench.titled("B").await);
    for (body, fields) in [
        (json!({ "inputType": "text" }), vec!["textContent"]),
        (json!({ "inputType": "file" }), vec!["fileId"]),
        (
            json!({ "inputType": "node_reference" }),
            vec!["sourceNodeId"],
        ),
        (json!({ "inputType": "external_link" }), vec!["externalUrl"]),
        (json!({ "inputType": "song" }), vec!["inputType"]),
        (
            json!({ "inputType": "text", "textContent": "a", "fileId": source, "sourceNodeVersion": 1 }),
            vec!["fileId", "sourceNodeVersion"],
        ),
        (
            json!({ "inputType": "external_link", "externalUrl": "ftp://a.b" }),
            vec!["externalUrl"],
        ),
        (
            json!({ "inputType": "external_link", "externalUrl": format!("https://a.b/{}", "x".repeat(2000)) }),
            vec!["externalUrl"],
        ),
        (
            json!({ "inputType": "text", "textContent": "a", "label": "x".repeat(201) }),
            vec!["label"],
        ),
        (
            json!({ "inputType": "text", "textContent": "a", "sortOrder": -1 }),
            vec!["sortOrder"],
        ),
        (
            json!({ "inputType": "text", "textContent": "a", "metadata": 1 }),
            vec!["metadata"],
        ),
        (
            json!({ "inputType": "node_reference", "sourceNodeId": source, "sourceNodeVersion": 9 }),
            vec!["sourceNodeVersion"],
        ),
    ] {
        assert_eq!(
            bad_fields(&bench.input(&node, body.clone()).await),
            fields,
            "{body}"
        );
    }
    for (body, fields) in [
        (
            json!({ "outputType": "structured_data" }),
            vec!["structuredData"],
        ),
        (
            json!({ "outputType": "text", "textContent": "a", "fileId": source }),
            vec!["fileId"],
        ),
        (
            json!({ "outputType": "node_reference", "fileId": source }),
            vec!["outputType"],
        ),
    ] {
        assert_eq!(
            bad_fields(&bench.output(&node, body.clone()).await),
            fields,
            "{body}"
        );
    }
    assert_eq!(bench.read(&node).await["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_pointed_at() {
    let bench = Workbench::start().await;
    let (node, gone) = (bench.titled("A").await, bench.titled("gone").await);
    bench
        .ada
        .delete(&format!("/nodes/{gone}"))
        .await
        .expect(204);
    for answer in [
        bench
            .input(&node, json!({ "inputType": "file", "fileId": NOTHING }))
            .await,
        bench
            .input(
                &node,
                json!({ "inputType": "node_reference", "sourceNodeId": gone }),
            )
            .await,
        bench
            .input(
                &node,
                json!({ "inputType": "node_reference", "sourceNodeId": NOTHING }),
            )
            .await,
        bench
            .output(&node, json!({ "outputType": "file", "fileId": NOTHING }))
            .await,
    ] {
        answer.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_closes_a_cycle_is_refused_with_its_path() {
    let bench = Workbench::start().await;
    let (a, b, c) = (
        bench.titled("A").await,
        bench.titled("B").await,
        bench.titled("C").await,
    );
    let answer = bench.refer(&a, &a).await;
    answer.expect_problem(409, "DEPENDENCY_CYCLE");
    assert_eq!(answer.body["details"]["path"], json!([a, a]));
    bench.refer(&b, &a).await.expect(201);
    let input = bench.refer(&c, &b).await.id();
    let answer = bench.refer(&a, &c).await;
    answer.expect_problem(409, "DEPENDENCY_CYCLE");
    assert_eq!(answer.body["details"]["path"], json!([a, b, c, a]));
    bench
        .ada
        .delete(&format!("/nodes/{c}/inputs/{input}"))
        .await
        .expect(204);
    bench.refer(&a, &c).await.expect(201);
    assert_eq!(bench.count("node_dependencies").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_node_breaks_the_cycle_it_lay_on() {
    let bench = Workbench::start().await;
    let (a, b, c) = (
        bench.titled("A").await,
        bench.titled("B").await,
        bench.titled("C").await,
    );
    bench.refer(&b, &a).await.expect(201);
    bench.refer(&c, &b).await.expect(201);
    bench.ada.delete(&format!("/nodes/{b}")).await.expect(204);
    bench.refer(&a, &c).await.expect(201);
    let inputs = bench.read(&c).await["inputs"].clone();
    assert_eq!(inputs[0]["sourceNodeId"], json!(b));
    assert!(inputs[0].get("sourceNode").is_none(), "{inputs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn references_made_at_once_close_no_cycle() {
    let bench = Workbench::start().await;
    for _ in 0..5 {
        let (a, b, c) = (
            bench.titled("A").await,
            bench.titled("B").await,
            bench.titled("C").await,
        );
        let (one, two, three) = tokio::join!(
            bench.refer(&a, &b),
            bench.refer(&b, &c),
            bench.refer(&c, &a)
        );
        let mut statuses = [one.status, two.status, three.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 409]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_added_at_once_stand_one_after_the_other() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let bodies = (0..6).map(|n| json!({ "inputType": "text", "textContent": n.to_string() }));
    let answers = futures_util::future::join_all(bodies.map(|body| bench.input(&node, body))).await;
    let mut orders: Vec<i64> = answers
        .into_iter()
        .map(|answer| answer.expect(201)["sortOrder"].as_i64().unwrap())
        .collect();
    orders.sort_unstable();
    assert_eq!(orders, [0, 1, 2, 3, 4, 5]);
    assert_eq!(bench.read(&node).await["version"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_a_node_changes_only_from_the_version_that_was_meant() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let send = |method: &str, path: String, tag: &str, body: Option<Value>| {
        let request = bench.ada.request(method, &path).header("if-match", tag);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        bench.ada.send(request)
    };
    for (list, body) in [
        ("inputs", json!({ "inputType": "text", "textContent": "x" })),
        (
            "outputs",
            json!({ "outputType": "text", "textContent": "x" }),
        ),
    ] {
        let path = format!("/nodes/{node}/{list}");
        let before = bench.read(&node).await;
        let tag = format!("\"v{}\"", before["version"]);
        let answer = send("POST", path.clone(), "\"v99\"", Some(body.clone())).await;
        answer.expect_problem(412, "VERSION_MISMATCH");
        assert_eq!(bench.read(&node).await, before);
        let added = send("POST", path.clone(), &tag, Some(body)).await;
        let path = format!("{path}/{}", added.id());
        let after = bench.read(&node).await;
        let answer = send("DELETE", path.clone(), &tag, None).await;
        answer.expect_problem(412, "VERSION_MISMATCH");
        assert_eq!(answer.body["details"]["currentVersion"], after["version"]);
        assert_eq!(bench.read(&node).await, after);
        let tag = format!("\"v{}\"", after["version"]);
        send("DELETE", path, &tag, None).await.expect(204);
    }
}
