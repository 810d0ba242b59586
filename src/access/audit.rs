//! The audit log: who did what, from where, with the change in brief. An entry is
//! written by the transaction of the change and can't be altered afterwards; the
//! database refuses it.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{authorise::Grant, store};
use crate::{kernel::Result, platform::db::Tx};

/// What an entry says beyond who, when and from where.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The kind of thing: "node".
    pub resource: &'a str,
    /// Its id.
    pub id: Uuid,
    /// What changed, as it was; only the fields that changed.
    pub before: Option<Value>,
    /// What changed, as it is now.
    pub after: Option<Value>,
}

/// Writes one entry for the action that `grant` allowed. Nobody waits for it: it leaves
/// with the transaction's next statement or its commit.
pub async fn record(tx: &mut Tx, grant: &Grant, entry: Entry<'_>) -> Result<()> {
    store::insert_audit(tx, grant, entry);
    Ok(())
}

/// Only what differs, as it was and as it is: what an entry shows of a change.
pub fn difference(
    mut was: Map<String, Value>,
    mut is: Map<String, Value>,
) -> (Map<String, Value>, Map<String, Value>) {
    let same: Vec<String> = was
        .iter()
        .filter(|(key, value)| is.get(*key) == Some(value))
        .map(|(key, _)| key.clone())
        .collect();
    for key in same {
        was.remove(&key);
        is.remove(&key);
    }
    (was, is)
}
