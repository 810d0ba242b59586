//! The outbox's SQL.

use diesel::{ExpressionMethods, QueryDsl, SelectableHelper, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::{
    kernel::{
        OrgId, OutboxId, Result, Timestamp,
        event::{Event, Job},
        text::TextEnum,
    },
    platform::db::{Tx, schema::outbox},
};

/// A row that waits for the relay.
#[derive(Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = outbox)]
pub(super) struct Pending {
    pub id: OutboxId,
    pub org_id: OrgId,
    pub topic: String,
    pub name: String,
    pub channels: Value,
    pub payload: Value,
}

pub(super) fn insert_events(tx: &Tx, events: Vec<Event>) {
    let row = |event: Event| {
        let channels: Vec<String> = event.channels.iter().map(ToString::to_string).collect();
        let name = event.kind.as_str();
        Row::new(tx, event.org, "event", name, json!(channels), event.payload)
    };
    let rows: Vec<Row> = events.into_iter().map(row).collect();
    tx.later(diesel::insert_into(outbox::table).values(rows));
}

pub(super) fn insert_job(tx: &Tx, job: &Job) {
    let (name, body) = (job.queue.as_str(), job.body.clone());
    let row = Row::new(tx, job.org, "job", name, json!([]), body);
    tx.later(diesel::insert_into(outbox::table).values(vec![row]));
}

#[derive(diesel::Insertable)]
#[diesel(table_name = outbox)]
struct Row {
    id: OutboxId,
    org_id: OrgId,
    topic: &'static str,
    name: &'static str,
    channels: Value,
    payload: Value,
    created_at: Timestamp,
}

impl Row {
    fn new(
        tx: &Tx,
        org_id: OrgId,
        topic: &'static str,
        name: &'static str,
        channels: Value,
        payload: Value,
    ) -> Self {
        Row {
            id: OutboxId::new(tx.ids()),
            org_id,
            topic,
            name,
            channels,
            payload,
            created_at: tx.now(),
        }
    }
}

diesel::define_sql_function! {
    /// Whether this transaction holds the lock of that number from now on.
    fn pg_try_advisory_xact_lock(number: BigInt) -> Bool;
}

/// Any number, the same in every release: only one relay reads at a time, or events
/// of one channel could overtake each other.
const RELAY_LOCK: i64 = 0x6762_6f75_7462_6f78;

/// Whether this transaction is now the relay, until it ends.
pub(super) async fn become_relay(tx: &Tx) -> Result<bool> {
    let locked = diesel::select(pg_try_advisory_xact_lock(RELAY_LOCK));
    Ok(locked.get_result(&mut tx.pipe()).await?)
}

/// The oldest rows that were not published.
pub(super) async fn pending(tx: &Tx, limit: i64) -> Result<Vec<Pending>> {
    Ok(outbox::table
        .filter(outbox::published_at.is_null())
        .order(outbox::position)
        .limit(limit)
        .select(Pending::as_select())
        .load(&mut tx.pipe())
        .await?)
}

pub(super) fn mark_published(tx: &Tx, ids: Vec<OutboxId>) {
    let now = tx.now();
    tx.later(
        diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
            .set(outbox::published_at.eq(now)),
    );
}

/// Forgets rows that were published before `before`; answers how many.
pub(super) async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<usize> {
    Ok(
        diesel::delete(outbox::table.filter(outbox::published_at.lt(before)))
            .execute(tx.conn())
            .await?,
    )
}

/// The oldest rows that nobody published although they were there before `before`.
pub(super) async fn late(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Vec<OutboxId>> {
    Ok(outbox::table
        .filter(outbox::published_at.is_null())
        .filter(outbox::created_at.lt(before))
        .order(outbox::position)
        .limit(limit)
        .select(outbox::id)
        .load(tx.conn())
        .await?)
}
