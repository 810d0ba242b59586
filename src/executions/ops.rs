//! What can be done with executions from outside: start and look; [`control`] has what
//! people do to them, [`fork`] starts one from another's journal, [`verify`] checks
//! journals, [`usage`] sums them up.

mod control;
pub mod doctor;
pub mod fork;
pub mod payloads;
pub mod retention;
pub mod trace_file;
pub mod usage;
pub mod verify;

use chrono::TimeDelta;
use serde_json::json;

use super::{
    journal,
    model::{
        Child, Execution, ExecutionConfig, ExecutionStart, Lease, Status, TraceEvent, terms::Terms,
    },
    store,
};
use crate::{
    access::{Action, Grant, Target, audit},
    app::{App, Ctx},
    kernel::{
        Code, Error, ExecutionId, NodeId, OrgId, Result, Scope, Timestamp, WorkerId,
        event::{Channel, Event, EventKind},
        field::invalid,
        page::{Page, PageRequest},
    },
    nodes::{self, model::Holder},
    outbox,
    platform::db::Tx,
    projects,
    templates::model::{AGENT_CONFIG, AgentSettings},
    tenants::{self, model::OrgModels},
};

pub use super::budget::{Before, release_in, reserve_in};
pub use control::{
    execution_cancel, execution_input, execution_message, execution_pause, execution_resume,
    expire_requests,
};

/// The figures that are read from the database.
pub mod figures {
    pub use crate::executions::metrics::{forget, read};
}

/// Levels of runs that start runs at most.
const MAX_DEPTH: i64 = 8;
/// Runs that one run starts at most, directly and through those that it started. Levels alone
/// bound little: four children each make 87,000 runs on eight levels.
const MAX_RUNS: i64 = 100;

/// Starts an execution of a node: the row, the job and the news of it are one change.
pub async fn execution_start(ctx: &Ctx, node: NodeId, start: ExecutionStart) -> Result<Execution> {
    start.check()?;
    let life = ctx.app.config.nodes.lock_life();
    ctx.tx(
        Action::ExecutionStart,
        Target::Node(node),
        async move |tx, grant| {
            let (model, config) = settle(ctx, tx, (grant.org, node), start).await?;
            let order = Order {
                model: &model,
                config: &config,
                lock_life: life,
                parent: None,
            };
            start_in(tx, grant, node, order).await
        },
    )
    .await
}

/// How the node is run: as the call says, else as the node's own `agentConfig` says, else
/// as the organization's settings, else the server's configuration does. A model that is
/// not there would fail the run later; better to say so now. The node was allowed to be executed, so its
/// metadata are nothing that the caller may not see.
async fn settle(
    ctx: &Ctx,
    tx: &mut Tx,
    (org, node): (OrgId, NodeId),
    start: ExecutionStart,
) -> Result<(String, ExecutionConfig)> {
    let metadata = nodes::ops::node_read_in(tx, node).await?.metadata;
    let settings = AgentSettings::of_metadata(&metadata)?.unwrap_or_default();
    let is_asked_for = start.model.is_some();
    let start = start.or(settings);
    // The call was checked already, so what is wrong now is the node's.
    let unusable = |why: &str| {
        let why = why.trim_end_matches('.');
        Error::new(
            Code::Unprocessable,
            format!("The node's metadata.{AGENT_CONFIG} can't be used: {why}."),
        )
    };
    start.check().map_err(|error| unusable(error.message()))?;
    let models = tenants::ops::org_models_in(tx, org).await?;
    let server = ctx.app.config.models.default.as_str();
    let default = || models.default_model().unwrap_or(server).to_owned();
    let is_nodes = start.model.is_some() && !is_asked_for;
    let model = start.model.unwrap_or_else(default);
    known_model(ctx, &models, &model).map_err(|why| {
        if is_nodes {
            unusable(&why)
        } else {
            invalid("model", why)
        }
    })?;
    Ok((model, start.config.unwrap_or_default()))
}

/// Fails with a sentence, without its full stop, when neither the organization nor the
/// server has such a model.
fn known_model(ctx: &Ctx, models: &OrgModels, name: &str) -> std::result::Result<(), String> {
    let is_offered = |name: &str| ctx.app.models.resolve(name).is_ok();
    if models.find(name, is_offered).is_some() {
        return Ok(());
    }
    let why = ctx.app.models.unknown(name);
    Err(why.message().trim_end_matches('.').to_owned())
}

/// What is to be run, and how.
struct Order<'a> {
    model: &'a str,
    config: &'a ExecutionConfig,
    lock_life: TimeDelta,
    parent: Option<ExecutionId>,
}

