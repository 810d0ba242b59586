//! The outbox's SQL.

use diesel::{ExpressionMethods, QueryDsl, QueryableByName, SelectableHelper, sql_types::Bool};
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

pub(super) async fn insert_event(tx: &mut Tx, event: &Event) -> Result<()> {
    let channels: Vec<String> = event.channels.iter().map(ToString::to_string).collect();
    insert(
        tx,
        event.org,
        "event",
        event.kind.as_str(),
        json!(channels),
        &event.payload,
    )
    .await
}

pub(super) async fn insert_job(tx: &mut Tx, job: &Job) -> Result<()> {
    insert(tx, job.org, "job", job.queue.as_str(), json!([]), &job.body).await
}

async fn insert(
    tx: &mut Tx,
    org: OrgId,
    topic: &str,
    name: &str,
    channels: Value,
    payload: &Value,
) -> Result<()> {
    let id = OutboxId::new(tx.ids());
    let now = tx.now();
    diesel::insert_into(outbox::table)
        .values((
            outbox::id.eq(id),
            outbox::org_id.eq(org),
            outbox::topic.eq(topic),
            outbox::name.eq(name),
            outbox::channels.eq(channels),
            outbox::payload.eq(payload),
            outbox::created_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Any number, the same in every release: only one relay reads at a time, or events
/// of one channel could overtake each other.
const RELAY_LOCK: i64 = 0x6762_6f75_7462_6f78;

/// Whether this transaction is now the relay, until it ends.
pub(super) async fn become_relay(tx: &mut Tx) -> Result<bool> {
    let sql = format!("select pg_try_advisory_xact_lock({RELAY_LOCK}) as locked");
    let row: Locked = diesel::sql_query(sql).get_result(tx.conn()).await?;
    Ok(row.locked)
}

/// The oldest rows that were not published.
pub(super) async fn pending(tx: &mut Tx, limit: i64) -> Result<Vec<Pending>> {
    Ok(outbox::table
        .filter(outbox::published_at.is_null())
        .order(outbox::position)
        .limit(limit)
        .select(Pending::as_select())
        .load(tx.conn())
        .await?)
}

pub(super) async fn mark_published(tx: &mut Tx, ids: &[OutboxId]) -> Result<()> {
    let now = tx.now();
    diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set(outbox::published_at.eq(now))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets rows that were published before `before`; answers how many.
pub(super) async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<usize> {
    Ok(
        diesel::delete(outbox::table.filter(outbox::published_at.lt(before)))
            .execute(tx.conn())
            .await?,
    )
}
