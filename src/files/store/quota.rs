//! How much the files of an organization have together.
//!
//! The row of the organization is locked by whoever changes its count, until their transaction
//! ends; so uploads that are asked for at once are counted one after another, and none passes
//! the quota. It is changed last, or nearly so, because everybody else waits.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use crate::{
    kernel::{OrgId, Result},
    platform::db::Tx,
};

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// What the file of a row `f` counts for.
const COUNTED: &str = "case when f.confirmed_at is null then coalesce(f.reserved_bytes, 0) \
                       else coalesce(f.size_bytes, 0) end";

/// Adds `bytes`, which may be less than none, and answers what there is then.
pub(in super::super) async fn add(tx: &Tx, org: OrgId, bytes: i64) -> Result<i64> {
    let row: Bytes = diesel::sql_query(
        "insert into storage_usage as u (org_id, bytes) values ($1, greatest($2, 0)) \
         on conflict (org_id) do update set bytes = greatest(u.bytes + $2, 0) \
         returning u.bytes",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<BigInt, _>(bytes)
    .get_result(&mut tx.pipe())
    .await?;
    Ok(row.bytes)
}

#[derive(QueryableByName)]
struct Org {
    #[diesel(sql_type = SqlUuid)]
    org_id: OrgId,
}

/// The organizations whose count is not what their files have. Those whose count is changed
/// meanwhile may be among them. Needs [`Scope::System`](crate::kernel::Scope::System).
pub(in super::super) async fn miscounted(tx: &mut Tx) -> Result<Vec<OrgId>> {
    let sql = format!(
        "with real as (select f.org_id, sum({COUNTED})::bigint as bytes from files f group by 1) \
         select coalesce(r.org_id, u.org_id) as org_id \
         from real r full join storage_usage u on u.org_id = r.org_id \
         where coalesce(r.bytes, 0) <> coalesce(u.bytes, 0) order by 1"
    );
    let rows: Vec<Org> = diesel::sql_query(sql).load(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| row.org_id).collect())
}

/// Counts the organization's files anew. With the row locked first: who changed the count
/// before has committed, and who will waits and then adds to what is written here.
pub(in super::super) async fn recount(tx: &mut Tx, org: OrgId) -> Result<()> {
    add(tx, org, 0).await?;
    let sql = format!(
        "update storage_usage set bytes = \
             (select coalesce(sum({COUNTED}), 0) from files f where f.org_id = $1) \
         where org_id = $1"
    );
    diesel::sql_query(sql)
        .bind::<SqlUuid, _>(org)
        .execute(tx.conn())
        .await?;
    Ok(())
}