/// Starts an execution on behalf of the one that `lease` is for, with what that one may do
/// and no more. `grant` covers the node.
///
/// # Errors
/// [`Code::Unprocessable`] when runs would start runs too deep, or too many.
pub async fn child_start_in(
    tx: &mut Tx,
    grant: &Grant,
    node: NodeId,
    lease: &Lease,
) -> Result<Execution> {
    if store::tree::depth(tx, lease.execution).await? >= MAX_DEPTH {
        return Err(Error::new(
            Code::Unprocessable,
            format!("Runs may start runs {MAX_DEPTH} levels deep at most."),
        ));
    }
    if store::tree::size(tx, lease.execution).await? > MAX_RUNS {
        return Err(Error::new(
            Code::Unprocessable,
            format!("A run may start {MAX_RUNS} runs at most, those that they start included."),
        ));
    }
    let order = Order {
        model: &lease.model,
        config: &lease.config,
        lock_life: lease.lock_life,
        parent: Some(lease.execution),
    };
    start_in(tx, grant, node, order).await
}

/// The runs that an execution started, oldest first.
pub async fn children_in(tx: &mut Tx, id: ExecutionId) -> Result<Vec<Child>> {
    store::tree::children(tx, id).await
}

/// Under which terms a run goes on.
pub async fn terms_in(tx: &Tx, lease: &Lease) -> Result<Terms> {
    store::terms::terms(tx, lease).await
}

async fn start_in(tx: &mut Tx, grant: &Grant, node: NodeId, order: Order<'_>) -> Result<Execution> {
    // The run's row will hold that of its project, which comes before a node's.
    projects::ops::workflow_in(tx, grant.project()?).await?;
    let lock = nodes::ops::lock_row_in(tx, node).await?;
    let lock = lock.ok_or_else(|| Error::not_found("node"))?;
    // First, because it says more than that the active run holds the lock.
    if let Some(active) = store::active(tx, node).await? {
        return Err(store::already_active(Some(active)));
    }
    let id = ExecutionId::new(tx.ids());
    let run = Holder {
        user: grant.actor.user,
        execution: Some(id),
    };
    let lock = nodes::ops::run_lock_take_in(tx, &lock, run, order.lock_life).await?;
    let new = store::NewExecution {
        id,
        org: grant.org,
        project: grant.project()?,
        node,
        parent: order.parent,
        model: order.model,
        config: order.config,
        started_by: grant.actor.user,
        lock_epoch: lock.epoch,
    };
    let execution = store::insert(tx, &new).await?;
    if let Some(span) = &grant.actor.origin.span {
        store::evidence::set_span(tx, id, span.clone());
    }
    let entry = audit::Entry {
        resource: "execution",
        id: execution.id.uuid(),
        before: None,
        after: Some(json!({ "nodeId": node, "model": order.model })),
    };
    audit::record(tx, grant, entry).await?;
    outbox::emit(tx, &pending_event(grant.org, &execution)).await?;
    super::metrics::created(tx);
    outbox::enqueue(tx, &journal::job(grant.org, node, id)).await?;
    Ok(execution)
}

fn pending_event(org: OrgId, execution: &Execution) -> Event {
    Event {
        kind: EventKind::ExecutionUpdate,
        org,
        channels: vec![
            Channel::Node(execution.node_id),
            Channel::Execution(execution.id),
        ],
        payload: json!({
            "executionId": execution.id,
            "nodeId": execution.node_id,
            "status": execution.status,
            "progress": { "currentStep": "pending", "stepsCompleted": 0, "tokensUsed": 0, "estimatedCost": 0.0 },
            "totalTokensIn": 0,
            "totalTokensOut": 0,
        }),
    }
}

/// The node's execution that has not ended, else its latest.
pub async fn execution_current(ctx: &Ctx, node: NodeId) -> Result<Execution> {
    ctx.tx(Action::ExecutionRead, Target::Node(node), async |tx, _| {
        current(tx, node).await
    })
    .await
}

async fn current(tx: &mut Tx, node: NodeId) -> Result<Execution> {
    if let Some(active) = store::active(tx, node).await? {
        return store::get(tx, active).await;
    }
    let newest = PageRequest {
        limit: 1,
        offset: 0,
        after: None,
    };
    let latest = store::list(tx, node, &newest).await?;
    latest
        .data
        .into_iter()
        .next()
        .ok_or_else(|| Error::not_found("execution of this node"))
}

/// The node's executions, newest first.
pub async fn execution_list(ctx: &Ctx, node: NodeId, page: PageRequest) -> Result<Page<Execution>> {
    ctx.tx(
        Action::ExecutionRead,
        Target::Node(node),
        async move |tx, _| store::list(tx, node, &page).await,
    )
    .await
}

