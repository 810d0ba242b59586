//! SQL of what people are asked. The journal has the same; these rows are for finding it.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::{
    executions::model::{Closing, HumanInputRequest, Reply, RequestType},
    kernel::{Error, ExecutionId, OrgId, RequestId, Result, Timestamp},
    platform::db::{
        Cacheable, Tx,
        schema::{agent_executions as executions, human_requests as requests},
        types::sql_text,
    },
};

sql_text!(RequestType);

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = requests)]
struct Row {
    id: RequestId,
    call_id: String,
    request_type: RequestType,
    prompt: String,
    options: Option<Value>,
    metadata: Option<Value>,
    call_hash: Option<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl TryFrom<Row> for HumanInputRequest {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let options = row.options.map(serde_json::from_value).transpose();
        Ok(HumanInputRequest {
            request_id: row.id,
            call_id: row.call_id,
            request_type: row.request_type,
            prompt: row.prompt,
            options: options.map_err(Error::internal)?,
            metadata: row.metadata,
            call_hash: row.call_hash,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// Files a request that was just asked.
pub async fn insert(
    tx: &mut Tx,
    org: OrgId,
    execution: ExecutionId,
    request: &HumanInputRequest,
) -> Result<()> {
    let options = request.options.as_ref().map(|options| json!(options));
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(request.request_id),
            requests::org_id.eq(org),
            requests::execution_id.eq(execution),
            requests::call_id.eq(&request.call_id),
            requests::request_type.eq(request.request_type),
            requests::prompt.eq(&request.prompt),
            requests::options.eq(options),
            requests::metadata.eq(&request.metadata),
            requests::call_hash.eq(&request.call_hash),
            requests::status.eq("pending"),
            requests::created_at.eq(request.created_at),
            requests::expires_at.eq(request.expires_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes how a request ended.
pub async fn close(tx: &mut Tx, reply: &Reply) -> Result<()> {
    let status = match reply.closing {
        Closing::Answered => "answered",
        Closing::Expired => "expired",
        Closing::Void => "void",
    };
    let answer = (reply.closing == Closing::Answered).then(|| reply.input.clone());
    diesel::update(requests::table.find(reply.request_id))
        .set((
            requests::status.eq(status),
            requests::answer.eq(answer),
            requests::answered_by.eq(reply.answered_by),
            requests::closed_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Nobody needs to answer an execution that ended. Answers how many waited.
pub async fn void_all(tx: &mut Tx, execution: ExecutionId) -> Result<usize> {
    let open = requests::table
        .filter(requests::execution_id.eq(execution))
        .filter(requests::status.eq("pending"));
    let values = (
        requests::status.eq("void"),
        requests::closed_at.eq(tx.now()),
    );
    let void = diesel::update(open).set(values).cached();
    Ok(void.execute(tx.conn()).await?)
}

/// Removes what an execution that ended asked and was answered: it is in the payloads of
/// its entries, and goes with them.
pub async fn forget(tx: &mut Tx, execution: ExecutionId) -> Result<()> {
    let all = requests::table.filter(requests::execution_id.eq(execution));
    diesel::delete(all).execute(tx.conn()).await?;
    Ok(())
}

/// What an execution asked and nobody answered yet, oldest first.
pub async fn pending(tx: &mut Tx, execution: ExecutionId) -> Result<Vec<HumanInputRequest>> {
    let rows: Vec<Row> = requests::table
        .filter(requests::execution_id.eq(execution))
        .filter(requests::status.eq("pending"))
        .order((requests::created_at, requests::id))
        .select(Row::as_select())
        .load(tx.conn())
        .await?;
    rows.into_iter().map(HumanInputRequest::try_from).collect()
}

/// Whether the execution asked this, and how it ended if it did.
pub async fn status_of(
    tx: &mut Tx,
    execution: ExecutionId,
    id: RequestId,
) -> Result<Option<String>> {
    Ok(requests::table
        .find(id)
        .filter(requests::execution_id.eq(execution))
        .select(requests::status)
        .first(tx.conn())
        .await
        .optional()?)
}

/// Shows in the execution's own row what waits, for whoever reads that.
pub async fn show(tx: &mut Tx, execution: ExecutionId) -> Result<()> {
    let waiting = pending(tx, execution).await?;
    let shown = (!waiting.is_empty()).then(|| json!(waiting));
    diesel::update(executions::table.find(execution))
        .set(executions::human_input_request.eq(shown))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Keeps the last answer in the execution's row, for older clients.
pub async fn set_response(tx: &mut Tx, execution: ExecutionId, input: &Value) -> Result<()> {
    diesel::update(executions::table.find(execution))
        .set(executions::human_input_response.eq(input))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Requests over all tenants whose time is over at `now`, the oldest first.
pub async fn due(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<(OrgId, ExecutionId)>> {
    Ok(requests::table
        .filter(requests::status.eq("pending"))
        .filter(requests::expires_at.le(now))
        .order(requests::expires_at)
        .limit(limit)
        .select((requests::org_id, requests::execution_id))
        .load(tx.conn())
        .await?)
}
