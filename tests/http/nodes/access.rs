//! Who may do what with nodes.

use serde_json::json;

use crate::{
    support::{Answer, Client},
    workbench::{Workbench, bad_fields},
};

/// Every operation on one node and its project, by `client`.
async fn everything(client: &Client, project: &str, node: &str, input: &str) -> Vec<Answer> {
    let path = format!("/nodes/{node}");
    let list = format!("/projects/{project}/nodes");
    vec![
        client.get(&list).await,
        client.get(&path).await,
        client.post(&list, json!({ "title": "x" })).await,
        client.patch(&path, json!({ "title": "x" })).await,
        client
            .post(
                &format!("{path}/inputs"),
                json!({ "inputType": "text", "textContent": "x" }),
            )
            .await,
        client
            .post(
                &format!("{path}/outputs"),
                json!({ "outputType": "text", "textContent": "x" }),
            )
            .await,
        client.delete(&format!("{path}/inputs/{input}")).await,
        client.delete(&format!("{path}/outputs/{input}")).await,
        client.delete(&path).await,
    ]
}

impl Workbench {
    async fn node_with_input(&self) -> (String, String) {
        let node = self.titled("A").await;
        let body = json!({ "inputType": "text", "textContent": "a" });
        let input = self
            .ada
            .post(&format!("/nodes/{node}/inputs"), body)
            .await
            .id();
        (node, input)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_nodes() {
    let bench = Workbench::start().await;
    let (node, input) = bench.node_with_input().await;
    let eve = bench.test.user("eve").await;
    eve.workspace("eves").await;
    for answer in everything(&eve, &bench.project, &node, &input).await {
        answer.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(bench.read(&node).await["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_organization_are_not_there_in_bodies_either() {
    let bench = Workbench::start().await;
    let (theirs, _) = bench.node_with_input().await;
    let file = bench.file("ada").await;
    let ada = bench.ada.get("/users/me").await.id();
    let eve = bench.test.user("eve").await;
    let (_, project) = eve.workspace("eves").await;
    let list = format!("/projects/{project}/nodes");
    let own = eve.post(&list, json!({ "title": "own" })).await.id();
    let path = format!("/nodes/{own}");
    for answer in [
        eve.post(&list, json!({ "title": "x", "parentId": theirs }))
            .await,
        eve.patch(&path, json!({ "parentId": theirs })).await,
        eve.post(
            &format!("{path}/inputs"),
            json!({ "inputType": "file", "fileId": file }),
        )
        .await,
        eve.post(
            &format!("{path}/inputs"),
            json!({ "inputType": "node_reference", "sourceNodeId": theirs }),
        )
        .await,
        eve.post(
            &format!("{path}/outputs"),
            json!({ "outputType": "file", "fileId": file }),
        )
        .await,
    ] {
        answer.expect_problem(404, "NOT_FOUND");
    }
    let answer = eve.patch(&path, json!({ "supervisorUserId": ada })).await;
    assert_eq!(bad_fields(&answer), ["supervisorUserId"]);
    let answer = eve
        .post(&list, json!({ "title": "x", "supervisorUserId": ada }))
        .await;
    assert_eq!(bad_fields(&answer), ["supervisorUserId"]);
    assert_eq!(eve.get(&path).await.expect(200)["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_belongs_to_two_organizations_cannot_tie_them_together() {
    let bench = Workbench::start().await;
    let (source, _) = bench.node_with_input().await;
    let file = bench.file("ada").await;
    let (_, project) = bench.ada.workspace("second").await;
    let list = format!("/projects/{project}/nodes");
    let node = bench.ada.post(&list, json!({ "title": "x" })).await.id();
    bench
        .refer(&node, &source)
        .await
        .expect_problem(404, "NOT_FOUND");
    let body = json!({ "inputType": "file", "fileId": file });
    let answer = bench.ada.post(&format!("/nodes/{node}/inputs"), body).await;
    answer.expect_problem(404, "NOT_FOUND");
    let answer = bench.patch(&node, json!({ "parentId": source })).await;
    answer.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_and_an_editor_writes() {
    let bench = Workbench::start().await;
    let (node, input) = bench.node_with_input().await;
    let viewer = bench.member("vera", "guest").await;
    for answer in everything(&viewer, &bench.project, &node, &input).await {
        answer.expect_problem(404, "NOT_FOUND");
    }
    bench.join_project("vera", &bench.project, "viewer").await;
    let answers = everything(&viewer, &bench.project, &node, &input).await;
    for (n, answer) in answers.into_iter().enumerate() {
        if n < 2 {
            answer.expect(200);
        } else {
            answer.expect_problem(403, "FORBIDDEN");
        }
    }
    let editor = bench.member("ed", "guest").await;
    bench.join_project("ed", &bench.project, "editor").await;
    let answers = everything(&editor, &bench.project, &node, &input).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 201, 200, 201, 201, 204, 404, 204]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_reaches_only_files_and_nodes_of_their_projects() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let other = bench.project_named("Other").await;
    let list = format!("/projects/{other}/nodes");
    let hidden = bench
        .ada
        .post(&list, json!({ "title": "Hidden" }))
        .await
        .id();
    let (far, near) = (bench.file("ada").await, bench.file("ada").await);
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "editor").await;
    let body = json!({ "outputType": "file", "fileId": near });
    bench
        .ada
        .post(&format!("/nodes/{node}/outputs"), body)
        .await
        .expect(201);
    let inputs = format!("/nodes/{node}/inputs");
    let file = |id: &str| json!({ "inputType": "file", "fileId": id });
    gus.post(&inputs, file(&far))
        .await
        .expect_problem(404, "NOT_FOUND");
    gus.post(&inputs, file(&near)).await.expect(201);
    let body = json!({ "inputType": "node_reference", "sourceNodeId": hidden });
    gus.post(&inputs, body)
        .await
        .expect_problem(404, "NOT_FOUND");
    let moved = gus
        .patch(&format!("/nodes/{node}"), json!({ "parentId": hidden }))
        .await;
    moved.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_of_a_hidden_source_no_more_than_its_id() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    let other = bench.project_named("Other").await;
    let list = format!("/projects/{other}/nodes");
    let hidden = bench
        .ada
        .post(&list, json!({ "title": "Hidden" }))
        .await
        .id();
    bench.refer(&node, &hidden).await.expect(201);
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "viewer").await;
    let seen = gus.get(&format!("/nodes/{node}")).await;
    assert!(!seen.text.contains("Hidden"), "{}", seen.text);
    assert_eq!(seen.expect(200)["inputs"][0]["sourceNodeId"], json!(hidden));
    assert_eq!(
        bench.read(&node).await["inputs"][0]["sourceNode"]["title"],
        "Hidden"
    );
    // Everybody in the project hears events and may read versions.
    let event = bench.events().await.pop().unwrap();
    assert!(!event.to_string().contains("Hidden"), "{event}");
    let versions = bench.versions(&node).await;
    assert!(!json!(versions).to_string().contains("Hidden"));
}
