//! Migrations go up, down and up again to the same schema, and bear to be run twice
//! and by two at once.

use std::{path::Path, process::Command};

use glassbox::platform::db::{cluster::find_binaries, migrate};
use tokio_util::task::TaskTracker;

use crate::{
    rows::{count, two_tenants},
    support::Database,
};

/// The schema as SQL. Newer `pg_dump`s bracket it with a random word, which is no
/// part of the schema.
fn dump(database: &Database) -> String {
    let explicit = std::env::var_os("GLASSBOX_PG_BIN");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
    let binaries = find_binaries(explicit.as_deref().map(Path::new), &[root]).unwrap();
    let output = Command::new(binaries.bin().join("pg_dump"))
        .args(["--schema-only", "--dbname", &database.owner_url()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let kept = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    kept.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn up_down_up_gives_the_same_schema() {
    let database = Database::create_empty().await;
    let owner = database.owner_url().into();
    let all = migrate::up(&owner, None).await.unwrap();
    let first = dump(&database);
    assert!(first.contains("CREATE TABLE public.nodes"), "{first}");
    let taken_back = migrate::down(&owner, all.len()).await.unwrap();
    assert_eq!(taken_back.len(), all.len());
    let nothing = dump(&database);
    let left: Vec<&str> = nothing
        .lines()
        .filter(|line| line.starts_with("CREATE ") && !line.contains("EXTENSION"))
        .filter(|line| !line.contains("__diesel_schema_migrations"))
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    migrate::up(&owner, None).await.unwrap();
    assert_eq!(first, dump(&database));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_migration_can_be_taken_back_by_itself() {
    let database = Database::create_empty().await;
    let owner = database.owner_url().into();
    let all = migrate::up(&owner, None).await.unwrap();
    let whole = dump(&database);
    for name in all.iter().rev() {
        migrate::down(&owner, 1).await.unwrap();
        let state = migrate::status(&owner).await.unwrap();
        let pending = state.iter().filter(|migration| !migration.applied).count();
        assert!(pending > 0, "{name}");
    }
    migrate::up(&owner, None).await.unwrap();
    assert_eq!(whole, dump(&database));
}

/// Takes back the migration that ends in `name` and all after it, and brings the database to
/// the present again, as an upgrade does.
async fn upgrade_over(database: &Database, name: &str) {
    let owner = database.owner_url().into();
    let all = migrate::status(&owner).await.unwrap();
    let first = all.iter().position(|one| one.name.ends_with(name)).unwrap();
    let steps = all.len() - first;
    assert_eq!(migrate::down(&owner, steps).await.unwrap().len(), steps);
    assert_eq!(migrate::up(&owner, None).await.unwrap().len(), steps);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_search_waits_to_be_indexed() {
    let database = Database::create().await;
    two_tenants(&database).await;
    database
        .execute(
            "update files set processing_status = 'complete', metadata = '{\"format\": \"pdf\"}'",
        )
        .await;
    upgrade_over(&database, "_search").await;
    let mut admin = database.admin().await;
    let things = count(&mut admin, "nodes where deleted_at is null").await
        + count(&mut admin, "files").await;
    assert!(things > 0);
    assert_eq!(count(&mut admin, "index_work").await, things);
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_outlive_an_upgrade_and_their_model_is_known() {
    let database = Database::create().await;
    two_tenants(&database).await;
    let mut admin = database.admin().await;
    let vectors = count(&mut admin, "chunk_vectors").await;
    assert!(vectors > 0);
    database.execute("delete from embeddings").await;
    upgrade_over(&database, "_embeddings").await;
    assert_eq!(count(&mut admin, "chunk_vectors").await, vectors);
    let whose = "embeddings where complete_at is not null";
    assert_eq!(
        count(&mut admin, whose).await,
        2,
        "one for each organization"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn running_twice_does_nothing_the_second_time() {
    let database = Database::create().await;
    let before = dump(&database);
    let owner = database.owner_url().into();
    assert!(migrate::up(&owner, None).await.unwrap().is_empty());
    assert_eq!(before, dump(&database));
    let state = migrate::status(&owner).await.unwrap();
    assert!(state.iter().all(|migration| migration.applied), "{state:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_migrators_at_once_wait_for_each_other() {
    let database = Database::create_empty().await;
    let tasks = TaskTracker::new();
    let runs: Vec<_> = (0..2)
        .map(|_| {
            let owner = database.owner_url().into();
            tasks.spawn(async move { migrate::up(&owner, None).await })
        })
        .collect();
    let mut applied = Vec::new();
    for run in runs {
        applied.push(run.await.unwrap().unwrap().len());
    }
    applied.sort_unstable();
    assert_eq!(applied[0], 0, "{applied:?}");
    let mut admin = database.admin().await;
    let recorded = count(&mut admin, "__diesel_schema_migrations").await;
    assert_eq!(usize::try_from(recorded).unwrap(), applied[1]);
}
