//! Which contents of the storage entries refer to.

use diesel::{
    QueryableByName,
    sql_types::{Array, Text, Uuid},
};
use diesel_async::RunQueryDsl;

use super::retention::Ended;
use crate::{
    kernel::{ExecutionId, OrgId, Result},
    platform::db::Tx,
};

#[derive(QueryableByName)]
struct Content {
    #[diesel(sql_type = Uuid)]
    execution_id: ExecutionId,
    #[diesel(sql_type = Text)]
    sha256: String,
}

/// Those of `contents`, which are `org`'s, that no entry refers to. Those of executions that
/// go on are not among them: an entry may be about to.
pub(in super::super) async fn unclaimed(
    tx: &mut Tx,
    org: OrgId,
    contents: &[(ExecutionId, String)],
) -> Result<Vec<(ExecutionId, String)>> {
    let (executions, hashes): (Vec<ExecutionId>, Vec<&str>) = contents
        .iter()
        .map(|(execution, sha256)| (*execution, sha256.as_str()))
        .unzip();
    let rows: Vec<Content> = diesel::sql_query(
        "select c.execution_id, c.sha256 \
         from unnest($2, $3) as c (execution_id, sha256) \
         where not exists (select from agent_executions e \
               where e.org_id = $1 and e.id = c.execution_id and e.completed_at is null) \
           and not exists (select from agent_trace_events t, jsonb_each(t.payload_refs) r \
               where t.org_id = $1 and t.execution_id = c.execution_id \
                 and t.payload_refs is not null and r.value ->> 'sha256' = c.sha256 \
                 and t.event_data <> \
                     jsonb_build_object('removed', jsonb_build_object('sha256', t.data_hash))) \
         order by 1, 2",
    )
    .bind::<Uuid, _>(org)
    .bind::<Array<Uuid>, _>(executions)
    .bind::<Array<Text>, _>(hashes)
    .load(tx.conn())
    .await?;
    let pair = |row: Content| (row.execution_id, row.sha256);
    Ok(rows.into_iter().map(pair).collect())
}

/// The hashes of what the entries of a run refer to, except a fork's first, whose payload is
/// never removed.
pub(in super::super) async fn of_run(tx: &mut Tx, ended: &Ended) -> Result<Vec<String>> {
    let rows: Vec<Content> = diesel::sql_query(
        "select distinct t.execution_id, r.value ->> 'sha256' as sha256 \
         from agent_trace_events t, jsonb_each(t.payload_refs) r \
         where t.org_id = $1 and t.execution_id = $2 and t.payload_refs is not null \
           and not (t.sequence_number = 1 and t.event_data ? 'forkedFrom') \
         order by 2",
    )
    .bind::<Uuid, _>(ended.org)
    .bind::<Uuid, _>(ended.id)
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.sha256).collect())
}
