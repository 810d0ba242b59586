//! What an execution's row knows of the one that it goes on from, and the beginning of a
//! journal that nobody has a lease for yet.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::{Head, trace::EventRow};
use crate::{
    executions::model::{ExecutionConfig, ForkPoint, TraceEvent},
    kernel::{Error, ExecutionId, Result},
    platform::db::{
        Tx,
        schema::{agent_executions as executions, agent_trace_events as events},
    },
};

/// How an execution is run: its model and its settings.
pub(in super::super) async fn order_of(
    tx: &mut Tx,
    id: ExecutionId,
) -> Result<(String, ExecutionConfig)> {
    let (model, config): (String, Value) = executions::table
        .find(id)
        .select((executions::model_id, executions::config))
        .first(tx.conn())
        .await?;
    Ok((
        model,
        serde_json::from_value(config).map_err(Error::internal)?,
    ))
}

/// One entry of a journal.
pub(in super::super) async fn entry(
    tx: &mut Tx,
    id: ExecutionId,
    sequence: i64,
) -> Result<Option<TraceEvent>> {
    let row: Option<EventRow> = events::table
        .filter(events::execution_id.eq(id))
        .filter(events::sequence_number.eq(sequence))
        .select(EventRow::as_select())
        .first(tx.conn())
        .await
        .optional()?;
    Ok(row.map(TraceEvent::from))
}

/// The entry that an execution goes on from, when it is a fork.
pub(in super::super) async fn origin(tx: &mut Tx, id: ExecutionId) -> Result<Option<ForkPoint>> {
    let found: Option<(Option<ExecutionId>, Option<i64>)> = executions::table
        .find(id)
        .select((executions::forked_from, executions::forked_after))
        .first(tx.conn())
        .await
        .optional()?;
    let (from, after) = found.unwrap_or_default();
    Ok(from.zip(after).map(ForkPoint::from))
}

/// Whether payloads of an execution were removed.
pub(in super::super) async fn payloads_were_removed(tx: &mut Tx, id: ExecutionId) -> Result<bool> {
    Ok(executions::table
        .find(id)
        .select(executions::payloads_removed_at.is_not_null())
        .first(tx.conn())
        .await?)
}

/// Notes where an execution that was just made goes on from.
pub(in super::super) async fn set_origin(
    tx: &mut Tx,
    id: ExecutionId,
    point: ForkPoint,
) -> Result<()> {
    diesel::update(executions::table.find(id))
        .set((
            executions::forked_from.eq(point.execution_id),
            executions::forked_after.eq(point.sequence_number),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Moves the journal's end, and nothing else: nobody runs it yet.
pub(in super::super) async fn set_end(tx: &mut Tx, head: &Head, last: &TraceEvent) -> Result<()> {
    diesel::update(executions::table.find(head.id))
        .set((
            executions::last_sequence.eq(last.sequence_number),
            executions::head_hash.eq(&last.hash),
            executions::updated_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
