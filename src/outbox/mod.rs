//! What a transaction says to the world, written in that same transaction.
//!
//! [`emit`] and [`enqueue`] write rows; the [`relay`] alone takes them to the bus and
//! the queue after the commit, at least once and in the order of writing. There are
//! no other ways out, so an event never tells of a change that was rolled back, and
//! a committed change is never silent. What each channel was told stays in the [`log`] for
//! a while, under numbers without gaps.

pub mod log;
pub mod metrics;
pub mod relay;
mod store;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    kernel::{
        Finding, OrgId, Result, Scope,
        event::{Event, Indexed, Job},
    },
    platform::db::{Db, Topic, Tx},
};

/// Tells those who watch, once `tx` has committed. Nobody waits for the row: it leaves
/// with the transaction's next statement or its commit.
pub async fn emit(tx: &mut Tx, event: &Event) -> Result<()> {
    emit_all(tx, vec![event.clone()]);
    Ok(())
}

/// Tells of several things, in this order and in one statement.
pub fn emit_all(tx: &mut Tx, events: Vec<Event>) {
    store::insert_events(tx, events);
    tx.wake_after_commit(Topic::Outbox);
}

/// Tells of `event` although its organization goes with this transaction. Only
/// [`EventKind::RightsChanged`](crate::kernel::event::EventKind) can be told so: the database
/// refuses what has more to say.
pub fn farewell(tx: &mut Tx, event: Event) {
    store::insert_farewell(tx, event);
    tx.wake_after_commit(Topic::Outbox);
}

/// Wakes a worker, once `tx` has committed.
pub async fn enqueue(tx: &mut Tx, job: &Job) -> Result<()> {
    store::insert_job(tx, job);
    tx.wake_after_commit(Topic::Outbox);
    Ok(())
}

/// Notes that what search knows of a node or file is not what it says any more. However often
/// it is said, the indexer reads the thing once.
pub fn reindex(tx: &mut Tx, org: OrgId, kind: Indexed, owner: Uuid) {
    store::mark_changed(tx, org, kind, owner);
    tx.wake_after_commit(Topic::Index);
}

/// How long a row may wait for the relay before somebody should look.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// Looks for rows that the relay should have taken out by now.
pub async fn doctor(db: &Db) -> Result<Option<Finding>> {
    const NAMED: i64 = 20;
    let late = async |tx: &mut Tx| store::late(tx, tx.now() - PATIENCE, NAMED).await;
    Ok(Finding::of_some(
        "outbox_waits",
        "News and jobs were committed more than a minute ago and not passed on.",
        db.tx(Scope::System, late).await?,
        "See that a server (`glassbox serve`) runs, since the relay is part of it, and what its \
         log says of the bus and the queue.",
    ))
}
