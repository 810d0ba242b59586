//! The SQL of tickets.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::{
    kernel::{Result, Timestamp, UserId},
    platform::db::{Tx, schema::live_tickets},
};

/// A ticket as it is stored.
#[derive(Debug, diesel::Insertable, Queryable, Selectable)]
#[diesel(table_name = live_tickets)]
pub(super) struct Row {
    pub digest: Vec<u8>,
    pub user_id: UserId,
    pub token_expires_at: Timestamp,
    pub sealed: Option<Vec<u8>>,
    pub expires_at: Timestamp,
}

/// Keeps a ticket, and forgets those that nobody used in time.
pub(super) fn insert(tx: &Tx, row: Row) {
    let now = tx.now();
    tx.later(diesel::delete(
        live_tickets::table.filter(live_tickets::expires_at.le(now)),
    ));
    tx.later(diesel::insert_into(live_tickets::table).values(vec![row]));
}

/// Takes a ticket away from the table: of any number who ask at once, one gets it.
pub(super) async fn take(tx: &mut Tx, digest: Vec<u8>) -> Result<Option<Row>> {
    Ok(
        diesel::delete(live_tickets::table.filter(live_tickets::digest.eq(digest)))
            .returning(Row::as_returning())
            .get_result(tx.conn())
            .await
            .optional()?,
    )
}
