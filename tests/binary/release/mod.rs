//! The release before this version, which runs on while the database is migrated, and again
//! after a roll-back of the program; and the database that it leaves to this one.
//!
//! `record.py` wrote down what that release says and what it leaves; see there.

use std::{collections::BTreeSet, path::Path, process::Output};

use diesel_async::SimpleAsyncConnection;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::{Ada, assert_job_done_once, drain::Serve, support::Database};

const WORKSPACE: &str = include_str!("workspace.sql");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Release {
    /// The version of the newest migration that it brings.
    newest_migration: String,
    /// What its program prepares.
    statements: Vec<String>,
}

impl Release {
    fn recorded() -> Self {
        serde_json::from_str(include_str!("statements.json")).unwrap()
    }
}

/// The database that it leaves behind.
async fn left_behind() -> Database {
    let database = Database::create_empty().await;
    // Bootstrapped as they are, the dump would make these once more.
    database
        .execute("drop extension if exists vector; drop extension if exists pg_trgm")
        .await;
    database.execute(WORKSPACE).await;
    database
}

async fn glassbox(database: &Database, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_glassbox"))
        .current_dir(folder)
        .args(arguments)
        .env("GLASSBOX_ENV", "test")
        .env("GLASSBOX_DATABASE__URL", database.app_url())
        .env("GLASSBOX_DATABASE__OWNER_URL", database.owner_url())
        .env("GLASSBOX_AUTH__SIGNING_KEY", "07".repeat(32))
        .env("GLASSBOX_STORAGE__URL_SECRET", "x".repeat(32))
        .env("GLASSBOX_LOG__FILTER", "off")
        .output()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_last_release_says_is_understood_after_the_migration() {
    let release = Release::recorded();
    assert!(release.statements.len() > 300);
    let database = Database::create().await;
    let mut app = database.app().await;
    let mut refused = Vec::new();
    for statement in &release.statements {
        let prepare = format!("prepare one as {statement}");
        match app.batch_execute(&prepare).await {
            Ok(()) => app.batch_execute("deallocate one").await.unwrap(),
            Err(error) => refused.push(format!("{error}: {statement}")),
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let odd = app.batch_execute("prepare one as select since from nodes");
    assert!(odd.await.is_err(), "what there is not is refused");
}

/// Columns that a statement has to fill which makes a row.
async fn needed(database: &Database) -> BTreeSet<String> {
    let columns = "select coalesce(string_agg(table_name || '.' || column_name, ' '), '') as text \
         from information_schema.columns where table_schema = 'public' and is_nullable = 'NO' \
         and column_default is null and is_generated = 'NEVER' and is_identity = 'NO'";
    let names = database.text(columns).await;
    names.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_last_release_writes_is_enough_after_the_migration() {
    let before = left_behind().await;
    let tables = "select string_agg(table_name, ' ') as text \
         from information_schema.tables where table_schema = 'public'";
    let tables = before.text(tables).await;
    let known: BTreeSet<&str> = tables.split_whitespace().collect();
    let (before, now) = (
        needed(&before).await,
        needed(&Database::create().await).await,
    );
    assert!(before.len() > 100);
    let more: Vec<&String> = now
        .difference(&before)
        .filter(|column| {
            column
                .split('.')
                .next()
                .is_some_and(|table| known.contains(table))
        })
        .collect();
    assert!(more.is_empty(), "the last release does not fill {more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_last_release_is_brought_along_whole() {
    let (database, folder) = (left_behind().await, TempDir::new().unwrap());
    let newest = "select max(version)::text as text from __diesel_schema_migrations";
    assert_eq!(
        database.text(newest).await,
        Release::recorded().newest_migration
    );
    let status = glassbox(&database, folder.path(), &["migrate", "--status"]).await;
    let status = String::from_utf8(status.stdout).unwrap();
    let pending = status
        .lines()
        .filter(|line| line.contains("pending"))
        .count();
    for role in ["serve", "agent-worker", "file-worker"] {
        if pending == 0 {
            break;
        }
        let refused = glassbox(&database, folder.path(), &[role]).await;
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("`glassbox migrate` first."), "{role}: {said}");
    }
    for _ in 0..2 {
        let migrated = glassbox(&database, folder.path(), &["migrate"]).await;
        assert!(migrated.status.success(), "{migrated:?}");
    }
    let doctor = glassbox(&database, folder.path(), &["doctor", "--json", "--all"]).await;
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(
        (&found["findings"], doctor.status.code()),
        (&json!([]), Some(0))
    );
    let serve = Serve::start(&database, folder.path()).await;
    assert_job_done_once(&Ada::sign_in(serve.port).await).await;
}
