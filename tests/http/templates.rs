//! Templates: who sees and changes them, and what comes of applying them.

use std::sync::Arc;

use glassbox::agent::worker::AgentWorker;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{Client, TestApp, model::Scripted},
    workbench::{NOTHING, Workbench, bad_fields},
};

const RESEARCH: &str = "019c0000-7e01-7000-8000-000000000001";
const DECISION: &str = "019c0000-7e01-7000-8000-000000000003";

impl Workbench {
    async fn template(&self, body: Value) -> String {
        let mut whole = json!({ "orgId": self.org, "name": "Report" });
        let fields = whole.as_object_mut().unwrap();
        fields.extend(body.as_object().unwrap().clone());
        let answer = self.ada.post("/templates", whole).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.id()
    }

    async fn apply(&self, template: &str) -> Vec<Value> {
        let body = json!({ "projectId": self.project });
        let path = format!("/templates/{template}/apply");
        let made = self.ada.post(&path, body).await.expect(201);
        assert_eq!(made["data"], made["nodes"]);
        made["data"].as_array().unwrap().clone()
    }
}

fn sub_node(template: &str) -> Value {
    json!({ "subNodes": [{ "title": "Part", "authorType": "human", "templateId": template }] })
}

async fn names(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/templates{query}")).await.expect(200);
    let data = page["data"].as_array().unwrap();
    assert_eq!(page["total"], data.len());
    data.iter()
        .map(|t| t["name"].as_str().unwrap().to_owned())
        .collect()
}

