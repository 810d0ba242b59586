//! What channels say: the changes, in order, each once, to those who may hear them.

use serde_json::{Value, json};

use crate::{
    support::{Client, Socket, until},
    workbench::{NOTHING, Workbench},
};

async fn started() -> Workbench {
    let bench = Workbench::start().await;
    bench.test.relay_always();
    bench
}

async fn watching(bench: &Workbench, client: &Client, channel: &str) -> Socket {
    let mut socket = Socket::open(&bench.test.url, client).await;
    socket.subscribe(channel).await;
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_a_project_that_is_deleted_is_told_and_cut() {
    let bench = started().await;
    let node = bench.titled("One").await;
    let bob = bench.member("bob", "member").await;
    let project = format!("project:{}", bench.project);
    let mut socket = watching(&bench, &bob, &project).await;
    socket.subscribe(&format!("node:{node}")).await;
    let path = format!("/projects/{}", bench.project);
    assert_eq!(bench.ada.delete(&path).await.status, 204);
    told_of_the_end(&mut socket, &[project, format!("node:{node}")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_an_organization_that_is_deleted_is_told_and_cut() {
    let bench = started().await;
    let bob = bench.member("bob", "member").await;
    let project = format!("project:{}", bench.project);
    let mut socket = watching(&bench, &bob, &project).await;
    let path = format!("/orgs/{}", bench.org);
    assert_eq!(bench.ada.delete(&path).await.status, 204);
    told_of_the_end(&mut socket, &[project]).await;
}

/// Each channel is given up, and the client hears why.
async fn told_of_the_end(socket: &mut Socket, channels: &[String]) {
    let mut ended = Vec::new();
    while ended.len() < channels.len() {
        let told = socket.next_of("unsubscribed").await;
        assert_eq!(told["payload"]["reason"], "CHANNEL_FORBIDDEN");
        ended.push(told["payload"]["channel"].as_str().unwrap().to_owned());
    }
    ended.sort();
    let mut channels = channels.to_vec();
    channels.sort();
    assert_eq!(ended, channels);
    let again = json!({ "channel": channels[0] });
    let refused = socket.ask("subscribe", again).await;
    assert_eq!(refused["payload"]["code"], "CHANNEL_FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_nodes_are_told_in_order_on_both_channels() {
    let bench = started().await;
    let project = format!("project:{}", bench.project);
    let mut project_socket = watching(&bench, &bench.ada, &project).await;
    let node = bench.titled("One").await;
    let mut node_socket = Socket::open(&bench.test.url, &bench.ada).await;
    let created = project_socket.next().await;
    assert_eq!(created["type"], "node_created");
    assert_eq!(created["channel"], project.as_str());
    assert_eq!(created["payload"]["node"]["title"], "One");
    assert_eq!(created["payload"]["createdBy"]["email"], "ada@example.com");
    let first = created["seq"].as_i64().unwrap();
    let said = node_socket.subscribe(&format!("node:{node}")).await;
    assert_eq!(said["seq"], 1);
    bench
        .patch(&node, json!({ "title": "Two" }))
        .await
        .expect(200);
    bench
        .patch(&node, json!({ "position": { "x": 1, "y": 2 } }))
        .await
        .expect(200);
    let path = format!("/nodes/{node}");
    assert_eq!(
        bench.ada.post_empty(&format!("{path}/lock")).await.status,
        200
    );
    assert_eq!(bench.ada.delete(&format!("{path}/lock")).await.status, 204);
    let input = json!({ "inputType": "text", "textContent": "words" });
    bench
        .ada
        .post(&format!("{path}/inputs"), input)
        .await
        .expect(201);
    assert_eq!(bench.ada.delete(&path).await.status, 204);
    let kinds = [
        "node_updated",
        "node_updated",
        "lock_acquired",
        "lock_released",
        "node_updated",
        "node_deleted",
    ];
    for (number, kind) in (1..).zip(kinds) {
        let in_project = project_socket.next().await;
        let at_node = node_socket.next().await;
        assert_eq!(in_project["type"], kind);
        assert_eq!(in_project["seq"], first + number);
        assert_eq!(at_node["seq"], 1 + number);
        assert_eq!(at_node["payload"], in_project["payload"]);
        assert_eq!(at_node["id"], in_project["id"], "the same event");
        assert!(at_node["timestamp"].is_string());
    }
    assert!(project_socket.is_silent().await && node_socket.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_is_told_to_nobody() {
    let bench = started().await;
    let node = bench.titled("One").await;
    let mut socket = watching(&bench, &bench.ada, &format!("node:{node}")).await;
    let refused = bench
        .patch(&node, json!({ "status": "no such state" }))
        .await;
    assert_eq!(refused.status, 400);
    bench
        .patch(&node, json!({ "title": "Two" }))
        .await
        .expect(200);
    let told = socket.next_of("node_updated").await;
    assert_eq!(told["payload"]["changes"]["title"], "Two");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_what_they_may_not_read() {
    let bench = started().await;
    let node = bench.titled("Secret").await;
    let eve = bench.test.user("eve").await;
    eve.workspace("others").await;
    let guest = bench.member("gus", "guest").await;
    let channels = [format!("project:{}", bench.project), format!("node:{node}")];
    for client in [&eve, &guest] {
        let mut socket = Socket::open(&bench.test.url, client).await;
        for channel in &channels {
            let answer = socket.ask("subscribe", json!({ "channel": channel })).await;
            assert_eq!(answer["type"], "error");
            assert_eq!(answer["payload"]["code"], "CHANNEL_FORBIDDEN", "{answer}");
        }
        bench
            .patch(&node, json!({ "title": "Changed" }))
            .await
            .expect(200);
        assert!(socket.is_silent().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_answered_and_harms_nothing() {
    let bench = started().await;
    let mut socket = Socket::open(&bench.test.url, &bench.ada).await;
    let code = |answer: &Value| answer["payload"]["code"].as_str().unwrap().to_owned();
    for channel in ["", "node", "node:x", "room:1", "processes", "tenant:1"] {
        let answer = socket.ask("subscribe", json!({ "channel": channel })).await;
        assert_eq!(code(&answer), "CHANNEL_INVALID", "{channel}");
    }
    for kind in ["project", "node", "execution", "user"] {
        let channel = format!("{kind}:{NOTHING}");
        let answer = socket.ask("subscribe", json!({ "channel": channel })).await;
        assert_eq!(code(&answer), "CHANNEL_FORBIDDEN", "{channel}");
    }
    assert_eq!(code(&socket.ask("dance", json!({})).await), "UNKNOWN_TYPE");
    let bad = json!({ "channel": 7 });
    assert_eq!(code(&socket.ask("subscribe", bad).await), "INVALID_PAYLOAD");
    socket.raw("{".into()).await;
    assert_eq!(code(&socket.next().await), "PARSE_ERROR");
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_unsubscribing_nothing_more_comes() {
    let bench = started().await;
    let node = bench.titled("One").await;
    let channel = format!("node:{node}");
    let mut socket = watching(&bench, &bench.ada, &channel).await;
    let answer = socket
        .ask("unsubscribe", json!({ "channel": channel }))
        .await;
    assert_eq!(answer["type"], "unsubscribed");
    let mut other = watching(&bench, &bench.ada, &channel).await;
    bench
        .patch(&node, json!({ "title": "Two" }))
        .await
        .expect(200);
    other.next_of("node_updated").await;
    assert!(socket.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_hear_of_their_notifications_and_of_nobody_elses() {
    let bench = started().await;
    let bob = bench.member("bob", "member").await;
    let me = bob.get("/users/me").await.expect(200);
    let mut his = Socket::open(&bench.test.url, &bob).await;
    let mut hers = Socket::open(&bench.test.url, &bench.ada).await;
    let body = json!({ "title": "For Bob", "supervisorUserId": me["id"] });
    let node = bench.node(body).await;
    let told = his.next().await;
    assert_eq!(told["type"], "notification");
    assert_eq!(told["payload"]["notificationType"], "node_assigned");
    assert_eq!(told["payload"]["nodeId"], node.as_str());
    assert_eq!(told["payload"]["read"], false);
    assert!(hers.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_told_on_its_own_channel_and_its_nodes() {
    let bench = started().await;
    let node = bench.titled("Work").await;
    let mut socket = watching(&bench, &bench.ada, &format!("node:{node}")).await;
    let started = bench
        .ada
        .post_empty(&format!("/nodes/{node}/execute"))
        .await
        .expect(201);
    let id = started["execution"]["id"].as_str().unwrap().to_owned();
    let update = socket.next_of("execution_update").await;
    assert_eq!(update["payload"]["executionId"], id.as_str());
    assert_eq!(update["payload"]["status"], "pending");
    let mut own = watching(&bench, &bench.ada, &format!("execution:{id}")).await;
    let path = format!("/nodes/{node}/execution/cancel");
    bench.ada.post_empty(&path).await.expect(200);
    for socket in [&mut socket, &mut own] {
        let entry = socket.next_of("trace_event").await;
        assert_eq!(
            entry["payload"]["event"]["eventType"],
            "execution_cancelled"
        );
        let update = socket.next_of("execution_update").await;
        assert_eq!(update["payload"]["status"], "cancelled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_right_to_read_is_told_and_hears_no_more() {
    let bench = started().await;
    let node = bench.titled("One").await;
    let bob = bench.member("bob", "member").await;
    let id = bob.get("/users/me").await.expect(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut socket = watching(&bench, &bob, &format!("node:{node}")).await;
    let project = format!("project:{}", bench.project);
    socket.subscribe(&project).await;
    let path = format!("/orgs/{}/members/{id}", bench.org);
    bench
        .ada
        .patch(&path, json!({ "role": "guest" }))
        .await
        .expect(200);
    let mut cut = Vec::new();
    while cut.len() < 2 {
        let told = socket.next().await;
        match told["type"].as_str().unwrap() {
            "rights_changed" => assert_eq!(told["payload"]["orgId"], bench.org.as_str()),
            "unsubscribed" => cut.push(told["payload"]["channel"].clone()),
            _ => {}
        }
    }
    assert!(cut.contains(&json!(project)));
    let mut hers = watching(&bench, &bench.ada, &project).await;
    bench
        .patch(&node, json!({ "title": "Two" }))
        .await
        .expect(200);
    hers.next_of("node_updated").await;
    assert!(socket.is_silent().await);
    let again = socket.ask("subscribe", json!({ "channel": project })).await;
    assert_eq!(again["payload"]["code"], "CHANNEL_FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_that_it_goes_and_where_to_come_back() {
    let bench = started().await;
    let mut socket = Socket::open(&bench.test.url, &bench.ada).await;
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
    drop(bench);
    assert_eq!(socket.closed().await, 1012);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_tells_the_nodes_that_use_it_how_far_it_is() {
    let bench = started().await;
    let node = bench.titled("Reader").await;
    let body = json!({ "filename": "a.txt", "contentType": "text/plain" });
    let upload = bench
        .ada
        .post(&format!("/orgs/{}/files/upload", bench.org), body)
        .await;
    let upload = upload.expect(200);
    let file = upload["fileId"].as_str().unwrap();
    let input = json!({ "inputType": "file", "fileId": file });
    bench
        .ada
        .post(&format!("/nodes/{node}/inputs"), input)
        .await
        .expect(201);
    let mut socket = watching(&bench, &bench.ada, &format!("node:{node}")).await;
    let put = bench.ada.http.put(upload["uploadUrl"].as_str().unwrap());
    let put = put.header("content-type", "text/plain").body("words");
    assert_eq!(bench.ada.send(put).await.status, 200);
    let confirm = format!("/files/{file}/confirm");
    bench.ada.post_empty(&confirm).await.expect(200);
    let told = socket.next_of("file_updated").await;
    assert_eq!(told["payload"]["fileId"], file);
    let worker = bench.test.file_worker().await;
    until("the file's work", async || {
        worker.step().await.unwrap().then_some(())
    })
    .await;
    while socket.next_of("file_updated").await["payload"]["processingStatus"] != "complete" {}
}
