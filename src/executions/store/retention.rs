//! SQL that removes the payloads of runs that ended long ago.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl, define_sql_function, sql_types::BigInt,
};
use diesel_async::RunQueryDsl;

use crate::{
    kernel::{ExecutionId, NodeId, OrgId, Result, Timestamp},
    platform::db::{Tx, schema::agent_executions as executions},
};

define_sql_function! {
    fn pg_try_advisory_xact_lock(number: BigInt) -> Bool;
}

/// Any number, the same in every process: it keeps two sweeps apart.
const SWEEP_LOCK: i64 = 0x6c62_7377_6570;

/// A run that ended, and where it is.
#[derive(Debug, Clone, Copy, diesel::Queryable)]
pub(in super::super) struct Ended {
    pub org: OrgId,
    pub node: NodeId,
    pub id: ExecutionId,
    pub at: Timestamp,
}

/// Whether no other process sweeps, which then holds until the transaction ends.
pub(in super::super) async fn try_lead(tx: &mut Tx) -> Result<bool> {
    let locked = diesel::select(pg_try_advisory_xact_lock(SWEEP_LOCK));
    Ok(locked.get_result(tx.conn()).await?)
}

/// Over all tenants, the first run after `after` that ended before `before` and whose
/// payloads are all there.
pub(in super::super) async fn next(
    tx: &mut Tx,
    before: Timestamp,
    after: Option<(Timestamp, ExecutionId)>,
) -> Result<Option<Ended>> {
    let mut query = executions::table
        .filter(executions::completed_at.lt(before))
        .filter(executions::payloads_removed_at.is_null())
        .order((executions::completed_at, executions::id))
        .select((
            executions::org_id,
            executions::node_id,
            executions::id,
            executions::completed_at.assume_not_null(),
        ))
        .into_boxed();
    if let Some((at, id)) = after {
        let same_time = executions::completed_at.eq(at).and(executions::id.gt(id));
        query = query.filter(
            executions::completed_at
                .gt(at)
                .or(same_time)
                .assume_not_null(),
        );
    }
    Ok(query.first(tx.conn()).await.optional()?)
}

/// Puts the hash of each payload in its place, and answers how many there were. Entries
/// from before payloads had a hash keep theirs, and so does a fork's first one, which says
/// what it stands on.
pub(in super::super) async fn remove_payloads(tx: &mut Tx, ended: &Ended) -> Result<usize> {
    let count = diesel::sql_query(
        "update agent_trace_events t \
         set event_data = jsonb_build_object('removed', jsonb_build_object('sha256', t.data_hash)) \
         where t.org_id = $1 and t.execution_id = $2 and t.data_hash is not null \
           and not (t.sequence_number = 1 and t.event_data ? 'forkedFrom')",
    )
    .bind::<diesel::sql_types::Uuid, _>(ended.org)
    .bind::<diesel::sql_types::Uuid, _>(ended.id)
    .execute(tx.conn())
    .await?;
    super::requests::forget(tx, ended.id).await?;
    diesel::update(executions::table.find(ended.id))
        .set(executions::payloads_removed_at.eq(tx.now()))
        .execute(tx.conn())
        .await?;
    Ok(count)
}
