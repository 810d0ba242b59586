//! What is not as it must be among executions, over all tenants or within one.

use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    dsl::{exists, not},
    sql_types::Bool,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    executions::model::Status,
    kernel::{ExecutionId, OrgId, Result, Timestamp},
    platform::db::{
        Tx,
        schema::{agent_executions as executions, workers},
    },
};

/// How many ids a finding names at most.
const NAMED: i64 = 20;

/// Runs that need a worker, have none that was heard of since `dead_before`, and were not
/// touched since `untouched_since`. For a transaction of the system's.
pub(in super::super) async fn unattended(
    tx: &mut Tx,
    dead_before: Timestamp,
    untouched_since: Timestamp,
) -> Result<Vec<ExecutionId>> {
    let alive = workers::table
        .filter(executions::lease_worker.eq(workers::id.nullable()))
        .filter(workers::heartbeat_at.ge(dead_before));
    let open = [Status::Pending, Status::Running].map(|status| status.to_string());
    Ok(executions::table
        .filter(executions::status.eq_any(open))
        .filter(executions::updated_at.lt(untouched_since))
        .filter(not(exists(alive)))
        .order(executions::created_at)
        .limit(NAMED)
        .select(executions::id)
        .load(tx.conn())
        .await?)
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: ExecutionId,
}

async fn named(tx: &mut Tx, query: &str, before: Timestamp) -> Result<Vec<ExecutionId>> {
    let rows: Vec<Named> = diesel::sql_query(query)
        .bind::<diesel::sql_types::Timestamptz, _>(before)
        .bind::<diesel::sql_types::BigInt, _>(NAMED)
        .load(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Runs that wait for something that has happened or never will: for runs all of which
/// have ended, or for a person whom nothing was asked.
pub(in super::super) async fn never_woken(
    tx: &mut Tx,
    untouched_since: Timestamp,
) -> Result<Vec<ExecutionId>> {
    let query = "select e.id from agent_executions e where e.updated_at < $1 and ( \
          (e.status = 'awaiting_subnodes' and not exists ( \
             select from agent_executions c where c.parent_execution_id = e.id \
             and c.status not in ('complete', 'failed', 'cancelled'))) \
          or (e.status = 'awaiting_input' and e.human_input_request is null)) \
        order by e.created_at limit $2";
    named(tx, query, untouched_since).await
}

/// Runs for which something is reserved under budgets and that no worker has.
pub(in super::super) async fn idle_reservations(tx: &mut Tx) -> Result<Vec<ExecutionId>> {
    let query = "select e.id from agent_executions e \
        join budget_reservations r on r.execution_id = e.id \
        where e.status not in ('pending', 'running') and r.created_at < $1 limit $2";
    let now = tx.now();
    named(tx, query, now).await
}

/// Budgets under which something else is reserved than runs hold.
pub(in super::super) async fn unequal_budgets(tx: &mut Tx) -> Result<Vec<Uuid>> {
    // One statement, so that both are of the same moment.
    let rows: Vec<Budget> = diesel::sql_query(
        "select b.id from budgets b left join lateral ( \
             select sum(r.micros) as micros, sum(r.tokens) as tokens from budget_reservations r \
             where r.org_id = b.org_id and b.id = any (r.budgets)) held on true \
         where b.reserved_micros <> coalesce(held.micros, 0) \
             or b.reserved_tokens <> coalesce(held.tokens, 0) \
         order by b.id limit $1",
    )
    .bind::<diesel::sql_types::BigInt, _>(NAMED)
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Budget {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// Runs that rest or have ended and are still some worker's.
pub(in super::super) async fn held_at_rest(tx: &mut Tx) -> Result<Vec<ExecutionId>> {
    let open = [Status::Pending, Status::Running].map(|status| status.to_string());
    Ok(executions::table
        .filter(executions::status.ne_all(open))
        .filter(executions::lease_worker.is_not_null())
        .limit(NAMED)
        .select(executions::id)
        .load(tx.conn())
        .await?)
}

/// Runs that have ended and do not say when, or say it and have not.
pub(in super::super) async fn ended_halfway(tx: &mut Tx) -> Result<Vec<ExecutionId>> {
    let ended = [Status::Complete, Status::Failed, Status::Cancelled];
    let ended = ended.map(|status| status.to_string());
    let mut odd: Vec<ExecutionId> = executions::table
        .filter(executions::status.eq_any(ended.clone()))
        .filter(executions::completed_at.is_null())
        .limit(NAMED)
        .select(executions::id)
        .load(tx.conn())
        .await?;
    let early: Vec<ExecutionId> = executions::table
        .filter(executions::status.ne_all(ended))
        .filter(executions::completed_at.is_not_null())
        .limit(NAMED)
        .select(executions::id)
        .load(tx.conn())
        .await?;
    odd.extend(early);
    Ok(odd)
}

/// Executions over all tenants, newest first, after `after`.
pub(in super::super) async fn page(
    tx: &mut Tx,
    after: Option<ExecutionId>,
    limit: i64,
) -> Result<Vec<(OrgId, ExecutionId)>> {
    let mut query = executions::table
        .order(executions::id.desc())
        .limit(limit)
        .select((executions::org_id, executions::id))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(executions::id.lt(after));
    }
    Ok(query.load(tx.conn()).await?)
}

#[derive(QueryableByName)]
struct Differs {
    #[diesel(sql_type = Bool)]
    differs: bool,
}

/// Whether the totals of an execution's row are not the sums of its entries. One statement,
/// so that both are of the same moment.
pub(in super::super) async fn totals_differ(tx: &mut Tx, id: ExecutionId) -> Result<bool> {
    let found: Option<Differs> = diesel::sql_query(
        "select (e.total_tokens_in, e.total_tokens_out, e.cost_micros) \
             is distinct from (s.tokens_in, s.tokens_out, s.cost_micros) as differs \
         from agent_executions e, lateral ( \
             select coalesce(sum(t.tokens_in), 0)::bigint as tokens_in, \
                    coalesce(sum(t.tokens_out), 0)::bigint as tokens_out, \
                    case when count(*) = count(t.cost_micros) \
                         then coalesce(sum(t.cost_micros), 0)::bigint end as cost_micros \
             from agent_trace_events t \
             where t.org_id = e.org_id and t.execution_id = e.id and t.model is not null) s \
         where e.id = $1",
    )
    .bind::<diesel::sql_types::Uuid, _>(id)
    .get_result(tx.conn())
    .await
    .optional()?;
    Ok(found.is_some_and(|found| found.differs))
}

/// How long a run may wait for a worker before somebody should look.
pub(in super::super) const PATIENCE: TimeDelta = TimeDelta::minutes(2);
