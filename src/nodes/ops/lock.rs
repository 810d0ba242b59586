//! Taking, renewing, releasing and breaking locks; runs' locks, through functions that
//! end in `_in`; and what a write asks of the lock.
//!
//! The node's row decides, under its row lock, so of any number who ask at once one gets
//! it. A lock is no content: it makes no version and does not touch `updatedAt`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    super::{
        model::{Holder, Lock, LockState, Node},
        store::{self, lock},
    },
    gone,
};
use crate::{
    access::{self, Action, Grant, Target, audit},
    app::Ctx,
    kernel::{
        Code, Error, ExecutionId, NodeId, Result, UserId,
        event::{Channel, Event, EventKind},
        text::{TextEnum, text_enum},
    },
    outbox,
    platform::db::{Topic, Tx},
};

text_enum! {
    /// Why a lock ended, for those who watch.
    enum Reason {
        Released = "released",
        Broken = "broken",
        Expired = "expired",
        Finished = "finished",
    }
}

/// Takes the node's lock, or renews it when the caller holds it already.
///
/// # Errors
/// [`Code::NodeLocked`] while somebody else holds it, a run of the caller's included.
pub async fn lock_acquire(ctx: &Ctx, id: NodeId) -> Result<LockState> {
    let life = ctx.app.config.nodes.lock_life();
    ctx.tx(
        Action::NodeLock,
        Target::Node(id),
        async move |tx, grant| {
            let found = lock::hold(tx, id).await?.ok_or_else(gone)?;
            let me = person(grant);
            let lock = match found.holder(tx.now()) {
                Some(holder) if holder == me => renew(tx, &found, life).await?,
                Some(holder) => return Err(held(tx, &found, holder).await?),
                None => {
                    let lock = take(tx, &found, me, life).await?;
                    record(tx, grant, &lock, None, Some(brief(&lock))).await?;
                    lock
                }
            };
            state(tx, &lock, me).await
        },
    )
    .await
}

/// Lets go of the caller's lock; with `force`, of anybody's: the organization's and the
/// project's administrators may, and whoever supervises an agent's node.
///
/// # Errors
/// [`Code::NotFound`] when there is no lock, or none of the caller's.
pub async fn lock_release(ctx: &Ctx, id: NodeId, force: bool) -> Result<()> {
    ctx.tx(
        Action::NodeLock,
        Target::Node(id),
        async move |tx, grant| {
            let lock = lock::hold(tx, id).await?.ok_or_else(gone)?;
            let holder = lock.holder(tx.now());
            if holder == Some(person(grant)) {
                record(tx, grant, &lock, Some(brief(&lock)), None).await?;
                return release(tx, &lock, Some(grant.actor.user), Reason::Released).await;
            }
            let missing = || Error::not_found("lock of yours on this node");
            if !force {
                return Err(missing());
            }
            let grant = may_break(ctx, tx, grant, &lock).await?;
            holder.ok_or_else(missing)?;
            record(tx, &grant, &lock, Some(brief(&lock)), None).await?;
            lock::break_off(tx, &lock, grant.actor.user).await?;
            announce_release(tx, &lock, Some(grant.actor.user), Reason::Broken).await
        },
    )
    .await
}

/// The grant to break a lock: by role, or as the supervisor of an agent's node.
async fn may_break(ctx: &Ctx, tx: &mut Tx, grant: &Grant, lock: &Lock) -> Result<Grant> {
    let by_run = lock.by.is_some_and(|holder| holder.execution.is_some());
    let supervises = lock.supervisor == Some(grant.actor.user);
    if supervises && (lock.of_agent || by_run) {
        return Ok(Grant {
            action: Action::NodeLockBreak,
            ..grant.clone()
        });
    }
    let target = Target::Node(lock.node);
    access::authorise(tx, &ctx.caller, Action::NodeLockBreak, target).await
}

/// The lock of a live node, its row locked until the transaction ends.
pub async fn lock_row_in(tx: &Tx, node: NodeId) -> Result<Option<Lock>> {
    lock::hold(tx, node).await
}

