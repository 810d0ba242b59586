//! Whether the storage holds what the files say, and nothing else. Changes nothing.

use chrono::TimeDelta;

use super::super::store;
use crate::{
    kernel::{Finding, Result, Scope},
    platform::{
        blobs::Folder,
        db::{Db, Tx},
    },
};

/// Bytes are stored before the row that names them; so long the row may take.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// Keys asked for at a time.
const BATCH: usize = 500;
/// Keys that a finding names at most.
const NAMED: usize = 20;

/// Looks for bytes in `folder` that no file has, without those that `is_others` says are
/// something else's.
pub async fn doctor(
    db: &Db,
    folder: &Folder,
    is_others: impl Fn(&str) -> bool,
) -> Result<Option<Finding>> {
    let mut keys = folder.keys(db.now() - PATIENCE).await?;
    keys.retain(|key| !is_others(key));
    let mut orphans = unclaimed(db, keys).await?;
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

/// Those of `keys` that no file has and that no job is about to remove.
pub async fn unclaimed(db: &Db, keys: Vec<String>) -> Result<Vec<String>> {
    let mut unclaimed = Vec::new();
    for batch in keys.chunks(BATCH) {
        let ask = async |tx: &mut Tx| store::doctor::orphans(tx, batch).await;
        unclaimed.extend(db.tx(Scope::System, ask).await?);
    }
    Ok(unclaimed)
}
