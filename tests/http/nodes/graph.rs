//! Children and dependencies.

use serde_json::Value;

use crate::workbench::{Workbench, bad_fields};

fn titles(answer: &Value) -> Vec<String> {
    let nodes = answer["data"].as_array().unwrap().iter();
    nodes
        .map(|node| node["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn children_come_oldest_first_and_all_at_once() {
    let bench = Workbench::start().await;
    let root = bench.titled("Root").await;
    for n in 0..60 {
        bench.child(&n.to_string(), &root).await;
    }
    let first = bench.ada.get(&format!("/nodes/{root}/children")).await;
    let all = first.expect(200);
    let expected: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    assert_eq!(titles(&all), expected);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/nodes/{root}/children?limit=25{cursor}");
        let page = bench.ada.get(&path).await.expect(200);
        assert_eq!(page["total"], 60);
        seen.extend(titles(&page));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    let path = format!("/nodes/{root}/children?limit=2&offset=57");
    let page = bench.ada.get(&path).await.expect(200);
    assert_eq!(titles(&page), ["57", "58"]);
    assert_eq!(
        (&page["offset"], &page["hasMore"]),
        (&57.into(), &true.into())
    );
    let path = format!("/nodes/{root}/children?limit=0");
    assert_eq!(bad_fields(&bench.ada.get(&path).await), ["limit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dependencies_are_followed_either_way_as_far_as_asked() {
    let bench = Workbench::start().await;
    let mut chain = vec![bench.titled("0").await];
    for n in 1..5 {
        let node = bench.titled(&n.to_string()).await;
        bench.refer(&node, chain.last().unwrap()).await.expect(201);
        chain.push(node);
    }
    let get = async |query: &str| {
        let path = format!("/nodes/{}/dependencies{query}", chain[2]);
        bench.ada.get(&path).await.expect(200)
    };
    let near = get("").await;
    assert_eq!(titles(&near), ["1"]);
    assert_eq!(near["edges"][0]["sourceNodeId"], chain[1].as_str());
    assert_eq!(near["edges"][0]["targetNodeId"], chain[2].as_str());
    let input = bench.read(&chain[2]).await["inputs"][0]["id"].clone();
    assert_eq!(near["edges"][0]["targetInputId"], input);
    assert_eq!(near["truncated"], false);
    assert_eq!(titles(&get("?depth=50").await), ["1", "0"]);
    assert_eq!(titles(&get("?direction=downstream").await), ["3"]);
    let both = get("?direction=both&depth=2").await;
    assert_eq!(titles(&both), ["1", "0", "3", "4"]);
    assert_eq!(both["edges"].as_array().unwrap().len(), 4);
    let path = format!("/nodes/{}", chain[1]);
    bench.ada.delete(&path).await.expect(204);
    assert!(titles(&get("?depth=9").await).is_empty());
    for depth in ["0", "51"] {
        let path = format!("/nodes/{}/dependencies?depth={depth}", chain[2]);
        assert_eq!(bad_fields(&bench.ada.get(&path).await), ["depth"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_hidden_is_shown_or_passed_through() {
    let bench = Workbench::start().await;
    let other = bench.project_named("Other").await;
    let list = format!("/projects/{other}/nodes");
    let body = serde_json::json!({ "title": "Hidden" });
    let hidden = bench.ada.post(&list, body).await.id();
    let (node, far) = (bench.titled("A").await, bench.titled("Far").await);
    bench.refer(&node, &hidden).await.expect(201);
    bench.refer(&hidden, &far).await.expect(201);
    let path = format!("/nodes/{node}/dependencies?depth=5");
    let seen = bench.ada.get(&path).await.expect(200);
    assert_eq!(titles(&seen), ["Hidden", "Far"]);
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "viewer").await;
    let seen = gus.get(&path).await;
    assert!(!seen.text.contains(&hidden), "{}", seen.text);
    assert!(titles(&seen.expect(200)).is_empty());
    let eve = bench.test.user("eve").await;
    eve.workspace("eves").await;
    eve.get(&path).await.expect_problem(404, "NOT_FOUND");
    let children = format!("/nodes/{node}/children");
    eve.get(&children).await.expect_problem(404, "NOT_FOUND");
    gus.get(&children).await.expect(200);
}
