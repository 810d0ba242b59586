//! Servers that misbehave, addresses that are not called, and people who stop a run in the
//! middle of a call.

use std::time::{Duration, Instant};

use glassbox::{
    executions::{
        journal,
        model::{Change, NewEvent, TraceKind},
    },
    kernel::Scope,
    platform::db::Tx,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Scene, done, entry};
use crate::support::{
    TestApp,
    model::call,
    tools::{Manner, ToolServer},
};

/// What the model is told of a call that goes so, by the class of its tool.
async fn told(manner: Manner, effect: &str) -> (Value, usize) {
    let server = ToolServer::start().await;
    let rest = json!({ "effects": { "pay": effect }, "timeoutSeconds": 1 });
    let scene = Scene::with(vec![call("crm__pay", "{}"), done()], entry(&server, rest)).await;
    server.set(manner);
    let run = scene.run().await;
    assert_eq!(scene.state(&run).await["status"], "complete");
    (scene.results(&run).await[0].clone(), server.calls().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_happened_is_unknown_and_is_not_tried_again() {
    for (manner, cause) in [
        (Manner::Silent, "timed_out"),
        (Manner::Status(500), "unreachable"),
        (Manner::Cut, "broke_off"),
        (Manner::Huge, "too_large"),
    ] {
        let (told, times) = told(manner.clone(), "at_most_once").await;
        let error = &told["error"];
        assert_eq!(error["code"], "OUTCOME_UNKNOWN", "{manner:?}: {told}");
        assert_eq!(error["cause"], cause, "{manner:?}: {told}");
        assert_eq!(times, 1, "{manner:?}");
    }
    let (told, times) = told(Manner::Nonsense, "at_most_once").await;
    assert_eq!(told["error"]["code"], "OUTCOME_UNKNOWN", "{told}");
    assert_eq!(times, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refused_did_not_happen() {
    for manner in [Manner::Gone, Manner::Status(403)] {
        let (told, times) = told(manner.clone(), "at_most_once").await;
        assert_eq!(told["error"]["code"], "TOOL_REFUSED", "{manner:?}: {told}");
        assert_eq!(times, 1);
    }
    let (told, _) = told(Manner::ToolError, "at_most_once").await;
    assert_eq!(
        told,
        json!({ "content": "The account is empty.", "isError": true })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_reads_is_never_in_doubt() {
    for (manner, code) in [
        (Manner::Silent, "TOOL_TIMED_OUT"),
        (Manner::Huge, "TOOL_ANSWER_TOO_LARGE"),
    ] {
        let (told, _) = told(manner.clone(), "read").await;
        assert_eq!(told["error"]["code"], code, "{manner:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotent_call_is_sent_again_with_its_key() {
    let server = ToolServer::start().await;
    let rest = json!({ "effects": { "put": "idempotent" } });
    let scene = Scene::with(vec![call("crm__put", "{}"), done()], entry(&server, rest)).await;
    server.set(Manner::StatusThenGood(503, 2));
    let run = scene.run().await;
    assert_eq!(scene.results(&run).await[0]["content"], "done");
    let calls = server.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.key == calls[0].key));
    assert!(calls[0].key.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_not_called_and_a_redirect_not_followed() {
    let (server, elsewhere) = (ToolServer::start().await, ToolServer::start().await);
    let answers = vec![call("crm__pay", "{}"), done()];
    let scene = Scene::with(answers.clone(), entry(&server, json!({}))).await;
    server.set(Manner::Redirect(elsewhere.url.clone()));
    let run = scene.run().await;
    assert_eq!(
        scene.results(&run).await[0]["error"]["code"],
        "TOOL_REFUSED"
    );
    assert_eq!(elsewhere.requests(), 0);
    // Without the operator's word, loopback is not called on a user's.
    let settings = json!({ "mcpServers": [entry(&elsewhere, json!({}))] });
    let scene = Scene::set(TestApp::start().await, answers, settings).await;
    let run = scene.run().await;
    let start = scene.entries(&run, "execution_start").await.remove(0);
    let error = &start["toolServers"]["servers"][0]["error"];
    assert_eq!(error["kind"], "refused", "{start}");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("private network")
    );
    assert_eq!(elsewhere.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_aborts_the_call_and_says_that_its_outcome_is_unknown() {
    let server = ToolServer::start().await;
    let scene = Scene::with(
        vec![call("crm__pay", "{}"), done()],
        entry(&server, json!({})),
    )
    .await;
    scene.test.relay_always();
    server.set(Manner::Silent);
    let (run, node) = scene.start().await;
    let worker = scene.worker().await;
    let stop = CancellationToken::new();
    let driving = tokio::spawn(async move { while !worker.step(&stop).await.unwrap() {} });
    server.state.called.notified().await;
    let before = Instant::now();
    let path = format!("/nodes/{node}/execution/cancel");
    scene.ada.post_empty(&path).await.expect(200);
    server.state.left.notified().await;
    driving.await.unwrap();
    assert!(
        before.elapsed() < Duration::from_millis(1500),
        "{:?}",
        before.elapsed()
    );
    assert_eq!(scene.state(&run).await["status"], "cancelled");
    let cancelled = scene.entries(&run, "execution_cancelled").await.remove(0);
    assert_eq!(cancelled["outcomeUnknown"]["tool"], "crm__pay");
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_pause_cut_off_is_not_made_again() {
    let server = ToolServer::start().await;
    let scene = Scene::with(
        vec![call("crm__pay", "{}"), done()],
        entry(&server, json!({})),
    )
    .await;
    scene.test.relay_always();
    server.set(Manner::Silent);
    let (run, node) = scene.start().await;
    let worker = scene.worker().await;
    let stop = CancellationToken::new();
    let driving = tokio::spawn(async move { while !worker.step(&stop).await.unwrap() {} });
    server.state.called.notified().await;
    let path = format!("/nodes/{node}/execution");
    scene
        .ada
        .post_empty(&format!("{path}/pause"))
        .await
        .expect(200);
    driving.await.unwrap();
    server.set(Manner::Good);
    scene
        .ada
        .post_empty(&format!("{path}/resume"))
        .await
        .expect(200);
    let worker = scene.worker().await;
    while scene.state(&run).await["status"] != "complete" {
        worker.step(&CancellationToken::new()).await.unwrap();
    }
    assert_eq!(
        scene.results(&run).await[0]["error"]["code"],
        "OUTCOME_UNKNOWN"
    );
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_commit_was_not_answered_is_not_written_again() {
    let server = ToolServer::start().await;
    let late = entry(&server, json!({ "timeoutSeconds": 1 }));
    let scene = Scene::with(vec![call("crm__pay", "{}"), done()], late).await;
    server.set(Manner::Silent);
    let (run, _) = scene.start().await;
    scene.test.relay().await;
    let worker = scene.worker().await;
    let stop = CancellationToken::new();
    let driving = tokio::spawn(async move { while !worker.step(&stop).await.unwrap() {} });
    server.state.called.notified().await;
    // As the driver's own commit would have it, had it been carried out and not answered.
    let intent = scene.entries(&run, "checkpoint").await.remove(0);
    let data = json!({ "callId": intent["callId"], "tool": "crm__pay", "arguments": "{}",
                       "result": { "content": "Paid." } });
    let scope = Scope::Org {
        org: scene.org.parse().unwrap(),
        user: None,
    };
    let id = run.parse().unwrap();
    let note = async |tx: &mut Tx| {
        let event = NewEvent::new(TraceKind::ToolCall, data);
        let attended = journal::attended(tx, id).await?;
        attended.note(tx, event, &Change::Continue).await
    };
    scene.test.app.db.tx(scope, note).await.unwrap();
    driving.await.unwrap();
    assert_eq!(scene.state(&run).await["status"], "complete");
    let results = scene.results(&run).await;
    let paid = results.iter().filter(|result| result["content"] == "Paid.");
    assert_eq!(paid.count(), 1, "{results:?}");
    assert!(
        results.iter().all(|result| result["error"].is_null()),
        "{results:?}"
    );
}
