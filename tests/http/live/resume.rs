//! Coming back: what was missed is told first, once and in order, or the client is told to
//! read anew.

use serde_json::{Value, json};

use crate::{
    support::{Socket, TestApp, until},
    workbench::Workbench,
};

async fn started() -> Workbench {
    let bench = Workbench::start().await;
    bench.test.relay_always();
    bench
}

async fn rename(bench: &Workbench, node: &str, numbers: std::ops::RangeInclusive<i64>) {
    for n in numbers {
        let done = bench
            .patch(node, json!({ "title": format!("Title {n}") }))
            .await;
        assert_eq!(done.status, 200);
    }
}

/// The last number that the channel gave, once it has given `at_least`.
async fn told(bench: &Workbench, channel: &str, at_least: i64) -> i64 {
    until("the relay", async || {
        let query = format!("select * from channel_heads where channel = '{channel}'");
        let rows = bench.rows(&query).await;
        let last = rows.first().and_then(|row| row["last"].as_i64());
        last.filter(|last| *last >= at_least)
    })
    .await
}

fn seqs(heard: &[Value]) -> Vec<i64> {
    heard
        .iter()
        .map(|event| event["seq"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_comes_first_and_then_what_happens() {
    let bench = started().await;
    let node = bench.titled("One").await;
    let channel = format!("node:{node}");
    rename(&bench, &node, 1..=9).await;
    assert_eq!(told(&bench, &channel, 10).await, 10);
    let mut socket = Socket::open(&bench.test.url, &bench.ada).await;
    let ask = json!({ "channel": channel, "since": 4 });
    let answer = socket.ask("subscribe", ask).await;
    assert_eq!(answer["payload"]["seq"], 10);
    rename(&bench, &node, 10..=12).await;
    let mut heard = Vec::new();
    for _ in 5..=13 {
        heard.push(socket.next_of("node_updated").await);
    }
    assert_eq!(seqs(&heard), (5..=13).collect::<Vec<_>>());
    assert_eq!(heard[0]["payload"]["changes"]["title"], "Title 4");
    assert_eq!(heard[8]["payload"]["changes"]["title"], "Title 12");
    // From where it is, nothing is missing; and again on the same socket.
    let ask = json!({ "channel": channel, "since": 13 });
    socket.ask("subscribe", ask).await;
    assert!(socket.is_silent().await);
    let ask = json!({ "channel": channel, "since": 11 });
    socket.ask("subscribe", ask).await;
    assert_eq!(socket.next().await["seq"], 12);
    assert_eq!(socket.next().await["seq"], 13);
    rename(&bench, &node, 13..=13).await;
    assert_eq!(socket.next().await["seq"], 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_or_too_much_or_never_was_must_be_read_anew() {
    let settings = [("live.replay", "6".to_owned())];
    let bench = Workbench::of(TestApp::start_configured(&settings).await).await;
    bench.test.relay_always();
    let node = bench.titled("One").await;
    let channel = format!("node:{node}");
    rename(&bench, &node, 1..=9).await;
    told(&bench, &channel, 10).await;
    let forget = format!("delete from channel_log where channel = '{channel}' and seq <= 6");
    bench.test.database.execute(&forget).await;
    let mut socket = Socket::open(&bench.test.url, &bench.ada).await;
    // Too much, not kept, of the future.
    for since in [0, 5, 11] {
        let ask = json!({ "channel": channel, "since": since });
        assert_eq!(socket.ask("subscribe", ask).await["type"], "subscribed");
        let answer = socket.next().await;
        assert_eq!(answer["type"], "resync_required", "since {since}: {answer}");
        assert_eq!(answer["payload"]["seq"], 10);
    }
    // It hears what comes all the same.
    rename(&bench, &node, 10..=10).await;
    assert_eq!(socket.next().await["seq"], 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_never_brought_is_found_in_the_log() {
    let bench = started().await;
    let node = bench.titled("One").await;
    let mut socket = Socket::open(&bench.test.url, &bench.ada).await;
    let channel = format!("node:{node}");
    told(&bench, &channel, 1).await;
    let seq = socket.subscribe(&channel).await["seq"].as_i64().unwrap();
    // As a relay that died between numbering and telling, whose mark another one skipped.
    let lost = format!(
        "with e as (insert into outbox (id, org_id, topic, name, channels, payload, created_at, \
         published_at) values (gen_random_uuid(), '{}', 'event', 'node_updated', '[\"{channel}\"]', \
         '{{\"lost\":true}}', now(), now()) returning id), \
         h as (update channel_heads set last = last + 1 where channel = '{channel}' returning last), \
         l as (insert into channel_log (channel, seq, event_id, told_at) \
         select '{channel}', h.last, e.id, now() from e, h returning position) \
         update relay_mark set told = (select position from l)",
        bench.org
    );
    bench.test.database.execute(&lost).await;
    let found = socket.next().await;
    assert_eq!(found["seq"], seq + 1);
    assert_eq!(found["payload"]["lost"], true);
    rename(&bench, &node, 1..=1).await;
    assert_eq!(socket.next().await["seq"], seq + 2);
}

/// Reads events of a stream until there are `count`; answers their ids, kinds and data.
async fn read(response: &mut reqwest::Response, count: usize) -> Vec<(i64, String, Value)> {
    let mut text = String::new();
    let mut found = Vec::new();
    while found.len() < count {
        let chunk = response.chunk().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            if let Some(kind) = field("event: ") {
                let id = field("id: ").map_or(0, |id| id.parse().unwrap());
                let data = serde_json::from_str(field("data: ").unwrap()).unwrap();
                found.push((id, kind.to_owned(), data));
            }
            text = rest.to_owned();
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_followed_as_a_stream_and_again_from_where_it_broke() {
    let bench = started().await;
    let path = format!("/projects/{}/events", bench.project);
    let stream = |last: Option<i64>| {
        let request = bench.ada.request("GET", &path);
        match last {
            Some(last) => request.header("Last-Event-ID", last),
            None => request,
        }
    };
    let mut first = stream(None).send().await.unwrap();
    assert_eq!(first.headers()["content-type"], "text/event-stream");
    let node = bench.titled("One").await;
    let (seq, kind, data) = read(&mut first, 1).await.remove(0);
    assert_eq!(
        (kind.as_str(), &data["node"]["id"]),
        ("node_created", &json!(node))
    );
    drop(first);
    rename(&bench, &node, 1..=3).await;
    told(&bench, &format!("project:{}", bench.project), seq + 3).await;
    let mut second = stream(Some(seq)).send().await.unwrap();
    let missed = read(&mut second, 3).await;
    let ids: Vec<i64> = missed.iter().map(|event| event.0).collect();
    assert_eq!(ids, [seq + 1, seq + 2, seq + 3]);
    rename(&bench, &node, 4..=4).await;
    assert_eq!(read(&mut second, 1).await[0].0, seq + 4);
    let mut lost = stream(Some(seq + 900)).send().await.unwrap();
    assert_eq!(read(&mut lost, 1).await[0].1, "resync_required");
    let refused = bench.test.user("eve").await.get(&path).await;
    refused.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_right_to_it() {
    let bench = started().await;
    let bob = bench.member("bob", "member").await;
    let id = bob.get("/users/me").await.expect(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/projects/{}/events", bench.project);
    let mut stream = bob.request("GET", &path).send().await.unwrap();
    bench.titled("One").await;
    read(&mut stream, 1).await;
    let member = format!("/orgs/{}/members/{id}", bench.org);
    assert_eq!(bench.ada.delete(&member).await.status, 204);
    while stream.chunk().await.unwrap().is_some() {}
}
