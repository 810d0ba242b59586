//! The lock that a run holds on its node, so that nobody else writes the node's content
//! while an agent works on it.
//!
//! The lock is the run's and not its worker's: another worker that takes the run over goes
//! on under it. It is taken when the run is started, renewed by its worker, and released by
//! the transaction in which the run ends or begins to wait for a person. The execution's row
//! knows the epoch of the lock; should the node have another by now, the run has lost it.
//!
//! Rows are locked in one order, the node's before the execution's, as a tool's effects on
//! the node come before the entry that tells of them.

use chrono::TimeDelta;

use super::store::{self, Head};
use crate::{
    kernel::{Code, Result},
    nodes::{
        self,
        model::{Holder, Lock},
    },
    platform::db::Tx,
};

/// What became of a run's lock while nobody drove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Regained {
    /// The run holds it.
    Held,
    /// Somebody broke it: the run is to be driven, to its end.
    Broken,
    /// Somebody else holds it; the run waits until they are done.
    Busy,
}

/// Makes sure that the run holds its node's lock before it writes. A lock whose time ran
/// out and that nobody took since is taken again; `node` is `None` when the node was
/// deleted, which is not a lock's business. Answers the lock as it is then.
///
/// # Errors
/// [`Code::LockLost`] when it was broken or somebody else has had it since, with a
/// sentence that says who.
pub(super) async fn keep(
    tx: &mut Tx,
    head: &Head,
    node: Option<Lock>,
    life: TimeDelta,
) -> Result<Option<Lock>> {
    let (Some(lock), Some(user)) = (&node, head.started_by) else {
        return Ok(node);
    };
    let run = Holder {
        user,
        execution: Some(head.id),
    };
    match head.lock_epoch {
        Some(epoch) if epoch != lock.epoch => Err(nodes::ops::run_lock_lost_in(tx, lock).await?),
        Some(_) if lock.is_of_run(head.id) => {
            nodes::ops::run_lock_renew_in(tx, lock, life).await?;
            Ok(node)
        }
        Some(_) | None => take(tx, head, lock, run, life).await.map(Some),
    }
}

/// The same when a worker takes a run: there, another's lock is waited for.
pub(super) async fn regain(
    tx: &mut Tx,
    head: &Head,
    node: Option<Lock>,
    life: TimeDelta,
) -> Result<Regained> {
    let (Some(lock), Some(user)) = (&node, head.started_by) else {
        return Ok(Regained::Held);
    };
    let lost = head.lock_epoch.is_some_and(|epoch| epoch != lock.epoch);
    if lost && lock.broken_by.is_some() {
        return Ok(Regained::Broken);
    }
    let kept = if lost {
        let run = Holder {
            user,
            execution: Some(head.id),
        };
        take(tx, head, lock, run, life).await.map(Some)
    } else {
        keep(tx, head, node, life).await
    };
    match kept {
        Ok(_) => Ok(Regained::Held),
        Err(error) if error.code() == Code::NodeLocked => Ok(Regained::Busy),
        Err(error) => Err(error),
    }
}

async fn take(tx: &mut Tx, head: &Head, lock: &Lock, run: Holder, life: TimeDelta) -> Result<Lock> {
    let taken = nodes::ops::run_lock_take_in(tx, lock, run, life).await?;
    store::lock::set_epoch(tx, head.id, Some(taken.epoch)).await?;
    Ok(taken)
}

/// Lets go of the lock, for a run that ended or waits for a person.
pub(super) async fn release(tx: &mut Tx, head: &Head, node: Option<&Lock>) -> Result<()> {
    if let Some(lock) = node {
        nodes::ops::run_lock_release_in(tx, lock, head.id).await?;
    }
    store::lock::set_epoch(tx, head.id, None).await
}
