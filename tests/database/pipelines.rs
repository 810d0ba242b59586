//! What becomes of statements that leave together when one of them fails, and of those
//! whose sender goes away.

use diesel::{query_builder::SqlQuery, sql_query, sql_types::Integer};
use diesel_async::RunQueryDsl;
use glassbox::{
    kernel::{Code, Error, Result, Scope},
    platform::db::{Cacheable, Db, Tx},
};
use tokio_util::task::TaskTracker;

use crate::{
    rows::{count, texts},
    support::{Database, TestApp},
};

/// As few connections as there may be, so that one which was left behind is missed.
async fn start() -> TestApp {
    TestApp::start_configured(&[
        ("database.max_connections", "2".into()),
        ("database.acquire_timeout_ms", "10000".into()),
    ])
    .await
}

/// Any row: a revocation belongs to no organization, so that no scope is in the way.
fn insert(id: &str) -> SqlQuery {
    sql_query(format!(
        "insert into token_revocations values ('{id}', now(), null)"
    ))
}

/// Fails as a transaction does that another one was in the way of.
fn conflict() -> SqlQuery {
    sql_query("do $$ begin raise exception 'in the way' using errcode = '40001'; end $$")
}

async fn there(database: &Database) -> Vec<String> {
    let sql = "select revocation_id as text from token_revocations order by 1";
    texts(&mut database.admin().await, sql).await
}

async fn is_usable(db: &Db) {
    let scope = async |tx: &Tx| {
        let sql = "select coalesce(current_setting('app.system', true), '') as text";
        Ok(texts(&mut tx.pipe(), sql).await)
    };
    for _ in 0..3 {
        assert_eq!(db.read(Scope::System, scope).await.unwrap(), ["on"]);
        assert_eq!(db.read(Scope::Nobody, scope).await.unwrap(), [""]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_is_done_in_the_order_in_which_it_was_said() {
    let test = start().await;
    let db = &test.app.db;
    let said = async |tx: &mut Tx| {
        tx.later(insert(""));
        for n in 0..40 {
            let add =
                format!("update token_revocations set revocation_id = revocation_id || ' {n}'");
            if n % 7 == 3 {
                sql_query(add).execute(tx.conn()).await?;
            } else {
                tx.later(sql_query(add));
            }
        }
        Ok(())
    };
    db.tx(Scope::Nobody, said).await.unwrap();
    let expected: String = (0..40).map(|n| format!(" {n}")).collect();
    assert_eq!(there(&test.database).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_unseen_fails_the_commit_and_undoes_everything() {
    let test = start().await;
    let db = &test.app.db;
    for (failing, code) in [
        (insert("twice"), Code::Internal),
        (conflict(), Code::Unavailable),
    ] {
        let failed = db
            .tx(Scope::Nobody, async move |tx| {
                insert("before").execute(tx.conn()).await?;
                tx.later(insert("twice"));
                tx.later(failing);
                tx.later(insert("after"));
                Ok(())
            })
            .await;
        assert_eq!(failed.unwrap_err().code(), code);
        assert!(there(&test.database).await.is_empty());
        is_usable(db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_statement_fails_for_the_reason_of_the_one_before() {
    let test = start().await;
    let db = &test.app.db;
    let failed = db
        .tx(Scope::Nobody, async |tx| {
            tx.later(conflict());
            // By itself it would be refused as part of a failed transaction.
            insert("next").execute(tx.conn()).await?;
            Ok(())
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), Code::Unavailable);
    assert!(there(&test.database).await.is_empty());
    is_usable(db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_was_ignored_can_not_be_committed() {
    let test = start().await;
    let db = &test.app.db;
    let failed = db
        .tx(Scope::Nobody, async |tx| {
            insert("before").execute(tx.conn()).await?;
            tx.later(conflict());
            tx.settle().await.unwrap_err();
            Ok(())
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), Code::Internal);
    assert!(there(&test.database).await.is_empty());
    is_usable(db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_takes_back_what_has_not_left_yet() {
    let test = start().await;
    let db = &test.app.db;
    let failed: Result<()> = db
        .tx(Scope::Nobody, async |tx| {
            insert("sent").execute(tx.conn()).await?;
            tx.later(insert("waiting"));
            Err(Error::not_found("thing"))
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), Code::NotFound);
    assert!(there(&test.database).await.is_empty());
    is_usable(db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_in_the_middle_tells_why_and_gives_its_connection_back() {
    let test = start().await;
    let db = &test.app.db;
    for _ in 0..3 {
        let work = async |tx: &Tx| {
            let (mut first, mut second) = (tx.pipe(), tx.pipe());
            let (failed, next) = tokio::join!(biased;
                conflict().execute(&mut first),
                sql_query("select 1").execute(&mut second));
            next.unwrap_err();
            Ok(failed?)
        };
        let failed = db.read(Scope::Nobody, work).await;
        assert_eq!(failed.unwrap_err().code(), Code::Unavailable);
        is_usable(db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_while_statements_are_out_leaves_no_open_transaction() {
    let test = start().await;
    let mut admin = test.database.admin().await;
    texts(&mut admin, "select pg_advisory_lock(1)::text as text").await;
    let db = test.app.db.clone();
    let task = TaskTracker::new().spawn(async move {
        db.tx(Scope::Nobody, async |tx| {
            tx.later(insert("abandoned"));
            tx.later(sql_query("select pg_advisory_xact_lock(1)"));
            tx.later(insert("never"));
            Ok(())
        })
        .await
    });
    let waits = "pg_locks where locktype = 'advisory' and not granted";
    while count(&mut admin, waits).await == 0 {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    // Its connection was closed, and not given to the next one.
    is_usable(&test.app.db).await;
    texts(&mut admin, "select pg_advisory_unlock(1)::text as text").await;
    let alive = "pg_stat_activity where usename = 'glassbox_app' and datname = current_database() \
                 and (state <> 'idle' or wait_event_type = 'Lock')";
    while count(&mut admin, alive).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(there(&test.database).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_says_so_is_prepared_once_for_a_connection() {
    let test = start().await;
    let mut prepared = Vec::new();
    let count = "select count(*)::text as text from pg_prepared_statements \
                 where statement like 'select % as again'";
    let ran = async |tx: &mut Tx| {
        for n in 0..3 {
            let again = sql_query("select $1 as again").bind::<Integer, _>(n);
            again.cached().execute(tx.conn()).await?;
        }
        prepared = texts(&mut tx.pipe(), count).await;
        Ok(())
    };
    test.app.db.tx(Scope::Nobody, ran).await.unwrap();
    assert_eq!(prepared, ["1"]);
}
