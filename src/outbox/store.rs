//! The outbox's SQL.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, SelectableHelper,
    dsl::max,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    kernel::{
        OrgId, OutboxId, Result, Timestamp,
        event::{Event, Indexed, Job},
        text::TextEnum,
    },
    platform::db::{
        Cacheable, Tx,
        schema::{channel_heads, channel_log, index_work, outbox, relay_mark},
    },
};

/// A row that waits for the relay.
#[derive(Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = outbox)]
pub(super) struct Pending {
    pub id: OutboxId,
    /// None for a farewell.
    pub org_id: Option<OrgId>,
    pub topic: String,
    pub name: String,
    pub channels: Value,
    pub payload: Value,
    pub created_at: Timestamp,
}

/// A number that a channel gave.
#[derive(Debug, Clone, QueryableByName, diesel::Queryable)]
pub(super) struct Numbered {
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    #[diesel(sql_type = Text)]
    pub channel: String,
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
}

/// A number that a channel gave, with the event that it stands for, if that is still there.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Kept {
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    #[diesel(sql_type = Text)]
    pub channel: String,
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub payload: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub created_at: Option<Timestamp>,
}

pub(super) fn insert_events(tx: &Tx, events: Vec<Event>) {
    let row = |event: Event| {
        let channels: Vec<String> = event.channels.iter().map(ToString::to_string).collect();
        let name = event.kind.as_str();
        Row::new(
            tx,
            Some(event.org),
            "event",
            name,
            json!(channels),
            event.payload,
        )
    };
    let rows: Vec<Row> = events.into_iter().map(row).collect();
    tx.later(diesel::insert_into(outbox::table).values(rows));
}

/// An event that is of no organization, and so outlives the one that it tells of.
pub(super) fn insert_farewell(tx: &Tx, event: Event) {
    let channels: Vec<String> = event.channels.iter().map(ToString::to_string).collect();
    let name = event.kind.as_str();
    let row = Row::new(tx, None, "event", name, json!(channels), event.payload);
    tx.later(diesel::insert_into(outbox::table).values(vec![row]));
}

pub(super) fn insert_job(tx: &Tx, job: &Job) {
    let (name, body) = (job.queue.as_str(), job.body.clone());
    let row = Row::new(tx, Some(job.org), "job", name, json!([]), body);
    tx.later(diesel::insert_into(outbox::table).values(vec![row]));
}

pub(super) fn mark_changed(tx: &Tx, org: OrgId, kind: Indexed, owner: Uuid) {
    let now = tx.now();
    let new = (
        index_work::org_id.eq(org),
        index_work::kind.eq(kind.as_str()),
        index_work::owner_id.eq(owner),
        index_work::due_at.eq(now),
        index_work::created_at.eq(now),
    );
    tx.later(
        diesel::insert_into(index_work::table)
            .values(new)
            .on_conflict((index_work::org_id, index_work::kind, index_work::owner_id))
            .do_update()
            .set((
                index_work::mark.eq(index_work::mark + 1),
                index_work::attempts.eq(0),
                index_work::due_at.eq(now),
            )),
    );
}

#[derive(diesel::Insertable)]
#[diesel(table_name = outbox)]
struct Row {
    id: OutboxId,
    org_id: Option<OrgId>,
    topic: &'static str,
    name: &'static str,
    channels: Value,
    payload: Value,
    created_at: Timestamp,
}

