//! The embedded queue: a table, claimed with `for update skip locked`.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::{Delivery, Queue};
use crate::{
    kernel::{Error, JobId, OrgId, Result, Scope, event::QueueName},
    platform::db::{Db, Topic, Tx, schema::jobs, types::sql_text},
};

sql_text!(QueueName);

/// The queue in the database.
#[derive(Debug, Clone)]
pub struct DbQueue {
    db: Db,
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = jobs)]
struct Row {
    id: JobId,
    org_id: OrgId,
    body: Value,
    attempts: i32,
}

impl DbQueue {
    /// A queue in `db`.
    pub fn new(db: Db) -> Self {
        DbQueue { db }
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
        .order(jobs::attempts.desc())
        .limit(limit)
        .select(jobs::id)
        .load(tx.conn())
        .await?)
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
    async fn send(&self, queue: QueueName, id: JobId, org: OrgId, body: Value) -> Result<()> {
        self.db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                diesel::insert_into(jobs::table)
                    .values((
                        jobs::id.eq(id),
                        jobs::org_id.eq(org),
                        jobs::queue.eq(queue),
                        jobs::body.eq(body),
                        jobs::run_at.eq(now),
                        jobs::created_at.eq(now),
                    ))
                    .on_conflict_do_nothing()
                    .execute(tx.conn())
                    .await?;
                tx.wake_after_commit(topic(queue));
                Ok(())
            })
            .await
    }

    async fn receive(&self, queue: QueueName, hide: Duration) -> Result<Option<Delivery>> {
        let hide = delta(hide)?;
        self.db
            .tx(Scope::System, async move |tx| {
                let now = tx.now();
                // Taking moves run_at on, so a message whose taker died is due again then.
                let due = jobs::table
                    .select(jobs::id)
                    .filter(jobs::queue.eq(queue))
                    .filter(jobs::run_at.le(now))
                    .order((jobs::run_at, jobs::id))
                    .limit(1)
                    .for_update()
                    .skip_locked()
                    .first::<JobId>(tx.conn())
                    .await
                    .optional()?;
                let Some(id) = due else { return Ok(None) };
                let row: Row = diesel::update(jobs::table.find(id))
                    .set((
                        jobs::attempts.eq(jobs::attempts + 1),
                        jobs::run_at.eq(now + hide),
                    ))
                    .returning(Row::as_returning())
                    .get_result(tx.conn())
                    .await?;
                Ok(Some(Delivery {
                    id: row.id,
                    org: row.org_id,
                    body: row.body,
                    attempts: row.attempts,
                }))
            })
            .await
    }

    async fn wait(&self, queue: QueueName, at_most: Duration) {
        let woken = self.db.signal().wait(topic(queue));
        // The time-out is the slow scan that finds what another process queued.
        let _ = tokio::time::timeout(at_most, woken).await;
    }

    async fn delete(&self, id: JobId) -> Result<()> {
        self.db
            .tx(Scope::System, async move |tx| {
                diesel::delete(jobs::table.find(id))
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
            .await
    }

    async fn release(&self, id: JobId, delay: Duration) -> Result<()> {
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

    async fn ping(&self) -> Result<()> {
        self.db.ping().await
    }
}
