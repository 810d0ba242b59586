//! Checking that a journal is what was written.

use super::{
    super::{
        chain,
        model::{ForkPoint, ForkVerification, TraceEvent, Verification},
        store,
    },
    BATCH,
    fork::origin,
};
use crate::{
    access::{Action, Target},
    app::Ctx,
    kernel::{ExecutionId, Result},
    platform::db::Tx,
};

/// Checks the hash chain of an execution, and of what a fork goes on from.
pub async fn execution_verify(ctx: &Ctx, id: ExecutionId) -> Result<Verification> {
    ctx.tx(
        Action::ExecutionRead,
        Target::Execution(id),
        async |tx, _| verify_in(tx, id).await,
    )
    .await
}

/// The same for a transaction that may see the execution.
pub async fn verify_in(tx: &mut Tx, id: ExecutionId) -> Result<Verification> {
    // The end first: what is appended meanwhile is not part of this check.
    let (last, head) = store::end_of(tx, id).await?;
    let (mut found, first) = check(tx, id, last, &head).await?;
    // The row says that it is a fork, and so does its first entry; where only one of them
    // does, it is not what it was.
    let row = store::fork::origin(tx, id).await?;
    let said = first.as_ref().and_then(origin).map(|origin| origin.point);
    if let Some(point) = row.or(said) {
        let shared = row == said && shared_is_whole(tx, point, first).await?;
        found.valid &= shared;
        found.forked_from = Some(ForkVerification {
            execution_id: point.execution_id,
            sequence_number: point.sequence_number,
            valid: shared,
        });
    }
    Ok(found)
}

/// Whether the entries before a fork are whole, and the last of them is the one that the
/// fork's `first` entry names. Goes up to the execution that is no fork.
async fn shared_is_whole(
    tx: &mut Tx,
    mut point: ForkPoint,
    mut first: Option<TraceEvent>,
) -> Result<bool> {
    loop {
        let Some(recorded) = first.as_ref().and_then(origin) else {
            return Ok(false);
        };
        let last = point.sequence_number;
        let (found, above) = check(tx, point.execution_id, last, &recorded.hash).await?;
        if recorded.point != point || !found.valid {
            return Ok(false);
        }
        match store::fork::origin(tx, point.execution_id).await? {
            None => return Ok(above.as_ref().and_then(origin).is_none()),
            Some(next) => (point, first) = (next, above),
        }
    }
}

/// Checks the entries 1 to `last`, of which the last has the hash `head`. Answers the
/// first one as well.
async fn check(
    tx: &mut Tx,
    id: ExecutionId,
    last: i64,
    head: &str,
) -> Result<(Verification, Option<TraceEvent>)> {
    let mut check = chain::Check::default();
    let mut first = None;
    let mut after = 0;
    while after < last {
        let batch = store::trace(tx, id, after, BATCH.min(last - after)).await?;
        let Some(end) = batch.last() else { break };
        after = end.sequence_number;
        batch.iter().for_each(|event| check.next(event));
        first = first.or_else(|| batch.into_iter().next());
    }
    Ok((check.finish(last, head), first))
}