impl Row {
    fn new(
        tx: &Tx,
        org_id: Option<OrgId>,
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

/// Numbers the events among `all` on their channels and marks `all` as taken; what somebody
/// else took meanwhile is left alone.
pub(super) async fn number(tx: &Tx, all: &[Uuid], events: &[Uuid]) -> Result<Vec<Numbered>> {
    let mut rows: Vec<Numbered> = diesel::sql_query(include_str!("number.sql"))
        .bind::<Array<SqlUuid>, _>(all)
        .bind::<Array<SqlUuid>, _>(events)
        .bind::<Timestamptz, _>(tx.now())
        .cached()
        .load(&mut tx.pipe())
        .await?;
    rows.sort_unstable_by_key(|row| row.position);
    Ok(rows)
}

const KEPT: &str = "select l.position, l.channel, l.seq, l.event_id, o.name, o.payload, \
                    o.created_at from channel_log l left join outbox o on o.id = l.event_id";

/// What was numbered and may not have been handed to the bus, because a relay died.
pub(super) async fn untold(tx: &Tx, limit: i64) -> Result<Vec<Kept>> {
    let sql = format!(
        "{KEPT} where l.position > (select told from relay_mark) order by l.position limit $1"
    );
    Ok(diesel::sql_query(sql)
        .bind::<BigInt, _>(limit)
        .cached()
        .load(&mut tx.pipe())
        .await?)
}

/// Everything up to `position` was handed to the bus.
pub(super) fn mark_told(tx: &Tx, position: i64) {
    tx.later(diesel::update(relay_mark::table).set(relay_mark::told.eq(position)));
}

/// The last number of a channel; 0 before its first.
pub(super) async fn head(tx: &Tx, channel: &str) -> Result<i64> {
    let last: Option<i64> = channel_heads::table
        .filter(channel_heads::channel.eq(channel.to_owned()))
        .select(channel_heads::last)
        .get_result(&mut tx.pipe())
        .await
        .optional()?;
    Ok(last.unwrap_or(0))
}

/// A channel's numbers after `after`, in order.
pub(super) async fn since(tx: &Tx, channel: &str, after: i64, limit: i64) -> Result<Vec<Kept>> {
    let sql = format!("{KEPT} where l.channel = $1 and l.seq > $2 order by l.seq limit $3");
    Ok(diesel::sql_query(sql)
        .bind::<Text, _>(channel)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(limit)
        .load(&mut tx.pipe())
        .await?)
}

/// The last position of the log; 0 when it is empty.
pub(super) async fn end(tx: &Tx) -> Result<i64> {
    let last: Option<i64> = channel_log::table
        .select(max(channel_log::position))
        .get_result(&mut tx.pipe())
        .await?;
    Ok(last.unwrap_or(0))
}

/// The log after `position`.
pub(super) async fn sightings(tx: &Tx, position: i64, limit: i64) -> Result<Vec<Numbered>> {
    Ok(channel_log::table
        .filter(channel_log::position.gt(position))
        .order(channel_log::position)
        .limit(limit)
        .select((
            channel_log::position,
            channel_log::channel,
            channel_log::seq,
            channel_log::event_id,
        ))
        .load(&mut tx.pipe())
        .await?)
}

/// Forgets the oldest `limit` numbers, as far as they were given before `before`; answers
/// how many.
pub(super) async fn sweep_log(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<usize> {
    // By the index on positions: there is none on times.
    let sql = "delete from channel_log where told_at < $1 and position < \
               (select min(position) from channel_log) + $2";
    Ok(diesel::sql_query(sql)
        .bind::<Timestamptz, _>(before)
        .bind::<BigInt, _>(limit)
        .execute(tx.conn())
        .await?)
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

/// Rows of one topic that nobody published yet.
#[derive(Debug, QueryableByName)]
pub(super) struct Waiting {
    #[diesel(sql_type = Text)]
    pub topic: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Timestamptz)]
    pub oldest: Timestamp,
}

/// How many of the oldest `limit` rows that nobody published are of each topic.
pub(super) async fn waiting(tx: &Tx, limit: i64) -> Result<Vec<Waiting>> {
    let sql = "select topic, count(*) as count, min(created_at) as oldest \
               from (select topic, created_at from outbox where published_at is null \
                     order by position limit $1) waiting group by topic";
    Ok(diesel::sql_query(sql)
        .bind::<BigInt, _>(limit)
        .cached()
        .load(&mut tx.pipe())
        .await?)
}
