//! `Db::read`: what leaves in one piece with its `begin` and `commit` is as safe as what
//! is asked step by step.

use diesel::{
    QueryableByName,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use glassbox::{
    kernel::{Code, Error, OrgId, Result, Scope, UserId, clock::System},
    platform::db::{Db, Tx},
};

use crate::{
    rows::{count, texts},
    support::TestApp,
};

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Asks for one text, without waiting before it is sent.
async fn text(tx: &Tx, query: &str) -> Result<String> {
    let row: Seen = diesel::sql_query(format!("select ({query})::text as text"))
        .get_result(&mut tx.pipe())
        .await?;
    Ok(row.text)
}

const USER: &str = "coalesce(current_setting('app.user_id', true), '')";
const TRANSACTION: &str = "pg_current_xact_id()";
const BACKEND: &str = "pg_backend_pid()";

/// Few connections, so that the same ones are used again and again.
async fn start() -> TestApp {
    TestApp::start_configured(&[("database.max_connections", "2".into())]).await
}

fn somebody() -> (Scope, String) {
    let user = UserId::new(&System);
    (Scope::User(user), user.to_string())
}

/// The server's sessions of the application in which something is not over.
const OPEN: &str = "pg_stat_activity where datname = current_database() \
     and usename = 'glassbox_app' and state <> 'idle'";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_read_of_a_connection_is_one_transaction_in_its_scope() {
    let test = start().await;
    // No connection has been made before, so nothing is prepared on it.
    let (scope, user) = somebody();
    let (seen, one, other) = test
        .app
        .db
        .read(scope, async |tx| {
            let (seen, one, other) =
                tokio::join!(text(tx, USER), text(tx, TRANSACTION), text(tx, TRANSACTION));
            Ok((seen?, one?, other?))
        })
        .await
        .unwrap();
    assert_eq!(seen, user);
    assert_eq!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_read_is_left_on_its_connection() {
    let test = start().await;
    let db = &test.app.db;
    let mut backends = Vec::new();
    for _ in 0..6 {
        let (scope, user) = somebody();
        let ask = async |tx: &Tx| {
            let (seen, backend) = tokio::join!(text(tx, USER), text(tx, BACKEND));
            Ok((seen?, backend?))
        };
        let (seen, backend) = db.read(scope, ask).await.unwrap();
        assert_eq!(seen, user);
        let (nobody, same) = db.read(Scope::Nobody, ask).await.unwrap();
        assert_eq!(nobody, "");
        backends.extend([backend, same]);
    }
    backends.sort();
    backends.dedup();
    assert_eq!(backends.len(), 1, "the connection was used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_read_answers_nothing_and_its_connection_is_used_again() {
    let test = start().await;
    let db = &test.app.db;
    let refused: Result<String> = db
        .read(somebody().0, async |tx| {
            let refusal = async {
                text(tx, BACKEND).await?;
                Err::<String, _>(Error::not_found("node"))
            };
            let (refusal, rows) = tokio::join!(refusal, text(tx, "'the rows'"));
            refusal.and(rows)
        })
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    assert_eq!(count(&mut test.database.admin().await, OPEN).await, 0);
    let after = db.read(Scope::Nobody, async |tx| text(tx, "'after'").await);
    assert_eq!(after.await.unwrap(), "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_fails_the_read_alone() {
    let test = start().await;
    let db = &test.app.db;
    for _ in 0..3 {
        let failed: Result<(String, String)> = db
            .read(Scope::Nobody, async |tx| {
                let (bad, good) = tokio::join!(text(tx, "select 1 / 0"), text(tx, "'beside it'"));
                Ok((bad?, good?))
            })
            .await;
        assert_eq!(failed.unwrap_err().code(), Code::Internal);
    }
    assert_eq!(count(&mut test.database.admin().await, OPEN).await, 0);
    let after = db.read(Scope::Nobody, async |tx| text(tx, "'after'").await);
    assert_eq!(after.await.unwrap(), "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_finds_the_database_again_after_a_restart() {
    let test = start().await;
    let db = &test.app.db;
    let (one, two) = tokio::join!(db.ping(), db.ping());
    one.and(two).unwrap();
    let killed = texts(
        &mut test.database.admin().await,
        "select pg_terminate_backend(pid, 5000)::text as text from pg_stat_activity \
         where usename = 'glassbox_app' and datname = current_database()",
    )
    .await;
    assert!(killed.len() >= 2, "{killed:?}");
    let (scope, user) = somebody();
    let seen = db.read(scope, async |tx| text(tx, USER).await);
    assert_eq!(seen.await.unwrap(), user);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_whose_connection_dies_in_the_middle_may_be_tried_again() {
    let test = start().await;
    let suicide = "pg_terminate_backend(pg_backend_pid())";
    let died: Result<String> = test
        .app
        .db
        .read(Scope::Nobody, async |tx| text(tx, suicide).await)
        .await;
    assert_eq!(died.unwrap_err().code(), Code::Unavailable);
    test.app.db.ping().await.unwrap();
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Bool)]
    waits: bool,
}

/// Starts a read that waits for a lock which `admin` holds, and drops it there.
async fn abandon(db: &Db, admin: &mut AsyncPgConnection) {
    let wait = "select count(*) from (select pg_advisory_xact_lock_shared(7)) q";
    let stuck =
        "select exists(select from pg_locks where locktype = 'advisory' and not granted) as waits";
    let waits = async {
        while !diesel::sql_query(stuck)
            .get_result::<Waiting>(admin)
            .await
            .unwrap()
            .waits
        {}
    };
    tokio::select! {
        read = db.read(Scope::Nobody, async |tx| text(tx, wait).await) => panic!("{read:?}"),
        () = waits => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_dropped_in_the_middle_leaves_no_transaction_and_no_hole_in_the_pool() {
    let test = start().await;
    let db = &test.app.db;
    let mut admin = test.database.admin().await;
    // More of them than there are connections.
    for _ in 0..3 {
        admin
            .batch_execute("select pg_advisory_lock(7)")
            .await
            .unwrap();
        abandon(db, &mut admin).await;
        admin
            .batch_execute("select pg_advisory_unlock(7)")
            .await
            .unwrap();
        let (scope, user) = somebody();
        let seen = db.read(scope, async |tx| text(tx, USER).await);
        assert_eq!(seen.await.unwrap(), user);
    }
    while count(&mut admin, OPEN).await > 0 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_read_was_narrowed_to_does_not_outlive_it() {
    let test = start().await;
    let db = &test.app.db;
    let org = Scope::Org {
        org: OrgId::new(&System),
        user: None,
    };
    let setting = "coalesce(current_setting('app.org_id', true), '')";
    let within = db.read(org, async |tx| text(tx, setting).await);
    assert_ne!(within.await.unwrap(), "");
    let after = db.read(somebody().0, async |tx| text(tx, setting).await);
    assert_eq!(after.await.unwrap(), "");
}
