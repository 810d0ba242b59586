//! Forks: a new run of the same node that shares another run's journal up to an entry.
//!
//! Nothing is copied. The fork's own journal begins with an entry that names the last
//! shared one by its number and hash and says what is different; a worker folds the shared
//! entries and then the fork's own. What the shared entries did to nodes stays done once.

use serde_json::{Value, json};

use super::{
    super::{
        journal,
        model::{
            Execution, ExecutionConfig, ExecutionFork, ForkPoint, NewEvent, Origin, TraceEvent,
            TraceKind,
        },
        store,
    },
    Order, known_model, start_in,
};
use crate::{
    access::{Action, Target},
    app::Ctx,
    kernel::{Code, Error, ExecutionId, OrgId, Result, field::invalid},
    nodes,
    platform::db::Tx,
    tenants,
};

/// Forks of forks at most; each is one more journal to read when a worker takes it.
const MAX_DEPTH: usize = 100;

/// Starts a run that goes on from an entry of `from`.
///
/// # Errors
/// [`Code::ExecutionActive`] while the node has a run that has not ended, `from` included.
/// [`Code::Unprocessable`] when payloads of the shared entries were removed.
pub async fn execution_fork(
    ctx: &Ctx,
    from: ExecutionId,
    fork: ExecutionFork,
) -> Result<Execution> {
    fork.check()?;
    let life = ctx.app.config.nodes.lock_life();
    ctx.tx(
        Action::ExecutionFork,
        Target::Execution(from),
        async move |tx, grant| {
            let point = ForkPoint {
                execution_id: from,
                sequence_number: fork.after_sequence,
            };
            let node = store::get(tx, from).await?.node_id;
            // The node's row comes before any execution's, here as everywhere.
            let there = nodes::ops::lock_row_in(tx, node).await?;
            there.ok_or_else(|| Error::not_found("node"))?;
            let shared = last_shared(tx, point, &fork).await?;
            check_depth_and_payloads(tx, from).await?;
            let (model, config) = order(ctx, tx, grant.org, from).await?;
            let order = Order {
                model: &model,
                config: &config,
                lock_life: life,
                parent: None,
            };
            let new = start_in(tx, grant, node, order).await?;
            store::fork::set_origin(tx, new.id, point).await?;
            let version = nodes::ops::node_read_in(tx, node).await?.version;
            let first = beginning(new.id, &model, version, &shared, &fork);
            journal::begin(tx, new.id, first).await?;
            store::get(tx, new.id).await
        },
    )
    .await
}

/// The fork is run as its origin was.
async fn order(
    ctx: &Ctx,
    tx: &mut Tx,
    org: OrgId,
    from: ExecutionId,
) -> Result<(String, ExecutionConfig)> {
    let (model, config) = store::fork::order_of(tx, from).await?;
    let models = tenants::ops::org_models_in(tx, org).await?;
    known_model(ctx, &models, &model).map_err(|why| {
        let message = format!("The execution's model can't be used any more: {why}.");
        Error::new(Code::Unprocessable, message)
    })?;
    Ok((model, config))
}

/// The last shared entry, which the edit must fit.
async fn last_shared(tx: &mut Tx, point: ForkPoint, fork: &ExecutionFork) -> Result<TraceEvent> {
    let number = point.sequence_number;
    let Some(entry) = store::fork::entry(tx, point.execution_id, number).await? else {
        let (last, _) = store::end_of(tx, point.execution_id).await?;
        let message = match last {
            0 => "names no entry: the execution has none yet".to_owned(),
            _ => format!("names no entry: the execution has {last}"),
        };
        return Err(invalid("afterSequence", message));
    };
    let edits_answer = fork.edit.as_ref().is_some_and(|edit| edit.answer.is_some());
    if edits_answer && entry.event_type != TraceKind::LlmCall {
        let kind = entry.event_type;
        return Err(invalid(
            "edit.answer",
            format!("replaces a model's answer (llm_call), and entry {number} is {kind}"),
        ));
    }
    Ok(entry)
}

async fn check_depth_and_payloads(tx: &mut Tx, from: ExecutionId) -> Result<()> {
    let mut above = Some(from);
    for _ in 0..MAX_DEPTH {
        let Some(id) = above else { return Ok(()) };
        if store::fork::payloads_were_removed(tx, id).await? {
            return Err(Error::new(
                Code::Unprocessable,
                "What the shared entries said was removed when its time was over. Start a new \
                 execution of the node.",
            )
            .with_details(json!({ "executionId": id })));
        }
        let origin = store::fork::origin(tx, id).await?;
        above = origin.map(|point| point.execution_id);
    }
    let message =
        format!("A fork can go back over {MAX_DEPTH} executions at most. Fork an earlier one.");
    Err(Error::new(Code::Unprocessable, message))
}

/// The first entry of a fork.
fn beginning(
    id: ExecutionId,
    model: &str,
    node_version: i32,
    shared: &TraceEvent,
    fork: &ExecutionFork,
) -> NewEvent {
    let origin = Origin {
        point: ForkPoint {
            execution_id: shared.execution_id,
            sequence_number: shared.sequence_number,
        },
        hash: shared.hash.clone(),
    };
    let mut data = json!({ "model": model, "nodeVersion": node_version, "forkedFrom": origin });
    if let (Some(edit), Some(fields)) = (&fork.edit, data.as_object_mut()) {
        fields.insert("edit".to_owned(), edit.recorded(id));
    }
    NewEvent::new(TraceKind::ExecutionStart, data)
}

/// Where an execution goes on from, by its first entry; `None` when it is no fork.
pub fn origin(first: &TraceEvent) -> Option<Origin> {
    let said: &Value = first.event_data.get("forkedFrom")?;
    let is_first = first.sequence_number == 1 && first.event_type == TraceKind::ExecutionStart;
    is_first
        .then(|| serde_json::from_value(said.clone()).ok())
        .flatten()
}
