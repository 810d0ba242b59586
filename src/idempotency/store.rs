//! SQL of the records of idempotency keys.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper, sql_types::Text,
    upsert::excluded,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::Answer;
use crate::{
    kernel::{Error, Result, Timestamp, UserId},
    platform::db::{Tx, schema::idempotency_keys},
};

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = idempotency_keys)]
pub(super) struct Record {
    pub request_hash: String,
    status: i32,
    headers: Value,
    response: Option<Value>,
}

impl Record {
    pub(super) fn answer(self) -> Result<Answer> {
        Ok(Answer {
            status: u16::try_from(self.status).map_err(Error::internal)?,
            headers: serde_json::from_value(self.headers).map_err(Error::internal)?,
            body: self.response,
        })
    }
}

/// Waits until no other transaction works under the user's key. The row can't be locked
/// instead: the first time there is none.
pub(super) async fn lock(tx: &Tx, user: UserId, key: &str) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(format!("idempotency_keys:{user}:{key}"))
        .execute(&mut tx.pipe())
        .await?;
    Ok(())
}

pub(super) async fn find(
    tx: &Tx,
    user: UserId,
    key: &str,
    since: Timestamp,
) -> Result<Option<Record>> {
    Ok(idempotency_keys::table
        .find((user, key))
        .filter(idempotency_keys::created_at.gt(since))
        .select(Record::as_select())
        .first(&mut tx.pipe())
        .await
        .optional()?)
}

/// Writes a record, over one whose time has passed.
pub(super) async fn insert(
    tx: &mut Tx,
    user: UserId,
    key: &str,
    request: &str,
    answer: &Answer,
) -> Result<()> {
    let now = tx.now();
    let headers = serde_json::to_value(&answer.headers).map_err(Error::internal)?;
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::user_id.eq(user),
            idempotency_keys::key.eq(key),
            idempotency_keys::request_hash.eq(request),
            idempotency_keys::status.eq(i32::from(answer.status)),
            idempotency_keys::headers.eq(headers),
            idempotency_keys::response.eq(answer.body.as_ref()),
            idempotency_keys::created_at.eq(now),
        ))
        .on_conflict((idempotency_keys::user_id, idempotency_keys::key))
        .do_update()
        .set((
            idempotency_keys::request_hash.eq(excluded(idempotency_keys::request_hash)),
            idempotency_keys::status.eq(excluded(idempotency_keys::status)),
            idempotency_keys::headers.eq(excluded(idempotency_keys::headers)),
            idempotency_keys::response.eq(excluded(idempotency_keys::response)),
            idempotency_keys::created_at.eq(excluded(idempotency_keys::created_at)),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<usize> {
    let old = idempotency_keys::table.filter(idempotency_keys::created_at.lt(before));
    Ok(diesel::delete(old).execute(tx.conn()).await?)
}
