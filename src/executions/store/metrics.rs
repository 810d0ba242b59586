//! SQL that counts executions over all organizations.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;

use crate::{
    executions::model::Status,
    kernel::Result,
    platform::db::{Cacheable, Tx},
};

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    status: Status,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many executions that have not ended are in each state; `limit` are counted at most.
pub async fn unfinished(tx: &Tx, limit: i64) -> Result<Vec<(Status, i64)>> {
    // By the index of what keeps two runs of a node apart, which has no others.
    let sql = "select status, count(*) as count from \
               (select status from agent_executions \
                where status not in ('complete', 'failed', 'cancelled') limit $1) unfinished \
               group by status";
    let rows: Vec<Counted> = diesel::sql_query(sql)
        .bind::<BigInt, _>(limit)
        .cached()
        .load(&mut tx.pipe())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.status, row.count))
        .collect())
}
