//! Appending to an execution: the one place where its journal, its totals and its
//! status change, always together.
//!
//! The row of the execution is locked first, so appends of one execution come one
//! after another; the lease's epoch is compared under that lock, so a worker that
//! was slow and lost its lease is refused here, whatever it believes.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    chain,
    lock::{self, Regained},
    model::{Change, Execution, Lease, NewEvent, Status, Totals, TraceEvent, TraceKind},
    notices, store,
};
use crate::{
    kernel::{
        Code, Error, ExecutionId, Id, OrgId, Result, Scope, WorkerId, canonical,
        event::{Channel, Event, EventKind},
    },
    nodes::{self, model::Lock},
    outbox,
    platform::{db::Tx, workers},
};

/// Takes an execution that waits or whose worker is gone. `None` when it has ended,
/// waits for something else, or a living worker holds it.
///
/// Nor while somebody else holds the lock of its node: then it waits until they are done.
///
/// `lease` is how long a worker may be silent before it counts as gone; `lock` how long
/// the node's lock lasts without being renewed.
pub async fn take_lease(
    tx: &mut Tx,
    id: ExecutionId,
    worker: WorkerId,
    lease: TimeDelta,
    lock: TimeDelta,
) -> Result<Option<Lease>> {
    let Some(node) = hold_node(tx, id).await? else {
        return Ok(None);
    };
    let Some(head) = store::try_lock_head(tx, id).await? else {
        return Ok(None);
    };
    if !matches!(head.status, Status::Pending | Status::Running) {
        return Ok(None);
    }
    if let Some(holder) = head.lease_worker
        && is_alive(tx, head.org, holder, lease).await?
    {
        return Ok(None);
    }
    if lock::regain(tx, &head, node, lock).await? == Regained::Busy {
        return Ok(None);
    }
    store::take_lease(tx, &head, worker, lock).await.map(Some)
}

/// Locks the row of an execution's node, which comes before the execution's own. `None`
/// when there is no such execution, `Some(None)` when its node was deleted.
async fn hold_node(tx: &mut Tx, id: ExecutionId) -> Result<Option<Option<Lock>>> {
    match store::lock::node_of(tx, id).await? {
        Some(node) => nodes::ops::lock_row_in(tx, node).await.map(Some),
        None => Ok(None),
    }
}

/// Whether a worker lives. Tenants' transactions don't see workers, so this one
/// looks as the program's plumbing and then goes back to its organization.
async fn is_alive(tx: &mut Tx, org: OrgId, worker: WorkerId, lease: TimeDelta) -> Result<bool> {
    tx.rescope(&Scope::System);
    let alive = workers::is_alive_in(tx, worker, lease).await?;
    tx.rescope(&Scope::Org { org, user: None });
    Ok(alive)
}

/// Gives the lease back, so that another worker may take it at once.
pub async fn release_lease(tx: &mut Tx, lease: &Lease) -> Result<()> {
    store::release_lease(tx, lease).await
}

/// Whether `lease` still gives the right to append. Not when the execution is gone, as
/// when its organization was deleted.
pub async fn holds(tx: &mut Tx, lease: &Lease) -> Result<bool> {
    let head = store::try_lock_head(tx, lease.execution).await?;
    Ok(head.is_some_and(|head| is_held(&head, lease)))
}

/// The same in the middle of a long step, and renews the lock of the node meanwhile.
///
/// # Errors
/// [`Code::LockLost`] when the run holds that lock no more.
pub async fn attend(tx: &mut Tx, lease: &Lease) -> Result<bool> {
    let node = nodes::ops::lock_row_in(tx, lease.node).await?;
    let head = store::try_lock_head(tx, lease.execution).await?;
    let Some(head) = head.filter(|head| is_held(head, lease)) else {
        return Ok(false);
    };
    lock::keep(tx, &head, node, lease.lock_life).await?;
    Ok(true)
}

fn is_held(head: &store::Head, lease: &Lease) -> bool {
    head.lease_epoch == lease.epoch && head.status == Status::Running
}

/// Appends `events` under `lease` and makes `change`; answers the entries as written.
///
/// # Errors
/// [`Code::Fenced`] when the lease was lost or the execution no longer runs, or is no
/// more. [`Code::LockLost`] when the run has lost the lock of its node. Nothing is written
/// then, and the transaction must not commit anything else.
pub async fn append(
    tx: &mut Tx,
    lease: &Lease,
    events: Vec<NewEvent>,
    change: &Change,
) -> Result<Vec<TraceEvent>> {
    let node = nodes::ops::lock_row_in(tx, lease.node).await?;
    let head = store::try_lock_head(tx, lease.execution).await?;
    let head = head
        .filter(|head| is_held(head, lease))
        .ok_or_else(|| Error::new(Code::Fenced, "The execution is no longer this worker's."))?;
    let node = if change.needs_no_lock() {
        node
    } else {
        lock::keep(tx, &head, node, lease.lock_life).await?
    };
    let written = write(tx, &head, lease.epoch, events, change).await?;
    if change.rests() {
        lock::release(tx, &head, node.as_ref()).await?;
    }
    Ok(written)
}

