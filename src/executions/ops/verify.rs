//! Checking that a journal is what was written.

use super::{
    super::{
        chain::{self, is_apart},
        model::{ForkPoint, ForkVerification, TraceEvent, Verification},
        store,
    },
    BATCH,
    fork::origin,
    payloads,
};
use crate::{
    access::{Action, Target},
    app::Ctx,
    kernel::{Code, ExecutionId, OrgId, Result, Scope},
    platform::{
        blobs::Blobs,
        db::{Db, Tx},
    },
};

/// An entry of whose payload a part lies in the storage.
type Apart = (ExecutionId, i64);

/// Checks the hash chain of an execution, and of what a fork goes on from; what lies in the
/// storage too, if `contents`.
pub async fn execution_verify(ctx: &Ctx, id: ExecutionId, contents: bool) -> Result<Verification> {
    let (mut found, apart, org) = ctx
        .tx(
            Action::ExecutionRead,
            Target::Execution(id),
            async |tx, grant| {
                let (found, apart) = verify_in(tx, id).await?;
                Ok((found, apart, grant.org))
            },
        )
        .await?;
    if contents {
        let app = &ctx.app;
        check_contents(&app.db, &*app.blobs, (org, id), apart, &mut found).await?;
    }
    Ok(found)
}

/// Checks what lies in the storage of the payloads of `apart`, with no transaction open while
/// it is read.
///
/// # Errors
/// [`Code::Unavailable`] when the storage does not answer.
pub(super) async fn check_contents(
    db: &Db,
    blobs: &dyn Blobs,
    (org, id): (OrgId, ExecutionId),
    apart: Vec<Apart>,
    found: &mut Verification,
) -> Result<()> {
    for (execution, number) in apart {
        if is_whole(db, blobs, org, (execution, number)).await? {
            continue;
        }
        found.valid = false;
        match &mut found.forked_from {
            Some(shared) if execution != id => shared.valid = false,
            _ => found.broken_at = Some(found.broken_at.map_or(number, |at| at.min(number))),
        }
    }
    Ok(())
}

async fn is_whole(db: &Db, blobs: &dyn Blobs, org: OrgId, apart: Apart) -> Result<bool> {
    let scope = || Scope::Org { org, user: None };
    let (execution, number) = apart;
    let read = async |tx: &mut Tx| store::fork::entry(tx, execution, number).await;
    let Some(mut entry) = db.tx(scope(), read).await? else {
        return Ok(false);
    };
    match payloads::make_whole(blobs, org, &mut entry).await {
        Ok(()) => Ok(chain::payload_is_right(&entry)),
        Err(error) if error.code() == Code::Unprocessable => {
            // It may have been removed in the meantime, because its time was over.
            let now = db.tx(scope(), read).await?;
            Ok(now.is_some_and(|entry| entry.is_removed()))
        }
        Err(error) => Err(error),
    }
}

/// The same for a transaction that may see the execution, without what lies in the storage:
/// answers the entries that it has parts of.
pub(super) async fn verify_in(tx: &mut Tx, id: ExecutionId) -> Result<(Verification, Vec<Apart>)> {
    let mut apart = Vec::new();
    // The end first: what is appended meanwhile is not part of this check.
    let (last, head) = store::end_of(tx, id).await?;
    let (mut found, first) = check(tx, id, last, &head, &mut apart).await?;
    // The row says that it is a fork, and so does its first entry; where only one of them
    // does, it is not what it was.
    let row = store::fork::origin(tx, id).await?;
    let said = first.as_ref().and_then(origin).map(|origin| origin.point);
    if let Some(point) = row.or(said) {
        let shared = row == said && shared_is_whole(tx, point, first, &mut apart).await?;
        found.valid &= shared;
        found.forked_from = Some(ForkVerification {
            execution_id: point.execution_id,
            sequence_number: point.sequence_number,
            valid: shared,
        });
    }
    Ok((found, apart))
}

/// Whether the entries before a fork are whole, and the last of them is the one that the
/// fork's `first` entry names. Goes up to the execution that is no fork.
async fn shared_is_whole(
    tx: &mut Tx,
    mut point: ForkPoint,
    mut first: Option<TraceEvent>,
    apart: &mut Vec<Apart>,
) -> Result<bool> {
    loop {
        let Some(recorded) = first.as_ref().and_then(origin) else {
            return Ok(false);
        };
        let last = point.sequence_number;
        let (found, above) = check(tx, point.execution_id, last, &recorded.hash, apart).await?;
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
/// first one as well, and notes which have payloads apart.
async fn check(
    tx: &mut Tx,
    id: ExecutionId,
    last: i64,
    head: &str,
    apart: &mut Vec<Apart>,
) -> Result<(Verification, Option<TraceEvent>)> {
    let mut check = chain::Check::default();
    let mut first = None;
    let mut after = 0;
    while after < last {
        let batch = store::trace(tx, id, after, BATCH.min(last - after)).await?;
        let Some(end) = batch.last() else { break };
        after = end.sequence_number;
        batch.iter().for_each(|event| check.next(event));
        let refer = batch.iter().filter(|event| is_apart(event));
        apart.extend(refer.map(|event| (id, event.sequence_number)));
        first = first.or_else(|| batch.into_iter().next());
    }
    Ok((check.finish(last, head), first))
}
