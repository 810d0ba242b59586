//! Projects.

use serde_json::{Value, json};

use crate::{
    support::TestApp,
    workbench::{NOTHING, Workbench},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_begins_with_the_usual_states() {
    let bench = Workbench::start().await;
    let path = format!("/orgs/{}/projects", bench.org);
    let body = json!({ "name": "Bridge", "description": "All of it" });
    let project = bench.ada.post(&path, body).await.expect(201);
    let states = json!(["draft", "in_progress", "complete"]);
    assert_eq!(project["workflowStates"], states);
    assert_eq!(project["settings"], json!({ "autoAssignAgent": false }));
    assert_eq!(project["orgId"], bench.org);
    let path = format!("/projects/{}", project["id"].as_str().unwrap());
    assert_eq!(bench.ada.get(&path).await.expect(200), project);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_project_is_named_at_once() {
    let bench = Workbench::start().await;
    let path = format!("/orgs/{}/projects", bench.org);
    let body = json!({ "name": " ", "workflowStates": ["a", "a"],
                       "settings": { "defaultNodeStatus": "b" } });
    let answer = bench.ada.post(&path, body).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    let fields = answer.body["details"]["fields"].as_array().unwrap();
    let names: Vec<&Value> = fields.iter().map(|field| &field["field"]).collect();
    assert_eq!(
        names,
        ["name", "workflowStates", "settings.defaultNodeStatus"]
    );
    let answer = bench.ada.post_empty(&path).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_changes_what_it_names_and_null_clears() {
    let bench = Workbench::start().await;
    let path = format!("/projects/{}", bench.project);
    let body = json!({ "description": "x", "settings": { "defaultNodeStatus": "complete" } });
    let project = bench.ada.patch(&path, body).await.expect(200);
    assert_eq!(project["description"], "x");
    assert_eq!(project["name"], "Project");
    let body = json!({ "description": null, "settings": null });
    let project = bench.ada.patch(&path, body).await.expect(200);
    assert!(project.get("description").is_none());
    assert!(project["settings"].get("defaultNodeStatus").is_none());
    let answer = bench.ada.patch(&path, json!({ "name": null })).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_nodes_are_in_cannot_be_removed() {
    let bench = Workbench::start().await;
    let node = bench
        .node(json!({ "title": "A", "status": "complete" }))
        .await;
    let path = format!("/projects/{}", bench.project);
    let body = json!({ "workflowStates": ["draft", "open"] });
    let answer = bench.ada.patch(&path, body.clone()).await;
    answer.expect_problem(422, "UNPROCESSABLE");
    assert_eq!(
        answer.body["details"]["states"],
        json!([{ "status": "complete", "nodes": 1 }])
    );
    let done = bench.ada.delete(&format!("/nodes/{node}")).await;
    done.expect(204);
    let project = bench.ada.patch(&path, body).await.expect(200);
    assert_eq!(project["workflowStates"], json!(["draft", "open"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_changes_nothing_leaves_no_trace() {
    let bench = Workbench::start().await;
    let path = format!("/projects/{}", bench.project);
    let before = bench.ada.get(&path).await.expect(200);
    let entries = bench.count("audit_log").await;
    let after = bench.ada.patch(&path, before.clone()).await.expect(200);
    assert_eq!(after, before);
    assert_eq!(bench.count("audit_log").await, entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_project_takes_its_nodes_with_their_references() {
    let bench = Workbench::start().await;
    // Both ways round, so that whatever order the rows go in, one of them is awkward.
    let (a, b, c) = (
        bench.titled("A").await,
        bench.titled("B").await,
        bench.titled("C").await,
    );
    bench.refer(&b, &a).await.expect(201);
    bench.refer(&b, &c).await.expect(201);
    let path = format!("/projects/{}", bench.project);
    bench.ada.delete(&path).await.expect(204);
    bench.ada.get(&path).await.expect_problem(404, "NOT_FOUND");
    let node = bench.ada.get(&format!("/nodes/{a}")).await;
    node.expect_problem(404, "NOT_FOUND");
    for table in ["nodes", "node_versions", "node_inputs", "node_dependencies"] {
        assert_eq!(bench.count(table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_whose_nodes_are_used_elsewhere_is_not_deleted() {
    let bench = Workbench::start().await;
    let source = bench.titled("Source").await;
    let other = bench.project_named("Other").await;
    let path = format!("/projects/{other}/nodes");
    let user = bench.ada.post(&path, json!({ "title": "User" })).await.id();
    bench.refer(&user, &source).await.expect(201);
    let path = format!("/projects/{}", bench.project);
    let answer = bench.ada.delete(&path).await;
    answer.expect_problem(409, "CONFLICT");
    // A deleted node's input can't be removed by anybody, so it must not be in the way.
    let done = bench.ada.delete(&format!("/nodes/{user}")).await;
    done.expect(204);
    bench.ada.delete(&path).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_a_project() {
    let bench = Workbench::start().await;
    let eve = bench.test.user("eve").await;
    let (org, id) = (&bench.org, &bench.project);
    for answer in [
        eve.get(&format!("/orgs/{org}/projects")).await,
        eve.post(&format!("/orgs/{org}/projects"), json!({ "name": "x" }))
            .await,
        eve.get(&format!("/projects/{id}")).await,
        eve.patch(&format!("/projects/{id}"), json!({ "name": "x" }))
            .await,
        eve.delete(&format!("/projects/{id}")).await,
    ] {
        answer.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_lists_only_the_projects_they_belong_to() {
    let bench = Workbench::start().await;
    let hidden = bench.project_named("Hidden").await;
    let gus = bench.member("gus", "guest").await;
    let list = format!("/orgs/{}/projects", bench.org);
    assert_eq!(gus.get(&list).await.expect(200)["total"], 0);
    bench.join_project("gus", &bench.project, "viewer").await;
    let page = gus.get(&list).await.expect(200);
    assert_eq!(page["total"], 1);
    assert_eq!(page["data"][0]["id"], bench.project);
    let other = gus.get(&format!("/projects/{hidden}")).await;
    other.expect_problem(404, "NOT_FOUND");
    let path = format!("/projects/{}", bench.project);
    let answer = gus.patch(&path, json!({ "name": "x" })).await;
    answer.expect_problem(403, "FORBIDDEN");
    let answer = gus.post(&list, json!({ "name": "x" })).await;
    answer.expect_problem(403, "FORBIDDEN");
    assert_eq!(bench.ada.get(&list).await.expect(200)["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_projects_leads_to_the_next() {
    let bench = Workbench::start().await;
    for name in ["A", "B", "C"] {
        bench.project_named(name).await;
    }
    let list = format!("/orgs/{}/projects", bench.org);
    let first = bench.ada.get(&format!("{list}?limit=3")).await.expect(200);
    assert_eq!(
        (&first["total"], &first["hasMore"]),
        (&json!(4), &json!(true))
    );
    assert_eq!(first["data"][0]["name"], "C");
    let cursor = first["nextCursor"].as_str().unwrap();
    let path = format!("{list}?limit=3&cursor={cursor}");
    let second = bench.ada.get(&path).await.expect(200);
    assert_eq!(second["data"][0]["name"], "Project");
    assert_eq!(second["hasMore"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_token_gets_anywhere() {
    let test = TestApp::start().await;
    let id = NOTHING;
    let anonymous = test.anonymous();
    for path in [
        format!("/orgs/{id}/projects"),
        format!("/projects/{id}"),
        format!("/nodes/{id}"),
    ] {
        let answer = anonymous.get(&path).await;
        answer.expect_problem(401, "UNAUTHENTICATED");
    }
}
#[tokio::test(flavor = "multi_thread")]
async fn an_organization_goes_with_all_its_nodes_and_files() {
    let bench = Workbench::start().await;
    let (a, b, c) = (
        bench.titled("A").await,
        bench.titled("B").await,
        bench.titled("C").await,
    );
    bench.refer(&b, &a).await.expect(201);
    bench.refer(&b, &c).await.expect(201);
    let file = bench.file("ada").await;
    let body = json!({ "inputType": "file", "fileId": file });
    bench
        .ada
        .post(&format!("/nodes/{a}/inputs"), body)
        .await
        .expect(201);
    bench
        .ada
        .delete(&format!("/orgs/{}", bench.org))
        .await
        .expect(204);
    assert_eq!(bench.count("nodes").await, 0);
}
