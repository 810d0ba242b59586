//! What file workers do with a file: claim, finish, put back, find what was left.
//!
//! A message is only a wake-up; here the row decides who works on a file. All of it
//! runs in [`Scope::Org`], on nobody's behalf, and asks no one for permission: the
//! upload was allowed when it was made.

use chrono::TimeDelta;
use serde_json::json;

use super::{
    super::{
        model::{Claim, ClaimRules, Claiming, ProcessingStatus, Reading},
        store,
        store::processing::{Lease, Outcome},
    },
    emit_updated_in,
};
use crate::{
    kernel::{Error, FileId, OrgId, Result, Scope, WorkerId, event::Indexed},
    outbox,
    platform::{
        db::{Db, Tx},
        workers,
    },
};

/// What is said of a file that was tried too often.
const GIVEN_UP: &str =
    "The file could not be read because of a fault on our side. Delete it and upload it again.";

fn scope(org: OrgId) -> Scope {
    Scope::Org { org, user: None }
}

/// Takes `file` for the worker of `rules`, if it waits for one or its holder is dead.
pub async fn claim(db: &Db, org: OrgId, file: FileId, rules: &ClaimRules) -> Result<Claiming> {
    db.tx(scope(org), async move |tx| {
        let Some(lease) = store::processing::lock_lease(tx, file).await? else {
            return Ok(Claiming::Nothing);
        };
        let unfinished = matches!(
            lease.processing_status,
            ProcessingStatus::Pending | ProcessingStatus::Processing
        );
        if !unfinished || lease.confirmed_at.is_none() {
            return Ok(Claiming::Nothing);
        }
        if is_held(tx, org, &lease, rules).await? {
            return Ok(Claiming::Held);
        }
        let claim = store::processing::grant(tx, file, rules.worker).await?;
        // Counted before the work, so that a file that takes the whole process down
        // does not do so for ever.
        if claim.attempts > rules.max_attempts {
            write(tx, &claim, &given_up()).await?;
            return Ok(Claiming::GivenUp);
        }
        emit_updated_in(tx, org, file).await?;
        Ok(Claiming::Granted(claim))
    })
    .await
}

async fn is_held(tx: &mut Tx, org: OrgId, lease: &Lease, rules: &ClaimRules) -> Result<bool> {
    let holder = match lease.lease_worker {
        Some(worker) if lease.processing_status == ProcessingStatus::Processing => worker,
        _ => return Ok(false),
    };
    if holder == rules.worker {
        return Ok(false);
    }
    // Workers are nobody's rows; the lock on the file is kept meanwhile.
    tx.rescope(&Scope::System);
    let alive = workers::is_alive_in(tx, holder, rules.lease).await?;
    tx.rescope(&scope(org));
    Ok(alive)
}

/// Writes what reading gave; `false` when the claim no longer holds, because another
/// took over or the file was deleted. Then nothing is written.
pub async fn finish(db: &Db, claim: &Claim, reading: &Reading) -> Result<bool> {
    db.tx(scope(claim.org), async move |tx| {
        write(tx, claim, reading).await
    })
    .await
}

/// After a fault of ours: puts the file back to be tried again, or gives it up when it
/// was tried often enough. `true` when it should be tried again.
pub async fn put_back(db: &Db, claim: &Claim, max_attempts: i32) -> Result<bool> {
    db.tx(scope(claim.org), async move |tx| {
        if claim.attempts >= max_attempts {
            write(tx, claim, &given_up()).await?;
            return Ok(false);
        }
        unclaim(tx, claim, false).await
    })
    .await
}

/// Puts the file back because the worker stops; the try does not count.
pub async fn hand_over(db: &Db, claim: &Claim) -> Result<bool> {
    db.tx(scope(claim.org), async move |tx| {
        unclaim(tx, claim, true).await
    })
    .await
}

async fn unclaim(tx: &mut Tx, claim: &Claim, forgiven: bool) -> Result<bool> {
    let ours = store::processing::put_back(tx, claim.file, claim.epoch, forgiven).await?;
    if ours {
        emit_updated_in(tx, claim.org, claim.file).await?;
    }
    Ok(ours)
}

async fn write(tx: &mut Tx, claim: &Claim, reading: &Reading) -> Result<bool> {
    let outcome = match reading {
        Reading::Text {
            text,
            segments,
            metadata,
        } => Outcome {
            status: ProcessingStatus::Complete,
            text: Some(text),
            segments: serde_json::to_value(segments).map_err(Error::internal)?,
            metadata,
            ..Outcome::default()
        },
        Reading::Failure { sentence, metadata } => Outcome {
            error: Some(sentence),
            metadata,
            ..Outcome::default()
        },
    };
    let ours = store::processing::finish(tx, claim.file, claim.epoch, &outcome).await?;
    if ours {
        outbox::reindex(tx, claim.org, Indexed::File, claim.file.uuid());
        emit_updated_in(tx, claim.org, claim.file).await?;
    }
    Ok(ours)
}

fn given_up() -> Reading {
    Reading::Failure {
        sentence: GIVEN_UP.to_owned(),
        metadata: json!({ "outcome": "given_up" }),
    }
}

/// Queues files again that are confirmed, unfinished and in nobody's hands: their
/// wake-up was lost, or the process that held them died. `busy` are those that the
/// asking worker is at. Answers how many.
pub async fn requeue_abandoned(
    db: &Db,
    me: WorkerId,
    busy: &[FileId],
    lease: TimeDelta,
) -> Result<usize> {
    let (abandoned, before) = db
        .tx(Scope::System, async move |tx| {
            let found = store::processing::abandoned(tx, me, busy, lease).await?;
            Ok((found, tx.now() - lease))
        })
        .await?;
    let mut requeued = 0;
    for found in abandoned {
        let again = db
            .tx(scope(found.org_id), async move |tx| {
                if !store::processing::touch(tx, found.id, before).await? {
                    return Ok(false);
                }
                let file = store::get(tx, found.id).await?;
                outbox::enqueue(tx, &file.job()).await?;
                Ok(true)
            })
            .await?;
        requeued += usize::from(again);
    }
    Ok(requeued)
}
