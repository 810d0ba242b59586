//! The relay: takes committed outbox rows to the bus and the queue.
//!
//! Every process may run one; a lock in the database lets one work at a time. It
//! publishes before it marks, so a crash between the two publishes again: listeners
//! and workers bear that, and would not bear the opposite.
//!
//! A batch's jobs go first and together: one at a time, much work of one organization would
//! hold up the next one's. A queue that does not answer holds everything up, because no job
//! may be lost. A bus
//! that does not answer holds nothing up: an event is marked all the same, since it is
//! news of what the database has, and the bus itself tells listeners that they may have
//! missed something, upon which they read.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::store::{self, Pending};
use crate::{
    idempotency,
    kernel::{
        Code, Error, Id, Result, Scope,
        event::{Channel, EventKind, QueueName},
        text::TextEnum,
    },
    platform::{
        bus::{Bus, Message},
        db::{Db, Topic, Tx},
        queue::{Posting, Queue},
    },
};

/// Rows a transaction.
const BATCH: i64 = 200;
/// The time between two rounds that both find something, for the second to find more: news
/// come at once when they are few, and this much later when they are many.
const PACE: Duration = Duration::from_millis(10);
/// How often to look without being woken, for rows that another process wrote.
const SLOW_SCAN: Duration = Duration::from_secs(2);
/// How long published rows are kept for those who ask what they missed.
const KEEP: TimeDelta = TimeDelta::hours(24);
/// How many rounds pass between two sweeps of old rows.
const SWEEP_EVERY: u32 = 1000;

/// Takes rows out until `stop`.
#[derive(Debug)]
pub struct Relay {
    /// Where the rows are.
    pub db: Db,
    /// Where events go.
    pub bus: Arc<dyn Bus>,
    /// Where jobs go.
    pub queue: Arc<dyn Queue>,
}

impl Relay {
    /// Works until `stop`; failures are logged and tried again.
    pub async fn run(self, stop: CancellationToken) {
        let mut round: u32 = 0;
        loop {
            match self.round().await {
                Ok(published) if published == usize::try_from(BATCH).unwrap_or(0) => continue,
                Ok(0) => {}
                // More is on its way while much is written, and costs no more together.
                Ok(_) => tokio::time::sleep(PACE).await,
                Err(error) => tracing::warn!(error = %error.chain(), "the relay will try again"),
            }
            if round.is_multiple_of(SWEEP_EVERY)
                && let Err(error) = self.sweep().await
            {
                tracing::warn!(error = %error.chain(), "old outbox rows were not swept");
            }
            round = round.wrapping_add(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.db.signal().wait(Topic::Outbox) => {}
                () = tokio::time::sleep(SLOW_SCAN) => {}
            }
        }
    }

    /// Publishes one batch and answers how many rows it had; 0 also when another
    /// relay is at work.
    pub async fn round(&self) -> Result<usize> {
        let (tx, rows) = self.db.begin(&Scope::System, take).await?;
        if let Err(error) = self.publish_all(&rows).await {
            tx.rollback().await;
            return Err(error);
        }
        if !rows.is_empty() {
            store::mark_published(&tx, rows.iter().map(|row| row.id).collect());
        }
        tx.commit().await?;
        Ok(rows.len())
    }

    async fn sweep(&self) -> Result<()> {
        let before = self.db.now() - KEEP;
        self.db
            .tx(Scope::System, async move |tx| {
                store::sweep(tx, before).await?;
                // Nothing else in the program comes by so regularly.
                idempotency::sweep(tx, tx.now()).await
            })
            .await?;
        Ok(())
    }

    /// Fails only with what is worth another try.
    async fn publish_all(&self, rows: &[Pending]) -> Result<()> {
        let (jobs, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.topic == "job");
        let jobs = jobs.into_iter().filter_map(|row| dropped(posting(row)));
        self.send(&jobs.collect::<Vec<_>>()).await?;
        for row in others {
            let published = match row.topic.as_str() {
                "event" => self.publish_event(row).await,
                _ => Err(unknown(row)),
            };
            unless_retryable(published)?;
        }
        Ok(())
    }

    async fn send(&self, jobs: &[Posting]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        match self.queue.send_all(jobs).await {
            // One of them can't be sent at all; the others must not go with it.
            Err(error) if !error.retryable() => {
                for job in jobs {
                    unless_retryable(self.queue.send_all(std::slice::from_ref(job)).await)?;
                }
                Ok(())
            }
            sent => sent,
        }
    }

    async fn publish_event(&self, row: &Pending) -> Result<()> {
        let kind = EventKind::parse(&row.name).ok_or_else(|| unknown(row))?;
        let payload = Arc::new(row.payload.clone());
        for channel in row.channels.as_array().into_iter().flatten() {
            let channel: Channel = channel
                .as_str()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| unknown(row))?;
            let message = Message {
                kind,
                payload: Arc::clone(&payload),
            };
            if let Err(error) = self.bus.publish(channel, message).await {
                // News may be lost, jobs may not, and they come from the same rows in
                // the same order. The bus tells its listeners that they missed some.
                tracing::debug!(%channel, error = %error.chain(), "news were not passed on");
            }
        }
        Ok(())
    }
}

/// The oldest rows that wait, if this transaction is the relay from here on; else none.
async fn take(tx: &Tx) -> Result<Vec<Pending>> {
    let asked = store::become_relay(tx);
    let (is_relay, rows) = tokio::join!(biased; asked, store::pending(tx, BATCH));
    let rows = rows?;
    Ok(if is_relay? { rows } else { Vec::new() })
}

fn posting(row: &Pending) -> Result<Posting> {
    Ok(Posting {
        queue: QueueName::parse(&row.name).ok_or_else(|| unknown(row))?,
        // The job's id is the row's, so that sending twice queues once.
        id: Id::from_uuid(row.id.uuid()),
        org: row.org_id,
        body: row.payload.clone(),
    })
}

/// A row that nobody can read would stop all that come after it: it is logged and passed
/// over. What another try may mend stays an error.
fn unless_retryable(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.retryable() => Err(error),
        result => {
            dropped(result);
            Ok(())
        }
    }
}

fn dropped<T>(result: Result<T>) -> Option<T> {
    result
        .inspect_err(|error| tracing::error!(error = %error.chain(), "outbox row dropped"))
        .ok()
}

fn unknown(row: &Pending) -> Error {
    Error::new(
        Code::Internal,
        format!(
            "outbox row {} ({}/{}) can't be read",
            row.id, row.topic, row.name
        ),
    )
}