/// Gives the lock to a run. From the person who started it the run takes it over, since it
/// works in their name.
///
/// # Errors
/// [`Code::NodeLocked`] while somebody else holds it.
pub async fn run_lock_take_in(
    tx: &mut Tx,
    lock: &Lock,
    run: Holder,
    life: TimeDelta,
) -> Result<Lock> {
    let starter = Holder {
        execution: None,
        ..run
    };
    match lock.holder(tx.now()) {
        Some(holder) if holder != run && holder != starter => Err(held(tx, lock, holder).await?),
        _ => take(tx, lock, run, life).await,
    }
}

/// Renews a run's lock once half of its time is over: more often would only tell those who
/// watch what they know.
pub async fn run_lock_renew_in(tx: &mut Tx, lock: &Lock, life: TimeDelta) -> Result<()> {
    let now = tx.now();
    if lock.until.is_none_or(|end| end - now < life / 2) {
        renew(tx, lock, life).await?;
    }
    Ok(())
}

/// Releases the lock of a run that ended or waits, if it still holds it.
pub async fn run_lock_release_in(tx: &mut Tx, lock: &Lock, execution: ExecutionId) -> Result<()> {
    if !lock.is_of_run(execution) {
        return Ok(());
    }
    let by = lock.by.map(|holder| holder.user);
    release(tx, lock, by, Reason::Finished).await
}

/// What a run is told that lost its node's lock: who broke it, or who has it now.
pub async fn run_lock_lost_in(tx: &mut Tx, lock: &Lock) -> Result<Error> {
    let holder = lock.holder(tx.now());
    let who = lock.broken_by.or(holder.map(|holder| holder.user));
    let name = match who {
        Some(user) => store::email_of(tx, user).await?,
        None => None,
    };
    let name = name.as_deref().unwrap_or("Somebody");
    let verb = if lock.broken_by.is_some() {
        "broke the lock that this run held on the node"
    } else {
        "ended the lock that this run held on the node"
    };
    let sentence = format!("{name} {verb} \u{201c}{}\u{201d}.", lock.title);
    let details = details(tx, lock.node, holder, lock.until).await?;
    Ok(Error::new(Code::LockLost, sentence).with_details(details))
}

/// Releases a lock whose time is over; does nothing if it was taken or renewed meanwhile.
pub(super) async fn expire_in(tx: &mut Tx, node: NodeId) -> Result<bool> {
    let Some(lock) = lock::hold(tx, node).await? else {
        return Ok(false);
    };
    if !lock.is_overdue(tx.now()) {
        return Ok(false);
    }
    let by = lock.by.map(|holder| holder.user);
    release(tx, &lock, by, Reason::Expired).await?;
    Ok(true)
}

/// Fails unless the bearer of `grant` may write the node as far as its lock goes: nobody
/// else holds it, and a write that names its lock's epoch still holds that very lock.
pub(super) async fn refuse_locked(tx: &mut Tx, grant: &Grant, node: &Node) -> Result<()> {
    let me = Holder {
        user: grant.actor.user,
        execution: grant.actor.execution,
    };
    let holder = node.locked_by.map(|user| Holder {
        user,
        execution: node.locked_by_execution,
    });
    let until = node.lock_expires_at;
    // The header speaks of the node in the path, and not of its children.
    let claimed = grant.actor.origin.lock_epoch;
    if let Some(epoch) = claimed.filter(|_| grant.node == Some(node.id)) {
        if holder == Some(me) && node.lock_epoch == epoch {
            return Ok(());
        }
        return Err(lost(tx, node, holder).await?);
    }
    match holder.filter(|holder| *holder != me) {
        None => Ok(()),
        Some(holder) => Err(locked(tx, node.id, &node.title, holder, until).await?),
    }
}

async fn lost(tx: &mut Tx, node: &Node, holder: Option<Holder>) -> Result<Error> {
    let details = details(tx, node.id, holder, node.lock_expires_at).await?;
    let sentence = format!(
        "The lock under which you wrote the node \u{201c}{}\u{201d} has ended. Read the node, and \
         take its lock again.",
        node.title
    );
    Ok(Error::new(Code::LockLost, sentence).with_details(details))
}

async fn held(tx: &mut Tx, lock: &Lock, holder: Holder) -> Result<Error> {
    locked(tx, lock.node, &lock.title, holder, lock.until).await
}

