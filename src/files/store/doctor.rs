//! Which stored bytes no file has.

use diesel::{
    QueryableByName,
    sql_types::{Array, Text},
};
use diesel_async::RunQueryDsl;

use crate::{kernel::Result, platform::db::Tx};

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    key: String,
}

/// Those of `keys` that no file has, over all tenants, and that no job is to delete.
pub(in super::super) async fn orphans(tx: &mut Tx, keys: &[String]) -> Result<Vec<String>> {
    let rows: Vec<Key> = diesel::sql_query(
        "select k as key from unnest($1) k \
         where not exists (select from files f where f.storage_key = k) \
           and not exists (select from jobs j where j.body ->> 'deleteKey' = k) \
           and not exists (select from outbox o \
               where o.published_at is null and o.payload ->> 'deleteKey' = k) \
         order by k",
    )
    .bind::<Array<Text>, _>(keys)
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}