/// Ends an execution from outside, whoever holds its lease: the epoch rises, so
/// that worker's next append is refused. Fails when the execution has ended.
pub async fn cancel(tx: &mut Tx, id: ExecutionId, reason: Value) -> Result<()> {
    let node = hold_node(tx, id).await?.flatten();
    let head = store::lock_head(tx, id).await?;
    if head.status.is_terminal() {
        return Err(wrong_state(head.status, "be cancelled"));
    }
    let event = NewEvent::new(TraceKind::ExecutionCancelled, reason);
    write(
        tx,
        &head,
        head.lease_epoch + 1,
        vec![event],
        &Change::Cancel,
    )
    .await?;
    lock::release(tx, &head, node.as_ref()).await
}

/// Writes the first entry of an execution that nobody runs yet: a fork says where it goes
/// on from when it is made, and not when a worker takes it.
pub async fn begin(tx: &mut Tx, id: ExecutionId, event: NewEvent) -> Result<()> {
    let head = store::lock_head(tx, id).await?;
    if head.last_sequence > 0 {
        return Err(Error::internal("the journal has begun"));
    }
    let written = chained(tx, &head, vec![event]);
    store::insert_events(tx, head.org, head.lease_epoch, &written).await?;
    for event in &written {
        store::fork::set_end(tx, &head, event).await?;
        outbox::emit(tx, &trace_event(&head, event)).await?;
    }
    Ok(())
}

/// The execution is not in a state in which it can `verb`.
pub fn wrong_state(status: Status, verb: &str) -> Error {
    Error::new(
        Code::ExecutionState,
        format!("An execution that is {status} can't {verb}."),
    )
    .with_details(json!({ "status": status }))
}

/// How many entries the summary of an ended execution names.
const SUMMARY: i64 = 20;

async fn write(
    tx: &mut Tx,
    head: &store::Head,
    epoch: i64,
    events: Vec<NewEvent>,
    change: &Change,
) -> Result<Vec<TraceEvent>> {
    let written = chained(tx, head, events);
    store::insert_events(tx, head.org, epoch, &written).await?;
    let totals = Totals::of(&written);
    store::update_head(tx, head, epoch, &written, &totals, change).await?;
    if change.status().is_terminal() {
        let summary = store::summary(tx, head.id, SUMMARY).await?;
        store::set_summary(tx, head.id, summary).await?;
    }
    let execution = store::get(tx, head.id).await?;
    notices::tell(tx, head, &execution).await?;
    for event in &written {
        outbox::emit(tx, &trace_event(head, event)).await?;
    }
    let last = written.last().map(TraceEvent::what).unwrap_or_default();
    let steps = head.last_sequence + i64::try_from(written.len()).unwrap_or(0);
    outbox::emit(tx, &update_event(head, &execution, &last, steps)).await?;
    Ok(written)
}

fn chained(tx: &Tx, head: &store::Head, events: Vec<NewEvent>) -> Vec<TraceEvent> {
    let mut prev = head.head_hash.clone();
    let mut chained = Vec::with_capacity(events.len());
    for (sequence_number, event) in (head.last_sequence + 1..).zip(events) {
        let call = event.call.as_ref();
        let data = canonical::without_nul(event.data);
        let mut entry = TraceEvent {
            id: Id::new(tx.ids()),
            execution_id: head.id,
            sequence_number,
            event_type: event.kind,
            data_hash: Some(chain::data_hash(&data)),
            event_data: data,
            timestamp: tx.now(),
            duration_ms: event.duration_ms,
            model: call.map(|call| call.model.clone()),
            tokens_in: call.map(|call| call.tokens_in),
            tokens_out: call.map(|call| call.tokens_out),
            cost_micros: call.and_then(|call| call.cost_micros),
            hash: String::new(),
            prev_hash: prev,
        };
        entry.hash = chain::digest(&entry, &entry.prev_hash);
        prev = entry.hash.clone();
        chained.push(entry);
    }
    chained
}

fn channels(head: &store::Head) -> Vec<Channel> {
    vec![Channel::Node(head.node), Channel::Execution(head.id)]
}

fn trace_event(head: &store::Head, event: &TraceEvent) -> Event {
    Event {
        kind: EventKind::TraceEvent,
        org: head.org,
        channels: channels(head),
        payload: json!({ "executionId": head.id, "nodeId": head.node, "event": event }),
    }
}

fn update_event(head: &store::Head, execution: &Execution, step: &str, steps: i64) -> Event {
    let tokens = execution.total_tokens_in + execution.total_tokens_out;
    Event {
        kind: EventKind::ExecutionUpdate,
        org: head.org,
        channels: channels(head),
        payload: json!({
            "executionId": head.id,
            "nodeId": head.node,
            "status": execution.status,
            "progress": {
                "currentStep": step,
                "stepsCompleted": steps,
                "tokensUsed": tokens,
                "estimatedCost": execution.estimated_cost_usd,
            },
            "totalTokensIn": execution.total_tokens_in,
            "totalTokensOut": execution.total_tokens_out,
        }),
    }
}
