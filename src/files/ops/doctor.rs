//! Whether the storage holds what the files say, and nothing else. Changes nothing.

use chrono::TimeDelta;

use super::super::store;
use crate::{
    kernel::{Finding, Result, Scope},
    platform::{
        blobs::{Blobs, OldKeys},
        db::{Db, Tx},
    },
};

/// Bytes are stored before the row that names them; so long the row may take.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// Keys asked for at a time.
const BATCH: usize = 500;
/// Keys that a finding names at most.
const NAMED: usize = 20;

/// Looks for bytes in the storage that no file has, without those that `is_others` says are
/// something else's.
pub async fn doctor(
    db: &Db,
    blobs: &dyn Blobs,
    is_others: impl Fn(&str) -> bool,
) -> Result<Option<Finding>> {
    let (mut count, mut named) = (0, Vec::new());
    let mut old = OldKeys::new(blobs, db.now() - PATIENCE);
    while let Some(mut keys) = old.page().await? {
        keys.retain(|key| !is_others(key));
        let orphans = unclaimed(db, keys).await?;
        count += orphans.len();
        named.extend(orphans);
        named.truncate(NAMED);
    }
    Ok(Finding::of_some(
        "orphaned_blob",
        format!("The storage holds {count} blobs that no file has."),
        named,
        "They cost space and can be reached by nobody; once you are sure that this is the \
         storage of this database, delete them.",
    ))
}

/// Looks for organizations whose count of bytes is not what their files have.
pub async fn usage(db: &Db) -> Result<Option<Finding>> {
    let wrong = async |tx: &mut Tx| store::quota::miscounted(tx).await;
    Ok(Finding::of_some(
        "storage_miscounted",
        "What organizations' files have is not what was counted for their quota.".to_owned(),
        db.tx(Scope::System, wrong).await?,
        "A file worker counts anew when it starts; see that one of this version runs.",
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
