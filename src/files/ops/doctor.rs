//! Whether the storage holds what the files say, and nothing else. Changes nothing.

use chrono::TimeDelta;

use super::super::store;
use crate::{
    kernel::{Finding, Result, Scope},
    platform::{blobs::Folder, db::Db},
};

/// Bytes are stored before the row that names them; so long the row may take.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// Keys asked for at a time.
const BATCH: usize = 500;
/// Keys that a finding names at most.
const NAMED: usize = 20;

/// Looks for bytes in `folder` that no file has.
pub async fn doctor(db: &Db, folder: &Folder) -> Result<Option<Finding>> {
    let keys = folder.keys(db.now() - PATIENCE).await?;
    let mut orphans = Vec::new();
    for batch in keys.chunks(BATCH) {
        let found = db
            .tx(Scope::System, async |tx| {
                store::doctor::orphans(tx, batch).await
            })
            .await?;
        orphans.extend(found);
    }
    let count = orphans.len();
    orphans.truncate(NAMED);
    Ok(Finding::of_some(
        "orphaned_blob",
        format!("The storage holds {count} blobs that no file has."),
        orphans,
        "They cost space and can be reached by nobody; once you are sure that this is the \
         storage of this database, delete them.",
    ))
}
