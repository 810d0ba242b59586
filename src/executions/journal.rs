//! Appending to an execution: the one place where its journal, its totals and its
//! status change, always together.
//!
//! The row of the execution is locked first, so appends of one execution come one
//! after another; the lease's epoch is compared under that lock, so a worker that
//! was slow and lost its lease is refused here, whatever it believes.

use std::borrow::Cow;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;

use super::{
    budget, chain,
    lock::{self, Regained},
    metrics,
    model::{
        Change, Execution, HumanInputRequest, Lease, NewEvent, Reply, Status, Totals, TraceEvent,
        TraceKind, budget::Settle, payload::Stored,
    },
    notices, store,
};
use crate::{
    kernel::{
        Code, Error, ExecutionId, Id, NodeId, OrgId, Result, Scope, WorkerId, canonical,
        event::{Channel, Event, EventKind, Job, QueueName},
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
    let due = match head.status {
        Status::Pending | Status::Running => true,
        // The last of them ended; that enqueued the wake-up that brought us here.
        Status::AwaitingSubnodes => !store::tree::has_active_children(tx, id).await?,
        _ => false,
    };
    if !due {
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

/// Gives back whatever lease `worker` has of an execution that it does not drive.
pub async fn disown(tx: &mut Tx, id: ExecutionId, worker: WorkerId) -> Result<()> {
    store::disown(tx, id, worker).await
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
    let (node, head) = lock_rows(tx, lease).await?;
    let Some(head) = head.filter(|head| is_held(head, lease)) else {
        return Ok(false);
    };
    lock::keep(tx, &head, node, lease.lock_life).await?;
    Ok(true)
}

/// Locks the rows of a run's node and of the run, in this order and in one round trip.
async fn lock_rows(tx: &Tx, lease: &Lease) -> Result<(Option<Lock>, Option<store::Head>)> {
    let node = nodes::ops::lock_row_in(tx, lease.node);
    tokio::try_join!(biased; node, store::try_lock_head(tx, lease.execution))
}

fn is_held(head: &store::Head, lease: &Lease) -> bool {
    head.lease_epoch == lease.epoch && head.status == Status::Running
}

/// An execution whose row is locked and that is still the lease's.
pub struct Held {
    head: store::Head,
    node: Option<Lock>,
}

/// Locks the rows of the execution and its node, for work whose entries [`append`] writes
/// in the same transaction. `None` when its journal has entries after `last`, which the
/// caller must read first: a person said something meanwhile.
///
/// # Errors
/// [`Code::Fenced`] when the lease was lost or the execution no longer runs, or is no
/// more. The transaction must then not commit anything.
pub async fn hold(tx: &Tx, lease: &Lease, last: i64) -> Result<Option<Held>> {
    let (node, head) = lock_rows(tx, lease).await?;
    let head = head
        .filter(|head| is_held(head, lease))
        .ok_or_else(|| Error::new(Code::Fenced, "The execution is no longer this worker's."))?;
    Ok((head.last_sequence == last).then_some(Held { head, node }))
}

/// Appends `events` under `lease` and makes `change`; answers the entries with their whole
/// payloads. What of these is too large for a row must be among what was `stored`. What calls
/// of models used is counted under budgets when `settle` says so, and when the run rests.
///
/// # Errors
/// [`Code::LockLost`] when the run has lost the lock of its node. Nothing is written then,
/// and the transaction must not commit anything else.
pub async fn append(
    tx: &mut Tx,
    lease: &Lease,
    held: Held,
    events: Vec<NewEvent>,
    change: &Change,
    stored: &Stored,
    settle: Settle,
) -> Result<Vec<TraceEvent>> {
    let Held { head, node } = held;
    let node = if change.needs_no_lock() {
        node
    } else {
        lock::keep(tx, &head, node, lease.lock_life).await?
    };
    let stored = Some(stored);
    let written = write(tx, &head, lease.epoch, events, change, stored, settle).await?;
    if !change.status(head.status).is_working() {
        lock::release(tx, &head, node.as_ref()).await?;
    }
    Ok(written)
}

/// Ends an execution under `lease` whatever its journal says, for a worker that can't read
/// it.
pub async fn end(tx: &mut Tx, lease: &Lease, event: NewEvent, change: &Change) -> Result<()> {
    let last = store::end_of(tx, lease.execution).await?.0;
    let held = hold(tx, lease, last).await?;
    let held = held.ok_or_else(|| Error::new(Code::Unavailable, "Somebody spoke; try again."))?;
    let stored = Stored::default();
    append(
        tx,
        lease,
        held,
        vec![event],
        change,
        &stored,
        Settle::EachCall,
    )
    .await?;
    Ok(())
}

/// Takes an execution out of whoever's hands it is in: the epoch rises, so that worker's
/// next append is refused. Fails when the execution is not in one of the states `from`;
/// `verb` says in the error what could not be done.
pub async fn interrupt(
    tx: &mut Tx,
    id: ExecutionId,
    from: &[Status],
    verb: &str,
    event: NewEvent,
    change: &Change,
) -> Result<()> {
    let node = hold_node(tx, id).await?.flatten();
    let head = store::lock_head(tx, id).await?;
    if !from.contains(&head.status) {
        return Err(wrong_state(head.status, verb));
    }
    let event = if *change == Change::Cancel {
        with_doubt(tx, id, event).await?
    } else {
        event
    };
    let epoch = head.lease_epoch + 1;
    write(tx, &head, epoch, vec![event], change, None, Settle::AtRest).await?;
    lock::release(tx, &head, node.as_ref()).await
}

/// The last entry of an execution, with the call outside in the middle of which it ends, if
/// there is one: nobody will know any more whether that was made.
async fn with_doubt(tx: &mut Tx, id: ExecutionId, mut event: NewEvent) -> Result<NewEvent> {
    if let Some(intent) = store::open_intent(tx, id).await?
        && let Some(data) = event.data.as_object_mut()
    {
        data.insert("outcomeUnknown".to_owned(), intent);
    }
    Ok(event)
}

/// The row of an execution, locked for what people have to say to it.
pub async fn attended(tx: &mut Tx, id: ExecutionId) -> Result<Attended> {
    store::lock_head(tx, id).await.map(Attended)
}

/// An execution whose row is locked, whoever drives it.
pub struct Attended(store::Head);

impl Attended {
    /// Where it stands.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// Appends an entry that no worker wrote. A worker that drives the execution reads it
    /// before it writes its own next one.
    pub async fn note(self, tx: &mut Tx, event: NewEvent, change: &Change) -> Result<()> {
        let epoch = self.0.lease_epoch;
        write(
            tx,
            &self.0,
            epoch,
            vec![event],
            change,
            None,
            Settle::AtRest,
        )
        .await?;
        Ok(())
    }
}

/// Writes the first entry of an execution that nobody runs yet: a fork says where it goes
/// on from when it is made, and not when a worker takes it.
pub async fn begin(tx: &mut Tx, id: ExecutionId, event: NewEvent) -> Result<()> {
    let head = store::lock_head(tx, id).await?;
    if head.last_sequence > 0 {
        return Err(Error::internal("the journal has begun"));
    }
    let written = chained(tx, &head, vec![event]);
    let rows: Vec<_> = written.iter().map(Cow::Borrowed).collect();
    store::insert_events(tx, head.org, head.lease_epoch, &rows).await?;
    for event in &written {
        store::fork::set_end(tx, &head, event).await?;
        outbox::emit(tx, &trace_event(&head, event)).await?;
    }
    metrics::written(tx, &written, None);
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

/// What people wrote is in its row, whatever its length, which requests bound: `stored` is
/// `None` then.
async fn write(
    tx: &mut Tx,
    head: &store::Head,
    epoch: i64,
    events: Vec<NewEvent>,
    change: &Change,
    stored: Option<&Stored>,
    settle: Settle,
) -> Result<Vec<TraceEvent>> {
    let written = chained(tx, head, events);
    let rows = laid_out(&written, stored)?;
    let totals = Totals::of(&written);
    let answered = written
        .iter()
        .any(|event| event.event_type == TraceKind::LlmCall);
    let rests = !change.status(head.status).is_working();
    // All in one round trip: nothing of it depends on an answer.
    let (_, mut execution, budgets) = tokio::try_join!(
        biased;
        store::insert_events(tx, head.org, epoch, &rows),
        store::update_head(tx, head, epoch, &written, &totals, change),
        budget::settle_in(tx, head.id, answered, settle, rests),
    )?;
    for account in &budgets {
        budget::tell_of(tx, head, account).await?;
    }
    if file_requests(tx, head, &written, change).await? {
        execution = store::get(tx, head.id).await?;
    }
    if change.status(head.status).is_terminal() {
        let summary = store::summary(tx, head.id, SUMMARY).await?;
        store::set_summary(tx, head.id, summary).await?;
    }
    notices::tell(tx, head, &execution).await?;
    let last = rows.last().map(|row| row.what()).unwrap_or_default();
    let steps = head.last_sequence + i64::try_from(written.len()).unwrap_or(0);
    let mut news: Vec<Event> = rows.iter().map(|row| trace_event(head, row)).collect();
    news.push(update_event(head, &execution, &last, steps));
    outbox::emit_all(tx, news);
    wake(tx, head, change).await?;
    let status = change.status(head.status);
    metrics::written(tx, &written, status.is_terminal().then_some(status));
    Ok(written)
}

/// Keeps the rows of what people are asked as the entries have it; answers whether that
/// changed what the execution shows of them.
async fn file_requests(
    tx: &mut Tx,
    head: &store::Head,
    written: &[TraceEvent],
    change: &Change,
) -> Result<bool> {
    let mut touched = false;
    for event in written {
        let data = &event.event_data;
        match event.event_type {
            TraceKind::HumanInputRequested => {
                let request = HumanInputRequest::deserialize(data).map_err(Error::internal)?;
                store::requests::insert(tx, head.org, head.id, &request).await?;
                touched = true;
            }
            TraceKind::HumanInputReceived => {
                if let Ok(reply) = Reply::deserialize(data) {
                    store::requests::close(tx, &reply).await?;
                    touched = true;
                }
            }
            _ => {}
        }
    }
    if change.status(head.status).is_terminal() {
        touched |= store::requests::void_all(tx, head.id).await? > 0;
    }
    if touched {
        store::requests::show(tx, head.id).await?;
    }
    Ok(touched)
}

/// Calls a worker to whom the change gives work: the run itself, or the one that started it
/// and may wait for its end.
async fn wake(tx: &mut Tx, head: &store::Head, change: &Change) -> Result<()> {
    if *change == Change::Wake {
        outbox::enqueue(tx, &job(head.org, head.node, head.id)).await?;
    }
    if let (true, Some(parent)) = (change.status(head.status).is_terminal(), head.parent)
        && let Some(node) = store::lock::node_of(tx, parent).await?
    {
        outbox::enqueue(tx, &job(head.org, node, parent)).await?;
    }
    Ok(())
}

/// The wake-up for a run that needs a worker.
pub fn job(org: OrgId, node: NodeId, execution: ExecutionId) -> Job {
    Job {
        queue: QueueName::Agent,
        org,
        body: json!({ "executionId": execution, "nodeId": node, "orgId": org }),
    }
}

/// Entries as their rows have them, and as those are told who watch.
fn laid_out<'a>(
    written: &'a [TraceEvent],
    stored: Option<&Stored>,
) -> Result<Vec<Cow<'a, TraceEvent>>> {
    let one = |event: &'a TraceEvent| match stored {
        Some(stored) => stored.lay_out(event),
        None => Ok(Cow::Borrowed(event)),
    };
    written.iter().map(one).collect()
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
            payload_refs: None,
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
