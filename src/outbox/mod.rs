//! What a transaction says to the world, written in that same transaction.
//!
//! [`emit`] and [`enqueue`] write rows; the [`relay`] alone takes them to the bus and
//! the queue after the commit, at least once and in the order of writing. There are
//! no other ways out, so an event never tells of a change that was rolled back, and
//! a committed change is never silent.

pub mod relay;
mod store;

use crate::{
    kernel::{
        Result,
        event::{Event, Job},
    },
    platform::db::{Topic, Tx},
};

/// Tells those who watch, once `tx` has committed. Nobody waits for the row: it leaves
/// with the transaction's next statement or its commit.
pub async fn emit(tx: &mut Tx, event: &Event) -> Result<()> {
    store::insert_event(tx, event);
    tx.wake_after_commit(Topic::Outbox);
    Ok(())
}

/// Wakes a worker, once `tx` has committed.
pub async fn enqueue(tx: &mut Tx, job: &Job) -> Result<()> {
    store::insert_job(tx, job);
    tx.wake_after_commit(Topic::Outbox);
    Ok(())
}
