//! Many writers at once. Short by default; `GLASSBOX_SOAK=full` makes it as long as the
//! program promises to hold.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{support::TestApp, workbench::Workbench};

/// `full` when a full soak is asked for, else `short`.
fn rounds(short: usize, full: usize) -> usize {
    match std::env::var("GLASSBOX_SOAK").as_deref() {
        Ok("full") => full,
        _ => short,
    }
}

/// A workspace where a request waits for its turn for as long as it takes: that time ran
/// out on a slow machine would say nothing of what is asked here.
async fn patient() -> Workbench {
    let limits = [
        ("database.acquire_timeout_ms", "600000".to_owned()),
        ("server.request_seconds", "600".to_owned()),
    ];
    Workbench::of(TestApp::start_configured(&limits).await).await
}

const WRITERS: usize = 50;

/// One writer's tries; answers what was accepted, by version: the version it was made
/// from and its title.
async fn write(
    bench: &Workbench,
    node: &str,
    writer: usize,
    tries: usize,
) -> BTreeMap<i64, (i64, String)> {
    let (path, mut known) = (format!("/nodes/{node}"), 1);
    let mut accepted = BTreeMap::new();
    for n in 0..tries {
        let title = format!("{writer}.{n}");
        let request = bench
            .ada
            .request("PATCH", &path)
            .header("if-match", format!("\"v{known}\""))
            .json(&json!({ "title": title }));
        let answer = bench.ada.send(request).await;
        if answer.status == 200 {
            let version = answer.body["version"].as_i64().unwrap();
            accepted.insert(version, (known, title));
            known = version;
            continue;
        }
        answer.expect_problem(412, "VERSION_MISMATCH");
        let details = &answer.body["details"];
        let current = details["currentVersion"].as_i64().unwrap();
        assert_eq!(details["expectedVersion"], known);
        assert!(current > known, "{details}");
        assert!(details["theirs"]["title"].is_string(), "{details}");
        assert_eq!(details["yours"], json!({ "title": title }));
        assert_eq!(details["conflicts"], json!(["title"]));
        known = current;
    }
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fifty_writers_do_to_one_node_is_one_chain() {
    let bench = patient().await;
    let node = bench.titled("0").await;
    let tries = rounds(10, 200);
    let writers = (0..WRITERS).map(|writer| write(&bench, &node, writer, tries));
    let mut chain: BTreeMap<i64, (i64, String)> = BTreeMap::new();
    for accepted in join_all(writers).await {
        for (version, made) in accepted {
            assert!(
                chain.insert(version, made).is_none(),
                "{version} was given to two"
            );
        }
    }
    let versions = bench.versions(&node).await;
    assert_eq!(versions.len(), chain.len() + 1);
    for (version, (from, title)) in &chain {
        assert_eq!(
            *from,
            version - 1,
            "{version} was made from what it had not seen"
        );
        let row = &versions[usize::try_from(version - 1).unwrap()];
        assert_eq!(row["version"], *version);
        assert_eq!(row["snapshot"]["title"], title.as_str());
    }
    println!(
        "{} of {} writes were accepted",
        chain.len(),
        WRITERS * tries
    );
    let last = i64::try_from(chain.len() + 1).unwrap();
    assert_eq!(bench.read(&node).await["version"], last);
}

/// A seeded sequence of numbers; good enough to choose from a few.
fn choose(seed: &mut u64, below: usize) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap() % below
}

/// Pairs of different nodes.
fn pairs(nodes: &[String], count: usize) -> Vec<(String, String)> {
    let mut seed = 7;
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let (a, b) = (
            choose(&mut seed, nodes.len()),
            choose(&mut seed, nodes.len()),
        );
        if a != b {
            pairs.push((nodes[a].clone(), nodes[b].clone()));
        }
    }
    pairs
}

async fn some_nodes(bench: &Workbench) -> Vec<String> {
    let mut nodes = Vec::new();
    for n in 0..8 {
        nodes.push(bench.titled(&n.to_string()).await);
    }
    nodes
}

/// The nodes that reach themselves, by what the database holds.
async fn on_a_cycle(bench: &Workbench, edges: &str) -> Vec<Value> {
    bench
        .rows(&format!(
            "with recursive edge(a, b) as ({edges}), reach(a, b) as (select a, b from edge \
             union select reach.a, edge.b from reach join edge on edge.a = reach.b) \
             select a from reach where a = b"
        ))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_references_at_once_never_close_a_cycle() {
    let bench = patient().await;
    let nodes = some_nodes(&bench).await;
    for batch in pairs(&nodes, rounds(200, 1000)).chunks(50) {
        let answers = join_all(batch.iter().map(|(a, b)| bench.refer(a, b))).await;
        for answer in answers {
            if answer.status != 201 {
                answer.expect_problem(409, "DEPENDENCY_CYCLE");
            }
        }
    }
    let edges = "select source_node_id, target_node_id from node_dependencies";
    assert!(on_a_cycle(&bench, edges).await.is_empty());
    assert!(bench.count("node_dependencies").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_moves_at_once_never_close_a_cycle() {
    let bench = patient().await;
    let nodes = some_nodes(&bench).await;
    for batch in pairs(&nodes, rounds(200, 1000)).chunks(50) {
        let moves = batch
            .iter()
            .map(|(a, b)| bench.patch(a, json!({ "parentId": b })));
        for answer in join_all(moves).await {
            if answer.status != 200 {
                answer.expect_problem(409, "TREE_CYCLE");
            }
        }
    }
    let edges = "select parent_id, id from nodes where parent_id is not null";
    assert!(on_a_cycle(&bench, edges).await.is_empty());
}
