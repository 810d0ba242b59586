//! The embedded queue: a table, claimed with `for update skip locked`.
//!
//! Organizations take turns: each process goes round those with messages that are due, and
//! takes the oldest of one. So a message waits for at most one of each other organization,
//! however many those have, and taking costs as much beside ten thousand as beside one.
//! A message that was put aside stays in the table, and no look for work sees it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{Delivery, Depth, Posting, Queue};
use crate::{
    kernel::{Error, JobId, OrgId, Result, Scope, Timestamp, event::QueueName, text::TextEnum},
    platform::{
        db::{Cacheable, Db, Topic, Tx, schema::jobs, types::sql_text},
        metrics::MOST_COUNTED,
    },
};

sql_text!(QueueName);

/// The queue in the database.
#[derive(Debug, Clone)]
pub struct DbQueue {
    db: Db,
    /// Whom this process served last, for each queue. Each process goes its own round: a
    /// common one would be a row that all of them wait for.
    served: Arc<Mutex<HashMap<QueueName, OrgId>>>,
}

const TAKE: &str = include_str!("take.sql");

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: JobId,
    #[diesel(sql_type = SqlUuid)]
    org_id: OrgId,
    #[diesel(sql_type = Jsonb)]
    body: Value,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

impl DbQueue {
    /// A queue in `db`.
    pub fn new(db: Db) -> Self {
        DbQueue {
            db,
            served: Arc::default(),
        }
    }

    fn served_last(&self, queue: QueueName) -> OrgId {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let nobody = OrgId::from_uuid(Uuid::nil());
        served.get(&queue).copied().unwrap_or(nobody)
    }

    fn serve(&self, queue: QueueName, org: OrgId) {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.insert(queue, org);
    }

    /// Makes every message due at once, also those that somebody took. For a process
    /// that knows it is alone on its database: whoever took them is dead, and the time
    /// for which they are hidden would be waited for in vain. Answers how many.
    pub async fn release_all(&self) -> Result<usize> {
        self.db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                let hidden = jobs::table.filter(jobs::run_at.gt(now));
                Ok(diesel::update(hidden)
                    .set(jobs::run_at.eq(now))
                    .execute(tx.conn())
                    .await?)
            })
            .await
    }
}

/// Messages that were handed out more than `attempts` times, most often first.
pub(super) async fn returning(tx: &mut Tx, attempts: i32, limit: i64) -> Result<Vec<JobId>> {
    Ok(jobs::table
        .filter(jobs::attempts.gt(attempts))
        .filter(jobs::dead_at.is_null())
        .order(jobs::attempts.desc())
        .limit(limit)
        .select(jobs::id)
        .load(tx.conn())
        .await?)
}

#[derive(QueryableByName)]
struct Line {
    /// Perhaps one that only a newer version knows.
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    hidden: i64,
    #[diesel(sql_type = BigInt)]
    dead: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<Timestamp>,
}

/// What the queues hold. Of more rows than anybody counts the first ones that are found.
async fn depths(tx: &Tx) -> Result<Vec<Depth>> {
    let now = tx.now();
    let lines: Vec<Line> = diesel::sql_query(include_str!("depths.sql"))
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(MOST_COUNTED)
        .cached()
        .load(&mut tx.pipe())
        .await?;
    let depth = |queue: &QueueName| {
        let line = lines.iter().find(|line| line.queue == queue.as_str());
        let oldest = line.and_then(|line| line.oldest);
        Depth {
            queue: *queue,
            waiting: line.map_or(0, |line| line.waiting),
            hidden: line.map_or(0, |line| line.hidden),
            dead: Some(line.map_or(0, |line| line.dead)),
            oldest: Some(oldest.map_or(TimeDelta::zero(), |oldest| now - oldest)),
        }
    };
    Ok(QueueName::ALL.iter().map(depth).collect())
}

fn topic(queue: QueueName) -> Topic {
    match queue {
        QueueName::Agent => Topic::AgentJobs,
        QueueName::File => Topic::FileJobs,
    }
}

fn delta(duration: Duration) -> Result<TimeDelta> {
    TimeDelta::from_std(duration).map_err(Error::internal)
}

