//! Payloads that are removed when their time is over.

use chrono::TimeDelta;
use glassbox::executions::ops::retention;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Run, diligent, run_on, work};
use crate::support::TestApp;

async fn manual() -> Run {
    let test = TestApp::start_with_manual_clock().await;
    run_on(test.with_model(diligent())).await
}

/// Moves the clock on, and Ada signs in again, whose token has ended meanwhile.
async fn later(run: &mut Run, time: TimeDelta) {
    run.test.clock.advance(time);
    run.ada = run.test.user("ada").await;
}

async fn sweep(run: &Run, days: i64) -> usize {
    let stop = CancellationToken::new();
    retention::sweep(&run.test.app, TimeDelta::days(days), &stop)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_payloads_give_way_to_their_hashes_and_the_chain_still_verifies() {
    let mut run = manual().await;
    let before = run.trace(&run.id).await;
    assert_eq!(run.verify(&run.id).await["payloadsRemoved"], 0);
    later(&mut run, TimeDelta::days(30) + TimeDelta::minutes(1)).await;
    assert_eq!(sweep(&run, 31).await, 0, "not old enough");
    assert_eq!(run.trace(&run.id).await, before);
    assert_eq!(sweep(&run, 30).await, 1);
    assert_eq!(sweep(&run, 30).await, 0, "once");

    let after = run.trace(&run.id).await;
    for (was, is) in before.iter().zip(&after) {
        let hash = &was["dataHash"];
        let expected = json!({ "removed": { "sha256": hash } });
        assert_eq!(is["eventData"], expected);
        let mut restored = is.clone();
        restored["eventData"] = was["eventData"].clone();
        assert_eq!(&restored, was, "nothing else is different");
    }
    let found = run.verify(&run.id).await;
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["payloadsRemoved"], json!(before.len()));
    let used = run.get(&run.id).await;
    assert_eq!(used["totalTokensIn"], 300, "totals stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_can_not_be_forked() {
    let mut run = manual().await;
    later(&mut run, TimeDelta::days(31)).await;
    assert_eq!(sweep(&run, 30).await, 1);
    let path = format!("/executions/{}/fork", run.id);
    let refused = run.ada.post(&path, json!({ "afterSequence": 1 })).await;
    refused.expect_problem(422, "UNPROCESSABLE");
    assert_eq!(refused.body["details"]["executionId"], json!(run.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_going_one_stands_on_is_left_until_that_has_ended() {
    let mut run = manual().await;
    later(&mut run, TimeDelta::days(31)).await;
    let fork = run.fork(&run.id, json!({ "afterSequence": 3 })).await;
    assert_eq!(sweep(&run, 30).await, 0);
    work(&run.test).await;
    assert_eq!(run.get(&fork).await["status"], "complete");
    later(&mut run, TimeDelta::days(31)).await;
    assert_eq!(sweep(&run, 30).await, 2);
    // The fork's first entry still says what it stands on, so both can be verified.
    let found = run.verify(&fork).await;
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["forkedFrom"]["valid"], true);
    let trace = run.trace(&fork).await;
    assert!(trace[0]["eventData"]["forkedFrom"].is_object());
    let removed: Vec<&Value> = trace[1..]
        .iter()
        .map(|e| &e["eventData"]["removed"])
        .collect();
    assert!(removed.iter().all(|removed| removed.is_object()));
}
