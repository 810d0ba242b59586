//! Members of an organization.

use std::sync::Arc;

use glassbox::agent::{drive::Point, worker::AgentWorker};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{Client, TestApp, model::Scripted},
    workbench::{NOTHING, Workbench, bad_fields},
};

impl Workbench {
    fn members(&self) -> String {
        format!("/orgs/{}/members", self.org)
    }

    async fn add(&self, subject: &str, role: &str) -> Client {
        let client = self.test.user(subject).await;
        let body = json!({ "email": format!("{subject}@example.com"), "role": role });
        let member = self.ada.post(&self.members(), body).await.expect(201);
        assert_eq!(member["role"], role);
        client
    }

    async fn path_of(&self, client: &Client) -> String {
        format!("{}/{}", self.members(), me(client).await)
    }

    async fn roles(&self) -> Vec<String> {
        let sql = "select u.cognito_sub || ' ' || m.role as line from org_members m \
                   join users u on u.id = m.user_id order by 1";
        let rows = self.rows(sql).await;
        let line = |row: &Value| row["line"].as_str().unwrap().to_owned();
        rows.iter().map(line).collect()
    }
}

async fn me(client: &Client) -> String {
    client.get("/users/me").await.id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_added_by_address_and_sees_the_organization() {
    let bench = Workbench::start().await;
    let grace = bench.test.user("grace").await;
    let org = format!("/orgs/{}", bench.org);
    grace.get(&org).await.expect_problem(404, "NOT_FOUND");
    let body = json!({ "email": " Grace@Example.COM ", "role": "member" });
    let member = bench.ada.post(&bench.members(), body).await.expect(201);
    assert_eq!(member["orgId"], json!(bench.org));
    assert_eq!(member["userId"], json!(me(&grace).await));
    assert_eq!(member["user"]["email"], "grace@example.com");
    let shown: Vec<&String> = member["user"].as_object().unwrap().keys().collect();
    assert_eq!(shown, ["email", "id"]);
    assert_eq!(grace.get(&org).await.expect(200)["role"], "member");
    let entry = &bench
        .ada
        .get(&format!("{org}/audit?action=member.add"))
        .await
        .expect(200)["data"][0];
    assert_eq!(entry["resourceId"], member["userId"]);
    assert_eq!(entry["after"], json!({ "role": "member" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_or_several_have_adds_nobody() {
    let bench = Workbench::start().await;
    let post = async |email: &str| {
        let body = json!({ "email": email, "role": "member" });
        bench.ada.post(&bench.members(), body).await
    };
    post("nobody@example.com")
        .await
        .expect_problem(422, "USER_UNKNOWN");
    // A wildcard, or a part of an address, is nobody's.
    bench.test.user("grace").await;
    for part in [
        "grace@example.co",
        "%@example.com",
        "grace@example.com' or '1'='1",
    ] {
        post(part).await.expect_problem(422, "USER_UNKNOWN");
    }
    for (subject, email) in [("one", "same@example.com"), ("two", "Same@example.com")] {
        let body = json!({ "userId": subject, "email": email });
        bench
            .test
            .anonymous()
            .post("/auth/dev-token", body)
            .await
            .expect(200);
    }
    let answer = post("same@example.com").await;
    answer.expect_problem(409, "CONFLICT");
    assert!(answer.body.get("details").is_none(), "{}", answer.text);
    assert_eq!(bench.roles().await, ["ada owner"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_a_member_once() {
    let bench = Workbench::start().await;
    bench.add("grace", "guest").await;
    let body = json!({ "email": "grace@example.com", "role": "admin" });
    let answer = bench.ada.post(&bench.members(), body).await;
    answer.expect_problem(409, "ALREADY_MEMBER");
    assert_eq!(bench.roles().await, ["ada owner", "grace guest"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_fields_are_named() {
    let bench = Workbench::start().await;
    let members = bench.members();
    let answer = bench
        .ada
        .post(&members, json!({ "email": "x", "role": "member" }))
        .await;
    assert_eq!(bad_fields(&answer), ["email", "email"]);
    let answer = bench
        .ada
        .post(&members, json!({ "email": "a@b.c", "role": "king" }))
        .await;
    assert_eq!(bad_fields(&answer), ["role"]);
    let path = bench.path_of(&bench.ada).await;
    let answer = bench.ada.patch(&path, json!({ "role": null })).await;
    assert_eq!(bad_fields(&answer), ["role"]);
    let answer = bench.ada.get(&format!("{members}?role=king")).await;
    assert_eq!(bad_fields(&answer), ["role"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_paged_and_filtered() {
    let bench = Workbench::start().await;
    for (subject, role) in [("grace", "member"), ("gus", "guest"), ("edith", "member")] {
        bench.add(subject, role).await;
    }
    let emails = async |query: &str| {
        let list = bench
            .ada
            .get(&format!("{}{query}", bench.members()))
            .await
            .expect(200);
        let email = |member: &Value| member["user"]["email"].as_str().unwrap().to_owned();
        let data: Vec<String> = list["data"].as_array().unwrap().iter().map(email).collect();
        (data.join(" ").replace("@example.com", ""), list)
    };
    assert_eq!(emails("").await.0, "edith gus grace ada");
    assert_eq!(emails("?role=member").await.0, "edith grace");
    assert_eq!(emails("?q=G").await.0, "gus grace");
    assert_eq!(emails("?q=%25").await.0, "");
    let (first, page) = emails("?limit=3").await;
    assert_eq!(
        (first.as_str(), &page["total"]),
        ("edith gus grace", &json!(4))
    );
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(emails(&format!("?limit=3&cursor={cursor}")).await.0, "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_decide_who_manages_whom() {
    let bench = Workbench::start().await;
    let olga = bench.add("olga", "owner").await;
    let admin = bench.add("adam", "admin").await;
    let member = bench.add("mia", "member").await;
    let guest = bench.add("gus", "guest").await;
    let list = bench.members();
    let (owner_path, guest_path) = (bench.path_of(&olga).await, bench.path_of(&guest).await);
    bench.test.user("new").await;
    let new = |role: &str| json!({ "email": "new@example.com", "role": role });
    // An admin manages all but owners.
    for answer in [
        admin.post(&list, new("owner")).await,
        admin.patch(&owner_path, json!({ "role": "member" })).await,
        admin.patch(&guest_path, json!({ "role": "owner" })).await,
        admin.delete(&owner_path).await,
        member.post(&list, new("guest")).await,
        member.patch(&guest_path, json!({ "role": "member" })).await,
        member.delete(&guest_path).await,
        guest.get(&list).await,
        guest.post(&list, new("guest")).await,
    ] {
        answer.expect_problem(403, "FORBIDDEN");
    }
    let expected = [
        "ada owner",
        "adam admin",
        "gus guest",
        "mia member",
        "olga owner",
    ];
    assert_eq!(bench.roles().await, expected);
    member.get(&list).await.expect(200);
    admin
        .patch(&guest_path, json!({ "role": "member" }))
        .await
        .expect(200);
    admin.delete(&guest_path).await.expect(204);
    guest
        .get(&format!("/orgs/{}", bench.org))
        .await
        .expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_reaches_the_members() {
    let bench = Workbench::start().await;
    let grace = bench.add("grace", "member").await;
    let (list, path) = (bench.members(), bench.path_of(&grace).await);
    let eve = bench.test.user("eve").await;
    eve.workspace("eves").await;
    let body = json!({ "email": "eve@example.com", "role": "owner" });
    for (client, status, code) in [
        (&eve, 404, "NOT_FOUND"),
        (&bench.test.anonymous(), 401, "UNAUTHENTICATED"),
    ] {
        client.get(&list).await.expect_problem(status, code);
        client
            .post(&list, body.clone())
            .await
            .expect_problem(status, code);
        client
            .patch(&path, json!({ "role": "guest" }))
            .await
            .expect_problem(status, code);
        client.delete(&path).await.expect_problem(status, code);
    }
    let own = format!("{list}/{}", me(&eve).await);
    eve.delete(&own).await.expect_problem(404, "NOT_FOUND");
    let nobody = format!("{list}/{NOTHING}");
    bench
        .ada
        .delete(&nobody)
        .await
        .expect_problem(404, "NOT_FOUND");
    bench
        .ada
        .patch(&nobody, json!({ "role": "guest" }))
        .await
        .expect_problem(404, "NOT_FOUND");
    assert_eq!(
        bench.roles().await,
        ["ada owner", "eve owner", "grace member"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_leave_but_the_last_owner() {
    let bench = Workbench::start().await;
    let guest = bench.add("gus", "guest").await;
    guest.delete(&bench.path_of(&guest).await).await.expect(204);
    let own = bench.path_of(&bench.ada).await;
    bench
        .ada
        .delete(&own)
        .await
        .expect_problem(409, "LAST_OWNER");
    let answer = bench.ada.patch(&own, json!({ "role": "admin" })).await;
    answer.expect_problem(409, "LAST_OWNER");
    assert_eq!(bench.roles().await, ["ada owner"]);
    let olga = bench.add("olga", "owner").await;
    let left = bench
        .ada
        .get(&format!("/orgs/{}/audit?action=member.leave", bench.org))
        .await;
    assert_eq!(left.expect(200)["total"], 1);
    bench.ada.delete(&own).await.expect(204);
    let own = bench.path_of(&olga).await;
    olga.delete(&own).await.expect_problem(409, "LAST_OWNER");
    assert_eq!(bench.roles().await, ["olga owner"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_demote_each_other_at_once_leave_one() {
    let bench = Workbench::start().await;
    let olga = bench.add("olga", "owner").await;
    let (ada, other) = (bench.path_of(&bench.ada).await, bench.path_of(&olga).await);
    for round in 0..8 {
        let lower = json!({ "role": "member" });
        let (first, second) = if round % 2 == 0 {
            tokio::join!(
                bench.ada.patch(&other, lower.clone()),
                olga.patch(&ada, lower)
            )
        } else {
            tokio::join!(bench.ada.delete(&ada), olga.delete(&other))
        };
        let good = [first.status, second.status]
            .iter()
            .filter(|status| **status < 300)
            .count();
        assert_eq!(good, 1, "{} {}", first.text, second.text);
        let roles = bench.roles().await;
        assert_eq!(
            roles.iter().filter(|role| role.ends_with("owner")).count(),
            1,
            "{roles:?}"
        );
        let again = "delete from org_members; insert into org_members (id, org_id, user_id, role, created_at) \
                     select gen_random_uuid(), o.id, u.id, 'owner', now() from organizations o, users u";
        bench.test.database.execute(again).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_leaves_projects_and_locks() {
    let bench = Workbench::start().await;
    let grace = bench.add("grace", "member").await;
    bench.join_project("grace", &bench.project, "editor").await;
    let node = bench.titled("A").await;
    bench.lock(&node, "grace", 5).await;
    bench
        .patch(&node, json!({ "title": "B" }))
        .await
        .expect_problem(409, "NODE_LOCKED");
    bench
        .ada
        .delete(&bench.path_of(&grace).await)
        .await
        .expect(204);
    assert_eq!(bench.count("project_members").await, 0);
    bench
        .patch(&node, json!({ "title": "B" }))
        .await
        .expect(200);
    let events = bench.events().await;
    let released = events
        .iter()
        .find(|event| event["name"] == "lock_released")
        .unwrap();
    assert_eq!(released["payload"]["nodeId"], json!(node));
    assert_eq!(
        released["payload"]["releasedBy"],
        json!(me(&bench.ada).await)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_in_another_organization_is_of_no_use() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let grace = test.user("grace").await;
    let (labs, _) = ada.workspace("labs").await;
    let (other, _) = grace.workspace("other").await;
    let body = json!({ "email": "grace@example.com", "role": "guest" });
    ada.post(&format!("/orgs/{labs}/members"), body)
        .await
        .expect(201);
    let body = json!({ "email": "ada@example.com", "role": "admin" });
    let answer = grace
        .post(&format!("/orgs/{labs}/members"), body.clone())
        .await;
    answer.expect_problem(403, "FORBIDDEN");
    grace
        .post(&format!("/orgs/{other}/members"), body)
        .await
        .expect(201);
    let list = ada.get(&format!("/orgs/{other}/members")).await.expect(200);
    assert_eq!(list["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_somebody_who_was_removed_calls_no_model_any_more() {
    let model = Scripted::calling(vec![("list_inputs", json!({})), ("list_inputs", json!({}))]);
    let asked = Arc::clone(&model.asked);
    let bench = Workbench::of(TestApp::start_with_model(model).await).await;
    let grace = bench.add("grace", "member").await;
    let node = bench.titled("A").await;
    let body = json!({ "model": "script/ed" });
    let run = grace
        .post(&format!("/nodes/{node}/execute"), body)
        .await
        .expect(201);
    bench.test.relay().await;
    // The worker dies after the first answer; another finds the run when she is gone.
    let calls = Arc::clone(&asked);
    let dies = move |point| point == Point::AfterAppend && calls.lock().unwrap().len() == 1;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    let worker = worker.with_breakpoint(Arc::new(dies));
    let stop = CancellationToken::new();
    worker.step(&stop).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1);
    bench
        .ada
        .delete(&bench.path_of(&grace).await)
        .await
        .expect(204);
    bench
        .test
        .database
        .execute("update workers set heartbeat_at = now() - interval '1 hour'")
        .await;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    while worker.step(&stop).await.unwrap() {}
    assert_eq!(asked.lock().unwrap().len(), 1);
    let path = format!("/executions/{}", run["execution"]["id"].as_str().unwrap());
    let run = bench.ada.get(&path).await.expect(200)["execution"].clone();
    assert_eq!(run["status"], "failed");
    let why = run["errorMessage"].as_str().unwrap();
    assert!(why.contains("no access"), "{why}");
}
