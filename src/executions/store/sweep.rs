//! SQL that finds runs which nobody drives.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::tree;
use crate::{
    kernel::{ExecutionId, OrgId, Result, Timestamp},
    platform::db::Tx,
};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    org_id: OrgId,
    #[diesel(sql_type = SqlUuid)]
    id: ExecutionId,
}

/// Executions over all tenants that need a worker and have no living one. First those that
/// wait for runs all of which have ended, which are few; then the oldest of each
/// organization, so that one with many does not hide the others', beginning after `served`.
pub async fn abandoned(
    tx: &mut Tx,
    dead_before: Timestamp,
    served: OrgId,
    limit: i64,
) -> Result<Vec<(OrgId, ExecutionId)>> {
    let mut found = tree::whose_children_ended(tx, limit).await?;
    let rows: Vec<Found> = diesel::sql_query(include_str!("sweep.sql"))
        .bind::<Timestamptz, _>(dead_before)
        .bind::<BigInt, _>(limit)
        .bind::<SqlUuid, _>(served)
        .load(tx.conn())
        .await?;
    found.extend(rows.into_iter().map(|row| (row.org_id, row.id)));
    Ok(found)
}
