//! Who is where, and locks over sockets.

use serde_json::{Value, json};

use crate::{
    support::{Client, Socket},
    workbench::Workbench,
};

async fn bench_with_node() -> (Workbench, String) {
    let bench = Workbench::start().await;
    bench.test.relay_always();
    let node = bench.titled("One").await;
    (bench, node)
}

async fn at(bench: &Workbench, client: &Client, node: &str) -> Socket {
    let mut socket = Socket::open(&bench.test.url, client).await;
    socket.subscribe(&format!("node:{node}")).await;
    socket
}

/// E-mail addresses and what they do, as an update or an answer has them.
fn doings(payload: &Value) -> Vec<(String, String)> {
    let text = |user: &Value, field: &str| user[field].as_str().unwrap().to_owned();
    let users = payload["users"].as_array().unwrap();
    let mut found: Vec<_> = users
        .iter()
        .map(|user| (text(user, "email"), text(user, "action")))
        .collect();
    found.sort();
    found
}

fn are(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(who, what): &(&str, &str)| (format!("{who}@example.com"), (*what).to_owned());
    expected.iter().map(own).collect()
}

async fn until_they_are(socket: &mut Socket, expected: &[(&str, &str)]) -> Value {
    loop {
        let update = socket.next_of("presence_update").await;
        if doings(&update["payload"]) == are(expected) {
            return update;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_at_a_node_and_its_project_sees_who_is_there() {
    let (bench, node) = bench_with_node().await;
    let bob = bench.member("bob", "member").await;
    let mut hers = at(&bench, &bench.ada, &node).await;
    let mut project = Socket::open(&bench.test.url, &bench.ada).await;
    project
        .subscribe(&format!("project:{}", bench.project))
        .await;
    let mut his = at(&bench, &bob, &node).await;
    let doing = |what: &str| json!({ "nodeId": node, "action": what });
    hers.send("presence", doing("viewing"), "").await;
    until_they_are(&mut his, &[("ada", "viewing")]).await;
    let cursor = json!({ "nodeId": node, "action": "editing", "cursorPosition": { "line": 4 } });
    his.send("presence", cursor, "").await;
    let both = [("ada", "viewing"), ("bob", "editing")];
    let update = until_they_are(&mut hers, &both).await;
    assert_eq!(update["payload"]["nodeId"], node.as_str());
    assert_eq!(update["payload"]["user"]["email"], "bob@example.com");
    assert_eq!(update["payload"]["action"], "editing");
    assert_eq!(update["payload"]["cursorPosition"]["line"], 4);
    until_they_are(&mut project, &both).await;
    let mut late = Socket::open(&bench.test.url, &bench.ada).await;
    let answer = late.subscribe(&format!("node:{node}")).await;
    assert_eq!(doings(&answer), are(&both));
    let answer = late.subscribe(&format!("project:{}", bench.project)).await;
    assert_eq!(doings(&answer), are(&both));
    hers.send("presence", doing("left"), "").await;
    until_they_are(&mut his, &[("bob", "editing")]).await;
    drop(his);
    let update = until_they_are(&mut hers, &[]).await;
    assert_eq!(update["payload"]["action"], "left");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tabs_are_one_person_until_the_last_is_closed() {
    let (bench, node) = bench_with_node().await;
    let bob = bench.member("bob", "member").await;
    let mut watcher = at(&bench, &bench.ada, &node).await;
    let mut tabs = [at(&bench, &bob, &node).await, at(&bench, &bob, &node).await];
    let doing = |what: &str| json!({ "nodeId": node, "action": what });
    tabs[0].send("presence", doing("viewing"), "").await;
    until_they_are(&mut watcher, &[("bob", "viewing")]).await;
    tabs[1].send("presence", doing("editing"), "").await;
    until_they_are(&mut watcher, &[("bob", "editing")]).await;
    let [first, second] = tabs;
    drop(second);
    until_they_are(&mut watcher, &[("bob", "viewing")]).await;
    drop(first);
    until_they_are(&mut watcher, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_present_where_they_may_not_read() {
    let (bench, node) = bench_with_node().await;
    let eve = bench.test.user("eve").await;
    let mut socket = Socket::open(&bench.test.url, &eve).await;
    let ask = json!({ "nodeId": node, "action": "viewing" });
    let answer = socket.ask("presence", ask).await;
    assert_eq!(answer["payload"]["code"], "CHANNEL_FORBIDDEN");
    let mut hers = Socket::open(&bench.test.url, &bench.ada).await;
    let there = hers.subscribe(&format!("node:{node}")).await;
    assert!(doings(&there).is_empty());
    let ask = json!({ "nodeId": node, "action": "viewing", "cursorPosition": "x".repeat(2000) });
    let answer = hers.ask("presence", ask).await;
    assert_eq!(answer["payload"]["code"], "INVALID_PAYLOAD");
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_over_sockets_follow_the_rules_of_those_over_http() {
    let (bench, node) = bench_with_node().await;
    let bob = bench.member("bob", "member").await;
    let (mut hers, mut his) = (
        at(&bench, &bench.ada, &node).await,
        at(&bench, &bob, &node).await,
    );
    let ask = json!({ "nodeId": node });
    let mine = hers.ask("lock_acquire", ask.clone()).await;
    assert_eq!(mine["type"], "lock_acquired");
    assert_eq!(mine["payload"]["lockedByEmail"], "ada@example.com");
    let told = his.next_of("lock_acquired").await;
    assert_eq!(told["payload"]["userEmail"], "ada@example.com");
    let held = his.ask("lock_acquire", ask.clone()).await;
    assert_eq!(held["payload"]["code"], "LOCK_HELD");
    assert_eq!(held["payload"]["lockedByEmail"], "ada@example.com");
    let over_http = bob.post_empty(&format!("/nodes/{node}/lock")).await;
    over_http.expect_problem(409, "NODE_LOCKED");
    let not_his = his.ask("lock_release", ask.clone()).await;
    assert_eq!(not_his["payload"]["code"], "NOT_FOUND");
    assert_eq!(
        hers.ask("lock_release", ask.clone()).await["type"],
        "lock_released"
    );
    his.next_of("lock_released").await;
    assert_eq!(his.ask("lock_acquire", ask).await["type"], "lock_acquired");
}
