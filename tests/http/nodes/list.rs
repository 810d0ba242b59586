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
