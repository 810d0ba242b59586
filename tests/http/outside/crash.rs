//! A worker that dies at every point of a run that calls tools outside: what must not happen
//! twice does not, and what may has one key.

use std::collections::HashSet;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::TimeDelta;
use glassbox::agent::drive::Point;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Scene, allowed, done, entry};
use crate::support::{TestApp, model::call, tools::ToolServer};

impl Scene {
    /// Runs a new node to its end, the worker dying at the point number `last`; answers the
    /// run and how many points were passed.
    async fn run_dying(&mut self, last: usize) -> (String, usize) {
        self.ada = self.test.user("ada").await;
        let (run, _) = self.start().await;
        let passed = Arc::new(AtomicUsize::new(0));
        for _ in 0..10 {
            let count = Arc::clone(&passed);
            let dies = move |_: Point| count.fetch_add(1, Ordering::SeqCst) == last;
            let worker = self.worker().await.with_breakpoint(Arc::new(dies));
            self.test.relay().await;
            while worker.step(&CancellationToken::new()).await.unwrap() {
                self.test.relay().await;
            }
            match self.state(&run).await["status"].as_str().unwrap() {
                "complete" => return (run, passed.load(Ordering::SeqCst)),
                "running" | "pending" => self.test.clock.advance(TimeDelta::seconds(31)),
                other => panic!("killed at {last}: {other}"),
            }
        }
        panic!("killed at {last}, it never ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_when_nothing_outside_happens_twice() {
    let server = ToolServer::start().await;
    let answers = vec![
        call("crm__pay", r#"{ "text": "1" }"#),
        call("crm__put", r#"{ "text": "2" }"#),
        call("crm__look", "{}"),
        call("crm__pay", r#"{ "text": "3" }"#),
        done(),
    ];
    let rest = json!({ "trustHints": true });
    let test = TestApp::start_with_manual_clock_configured(&allowed()).await;
    let settings = json!({ "mcpServers": [entry(&server, rest)] });
    let mut scene = Scene::set(test, answers, settings).await;
    let (run, points) = scene.run_dying(usize::MAX).await;
    assert_eq!(scene.results(&run).await.len(), 5);
    assert!(points > 30, "{points}");
    let (mut repeated, mut unknown) = (0, 0);
    for last in 0..points {
        let before = server.calls().len();
        let (run, _) = scene.run_dying(last).await;
        let calls = server.calls().split_off(before);
        let of = |tool: &str| {
            calls
                .iter()
                .filter(|call| call.tool == tool)
                .collect::<Vec<_>>()
        };
        let keys: HashSet<_> = of("pay").iter().map(|call| call.key.clone()).collect();
        assert_eq!(keys.len(), of("pay").len(), "killed at {last}: paid twice");
        let keys: HashSet<_> = of("put").iter().map(|call| call.key.clone()).collect();
        assert_eq!(keys.len(), 1, "killed at {last}: put under several keys");
        repeated += of("put").len() - 1;
        // A payment that was not made is told as unknown, and one that is told as made was.
        let results = scene.results(&run).await;
        assert_eq!(results.len(), 5, "killed at {last}");
        let is_unknown = |n: usize| results[n]["error"]["code"] == "OUTCOME_UNKNOWN";
        let doubts = [0, 3].into_iter().filter(|n| is_unknown(*n)).count();
        assert!(
            of("pay").len() + doubts >= 2,
            "killed at {last}: {results:?}"
        );
        assert!(
            !is_unknown(1) && !is_unknown(2),
            "killed at {last}: {results:?}"
        );
        unknown += doubts;
        let verified = scene.ada.get(&format!("/executions/{run}/verify")).await;
        assert_eq!(verified.expect(200)["valid"], true);
    }
    // Twice for each: after the intent, and after the call.
    assert_eq!(
        unknown, 4,
        "each payment, at both points between intent and result"
    );
    assert_eq!(repeated, 1, "the put, after it was sent");
}
