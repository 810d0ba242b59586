//! Reading journals.

use diesel::{
    ExpressionMethods, OptionalExtension, PgAnyJsonExpressionMethods, QueryDsl, SelectableHelper,
    dsl::exists,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::{
    executions::model::{CALL_BEGINS, TraceEvent, TraceKind},
    kernel::{ExecutionId, Result, Timestamp, TraceEventId},
    platform::db::{
        Tx,
        schema::{agent_executions as executions, agent_trace_events as events},
    },
};

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = events)]
pub(super) struct EventRow {
    id: TraceEventId,
    execution_id: ExecutionId,
    sequence_number: i64,
    event_type: TraceKind,
    event_data: Value,
    payload_refs: Option<Value>,
    data_hash: Option<String>,
    occurred_at: Timestamp,
    duration_ms: Option<i64>,
    model: Option<String>,
    tokens_in: Option<i64>,
    tokens_out: Option<i64>,
    cost_micros: Option<i64>,
    prev_hash: String,
    hash: String,
}

impl From<EventRow> for TraceEvent {
    fn from(row: EventRow) -> Self {
        let refs = row
            .payload_refs
            .and_then(|refs| serde_json::from_value(refs).ok());
        let mut event = TraceEvent {
            id: row.id,
            execution_id: row.execution_id,
            sequence_number: row.sequence_number,
            event_type: row.event_type,
            event_data: row.event_data,
            payload_refs: refs,
            data_hash: row.data_hash,
            timestamp: row.occurred_at,
            duration_ms: row.duration_ms,
            model: row.model,
            tokens_in: row.tokens_in,
            tokens_out: row.tokens_out,
            cost_micros: row.cost_micros,
            hash: row.hash,
            prev_hash: row.prev_hash,
        };
        // What it referred to was removed with the rest.
        if event.is_removed() {
            event.payload_refs = None;
        }
        event
    }
}

/// The entries after `after`, in order.
pub(in super::super) async fn trace(
    tx: &mut Tx,
    id: ExecutionId,
    after: i64,
    limit: i64,
) -> Result<Vec<TraceEvent>> {
    let rows: Vec<EventRow> = events::table
        .filter(events::execution_id.eq(id))
        .filter(events::sequence_number.gt(after))
        .order(events::sequence_number)
        .limit(limit)
        .select(EventRow::as_select())
        .load(tx.conn())
        .await?;
    Ok(rows.into_iter().map(TraceEvent::from).collect())
}

/// The number and hash of the last entry, as the execution's row has them.
pub(in super::super) async fn end_of(tx: &mut Tx, id: ExecutionId) -> Result<(i64, String)> {
    Ok(executions::table
        .find(id)
        .select((executions::last_sequence, executions::head_hash))
        .first(tx.conn())
        .await?)
}

/// What the execution was about to send outside when its journal ends there: the last intent,
/// if its call has no result.
pub(in super::super) async fn open_intent(tx: &mut Tx, id: ExecutionId) -> Result<Option<Value>> {
    let last: Option<(i64, Value)> = events::table
        .filter(events::execution_id.eq(id))
        .filter(events::event_type.eq(TraceKind::Checkpoint))
        .filter(
            events::event_data
                .retrieve_as_text("reason")
                .eq(CALL_BEGINS),
        )
        .order(events::sequence_number.desc())
        .select((events::sequence_number, events::event_data))
        .first(tx.conn())
        .await
        .optional()?;
    let Some((number, intent)) = last else {
        return Ok(None);
    };
    let call = intent.get("callId").and_then(Value::as_str);
    let results = events::table
        .filter(events::execution_id.eq(id))
        .filter(events::sequence_number.gt(number))
        .filter(events::event_type.eq(TraceKind::ToolCall))
        .filter(
            events::event_data
                .retrieve_as_text("callId")
                .eq(call.unwrap_or_default()),
        );
    let has_result: bool = diesel::select(exists(results))
        .get_result(tx.conn())
        .await?;
    Ok((!has_result).then_some(intent))
}
