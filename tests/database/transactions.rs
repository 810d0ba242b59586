//! `Db::tx`: all or nothing, whatever becomes of the one who waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel_async::RunQueryDsl;
use glassbox::{
    kernel::{Code, Error, Result, Scope},
    platform::db::{Db, Topic, Tx},
};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::{
    rows::{count, texts},
    support::{Database, TestApp},
};

/// Any row: a revocation belongs to no organization, so that no scope is in the way.
async fn insert(tx: &mut Tx, id: &str) -> Result<()> {
    let sql = format!("insert into token_revocations values ('{id}', now(), null)");
    diesel::sql_query(sql).execute(tx.conn()).await?;
    Ok(())
}

async fn there(database: &Database, id: &str) -> bool {
    let rows = format!("token_revocations where revocation_id = '{id}'");
    count(&mut database.admin().await, &rows).await == 1
}

/// An app with two connections: a third transaction needs one of them back.
async fn start() -> TestApp {
    TestApp::start_configured(&[
        ("database.max_connections", "2".into()),
        ("database.acquire_timeout_ms", "5000".into()),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_succeeds_is_committed_and_work_that_fails_is_not() {
    let test = start().await;
    let db = &test.app.db;
    db.tx(Scope::Nobody, async |tx| insert(tx, "kept").await)
        .await
        .unwrap();
    let failed: Result<()> = db
        .tx(Scope::Nobody, async |tx| {
            insert(tx, "lost").await?;
            Err(Error::not_found("thing"))
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), Code::NotFound);
    assert!(there(&test.database, "kept").await);
    assert!(!there(&test.database, "lost").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rolled_back_or_abandoned_counts_nothing() {
    let test = start().await;
    let counted = Arc::new(AtomicUsize::new(0));
    let count = |tx: &mut Tx| {
        let counted = Arc::clone(&counted);
        tx.count_after_commit(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
    };
    let so_far = || AtomicUsize::load(&counted, Ordering::SeqCst);
    let scope = Scope::Nobody;
    let begun = async || {
        let settled = async |tx: &Tx| tx.settle().await;
        test.app.db.begin(&scope, settled).await.unwrap().0
    };
    let mut kept = begun().await;
    count(&mut kept);
    assert_eq!(so_far(), 0, "it may still fail");
    kept.commit().await.unwrap();
    assert_eq!(so_far(), 1);
    let failed: Result<()> = test
        .app
        .db
        .tx(Scope::Nobody, async |tx| {
            count(tx);
            insert(tx, "twice").await?;
            insert(tx, "twice").await
        })
        .await;
    failed.unwrap_err();
    let mut dropped = begun().await;
    count(&mut dropped);
    drop(dropped);
    assert_eq!(so_far(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_undoes_the_ones_before_it() {
    let test = start().await;
    let twice = test
        .app
        .db
        .tx(Scope::Nobody, async |tx| {
            insert(tx, "twice").await?;
            insert(tx, "twice").await
        })
        .await;
    assert_eq!(twice.unwrap_err().code(), Code::Internal);
    assert!(!there(&test.database, "twice").await);
}

/// Starts a transaction that writes a row and then never ends, and drops it.
async fn abandon(db: &Db, id: &'static str) {
    let wrote = Arc::new(Notify::new());
    let (tell, db) = (Arc::clone(&wrote), db.clone());
    let task = TaskTracker::new().spawn(async move {
        db.tx(Scope::Nobody, async |tx| {
            insert(tx, id).await?;
            tell.notify_one();
            std::future::pending::<Result<()>>().await
        })
        .await
    });
    wrote.notified().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

#[tokio::test(flavor = "multi_thread")]
async fn work_dropped_in_the_middle_leaves_nothing_and_gives_its_connection_back() {
    let test = start().await;
    // More of them than there are connections.
    for _ in 0..3 {
        abandon(&test.app.db, "abandoned").await;
    }
    let kept = test
        .app
        .db
        .tx(Scope::Nobody, async |tx| insert(tx, "after").await);
    kept.await.unwrap();
    assert!(there(&test.database, "after").await);
    assert!(!there(&test.database, "abandoned").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_dropped_work_is_stopped_and_its_locks_are_released() {
    let hour = [("database.statement_timeout_ms", "3600000".into())];
    let test = TestApp::start_configured(&hour).await;
    let db = &test.app.db;
    let mut admin = test.database.admin().await;
    let works = "pg_stat_activity where state = 'active' and query = 'select pg_sleep(3600)'";
    let begun = async { while count(&mut admin, works).await == 0 {} };
    let work = db.tx(Scope::Nobody, async |tx| {
        insert(tx, "locked").await?;
        diesel::sql_query("select pg_sleep(3600)")
            .execute(tx.conn())
            .await?;
        Ok(())
    });
    tokio::select! {
        ended = work => panic!("{ended:?}"),
        () = begun => {}
    }
    // Waits for the other one's row, so for its end.
    db.tx(Scope::Nobody, async |tx| insert(tx, "locked").await)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_do_not_fail_the_next_transaction() {
    let test = start().await;
    let db = &test.app.db;
    // Two at once, so that both connections are in the pool.
    let (one, two) = tokio::join!(db.ping(), db.ping());
    one.and(two).unwrap();
    let mut admin = test.database.admin().await;
    let killed = texts(
        &mut admin,
        "select pg_terminate_backend(pid, 5000)::text as text from pg_stat_activity \
         where usename = 'glassbox_app' and datname = current_database()",
    )
    .await;
    assert!(killed.len() >= 2, "{killed:?}");
    db.tx(Scope::Nobody, async |tx| insert(tx, "survivor").await)
        .await
        .unwrap();
    assert!(there(&test.database, "survivor").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_dies_in_the_middle_fails_that_transaction_alone() {
    let test = start().await;
    let db = &test.app.db;
    let outcome = db
        .tx(Scope::Nobody, async |tx| {
            insert(tx, "torn").await?;
            let suicide = "select pg_terminate_backend(pg_backend_pid())";
            diesel::sql_query(suicide).execute(tx.conn()).await?;
            insert(tx, "torn too").await
        })
        .await;
    assert_eq!(outcome.unwrap_err().code(), Code::Unavailable);
    db.ping().await.unwrap();
    assert!(!there(&test.database, "torn").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_ends_with_its_transaction() {
    let test = start().await;
    let db = &test.app.db;
    let seen = async |tx: &mut Tx| {
        let sql = "select coalesce(nullif(current_setting('app.system', true), ''), 'off') as text";
        Ok(texts(tx.conn(), sql).await.remove(0))
    };
    for _ in 0..4 {
        assert_eq!(db.tx(Scope::System, seen).await.unwrap(), "on");
        assert_eq!(db.tx(Scope::Nobody, seen).await.unwrap(), "off");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_woken_by_a_commit_and_not_by_a_roll_back() {
    let test = start().await;
    let db = &test.app.db;
    let woken = async || {
        let wait = db.signal().wait(Topic::FileJobs);
        tokio::time::timeout(Duration::ZERO, wait).await.is_ok()
    };
    let failed: Result<()> = db
        .tx(Scope::Nobody, async |tx| {
            tx.wake_after_commit(Topic::FileJobs);
            Err(Error::not_found("thing"))
        })
        .await;
    failed.unwrap_err();
    assert!(!woken().await);
    db.tx(Scope::Nobody, async |tx| {
        tx.wake_after_commit(Topic::FileJobs);
        Ok(())
    })
    .await
    .unwrap();
    assert!(woken().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_stopped_and_said_to_have_been() {
    let limit = [("database.statement_timeout_ms", "100".into())];
    let test = TestApp::start_configured(&limit).await;
    let outcome = test
        .app
        .db
        .tx(Scope::Nobody, async |tx| {
            insert(tx, "slow").await?;
            diesel::sql_query("select pg_sleep(60)")
                .execute(tx.conn())
                .await?;
            Ok(())
        })
        .await;
    assert_eq!(outcome.unwrap_err().code(), Code::Timeout);
    assert!(!there(&test.database, "slow").await);
}
