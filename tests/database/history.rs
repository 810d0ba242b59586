//! What was written as history stays as it was written.

use diesel_async::SimpleAsyncConnection;

use crate::{
    rows::{attempt, scope, two_tenants},
    support::Database,
};

/// Evidence: the application may add to these and read them, and nothing more.
const APPEND_ONLY: &[&str] = &["agent_trace_events", "audit_log", "node_versions"];

#[tokio::test(flavor = "multi_thread")]
async fn the_application_can_neither_change_nor_remove_history() {
    let database = Database::create().await;
    let (a, _) = two_tenants(&database).await;
    let mut app = database.app().await;
    app.batch_execute("begin").await.unwrap();
    scope(&mut app, "org_id", &a.org().to_string()).await;
    for table in APPEND_ONLY {
        for statement in [
            format!("update {table} set org_id = org_id"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            let error = attempt(&mut app, &statement).await.expect_err(&statement);
            let text = error.to_string();
            assert!(text.contains("permission denied"), "{statement}: {text}");
        }
    }
}

/// The one exception: what an ended run's entries carry may give way to its own hash.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_gives_way_to_its_hash_only_and_only_when_the_run_has_ended() {
    let database = Database::create().await;
    let (a, _) = two_tenants(&database).await;
    database
        .execute("update agent_trace_events set data_hash = 'abc'")
        .await;
    let to = |data: &str| format!("update agent_trace_events set event_data = {data}");
    let removed = to(r#"'{"removed":{"sha256":"abc"}}'"#);
    let mut app = database.app().await;
    app.batch_execute("begin").await.unwrap();
    scope(&mut app, "org_id", &a.org().to_string()).await;
    assert_eq!(attempt(&mut app, &removed).await.unwrap(), 0, "it goes on");
    app.batch_execute("rollback").await.unwrap();
    database
        .execute("update agent_executions set status = 'complete', completed_at = now()")
        .await;
    app.batch_execute("begin").await.unwrap();
    scope(&mut app, "org_id", &a.org().to_string()).await;
    for data in [
        r#"'{}'"#,
        r#"'{"removed":{"sha256":"def"}}'"#,
        r#"'{"removed":{"sha256":"abc"},"more":1}'"#,
    ] {
        let error = attempt(&mut app, &to(data)).await.expect_err(data);
        let text = error.to_string();
        assert!(text.contains("row-level security"), "{data}: {text}");
    }
    assert_eq!(attempt(&mut app, &removed).await.unwrap(), 1);
}
