//! Tokens of an organization: what they may do, where, and until when.

use chrono::TimeDelta;
use glassbox::{
    access::{Action, ExecutionRights},
    kernel::text::TextEnum,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    support::{Client, TestApp},
    workbench::{NOTHING, Workbench, bad_fields},
};

impl Workbench {
    fn tokens(&self) -> String {
        format!("/orgs/{}/tokens", self.org)
    }

    /// Makes a token as Ada; answers its id and a client that bears it.
    async fn token(&self, body: Value) -> (String, Client) {
        let made = self.ada.post(&self.tokens(), body).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        (id, self.test.bearer(made["token"].as_str().unwrap()))
    }

    /// A client whose token may do this everywhere in the organization.
    async fn program(&self, rights: &[&str]) -> Client {
        self.token(json!({ "name": "CI", "rights": rights }))
            .await
            .1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_listed_without_its_text() {
    let bench = Workbench::of(TestApp::start_with_manual_clock().await).await;
    let body = json!({ "name": "CI", "rights": ["node.read", "node.create"],
        "resource": { "projectId": bench.project }, "expiresIn": 3600, "unknown": 1 });
    let made = bench.ada.post(&bench.tokens(), body).await.expect(201);
    let me = bench.ada.get("/users/me").await.expect(200);
    let mut listed = json!({
        "id": made["id"], "orgId": bench.org, "name": "CI",
        "rights": ["node.create", "node.read"],
        "resource": { "projectId": bench.project }, "createdBy": me["id"],
        "createdAt": "2026-01-28T09:30:00Z", "expiresAt": "2026-01-28T10:30:00Z",
    });
    let list = bench.ada.get(&bench.tokens()).await;
    let text = made["token"].as_str().unwrap();
    assert!(!list.text.contains(text));
    let list = list.expect(200);
    assert_eq!(list["data"], json!([listed]));
    assert_eq!(list["total"], 1);
    listed["token"] = json!(text);
    assert_eq!(made, listed);
    let kept = bench.rows("select t::text as row from tokens t").await;
    assert!(!kept[0]["row"].as_str().unwrap().contains(text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_it_was_given_and_nothing_else() {
    let bench = Workbench::start().await;
    let node = bench.titled("Pier").await;
    let reader = bench.program(&["node.read", "project.read"]).await;
    reader.get(&format!("/nodes/{node}")).await.expect(200);
    reader
        .get(&format!("/projects/{}", bench.project))
        .await
        .expect(200);
    let nodes = format!("/projects/{}/nodes", bench.project);
    for answer in [
        reader.post(&nodes, json!({ "title": "Mine" })).await,
        reader
            .patch(&format!("/nodes/{node}"), json!({ "title": "Mine" }))
            .await,
        reader.delete(&format!("/nodes/{node}")).await,
        reader.get(&format!("/orgs/{}", bench.org)).await,
        reader.delete(&format!("/orgs/{}", bench.org)).await,
    ] {
        answer.expect_problem(403, "FORBIDDEN");
    }
    assert_eq!(bench.read(&node).await["title"], "Pier");
    assert_eq!(bench.count("nodes").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_again_by_the_right_to_that_alone() {
    let bench = Workbench::start().await;
    let file = bench.file("ada").await;
    let confirmed = "update files set confirmed_at = now(), processing_status = 'complete'";
    bench.test.database.execute(confirmed).await;
    let again = format!("/files/{file}/reprocess");
    let adder = bench.program(&["file.create"]).await;
    let refused = adder.post_empty(&again).await;
    refused.expect_problem(403, "FORBIDDEN");
    let reader = bench.program(&["file.reprocess"]).await;
    reader.post_empty(&again).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_a_project_does_not_reach_another() {
    let bench = Workbench::start().await;
    let other = bench.project_named("Other").await;
    let body = json!({ "name": "CI", "rights": ["project.read", "node.create", "node.read"],
        "resource": { "projectId": bench.project } });
    let (_, program) = bench.token(body).await;
    let nodes = |project: &str| format!("/projects/{project}/nodes");
    let body = json!({ "title": "New" });
    program
        .post(&nodes(&bench.project), body.clone())
        .await
        .expect(201);
    program.get(&nodes(&bench.project)).await.expect(200);
    for answer in [
        program.post(&nodes(&other), body).await,
        program.get(&nodes(&other)).await,
        program.get(&format!("/projects/{other}")).await,
    ] {
        answer.expect_problem(403, "FORBIDDEN");
    }
    assert_eq!(bench.count("nodes").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_a_node_reaches_what_is_below_it_and_nothing_beside_it() {
    let bench = Workbench::start().await;
    let top = bench.titled("Top").await;
    let middle = bench.child("Middle", &top).await;
    let below = bench.child("Below", &middle).await;
    let beside = bench.child("Beside", &top).await;
    let body = json!({ "name": "CI", "rights": ["node.read"], "resource": { "nodeId": middle } });
    let (_, program) = bench.token(body).await;
    for node in [&middle, &below] {
        program.get(&format!("/nodes/{node}")).await.expect(200);
    }
    for node in [&top, &beside] {
        let answer = program.get(&format!("/nodes/{node}")).await;
        answer.expect_problem(403, "FORBIDDEN");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_never_has_more_rights_than_its_maker_has_now() {
    let bench = Workbench::start().await;
    let grace = bench.member("grace", "admin").await;
    let rights = json!({ "name": "CI", "rights": ["org.read", "org.update", "org.delete"] });
    let made = grace.post(&bench.tokens(), rights).await.expect(201);
    let program = bench.test.bearer(made["token"].as_str().unwrap());
    let org = format!("/orgs/{}", bench.org);
    let rename = |name: &str| json!({ "name": name });
    program.patch(&org, rename("B")).await.expect(200);
    program.delete(&org).await.expect_problem(403, "FORBIDDEN");

    let member = "select id from users where cognito_sub = 'grace'";
    let demote = format!("update org_members set role = 'member' where user_id = ({member})");
    bench.test.database.execute(&demote).await;
    program.get(&org).await.expect(200);
    program
        .patch(&org, rename("C"))
        .await
        .expect_problem(403, "FORBIDDEN");

    let leave = format!("delete from org_members where user_id = ({member})");
    bench.test.database.execute(&leave).await;
    program.get(&org).await.expect_problem(401, "TOKEN_INVALID");
    assert_eq!(bench.ada.get(&org).await.expect(200)["name"], "B");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_at_once_with_all_that_was_narrowed_from_it() {
    let bench = Workbench::start().await;
    let node = bench.titled("Pier").await;
    let path = format!("/nodes/{node}");
    let body = || json!({ "name": "CI", "rights": ["node.read", "node.update"] });
    let (id, program) = bench.token(body()).await;
    let (_, other) = bench.token(body()).await;
    let narrowed = bench.test.bearer(&narrowed(&bench.test, program.token()));
    for bearer in [&program, &narrowed, &other] {
        bearer.get(&path).await.expect(200);
    }
    let token = format!("{}/{id}", bench.tokens());
    bench.ada.delete(&token).await.expect(204);
    for bearer in [&program, &narrowed] {
        bearer.get(&path).await.expect_problem(401, "TOKEN_INVALID");
        let answer = bearer.patch(&path, json!({ "title": "Mine" })).await;
        answer.expect_problem(401, "TOKEN_INVALID");
    }
    other.get(&path).await.expect(200);
    bench.ada.get(&path).await.expect(200);
    assert_eq!(bench.read(&node).await["title"], "Pier");

    let list = bench.ada.get(&bench.tokens()).await.expect(200);
    let revoked: Vec<bool> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token.get("revokedAt").is_some())
        .collect();
    assert_eq!(revoked, [false, true]);
}

/// What a bearer makes of a token without asking us.
fn narrowed(test: &TestApp, token: &str) -> String {
    use biscuit_auth::{Algorithm, Biscuit, PublicKey, macros::block};
    let key = PublicKey::from_bytes_hex(&test.app.keyring.public_key(), Algorithm::Ed25519);
    let token = Biscuit::from_base64(token, key.unwrap()).unwrap();
    let check = block!(r#"check if operation("node.read") or operation("node.update")"#);
    token.append(check).unwrap().to_base64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_its_time_is_over_though_it_was_verified_before() {
    let bench = Workbench::of(TestApp::start_with_manual_clock().await).await;
    let node = bench.titled("Pier").await;
    let body = json!({ "name": "CI", "rights": ["node.read"], "expiresIn": 60 });
    let (_, program) = bench.token(body).await;
    let path = format!("/nodes/{node}");
    program.get(&path).await.expect(200);
    bench.test.clock.advance(TimeDelta::seconds(60));
    program
        .get(&path)
        .await
        .expect_problem(401, "TOKEN_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_token_does() {
    let bench = Workbench::of(TestApp::start_with_manual_clock().await).await;
    let node = bench.titled("Pier").await;
    let run = bench
        .ada
        .post_empty(&format!("/nodes/{node}/execute"))
        .await
        .expect(201);
    let path = format!(
        "/executions/{}/stream",
        run["execution"]["id"].as_str().unwrap()
    );
    let body =
        |seconds: i64| json!({ "name": "CI", "rights": ["execution.read"], "expiresIn": seconds });
    let (revoked, by_revoked) = bench.token(body(90_000)).await;
    let (_, by_short) = bench.token(body(60)).await;
    let mut streams = Vec::new();
    for client in [&by_revoked, &by_short, &bench.ada] {
        let answer = client.request("GET", &path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        streams.push(answer);
    }
    let token = format!("{}/{revoked}", bench.tokens());
    bench.ada.delete(&token).await.expect(204);
    bench.test.clock.advance(TimeDelta::hours(24));
    // Nobody runs it, so nothing but the token can end a stream.
    for mut stream in streams {
        while stream.chunk().await.unwrap().is_some() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_no_other_organization_and_nothing_of_its_makers_own() {
    let bench = Workbench::start().await;
    let (elsewhere, project) = bench.ada.workspace("elsewhere").await;
    let all: Vec<&str> = Action::ALL
        .iter()
        .map(|action| action.as_str())
        .filter(|action| *action != "token.manage")
        .collect();
    let program = bench.program(&all).await;
    program
        .get(&format!("/orgs/{}", bench.org))
        .await
        .expect(200);
    for answer in [
        program.get(&format!("/orgs/{elsewhere}")).await,
        program.get(&format!("/projects/{project}")).await,
        program.delete(&format!("/orgs/{elsewhere}")).await,
        program.get("/users/me").await,
        program.patch("/users/me", json!({ "name": "Eve" })).await,
        program.get("/orgs").await,
        program
            .post("/orgs", json!({ "name": "Mine", "slug": "mine" }))
            .await,
    ] {
        answer.expect_problem(403, "FORBIDDEN");
    }
    assert_eq!(bench.count("organizations").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executions_token_reaches_nothing_of_its_persons_own() {
    let bench = Workbench::start().await;
    let node = bench.titled("Pier").await;
    let me = bench.ada.get("/users/me").await.expect(200);
    let rights = ExecutionRights {
        user: me["id"].as_str().unwrap().parse().unwrap(),
        org: bench.org.parse().unwrap(),
        execution: NOTHING.parse().unwrap(),
        node: node.parse().unwrap(),
        actions: Action::ALL,
    };
    let app = &bench.test.app;
    let minted = app
        .keyring
        .mint_execution(&rights, app.db.now(), TimeDelta::hours(1))
        .unwrap();
    let agent = bench.test.bearer(minted.token.expose_secret());
    agent.get(&format!("/nodes/{node}")).await.expect(200);
    for answer in [
        agent.get("/users/me").await,
        agent.patch("/users/me", json!({ "name": "Eve" })).await,
        agent.get("/orgs").await,
        agent
            .post("/orgs", json!({ "name": "Mine", "slug": "mine" }))
            .await,
        agent.get(&bench.tokens()).await,
    ] {
        answer.expect_problem(403, "FORBIDDEN");
    }
    assert_eq!(bench.count("organizations").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_lists_and_revokes_no_tokens() {
    let bench = Workbench::start().await;
    let (id, program) = bench
        .token(json!({ "name": "CI", "rights": ["org.read", "node.read"] }))
        .await;
    let narrowed = bench.test.bearer(&narrowed(&bench.test, bench.ada.token()));
    let body = json!({ "name": "Wider", "rights": ["org.delete"] });
    for bearer in [&program, &narrowed] {
        for answer in [
            bearer.post(&bench.tokens(), body.clone()).await,
            bearer.get(&bench.tokens()).await,
            bearer.delete(&format!("{}/{id}", bench.tokens())).await,
        ] {
            answer.expect_problem(403, "FORBIDDEN");
        }
    }
    assert_eq!(bench.count("tokens where revoked_at is null").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_manage_tokens_and_strangers_learn_nothing_of_them() {
    let bench = Workbench::start().await;
    let (id, _) = bench
        .token(json!({ "name": "CI", "rights": ["node.read"] }))
        .await;
    let body = json!({ "name": "Mine", "rights": ["node.read"] });
    let (path, token) = (bench.tokens(), format!("{}/{id}", bench.tokens()));
    let member = bench.member("grace", "member").await;
    let guest = bench.member("heidi", "guest").await;
    let stranger = bench.test.user("eve").await;
    for (client, status, code) in [
        (&bench.test.anonymous(), 401, "UNAUTHENTICATED"),
        (&stranger, 404, "NOT_FOUND"),
        (&member, 403, "FORBIDDEN"),
        (&guest, 403, "FORBIDDEN"),
    ] {
        for answer in [
            client.get(&path).await,
            client.post(&path, body.clone()).await,
            client.delete(&token).await,
        ] {
            answer.expect_problem(status, code);
        }
    }
    // A token of one organization is not found through another.
    let (elsewhere, _) = stranger.workspace("elsewhere").await;
    for client in [&stranger, &bench.ada] {
        let answer = client
            .delete(&format!("/orgs/{elsewhere}/tokens/{id}"))
            .await;
        answer.expect_problem(404, "NOT_FOUND");
    }
    let nothing = bench.ada.delete(&format!("{path}/{NOTHING}")).await;
    nothing.expect_problem(404, "NOT_FOUND");
    assert_eq!(bench.count("tokens where revoked_at is null").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_new_token_is_named() {
    let bench = Workbench::start().await;
    let stranger = bench.test.user("eve").await;
    let (_, foreign) = stranger.workspace("elsewhere").await;
    let good = json!({ "name": "CI", "rights": ["node.read"] });
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("name", json!("x".repeat(201)), "name"),
        ("rights", json!([]), "rights"),
        ("rights", json!(["node.read", "node.destroy"]), "rights[1]"),
        ("rights", json!(["*"]), "rights[0]"),
        ("rights", json!(["token.manage"]), "rights"),
        ("resource", json!({}), "resource"),
        (
            "resource",
            json!({ "projectId": bench.project, "nodeId": NOTHING }),
            "resource",
        ),
        ("resource", json!({ "nodeId": "x" }), "resource.nodeId"),
        ("expiresIn", json!(59), "expiresIn"),
        ("expiresIn", json!(366 * 24 * 3600), "expiresIn"),
        ("expiresIn", json!("soon"), "expiresIn"),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = bench.ada.post(&bench.tokens(), body).await;
        assert_eq!(bad_fields(&answer), [named], "{field}: {value}");
    }
    for resource in [
        json!({ "projectId": foreign }),
        json!({ "projectId": NOTHING }),
        json!({ "nodeId": NOTHING }),
    ] {
        let mut body = good.clone();
        body["resource"] = resource;
        let answer = bench.ada.post(&bench.tokens(), body).await;
        answer.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(bench.count("tokens").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_in_another_organization_of_the_same_person_is_not_there() {
    let bench = Workbench::start().await;
    let (_, project) = bench.ada.workspace("elsewhere").await;
    let body = json!({ "name": "CI", "rights": ["node.read"],
        "resource": { "projectId": project } });
    let answer = bench.ada.post(&bench.tokens(), body).await;
    answer.expect_problem(404, "NOT_FOUND");
    assert_eq!(bench.count("tokens").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn making_revoking_and_using_a_token_is_in_the_audit_log() {
    let bench = Workbench::start().await;
    let (id, program) = bench
        .token(json!({ "name": "CI", "rights": ["node.create"] }))
        .await;
    let nodes = format!("/projects/{}/nodes", bench.project);
    program
        .post(&nodes, json!({ "title": "New" }))
        .await
        .expect(201);
    let token = format!("{}/{id}", bench.tokens());
    bench.ada.delete(&token).await.expect(204);
    bench.ada.delete(&token).await.expect(204);
    let log = bench
        .rows(
            "select action, resource_type, resource_id, token_id, before is null as made, \
             after->>'name' as name, after ? 'revokedAt' as revoked from audit_log \
             where resource_type = 'token' or token_id is not null order by created_at, id",
        )
        .await;
    let entry = |revoked: bool| {
        json!({ "action": "token.manage", "resource_type": "token", "resource_id": id,
                "token_id": null, "made": !revoked, "revoked": revoked,
                "name": if revoked { Value::Null } else { json!("CI") } })
    };
    assert_eq!(log.len(), 3, "{log:#?}");
    assert_eq!(log[0], entry(false));
    assert_eq!(log[1]["action"], "node.create");
    assert_eq!(log[1]["token_id"], json!(id));
    assert_eq!(log[2], entry(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_can_not_be_revoked_cost_no_look_up() {
    let bench = Workbench::start().await;
    let node = bench.titled("Pier").await;
    let program = bench.program(&["node.read"]).await;
    // Without the table, any look-up would fail.
    bench
        .test
        .database
        .execute("alter table tokens rename to gone")
        .await;
    bench.ada.get(&format!("/nodes/{node}")).await.expect(200);
    let answer = program.get(&format!("/nodes/{node}")).await;
    answer.expect_problem(500, "INTERNAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_tokens_leads_to_the_next() {
    let bench = Workbench::start().await;
    for name in ["a", "b", "c"] {
        bench
            .token(json!({ "name": name, "rights": ["search"] }))
            .await;
    }
    let page = bench
        .ada
        .get(&format!("{}?limit=2", bench.tokens()))
        .await
        .expect(200);
    assert_eq!(page["data"][0]["name"], "c");
    assert_eq!(
        (&page["total"], &page["hasMore"]),
        (&json!(3), &json!(true))
    );
    let next = page["nextCursor"].as_str().unwrap();
    let path = format!("{}?limit=2&cursor={next}", bench.tokens());
    let page = bench.ada.get(&path).await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    assert_eq!(page["data"][0]["name"], "a");
}