#[async_trait]
impl Queue for DbQueue {
    async fn send_all(&self, postings: &[Posting]) -> Result<()> {
        self.db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                let row = |posting: &Posting| {
                    (
                        jobs::id.eq(posting.id),
                        jobs::org_id.eq(posting.org),
                        jobs::queue.eq(posting.queue),
                        jobs::body.eq(posting.body.clone()),
                        jobs::run_at.eq(now),
                        jobs::created_at.eq(now),
                    )
                };
                diesel::insert_into(jobs::table)
                    .values(postings.iter().map(row).collect::<Vec<_>>())
                    .on_conflict_do_nothing()
                    .execute(tx.conn())
                    .await?;
                for posting in postings {
                    tx.wake_after_commit(topic(posting.queue));
                }
                Ok(())
            })
            .await
    }

    async fn receive(&self, queue: QueueName, hide: Duration) -> Result<Option<Delivery>> {
        let hide = delta(hide)?;
        let last = self.served_last(queue);
        let row = self
            .db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                // Taking moves run_at on, so a message whose taker died is due again then.
                let row: Option<Row> = diesel::sql_query(TAKE)
                    .bind::<Text, _>(queue)
                    .bind::<SqlUuid, _>(last)
                    .bind::<Timestamptz, _>(now)
                    .bind::<Timestamptz, _>(now + hide)
                    .cached()
                    .get_result(tx.conn())
                    .await
                    .optional()?;
                Ok(row)
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        self.serve(queue, row.org_id);
        Ok(Some(Delivery {
            queue,
            id: row.id,
            org: row.org_id,
            body: row.body,
            attempts: row.attempts,
            receipt: None,
        }))
    }

    async fn wait(&self, queue: QueueName, at_most: Duration) {
        let woken = self.db.signal().wait(topic(queue));
        // The time-out is the slow scan that finds what another process queued.
        let _ = tokio::time::timeout(at_most, woken).await;
    }

    async fn delete(&self, delivery: &Delivery) -> Result<()> {
        let id = delivery.id;
        self.db
            .tx(Scope::System, async move |tx| {
                diesel::delete(jobs::table.find(id))
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
            .await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<()> {
        let id = delivery.id;
        let delay = delta(delay)?;
        self.db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                diesel::update(jobs::table.find(id))
                    .set(jobs::run_at.eq(now + delay))
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
            .await
    }

    async fn bury(&self, delivery: &Delivery) -> Result<()> {
        let id = delivery.id;
        self.db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                diesel::update(jobs::table.find(id))
                    .set(jobs::dead_at.eq(now))
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
            .await
    }

    async fn dead(&self, queue: QueueName, limit: usize) -> Result<Vec<Delivery>> {
        let limit = i64::try_from(limit).map_err(Error::internal)?;
        let rows: Vec<(JobId, OrgId, Value, i32)> = self
            .db
            .tx(Scope::System, async move |tx| {
                Ok(jobs::table
                    .filter(jobs::queue.eq(queue))
                    .filter(jobs::dead_at.is_not_null())
                    .order(jobs::dead_at)
                    .limit(limit)
                    .select((jobs::id, jobs::org_id, jobs::body, jobs::attempts))
                    .load(tx.conn())
                    .await?)
            })
            .await?;
        let delivery = |(id, org, body, attempts)| Delivery {
            queue,
            id,
            org,
            body,
            attempts,
            receipt: None,
        };
        Ok(rows.into_iter().map(delivery).collect())
    }

    async fn revive(&self, dead: &Delivery) -> Result<()> {
        let (id, queue) = (dead.id, dead.queue);
        self.db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                diesel::update(jobs::table.find(id))
                    .set((
                        jobs::dead_at.eq(None::<Timestamp>),
                        jobs::attempts.eq(0),
                        jobs::run_at.eq(now),
                    ))
                    .execute(tx.conn())
                    .await?;
                tx.wake_after_commit(topic(queue));
                Ok(())
            })
            .await
    }

    async fn depths(&self) -> Result<Vec<Depth>> {
        self.db.read(Scope::System, depths).await
    }

    async fn ping(&self) -> Result<()> {
        self.db.ping().await
    }
}