/// One execution.
pub async fn execution_get(ctx: &Ctx, id: ExecutionId) -> Result<Execution> {
    ctx.tx(
        Action::ExecutionRead,
        Target::Execution(id),
        async |tx, _| store::get(tx, id).await,
    )
    .await
}

/// The entries after `after`, and where the execution stands at that same moment.
pub async fn execution_trace(
    ctx: &Ctx,
    id: ExecutionId,
    after: i64,
    limit: i64,
) -> Result<(Vec<TraceEvent>, Status)> {
    let (entries, status, _) = trace(ctx, id, after, limit).await?;
    Ok((entries, status))
}

/// The entries after `after` with their whole payloads: fewer where these are large, but
/// none only after the last. A payload that the storage has lost is left as its row has it.
pub async fn execution_trace_whole(
    ctx: &Ctx,
    id: ExecutionId,
    after: i64,
    limit: i64,
) -> Result<Vec<TraceEvent>> {
    let (mut entries, _, org) = trace(ctx, id, after, limit).await?;
    let mut bytes = 0;
    for n in 0..entries.len() {
        let Some(entry) = entries.get_mut(n) else {
            break;
        };
        bytes += entry.bytes_apart();
        if n > 0 && bytes > WHOLE_AT_A_TIME {
            entries.truncate(n);
            break;
        }
        match payloads::make_whole(&*ctx.app.blobs, org, entry).await {
            Err(error) if error.code() != Code::Unprocessable => return Err(error),
            _ => {}
        }
    }
    Ok(entries)
}

async fn trace(
    ctx: &Ctx,
    id: ExecutionId,
    after: i64,
    limit: i64,
) -> Result<(Vec<TraceEvent>, Status, OrgId)> {
    ctx.tx(
        Action::ExecutionRead,
        Target::Execution(id),
        async |tx, grant| {
            // The status first: entries that come in between are then read as well.
            let status = store::get(tx, id).await?.status;
            let entries = store::trace(tx, id, after, limit).await?;
            Ok((entries, status, grant.org))
        },
    )
    .await
}

/// Entries read at a time when a whole journal is gone through.
const BATCH: i64 = 500;

/// Bytes of large payloads in one answer, unless a single entry has more.
const WHOLE_AT_A_TIME: u64 = 8 << 20;

/// A whole journal, for a worker that takes an execution over: that of a fork begins with
/// the entries that it shares. Large payloads are as their rows have them; see
/// [`payloads::make_whole`].
pub async fn journal_in(tx: &mut Tx, id: ExecutionId) -> Result<Vec<TraceEvent>> {
    let mut journal = journal_between(tx, id, 0, i64::MAX).await?;
    while let Some(origin) = journal.first().and_then(fork::origin) {
        let shared = origin.point;
        let mut whole = journal_between(tx, shared.execution_id, 0, shared.sequence_number).await?;
        whole.append(&mut journal);
        journal = whole;
    }
    Ok(journal)
}

/// The entries of an execution's own journal after `last`.
pub async fn journal_after_in(tx: &mut Tx, id: ExecutionId, last: i64) -> Result<Vec<TraceEvent>> {
    journal_between(tx, id, last, i64::MAX).await
}

/// The entries of one execution itself after `first`, to the entry `last`.
async fn journal_between(
    tx: &mut Tx,
    id: ExecutionId,
    first: i64,
    last: i64,
) -> Result<Vec<TraceEvent>> {
    let mut journal: Vec<TraceEvent> = Vec::new();
    loop {
        let after = journal.last().map_or(first, |event| event.sequence_number);
        let batch = store::trace(tx, id, after, BATCH.min(last - after)).await?;
        if batch.is_empty() {
            return Ok(journal);
        }
        journal.extend(batch);
    }
}

/// Executions over all organizations that need a worker and have no living one. Those who
/// take them one by one say whom they served last, so that organizations take turns.
pub async fn abandoned(
    app: &App,
    dead_before: Timestamp,
    served: OrgId,
) -> Result<Vec<(OrgId, ExecutionId)>> {
    const AT_A_TIME: i64 = 20;
    app.db
        .tx(Scope::System, async |tx| {
            store::abandoned(tx, dead_before, served, AT_A_TIME).await
        })
        .await
}

/// Executions over all organizations that are `worker`'s by their rows and not among `held`.
pub async fn strays(
    app: &App,
    worker: WorkerId,
    held: Vec<ExecutionId>,
) -> Result<Vec<(OrgId, ExecutionId)>> {
    app.db
        .tx(Scope::System, async move |tx| {
            store::strays(tx, worker, held).await
        })
        .await
}
