//! SQL of executions and their trace events; [`lock`] has that of the lock which a run
//! holds on its node, [`fork`] of runs that go on from another's journal, [`requests`] of what
//! people are asked, [`sweep`] of runs that nobody drives, [`tree`] of runs which runs started; `trace` reads journals,
//! [`usage`] sums them up, and [`metrics`] counts runs.

pub(super) mod budget;
pub(super) mod doctor;
pub(super) mod evidence;
pub(super) mod fork;
pub(super) mod lock;
pub(super) mod metrics;
pub(super) mod payloads;
pub(super) mod requests;
pub(super) mod retention;
mod sweep;
pub(super) mod terms;
mod trace;
pub(super) mod tree;
pub(super) mod usage;

use std::borrow::Cow;

use chrono::TimeDelta;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::model::{
    Change, Execution, ExecutionConfig, ForkPoint, HumanInputRequest, Lease, Status, Totals,
    TraceEvent, TraceKind,
};
use crate::{
    kernel::{
        Code, Error, ExecutionId, NodeId, OrgId, ProjectId, Result, Timestamp, UserId, WorkerId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Cacheable, Tx,
        schema::{agent_executions as executions, agent_trace_events as events},
        types::sql_text,
        violates,
    },
};
use trace::EventRow;

pub(super) use sweep::abandoned;
pub(super) use trace::{end_of, open_intent, trace};

sql_text!(Status);
sql_text!(TraceKind);

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = executions)]
struct Row {
    id: ExecutionId,
    node_id: NodeId,
    parent_execution_id: Option<ExecutionId>,
    status: Status,
    model_id: String,
    thread_id: String,
    trace_summary: Value,
    human_input_request: Option<Value>,
    human_input_response: Option<Value>,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    error_message: Option<String>,
    total_tokens_in: i64,
    total_tokens_out: i64,
    cost_micros: Option<i64>,
    created_at: Timestamp,
    forked_from: Option<ExecutionId>,
    forked_after: Option<i64>,
}

impl TryFrom<Row> for Execution {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let requests: Option<Vec<HumanInputRequest>> = row
            .human_input_request
            .map(serde_json::from_value)
            .transpose()
            .map_err(Error::internal)?;
        let requests = requests.unwrap_or_default();
        Ok(Execution {
            id: row.id,
            node_id: row.node_id,
            parent_execution_id: row.parent_execution_id,
            status: row.status,
            model_id: row.model_id,
            langgraph_thread_id: row.thread_id.clone(),
            thread_id: row.thread_id,
            trace_summary: row.trace_summary,
            human_input_request: requests.as_slice().first().cloned(),
            human_input_requests: requests,
            human_input_response: row.human_input_response,
            started_at: row.started_at,
            completed_at: row.completed_at,
            error_message: row.error_message,
            total_tokens_in: row.total_tokens_in,
            total_tokens_out: row.total_tokens_out,
            estimated_cost_usd: row.cost_micros.map(usd),
            created_at: row.created_at,
            forked_from: row.forked_from.zip(row.forked_after).map(ForkPoint::from),
        })
    }
}

/// Millionths of a dollar as dollars, for people and clients; sums are made in
/// millionths.
#[expect(clippy::cast_precision_loss, reason = "exact up to 9 billion dollars")]
fn usd(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// What starts an execution.
pub(super) struct NewExecution<'a> {
    pub id: ExecutionId,
    pub org: OrgId,
    pub project: ProjectId,
    pub node: NodeId,
    pub parent: Option<ExecutionId>,
    pub model: &'a str,
    pub config: &'a ExecutionConfig,
    pub started_by: UserId,
    pub lock_epoch: i64,
}

