//! Members of a project.

use serde_json::{Value, json};

use crate::{
    support::Client,
    workbench::{NOTHING, Workbench, bad_fields},
};

impl Workbench {
    fn team(&self) -> String {
        format!("/projects/{}/members", self.project)
    }

    async fn team_path(&self, client: &Client) -> String {
        format!("{}/{}", self.team(), client.get("/users/me").await.id())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_is_added_reaches_the_project_and_nothing_else() {
    let bench = Workbench::start().await;
    let other = bench.project_named("Other").await;
    let gus = bench.member("gus", "guest").await;
    let path = format!("/projects/{}", bench.project);
    gus.get(&path).await.expect_problem(404, "NOT_FOUND");
    let body = json!({ "email": "GUS@example.com", "role": "editor" });
    let member = bench.ada.post(&bench.team(), body).await.expect(201);
    assert_eq!(member["projectId"], json!(bench.project));
    assert_eq!(member["user"]["email"], "gus@example.com");
    gus.get(&path).await.expect(200);
    gus.get(&format!("/projects/{other}"))
        .await
        .expect_problem(404, "NOT_FOUND");
    let list = gus.get(&bench.team()).await.expect(200);
    assert_eq!(
        (&list["total"], &list["data"][0]["role"]),
        (&json!(1), &json!("editor"))
    );
    assert_eq!(
        gus.get(&format!("{}?role=viewer", bench.team()))
            .await
            .expect(200)["total"],
        0
    );
    assert_eq!(
        gus.get(&format!("{}?q=GUS@", bench.team()))
            .await
            .expect(200)["total"],
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_members_of_the_organization_can_be_added_and_only_once() {
    let bench = Workbench::start().await;
    let gus = bench.member("gus", "guest").await;
    let eve = bench.test.user("eve").await;
    let (gus, eve) = (
        gus.get("/users/me").await.id(),
        eve.get("/users/me").await.id(),
    );
    let team = bench.team();
    for body in [
        json!({ "email": "eve@example.com", "role": "viewer" }),
        json!({ "userId": eve, "role": "viewer" }),
        json!({ "userId": NOTHING, "role": "viewer" }),
    ] {
        bench
            .ada
            .post(&team, body)
            .await
            .expect_problem(422, "USER_UNKNOWN");
    }
    let body = json!({ "userId": gus, "role": "viewer" });
    bench.ada.post(&team, body.clone()).await.expect(201);
    bench
        .ada
        .post(&team, body)
        .await
        .expect_problem(409, "ALREADY_MEMBER");
    for (body, field) in [
        (json!({ "role": "viewer" }), "userId"),
        (
            json!({ "userId": gus, "email": "a@b.c", "role": "viewer" }),
            "userId",
        ),
        (json!({ "email": "no address", "role": "viewer" }), "email"),
        (json!({ "userId": gus, "role": "owner" }), "role"),
    ] {
        assert_eq!(bad_fields(&bench.ada.post(&team, body).await), [field]);
    }
    assert_eq!(bench.count("project_members").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_manage_the_project_change_its_members() {
    let bench = Workbench::start().await;
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "viewer").await;
    let boss = bench.member("boss", "guest").await;
    bench.join_project("boss", &bench.project, "admin").await;
    let mia = bench.member("mia", "member").await;
    let (team, path) = (bench.team(), bench.team_path(&gus).await);
    let body = json!({ "email": "mia@example.com", "role": "admin" });
    for client in [&gus, &mia] {
        client.get(&team).await.expect(200);
        client
            .post(&team, body.clone())
            .await
            .expect_problem(403, "FORBIDDEN");
        let answer = client.patch(&path, json!({ "role": "admin" })).await;
        answer.expect_problem(403, "FORBIDDEN");
    }
    mia.delete(&path).await.expect_problem(403, "FORBIDDEN");
    let eve = bench.test.user("eve").await;
    for (client, status, code) in [
        (&eve, 404, "NOT_FOUND"),
        (&bench.member("zoe", "guest").await, 404, "NOT_FOUND"),
        (&bench.test.anonymous(), 401, "UNAUTHENTICATED"),
    ] {
        client.get(&team).await.expect_problem(status, code);
        client
            .post(&team, body.clone())
            .await
            .expect_problem(status, code);
        client
            .patch(&path, json!({ "role": "admin" }))
            .await
            .expect_problem(status, code);
        client.delete(&path).await.expect_problem(status, code);
    }
    assert_eq!(
        boss.patch(&path, json!({ "role": "editor" }))
            .await
            .expect(200)["role"],
        "editor"
    );
    boss.post(&team, body).await.expect(201);
    assert_eq!(bench.count("project_members").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_leave_and_lets_go_of_their_locks() {
    let bench = Workbench::start().await;
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "editor").await;
    let mia = bench.member("mia", "member").await;
    bench.join_project("mia", &bench.project, "editor").await;
    let (one, two) = (bench.titled("A").await, bench.titled("B").await);
    bench.lock(&one, "gus", 5).await;
    bench.lock(&two, "mia", 5).await;
    let path = bench.team_path(&gus).await;
    gus.delete(&path).await.expect(204);
    gus.delete(&path).await.expect_problem(404, "NOT_FOUND");
    bench.patch(&one, json!({ "title": "C" })).await.expect(200);
    // A member of the organization may go on working there, lock and all.
    mia.delete(&bench.team_path(&mia).await).await.expect(204);
    bench
        .patch(&two, json!({ "title": "C" }))
        .await
        .expect_problem(409, "NODE_LOCKED");
    let audit = format!("/orgs/{}/audit?resourceType=project_member", bench.org);
    let entries = bench.ada.get(&audit).await.expect(200);
    let actions: Vec<&Value> = entries["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["action"])
        .collect();
    assert_eq!(actions, ["project_member.leave", "project_member.leave"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_a_viewer_lets_go_of_their_locks() {
    let bench = Workbench::start().await;
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "editor").await;
    let node = bench.titled("A").await;
    bench.lock(&node, "gus", 5).await;
    let path = bench.team_path(&gus).await;
    bench
        .ada
        .patch(&path, json!({ "role": "admin" }))
        .await
        .expect(200);
    bench
        .patch(&node, json!({ "title": "C" }))
        .await
        .expect_problem(409, "NODE_LOCKED");
    bench
        .ada
        .patch(&path, json!({ "role": "viewer" }))
        .await
        .expect(200);
    bench
        .patch(&node, json!({ "title": "C" }))
        .await
        .expect(200);
}
