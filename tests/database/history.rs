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