pub(super) async fn insert(tx: &mut Tx, new: &NewExecution<'_>) -> Result<Execution> {
    let now = tx.now();
    let config = serde_json::to_value(new.config).map_err(Error::internal)?;
    diesel::insert_into(executions::table)
        .values((
            executions::id.eq(new.id),
            executions::org_id.eq(new.org),
            executions::project_id.eq(new.project),
            executions::node_id.eq(new.node),
            executions::parent_execution_id.eq(new.parent),
            executions::status.eq(Status::Pending),
            executions::model_id.eq(new.model),
            executions::config.eq(config),
            executions::thread_id.eq(new.id.to_string()),
            executions::started_by.eq(new.started_by),
            executions::lock_epoch.eq(new.lock_epoch),
            executions::created_at.eq(now),
            executions::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await
        .map_err(|error| {
            if violates(&error, "agent_executions_one_active") {
                already_active(None)
            } else {
                error.into()
            }
        })?;
    get(tx, new.id).await
}

/// The node has an execution that has not ended.
pub(super) fn already_active(id: Option<ExecutionId>) -> Error {
    let error = Error::new(
        Code::ExecutionActive,
        "The node has an execution that has not ended. Wait for it or cancel it.",
    );
    match id {
        Some(id) => error.with_details(json!({ "executionId": id })),
        None => error,
    }
}

pub(super) async fn get(tx: &mut Tx, id: ExecutionId) -> Result<Execution> {
    let row: Row = executions::table
        .find(id)
        .select(Row::as_select())
        .first(tx.conn())
        .await?;
    row.try_into()
}

/// The node's execution that has not ended, if there is one.
pub(super) async fn active(tx: &mut Tx, node: NodeId) -> Result<Option<ExecutionId>> {
    let ended = [Status::Complete, Status::Failed, Status::Cancelled];
    Ok(executions::table
        .filter(executions::node_id.eq(node))
        .filter(executions::status.ne_all(ended.map(|status| status.to_string())))
        .select(executions::id)
        .first(tx.conn())
        .await
        .optional()?)
}

/// The node's executions, newest first.
pub(super) async fn list(tx: &mut Tx, node: NodeId, page: &PageRequest) -> Result<Page<Execution>> {
    let total: i64 = executions::table
        .filter(executions::node_id.eq(node))
        .count()
        .get_result(tx.conn())
        .await?;
    let mut query = executions::table
        .filter(executions::node_id.eq(node))
        .select(Row::as_select())
        .order((executions::created_at.desc(), executions::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset)
        .into_boxed();
    if let Some(Cursor { at, id }) = page.after {
        query = query.filter(
            executions::created_at.lt(at).or(executions::created_at
                .eq(at)
                .and(executions::id.lt(ExecutionId::from_uuid(id)))),
        );
    }
    let rows: Vec<Row> = query.load(tx.conn()).await?;
    let list = rows
        .into_iter()
        .map(Execution::try_from)
        .collect::<Result<_>>()?;
    Ok(Page::new(list, total, page, |execution: &Execution| {
        Cursor::new(execution.created_at, execution.id)
    }))
}

/// The end of a journal and what guards it.
#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = executions)]
pub(super) struct Head {
    pub id: ExecutionId,
    #[diesel(column_name = org_id)]
    pub org: OrgId,
    #[diesel(column_name = project_id)]
    pub project: ProjectId,
    #[diesel(column_name = node_id)]
    pub node: NodeId,
    #[diesel(column_name = parent_execution_id)]
    pub parent: Option<ExecutionId>,
    pub started_by: Option<UserId>,
    pub status: Status,
    pub last_sequence: i64,
    pub head_hash: String,
    pub lease_worker: Option<WorkerId>,
    pub lease_epoch: i64,
    pub started_at: Option<Timestamp>,
    /// The lock of the node, while the run holds it.
    pub lock_epoch: Option<i64>,
}

/// Locks an execution's row, so that appends come one after another.
pub(super) async fn lock_head(tx: &mut Tx, id: ExecutionId) -> Result<Head> {
    try_lock_head(tx, id)
        .await?
        .ok_or_else(|| Error::not_found("execution"))
}

pub(super) async fn try_lock_head(tx: &Tx, id: ExecutionId) -> Result<Option<Head>> {
    Ok(executions::table
        .find(id)
        .select(Head::as_select())
        .for_update()
        .first(&mut tx.pipe())
        .await
        .optional()?)
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = executions)]
struct LeaseRow {
    id: ExecutionId,
    org_id: OrgId,
    project_id: ProjectId,
    node_id: NodeId,
    parent_execution_id: Option<ExecutionId>,
    lease_epoch: i64,
    started_by: Option<UserId>,
    model_id: String,
    config: Value,
    started_at: Option<Timestamp>,
    started_by_span: Option<String>,
}

/// Gives `worker` the lease of an execution whose row is locked.
pub(super) async fn take_lease(
    tx: &mut Tx,
    head: &Head,
    worker: WorkerId,
    lock_life: TimeDelta,
) -> Result<Lease> {
    let now = tx.now();
    let row: LeaseRow = diesel::update(executions::table.find(head.id))
        .set((
            executions::status.eq(Status::Running),
            executions::lease_worker.eq(worker),
            executions::lease_epoch.eq(head.lease_epoch + 1),
            executions::started_at.eq(head.started_at.unwrap_or(now)),
            executions::updated_at.eq(now),
        ))
        .returning(LeaseRow::as_returning())
        .cached()
        .get_result(tx.conn())
        .await?;
    Ok(Lease {
        execution: row.id,
        org: row.org_id,
        project: row.project_id,
        node: row.node_id,
        parent: row.parent_execution_id,
        epoch: row.lease_epoch,
        worker,
        lock_life,
        started_by: row.started_by,
        model: row.model_id,
        config: serde_json::from_value(row.config).map_err(Error::internal)?,
        started_at: row.started_at.unwrap_or(now),
        started_by_span: row.started_by_span,
    })
}

/// Gives the lease back, unless somebody else has it by now.
pub(super) async fn release_lease(tx: &mut Tx, lease: &Lease) -> Result<()> {
    let held = executions::table
        .find(lease.execution)
        .filter(executions::lease_epoch.eq(lease.epoch));
    diesel::update(held)
        .set(executions::lease_worker.eq(None::<WorkerId>))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Executions over all tenants that are `worker`'s and not among `held`.
pub(super) async fn strays(
    tx: &mut Tx,
    worker: WorkerId,
    held: Vec<ExecutionId>,
) -> Result<Vec<(OrgId, ExecutionId)>> {
    Ok(executions::table
        .filter(executions::lease_worker.eq(worker))
        .filter(executions::id.ne_all(held))
        .select((executions::org_id, executions::id))
        .load(tx.conn())
        .await?)
}

pub(super) async fn disown(tx: &mut Tx, id: ExecutionId, worker: WorkerId) -> Result<()> {
    let stray = executions::table
        .find(id)
        .filter(executions::lease_worker.eq(worker));
    diesel::update(stray)
        .set(executions::lease_worker.eq(None::<WorkerId>))
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn insert_events(
    tx: &Tx,
    org: OrgId,
    epoch: i64,
    entries: &[Cow<'_, TraceEvent>],
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                events::id.eq(entry.id),
                events::org_id.eq(org),
                events::execution_id.eq(entry.execution_id),
                events::sequence_number.eq(entry.sequence_number),
                events::event_type.eq(entry.event_type),
                events::event_data.eq(&entry.event_data),
                events::payload_refs.eq(entry.payload_refs.as_ref().map(|refs| json!(refs))),
                events::data_hash.eq(&entry.data_hash),
                events::occurred_at.eq(entry.timestamp),
                events::duration_ms.eq(entry.duration_ms),
                events::model.eq(&entry.model),
                events::tokens_in.eq(entry.tokens_in),
                events::tokens_out.eq(entry.tokens_out),
                events::cost_micros.eq(entry.cost_micros),
                events::lease_epoch.eq(epoch),
                events::prev_hash.eq(&entry.prev_hash),
                events::hash.eq(&entry.hash),
            )
        })
        .collect();
    diesel::insert_into(events::table)
        .values(rows)
        .cached()
        .execute(&mut tx.pipe())
        .await?;
    Ok(())
}

/// Moves the journal's end, the totals and the status, which were locked; answers the
/// execution as it is then.
pub(super) async fn update_head(
    tx: &Tx,
    head: &Head,
    epoch: i64,
    entries: &[TraceEvent],
    totals: &Totals,
    change: &Change,
) -> Result<Execution> {
    let now = tx.now();
    let status = change.status(head.status);
    let (sequence, hash) = entries
        .last()
        .map_or((head.last_sequence, &head.head_hash), |last| {
            (last.sequence_number, &last.hash)
        });
    let error = match change {
        Change::Fail(sentence) => Some(sentence.as_str()),
        _ => None,
    };
    // Nobody works on an execution that ended or waits.
    let worker = if status == Status::Running {
        head.lease_worker
    } else {
        None
    };
    let row: Row = diesel::update(executions::table.find(head.id))
        .set((
            executions::status.eq(status),
            executions::last_sequence.eq(sequence),
            executions::head_hash.eq(hash),
            executions::lease_epoch.eq(epoch),
            executions::lease_worker.eq(worker),
            executions::total_tokens_in.eq(executions::total_tokens_in + totals.tokens_in),
            executions::total_tokens_out.eq(executions::total_tokens_out + totals.tokens_out),
            // An unknown price makes the sum unknown, and it stays so.
            executions::cost_micros.eq(executions::cost_micros + totals.cost_micros),
            executions::error_message.eq(error),
            executions::completed_at.eq(status.is_terminal().then_some(now)),
            executions::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .cached()
        .get_result(&mut tx.pipe())
        .await?;
    row.try_into()
}

/// The last `count` entries in a few words each, oldest first.
pub(super) async fn summary(tx: &mut Tx, id: ExecutionId, count: i64) -> Result<Value> {
    let rows: Vec<EventRow> = events::table
        .filter(events::execution_id.eq(id))
        .order(events::sequence_number.desc())
        .limit(count)
        .select(EventRow::as_select())
        .load(tx.conn())
        .await?;
    Ok(rows
        .into_iter()
        .rev()
        .map(TraceEvent::from)
        .map(|event| json!({ "sequenceNumber": event.sequence_number, "what": event.what() }))
        .collect())
}

pub(super) async fn set_summary(tx: &mut Tx, id: ExecutionId, summary: Value) -> Result<()> {
    diesel::update(executions::table.find(id))
        .set(executions::trace_summary.eq(summary))
        .cached()
        .execute(tx.conn())
        .await?;
    Ok(())
}
