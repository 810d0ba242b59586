//! Lists of nodes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use serde_json::{Value, json};

use crate::workbench::{Workbench, bad_fields};

impl Workbench {
    async fn titles(&self, query: &str) -> Vec<String> {
        let path = format!("/projects/{}/nodes?{query}", self.project);
        let page = self.ada.get(&path).await.expect(200);
        let nodes = page["data"].as_array().unwrap();
        assert_eq!(page["total"], nodes.len(), "{query}");
        let title = |node: &Value| node["title"].as_str().unwrap().to_owned();
        nodes.iter().map(title).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_keep_what_they_name() {
    let bench = Workbench::start().await;
    let root = bench
        .node(json!({ "title": "Root", "authorType": "agent" }))
        .await;
    bench.child("Child", &root).await;
    let body = json!({ "title": "Done 50%", "description": "North PIER", "status": "complete" });
    let done = bench.node(body).await;
    assert_eq!(bench.titles("").await, ["Done 50%", "Child", "Root"]);
    assert_eq!(bench.titles("status=complete").await, ["Done 50%"]);
    assert_eq!(bench.titles("authorType=agent").await, ["Root"]);
    assert_eq!(bench.titles(&format!("parentId={root}")).await, ["Child"]);
    assert_eq!(bench.titles("parentId=null").await, ["Done 50%", "Root"]);
    assert_eq!(bench.titles("q=pier").await, ["Done 50%"]);
    assert_eq!(bench.titles("q=50%25").await, ["Done 50%"]);
    assert_eq!(bench.titles("q=_oo_").await, [""; 0]);
    assert_eq!(bench.titles("q=oo&parentId=null").await, ["Root"]);
    let updated = bench.read(&done).await["updatedAt"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        bench
            .titles(&format!("updatedSince={updated}"))
            .await
            .contains(&"Done 50%".to_owned())
    );
    assert!(
        bench
            .titles("updatedSince=2999-01-01T00:00:00Z")
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_filters_are_named() {
    let bench = Workbench::start().await;
    for (query, field) in [
        ("authorType=robot", "authorType"),
        ("parentId=7", "parentId"),
        ("updatedSince=yesterday", "updatedSince"),
        ("q=%00", "q"),
        ("status=%00", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("offset=-1", "offset"),
        ("cursor=x", "cursor"),
    ] {
        let path = format!("/projects/{}/nodes?{query}", bench.project);
        assert_eq!(bad_fields(&bench.ada.get(&path).await), [field], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_skip_nor_repeat_and_leave_out_inputs() {
    let bench = Workbench::start().await;
    for n in 0..5 {
        bench.titled(&n.to_string()).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/projects/{}/nodes?limit=2{cursor}", bench.project);
        let page = bench.ada.get(&path).await.expect(200);
        for node in page["data"].as_array().unwrap() {
            assert!(node.get("inputs").is_none() && node.get("outputs").is_none());
            seen.push(node["title"].as_str().unwrap().to_owned());
        }
        assert_eq!(page["total"], 5);
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let path = format!("/projects/{}/nodes?limit=2&offset=4", bench.project);
    let page = bench.ada.get(&path).await.expect(200);
    assert_eq!(page["data"][0]["title"], "0");
    assert_eq!(
        (&page["offset"], &page["hasMore"]),
        (&json!(4), &json!(false))
    );
}

impl Workbench {
    /// The titles of a whole list, two a page, with a new node made after each of the
    /// first pages.
    async fn walked(&self, query: &str) -> Vec<String> {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/projects/{}/nodes?limit=2&{query}{cursor}", self.project);
            let page = self.ada.get(&path).await.expect(200);
            let titles = page["data"].as_array().unwrap().iter();
            seen.extend(titles.map(|node| node["title"].as_str().unwrap().to_owned()));
            if seen.len() <= 6 {
                self.titled("new").await;
            }
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.retain(|title| title != "new");
        seen
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_paged_without_skipping_or_repeating() {
    let bench = Workbench::start().await;
    let titles = ["b", "A", "a", "%", "\u{1F309}", "a"];
    let mut first = String::new();
    for title in titles {
        let id = bench.titled(title).await;
        if first.is_empty() {
            first = id;
        }
    }
    bench
        .patch(&first, json!({ "description": "d" }))
        .await
        .expect(200);
    let desc = ["a", "\u{1F309}", "%", "a", "A", "b"];
    assert_eq!(bench.walked("sort=created").await, desc);
    assert_eq!(bench.walked("sort=created&order=asc").await, titles);
    let updated = ["b", "a", "\u{1F309}", "%", "a", "A"];
    assert_eq!(bench.walked("sort=updated").await, updated);
    let mut up = bench.walked("sort=title").await;
    let mut down = bench.walked("sort=title&order=desc").await;
    down.reverse();
    assert_eq!(up, down);
    assert_eq!(up.iter().filter(|t| t.to_lowercase() == "a").count(), 3);
    up.sort();
    let mut all = titles.map(str::to_owned).to_vec();
    all.sort();
    assert_eq!(up, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_order_is_refused() {
    let bench = Workbench::start().await;
    for title in ["a", "b"] {
        bench.titled(title).await;
    }
    let path = format!("/projects/{}/nodes?limit=1", bench.project);
    let page = bench.ada.get(&path).await.expect(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    for query in ["sort=title", "order=asc", "sort=updated"] {
        let answer = bench
            .ada
            .get(&format!("{path}&{query}&cursor={cursor}"))
            .await;
        assert_eq!(bad_fields(&answer), ["cursor"], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_states_and_a_part_of_the_tree_can_be_asked_for() {
    let bench = Workbench::start().await;
    let root = bench.titled("Root").await;
    let child = bench.child("Child", &root).await;
    let body = json!({ "title": "Grandchild", "parentId": child, "status": "complete" });
    bench.node(body).await;
    bench.titled("Other").await;
    let under = format!("under={root}");
    assert_eq!(bench.titles(&under).await, ["Grandchild", "Child"]);
    assert_eq!(bench.titles(&format!("{under}&depth=1")).await, ["Child"]);
    let query = format!("{under}&status=complete,in_progress");
    assert_eq!(bench.titles(&query).await, ["Grandchild"]);
    assert_eq!(bench.titles("status=draft,complete").await.len(), 4);
    for (query, field) in [
        ("depth=2", "depth"),
        ("under=7", "under"),
        ("sort=size", "sort"),
        ("order=up", "order"),
    ] {
        let path = format!("/projects/{}/nodes?{query}", bench.project);
        assert_eq!(bad_fields(&bench.ada.get(&path).await), [field], "{query}");
    }
}
