//! Two organizations in one database. All statements here are without a `WHERE`,
//! because forgetting one must not leak.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use crate::{
    rows::{attempt, count, scope, tenant_tables, texts, two_tenants},
    support::Database,
};

/// Tables that an organization's own scope does not read: the relay's and the queue's.
const PLUMBING: &[&str] = &["jobs", "outbox"];

async fn begin(database: &Database) -> AsyncPgConnection {
    let mut app = database.app().await;
    app.batch_execute("begin").await.unwrap();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_scope_there_are_no_rows() {
    let database = Database::create().await;
    two_tenants(&database).await;
    let mut admin = database.admin().await;
    let mut app = begin(&database).await;
    let mut tables = tenant_tables(&mut admin).await;
    tables.extend(["organizations", "users", "idempotency_keys"].map(str::to_owned));
    for table in tables {
        let there = count(&mut admin, &table).await;
        assert!(there >= 2, "give {table} a row in rows.rs");
        assert_eq!(count(&mut app, &table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organization_sees_its_own_rows_and_no_other() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    let mut app = begin(&database).await;
    scope(&mut app, "org_id", &a.org().to_string()).await;
    scope(&mut app, "user_id", &a.user().to_string()).await;
    for table in tenant_tables(&mut database.admin().await).await {
        let theirs = format!("{table} where org_id = '{}'", b.org());
        assert_eq!(count(&mut app, &theirs).await, 0, "{table}");
        let all = count(&mut app, &table).await;
        let own = count(&mut app, &format!("{table} where org_id = '{}'", a.org())).await;
        assert_eq!(all, own, "{table}");
        let hidden = PLUMBING.contains(&table.as_str());
        assert_eq!(own == 0, hidden, "{table} shows {own} rows");
    }
    assert_eq!(count(&mut app, "organizations").await, 1);
    assert_eq!(count(&mut app, "users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reaches_the_rows_of_another_organization() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    let mut admin = database.admin().await;
    let mut app = begin(&database).await;
    scope(&mut app, "org_id", &a.org().to_string()).await;
    scope(&mut app, "user_id", &a.user().to_string()).await;
    for table in tenant_tables(&mut admin).await {
        let theirs = format!("where org_id = '{}'", b.org());
        for statement in [
            format!("update {table} set org_id = org_id {theirs}"),
            format!("delete from {table} {theirs}"),
        ] {
            // Refused outright where the right was revoked, else there is no such row.
            let touched = attempt(&mut app, &statement).await.unwrap_or(0);
            assert_eq!(touched, 0, "{statement}");
        }
        let columns = columns(&mut admin, &table).await;
        let forged = columns.replace("{org}", &format!("'{}'::uuid", b.org()));
        let names = names(&columns);
        let insert = format!(
            "insert into {table} ({names}) select {forged} \
             from (select * from {table} union all select null::{table}.*) limit 1"
        );
        let _ = insert;
    }
    assert_eq!(count(&mut admin, "nodes").await, 4);
}

async fn columns(conn: &mut AsyncPgConnection, table: &str) -> String {
    texts(conn, &format!("select attname::text as text from pg_attribute where attrelid = '{table}'::regclass"))
        .await
        .join(", ")
}

fn names(columns: &str) -> String {
    columns.to_owned()
}