const SYSTEM: [&str; 3] = ["Research", "Code review", "Decision"];

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_made_read_changed_and_deleted() {
    let bench = Workbench::start().await;
    let body = json!({
        "orgId": bench.org, "name": "Review", "description": "Weekly",
        "structure": { "inputs": [{ "label": "Report", "type": "file" }] },
        "agentConfig": { "temperature": 0.5, "tools": ["read_input"] },
    });
    let made = bench.ada.post("/templates", body).await.expect(201);
    let expected = json!({
        "inputs": [{ "label": "Report", "type": "file", "required": false }],
        "outputs": [], "subNodes": [], "suggestedWorkflowStates": [],
    });
    assert_eq!(made["structure"], expected);
    assert_eq!(
        (&made["orgId"], &made["isPublic"]),
        (&json!(bench.org), &json!(false))
    );
    let path = format!("/templates/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.ada.get(&path).await.expect(200), made);

    let entries = bench.count("audit_log").await;
    assert_eq!(bench.ada.patch(&path, made.clone()).await.expect(200), made);
    assert_eq!(bench.count("audit_log").await, entries);
    let body = json!({ "description": null, "agentConfig": null, "isPublic": true });
    let changed = bench.ada.patch(&path, body).await.expect(200);
    assert!(changed.get("description").is_none());
    assert_eq!(changed["agentConfig"], json!({}));
    assert_eq!(
        (&changed["name"], &changed["isPublic"]),
        (&json!("Review"), &json!(true))
    );

    bench.ada.delete(&path).await.expect(204);
    bench.ada.get(&path).await.expect_problem(404, "NOT_FOUND");
    let audit = bench
        .rows("select action, before, after from audit_log where resource_type = 'template' order by created_at, id")
        .await;
    assert_eq!(audit.len(), 3);
    assert_eq!(
        audit[1]["after"],
        json!({ "description": null, "agentConfig": {}, "isPublic": true })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_template_is_named() {
    let bench = Workbench::start().await;
    let answer = bench.ada.post_empty("/templates").await;
    assert_eq!(bad_fields(&answer), ["orgId"]);
    let body = json!({
        "orgId": bench.org, "name": " ",
        "structure": { "inputs": [{ "label": "", "type": "text" }],
                       "subNodes": [{ "title": "x".repeat(501), "authorType": "agent" }] },
        "agentConfig": { "temperature": 3, "maxTokens": 0 },
    });
    let answer = bench.ada.post("/templates", body).await;
    let expected = [
        "name",
        "structure.inputs[0].label",
        "structure.subNodes[0].title",
        "agentConfig.maxTokens",
        "agentConfig.temperature",
    ];
    assert_eq!(bad_fields(&answer), expected);
    let body = json!({ "orgId": bench.org, "name": "x",
                       "structure": { "inputs": [{ "label": "a", "type": "picture" }] } });
    let answer = bench.ada.post("/templates", body).await;
    assert_eq!(bad_fields(&answer), ["structure.inputs[0].type"]);
    let answer = bench.ada.get("/templates?orgId=7").await;
    assert_eq!(bad_fields(&answer), ["orgId"]);
    assert_eq!(bench.count("templates where org_id is not null").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_lists_the_shared_and_members_their_own() {
    let bench = Workbench::start().await;
    bench.template(json!({ "name": "Own" })).await;
    bench
        .template(json!({ "name": "Public", "isPublic": true }))
        .await;
    let of_org = format!("?orgId={}", bench.org);
    let all = ["Public", "Own", SYSTEM[0], SYSTEM[1], SYSTEM[2]];
    let shared = ["Public", SYSTEM[0], SYSTEM[1], SYSTEM[2]];
    assert_eq!(names(&bench.ada, "").await, all);
    assert_eq!(names(&bench.ada, &of_org).await, all);
    let (second, _) = bench.ada.workspace("second").await;
    assert_eq!(names(&bench.ada, &format!("?orgId={second}")).await, shared);
    let mel = bench.member("mel", "member").await;
    assert_eq!(names(&mel, "").await, all);
    let gus = bench.member("gus", "guest").await;
    assert_eq!(names(&gus, "").await, shared);
    assert_eq!(names(&gus, &of_org).await, shared);
    let eve = bench.test.user("eve").await;
    assert_eq!(names(&eve, "").await, shared);
    let answer = eve.get(&format!("/templates{of_org}")).await;
    answer.expect_problem(404, "NOT_FOUND");
    let nobody = bench.test.anonymous().get("/templates").await;
    nobody.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_templates_leads_to_the_next() {
    let bench = Workbench::start().await;
    bench.template(json!({ "name": "Own" })).await;
    let first = bench.ada.get("/templates?limit=3").await.expect(200);
    assert_eq!(
        (&first["total"], &first["hasMore"]),
        (&json!(4), &json!(true))
    );
    let cursor = first["nextCursor"].as_str().unwrap();
    let path = format!("/templates?limit=3&cursor={cursor}");
    let second = bench.ada.get(&path).await.expect(200);
    assert_eq!(second["data"].as_array().unwrap().len(), 1);
    assert_eq!(second["data"][0]["name"], "Decision");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_organizations_admins_changes_its_templates() {
    let bench = Workbench::start().await;
    let private = bench.template(json!({ "name": "Private" })).await;
    let public = bench
        .template(json!({ "name": "Public", "isPublic": true }))
        .await;
    let before = bench.rows("select * from templates order by id").await;
    let eve = bench.test.user("eve").await;
    eve.workspace("eves").await;
    let mel = bench.member("mel", "member").await;
    let gus = bench.member("gus", "guest").await;
    // What each may know of decides between 403 and 404.
    for (client, private_status) in [(&eve, 404), (&mel, 403), (&gus, 404), (&bench.ada, 0)] {
        let targets = [
            (private.as_str(), private_status),
            (&public, 403),
            (RESEARCH, 403),
        ];
        for (template, status) in targets {
            if private_status == 0 && template != RESEARCH {
                continue;
            }
            let path = format!("/templates/{template}");
            let code = if status == 404 {
                "NOT_FOUND"
            } else {
                "FORBIDDEN"
            };
            let patched = client.patch(&path, json!({ "name": "x" })).await;
            patched.expect_problem(status, code);
            client.delete(&path).await.expect_problem(status, code);
            let seen = client.get(&path).await.status;
            assert_eq!(seen, if status == 404 { 404 } else { 200 });
        }
    }
    let body = json!({ "orgId": bench.org, "name": "x" });
    let answer = mel.post("/templates", body.clone()).await;
    answer.expect_problem(403, "FORBIDDEN");
    let answer = eve.post("/templates", body).await;
    answer.expect_problem(404, "NOT_FOUND");
    assert_eq!(
        bench.rows("select * from templates order by id").await,
        before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_makes_the_whole_tree_with_placeholders() {
    let bench = Workbench::start().await;
    let inner = json!({
        "name": "Inner", "description": "How to do it",
        "structure": { "outputs": [{ "label": "Table", "type": "structured_data", "description": "Rows." }] },
        "agentConfig": { "systemPrompt": "Count." },
    });
    let inner = bench.template(inner).await;
    let outer = json!({
        "structure": {
            "inputs": [{ "label": "Report", "type": "file", "required": true }],
            "subNodes": [
                { "title": "Count it", "authorType": "agent", "templateId": inner },
                { "title": "Look at it", "authorType": "human" },
            ],
            "suggestedWorkflowStates": ["elsewhere"],
        },
    });
    let outer = bench.template(outer).await;
    let under = bench.titled("Under").await;
    let body = json!({ "projectId": bench.project, "parentId": under, "title": "May" });
    let path = format!("/templates/{outer}/apply");
    let made = bench.ada.post(&path, body).await.expect(201);
    let made = made["data"].as_array().unwrap();
    let titles: Vec<_> = made
        .iter()
        .map(|node| node["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["May", "Count it", "Look at it"]);
    assert_eq!(made[0]["parentId"], json!(under));
    assert_eq!(made[0]["authorType"], "human");
    assert_eq!(made[0]["metadata"], json!({ "templateId": outer }));
    let input = &made[0]["inputs"][0];
    assert_eq!(
        (&input["inputType"], &input["label"]),
        (&json!("text"), &json!("Report"))
    );
    assert_eq!(input["textContent"], "");
    assert_eq!(
        input["metadata"],
        json!({ "placeholder": true, "type": "file", "required": true })
    );
    let root = &made[0]["id"];
    assert_eq!((&made[1]["parentId"], &made[2]["parentId"]), (root, root));
    assert_eq!(
        (&made[1]["authorType"], &made[1]["description"]),
        (&json!("agent"), &json!("How to do it"))
    );
    let expected = json!({ "templateId": inner, "agentConfig": { "systemPrompt": "Count." } });
    assert_eq!(made[1]["metadata"], expected);
    let expected =
        json!({ "placeholder": true, "type": "structured_data", "description": "Rows." });
    assert_eq!(made[1]["outputs"][0]["metadata"], expected);
    for node in made {
        assert_eq!(
            (&node["status"], &node["version"]),
            (&json!("draft"), &json!(1))
        );
        let id = node["id"].as_str().unwrap();
        assert_eq!(&bench.read(id).await, node);
        let versions = bench.versions(id).await;
        assert_eq!(versions[0]["snapshot"]["inputs"], node["inputs"]);
        assert_eq!(versions.len(), 1);
    }
    assert_eq!(bench.events().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_templates_can_be_used_anywhere_and_by_guests_who_edit() {
    let bench = Workbench::start().await;
    let made = bench.apply(DECISION).await;
    assert_eq!(made[0]["authorType"], "agent");
    assert!(
        made.iter()
            .any(|node| node["metadata"]["templateId"] == RESEARCH)
    );
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "editor").await;
    let body = json!({ "projectId": bench.project });
    let answer = gus
        .post(&format!("/templates/{RESEARCH}/apply"), body.clone())
        .await;
    answer.expect(201);
    // The organization's own are not theirs to know of.
    let own = bench.template(json!({})).await;
    let answer = gus
        .post(&format!("/templates/{own}/apply"), body.clone())
        .await;
    answer.expect_problem(404, "NOT_FOUND");
    let vera = bench.member("vera", "guest").await;
    bench.join_project("vera", &bench.project, "viewer").await;
    let answer = vera
        .post(&format!("/templates/{RESEARCH}/apply"), body)
        .await;
    answer.expect_problem(403, "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_yours_cannot_be_applied_or_applied_to() {
    let bench = Workbench::start().await;
    let theirs = bench.template(json!({})).await;
    let their_node = bench.titled("A").await;
    let eve = bench.test.user("eve").await;
    let (_, project) = eve.workspace("eves").await;
    let nodes = bench.count("nodes").await;
    let apply = async |template: &str, body: Value| {
        let answer = eve
            .post(&format!("/templates/{template}/apply"), body)
            .await;
        answer.expect_problem(404, "NOT_FOUND");
    };
    apply(&theirs, json!({ "projectId": project })).await;
    apply(NOTHING, json!({ "projectId": project })).await;
    apply(RESEARCH, json!({ "projectId": bench.project })).await;
    apply(
        RESEARCH,
        json!({ "projectId": project, "parentId": their_node }),
    )
    .await;
    let answer = eve
        .post(&format!("/templates/{RESEARCH}/apply"), json!({}))
        .await;
    assert_eq!(bad_fields(&answer), ["projectId"]);
    let long = json!({ "projectId": project, "title": "x".repeat(501) });
    let answer = eve
        .post(&format!("/templates/{RESEARCH}/apply"), long)
        .await;
    assert_eq!(bad_fields(&answer), ["title"]);
    // One who belongs to both can't carry a template from one to the other either.
    let (_, second) = bench.ada.workspace("second").await;
    let path = format!("/templates/{theirs}/apply");
    let answer = bench.ada.post(&path, json!({ "projectId": second })).await;
    answer.expect_problem(404, "NOT_FOUND");
    assert_eq!(bench.count("nodes").await, nodes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_node_names_only_templates_that_are_there() {
    let bench = Workbench::start().await;
    let theirs = bench.template(json!({})).await;
    let eve = bench.test.user("eve").await;
    let (org, _) = eve.workspace("eves").await;
    let mut answers = Vec::new();
    for id in [theirs.as_str(), NOTHING] {
        let body = json!({ "orgId": org, "name": "x", "structure": sub_node(id) });
        let answer = eve.post("/templates", body).await;
        assert_eq!(bad_fields(&answer), ["structure.subNodes[0].templateId"]);
        answers.push(answer.body["details"].clone());
    }
    assert_eq!(answers[0], answers[1]);
    let body = json!({ "orgId": org, "name": "x", "structure": sub_node(RESEARCH) });
    eve.post("/templates", body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_cannot_lead_back_to_themselves() {
    let bench = Workbench::start().await;
    let a = bench.template(json!({ "name": "A" })).await;
    let b = bench
        .template(json!({ "name": "B", "structure": sub_node(&a) }))
        .await;
    let answer = bench
        .ada
        .patch(
            &format!("/templates/{a}"),
            json!({ "structure": sub_node(&b) }),
        )
        .await;
    answer.expect_problem(409, "DEPENDENCY_CYCLE");
    assert_eq!(answer.body["details"]["path"], json!([a, b, a]));
    // Two changes at once could each close one half; applying asks again.
    let structure = sub_node(&b).to_string();
    let sql = format!("update templates set structure = '{structure}' where id = '{a}'");
    bench.test.database.execute(&sql).await;
    let body = json!({ "projectId": bench.project });
    let answer = bench.ada.post(&format!("/templates/{a}/apply"), body).await;
    answer.expect_problem(409, "DEPENDENCY_CYCLE");
    assert_eq!(bench.count("nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_grows_too_large_or_lost_a_part_makes_nothing() {
    let bench = Workbench::start().await;
    let part = json!({ "title": "Part", "authorType": "human" });
    let leaf = bench
        .template(json!({ "structure": { "subNodes": vec![part; 60] } }))
        .await;
    let of_leaf = json!({ "title": "Part", "authorType": "human", "templateId": leaf });
    let body = json!({ "orgId": bench.org, "name": "x", "structure": { "subNodes": vec![of_leaf.clone(); 2] } });
    let answer = bench.ada.post("/templates", body).await;
    answer.expect_problem(422, "UNPROCESSABLE");
    assert_eq!(
        answer.body["details"],
        json!({ "limit": "nodes", "maximum": 100 })
    );
    let root = bench
        .template(json!({ "structure": { "subNodes": [of_leaf] } }))
        .await;
    assert_eq!(bench.apply(&root).await.len(), 62);
    let nodes = bench.count("nodes").await;
    bench
        .ada
        .delete(&format!("/templates/{leaf}"))
        .await
        .expect(204);
    let body = json!({ "projectId": bench.project });
    let answer = bench
        .ada
        .post(&format!("/templates/{root}/apply"), body)
        .await;
    answer.expect_problem(422, "UNPROCESSABLE");
    assert_eq!(answer.body["details"]["templateId"], json!(leaf));
    assert_eq!(bench.count("nodes").await, nodes);
}

#[tokio::test(flavor = "multi_thread")]
async fn executing_an_applied_node_uses_its_templates_agent() {
    let model = Scripted::calling(vec![("mark_complete", json!({ "summary": "Done." }))]);
    let bench = Workbench::of(TestApp::start_with_model(model.clone()).await).await;
    let template = json!({
        "structure": { "outputs": [{ "label": "Sum", "type": "text", "description": "One number." }] },
        "agentConfig": { "model": "script/any", "systemPrompt": "You count sheep.", "maxTokens": 77,
                         "tools": ["mark_complete"] },
    });
    let template = bench.template(template).await;
    let node = bench.apply(&template).await.remove(0);
    let node = node["id"].as_str().unwrap();
    let started = bench
        .ada
        .post_empty(&format!("/nodes/{node}/execute"))
        .await
        .expect(201);
    assert_eq!(started["execution"]["modelId"], "script/any");
    let config = bench
        .rows("select config from agent_executions")
        .await
        .remove(0);
    let expected =
        json!({ "systemPrompt": "You count sheep.", "maxTokens": 77, "tools": ["mark_complete"] });
    assert_eq!(config["config"], expected);
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    bench.test.relay().await;
    while worker.step(&CancellationToken::new()).await.unwrap() {}
    let asked = json!(*model.asked.lock().unwrap());
    let messages = asked[0]["messages"].to_string();
    assert!(messages.contains("You count sheep."), "{messages}");
    assert!(messages.contains("- Sum (text): One number."), "{messages}");
    let tools: Vec<_> = asked[0]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["name"])
        .collect();
    assert_eq!(tools, ["mark_complete"]);
    // What the call says comes first, a field at a time.
    let body = json!({ "model": "demo/analyst", "config": { "maxTokens": 5 } });
    let started = bench
        .ada
        .post(&format!("/nodes/{node}/execute"), body)
        .await
        .expect(201);
    assert_eq!(started["execution"]["modelId"], "demo/analyst");
    let sql = "select config from agent_executions order by created_at desc limit 1";
    let config = bench.rows(sql).await.remove(0);
    assert_eq!(config["config"]["maxTokens"], 5);
    assert_eq!(config["config"]["systemPrompt"], "You count sheep.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_settings_cannot_be_used_is_not_executed_otherwise() {
    let bench = Workbench::start().await;
    for settings in [
        json!({ "tools": ["rm"] }),
        json!({ "model": "nowhere/none" }),
        json!({ "maxTokens": "many" }),
    ] {
        let node = bench
            .node(json!({ "title": "A", "metadata": { "agentConfig": settings } }))
            .await;
        let answer = bench
            .ada
            .post_empty(&format!("/nodes/{node}/execute"))
            .await;
        answer.expect_problem(422, "UNPROCESSABLE");
    }
    assert_eq!(bench.count("agent_executions").await, 0);
}
