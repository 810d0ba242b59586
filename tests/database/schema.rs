//! The generated `src/platform/db/schema.rs` is what the migrations make.

use std::{path::Path, process::Command};

use crate::support::Database;

/// Compares, or with `UPDATE_GENERATED=1` writes the file.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the diesel CLI, which it builds on first use; `make check` runs it"]
async fn schema_rs_is_what_the_migrations_make() {
    let database = Database::create().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("deploy/dev/schema.sh"));
    if std::env::var_os("UPDATE_GENERATED").is_none() {
        command.arg("--check");
    }
    let status = command.arg(database.owner_url()).status().unwrap();
    assert!(status.success());
}