async fn locked(
    tx: &mut Tx,
    node: NodeId,
    title: &str,
    holder: Holder,
    until: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<Error> {
    let details = details(tx, node, Some(holder), until).await?;
    let email = details.get("lockedByEmail").and_then(Value::as_str);
    let name = email.unwrap_or("Somebody else");
    let who = match holder.execution {
        Some(_) => format!("An agent that {name} started"),
        None => name.to_owned(),
    };
    let sentence = format!("{who} is working on the node \u{201c}{title}\u{201d}.");
    Ok(Error::new(Code::NodeLocked, sentence).with_details(details))
}

/// Who holds a node's lock, for a program; nothing but the node when nobody does.
async fn details(
    tx: &mut Tx,
    node: NodeId,
    holder: Option<Holder>,
    until: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<Value> {
    let Some(holder) = holder else {
        return Ok(json!({ "nodeId": node }));
    };
    let mut details = json!({
        "nodeId": node,
        "lockedBy": holder.user,
        "lockedByEmail": store::email_of(tx, holder.user).await?,
        "expiresAt": until,
    });
    if let (Some(execution), Some(map)) = (holder.execution, details.as_object_mut()) {
        map.insert("lockedByExecution".to_owned(), json!(execution));
    }
    Ok(details)
}

const fn person(grant: &Grant) -> Holder {
    Holder {
        user: grant.actor.user,
        execution: None,
    }
}

/// Gives the lock to `holder`. Where the one before ran out and nobody has said so yet,
/// that is said first, so that each lock that began is heard to end.
async fn take(tx: &mut Tx, found: &Lock, holder: Holder, life: TimeDelta) -> Result<Lock> {
    if found.is_overdue(tx.now()) {
        let by = found.by.map(|holder| holder.user);
        announce_release(tx, found, by, Reason::Expired).await?;
    }
    let until = tx.now() + life;
    let lock = lock::take(tx, found, holder, until).await?;
    announce(tx, &lock, holder).await?;
    tx.wake_after_commit(Topic::Locks);
    Ok(lock)
}

async fn renew(tx: &mut Tx, found: &Lock, life: TimeDelta) -> Result<Lock> {
    let until = tx.now() + life;
    let lock = lock::renew(tx, found, until).await?;
    if let Some(holder) = lock.by {
        announce(tx, &lock, holder).await?;
    }
    Ok(lock)
}

async fn release(tx: &mut Tx, lock: &Lock, by: Option<UserId>, reason: Reason) -> Result<()> {
    lock::release(tx, lock.node).await?;
    announce_release(tx, lock, by, reason).await
}

async fn announce(tx: &mut Tx, lock: &Lock, holder: Holder) -> Result<()> {
    let email = store::email_of(tx, holder.user).await?;
    let mut payload = json!({
        "nodeId": lock.node,
        "lockedBy": holder.user,
        "userEmail": email,
        "lockedByEmail": email,
        "expiresAt": lock.until,
    });
    if let (Some(execution), Some(map)) = (holder.execution, payload.as_object_mut()) {
        map.insert("lockedByExecution".to_owned(), json!(execution));
    }
    emit(tx, lock, EventKind::LockAcquired, payload).await
}

async fn announce_release(
    tx: &mut Tx,
    lock: &Lock,
    by: Option<UserId>,
    reason: Reason,
) -> Result<()> {
    let payload = json!({ "nodeId": lock.node, "releasedBy": by, "reason": reason.as_str() });
    emit(tx, lock, EventKind::LockReleased, payload).await
}

async fn emit(tx: &mut Tx, lock: &Lock, kind: EventKind, payload: Value) -> Result<()> {
    let event = Event {
        kind,
        org: lock.org,
        channels: vec![Channel::Project(lock.project), Channel::Node(lock.node)],
        payload,
    };
    outbox::emit(tx, &event).await
}

async fn state(tx: &mut Tx, lock: &Lock, holder: Holder) -> Result<LockState> {
    let now = tx.now();
    Ok(LockState {
        success: true,
        locked_by: holder.user,
        locked_by_email: store::email_of(tx, holder.user).await?,
        locked_at: lock.since.unwrap_or(now),
        expires_at: lock.until.unwrap_or(now),
        epoch: lock.epoch,
    })
}

fn brief(lock: &Lock) -> Value {
    json!({
        "lockedBy": lock.by.map(|holder| holder.user),
        "lockedByExecution": lock.by.and_then(|holder| holder.execution),
        "expiresAt": lock.until,
        "epoch": lock.epoch,
    })
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    lock: &Lock,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "node",
        id: lock.node.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}
