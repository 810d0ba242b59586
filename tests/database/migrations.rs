//! Migrations go up, down and up again to the same schema, and bear to be run twice
//! and by two at once.

use std::{path::Path, process::Command};

use glassbox::platform::db::{cluster::find_binaries, migrate};
use tokio_util::task::TaskTracker;

use crate::{rows::count, support::Database};

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
