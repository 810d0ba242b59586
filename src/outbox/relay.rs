//! The relay: takes committed outbox rows to the bus and the queue.
//!
//! Every process may run one; a lock in the database lets one work at a time. A round
//! numbers the events of each channel in a transaction of its own, and tells of them only
//! once that has committed: a number that was heard stands for this event for ever, and is
//! in the log ([`super::log`]) for whoever missed it. What was told is marked last, so a crash
//! between the two tells again, under the same numbers: listeners and workers bear that, and
//! would not bear the opposite.
//!
//! A batch's jobs go first and together: one at a time, much work of one organization would
//! hold up the next one's. A queue that does not answer holds everything up, because no job
//! may be lost. A bus
//! that does not answer holds nothing up: an event is marked all the same, since it is
//! news of what the database has, and the bus itself tells listeners that they may have
//! missed something, upon which they read.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use uuid::Uuid;

use super::{
    log,
    metrics::OutboxFigures,
    store::{self, Kept, Numbered, Pending},
};
use crate::{
    idempotency,
    kernel::{
        Code, Error, Id, Result, Scope,
        event::{Channel, EventKind, QueueName},
        text::TextEnum,
    },
    platform::{
        bus::{Bus, Message, Told},
        db::{Db, Topic, Tx},
        queue::{Posting, Queue},
    },
};

/// Rows a transaction.
const BATCH: i64 = 200;
/// How often to look without being woken, for rows that another process wrote.
const SLOW_SCAN: Duration = Duration::from_secs(2);
/// How long to wait for another relay to end its round, at first and at most: what was
/// committed here after it looked is this one's to take.
const TURN: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(20));
/// How many rounds pass between two sweeps of old rows.
const SWEEP_EVERY: u32 = 1000;
/// Numbers that one statement of a sweep forgets at most.
const SWEPT: i64 = 10_000;

/// Takes rows out until `stop`.
#[derive(Debug)]
pub struct Relay {
    /// Where the rows are.
    pub db: Db,
    /// Where events go.
    pub bus: Arc<dyn Bus>,
    /// Where jobs go.
    pub queue: Arc<dyn Queue>,
    /// How long published rows are kept for those who ask what they missed.
    pub keep: TimeDelta,
    /// The time between two rounds that both find something, for the second to find more:
    /// news come at once when they are few, and this much later when they are many.
    pub pace: Duration,
}

/// What a relay finds at the beginning of a round.
struct Found {
    /// Numbered by one that died before it had told of all of them.
    untold: Vec<Kept>,
    /// The oldest rows that nobody took.
    pending: Vec<Pending>,
}

impl Relay {
    /// Works until `stop`; failures are logged and tried again.
    pub async fn run(self, stop: CancellationToken) {
        let mut round: u32 = 0;
        let mut pause = TURN.0;
        loop {
            let turn = self.turn().await;
            if let Ok(None) = turn {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(TURN.1);
                continue;
            }
            pause = TURN.0;
            match turn {
                Ok(Some(taken)) if taken >= usize::try_from(BATCH).unwrap_or(0) => continue,
                Ok(Some(0) | None) => {}
                // More is on its way while much is written, and costs no more together.
                Ok(Some(_)) => tokio::time::sleep(self.pace).await,
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
        Ok(self.turn().await?.unwrap_or(0))
    }

    /// One round, or nothing when another relay is at work.
    async fn turn(&self) -> Result<Option<usize>> {
        // Holds the lock to the end of the round, and what was told is marked in it.
        let (lock, found) = self.db.begin(&Scope::System, take).await?;
        let Some(found) = found else {
            lock.rollback().await;
            return Ok(None);
        };
        match self.work(&found).await {
            Ok(last) => {
                if let Some(position) = last {
                    store::mark_told(&lock, position);
                }
                lock.commit().await?;
                let taken = found.pending.len();
                let jobs = found
                    .pending
                    .iter()
                    .filter(|row| row.topic == "job")
                    .count();
                let figures = self.db.metrics().of::<OutboxFigures>();
                figures.relayed(taken - jobs, jobs);
                Ok(Some(found.untold.len() + taken))
            }
            Err(error) => {
                lock.rollback().await;
                Err(error)
            }
        }
    }

    /// Sends what was found; answers up to where everything was told. Fails only with what
    /// is worth another try.
    async fn work(&self, found: &Found) -> Result<Option<i64>> {
        let (jobs, events): (Vec<_>, Vec<_>) =
            found.pending.iter().partition(|row| row.topic == "job");
        let jobs = jobs.into_iter().filter_map(|row| dropped(posting(row)));
        self.send(&jobs.collect::<Vec<_>>()).await?;
        let events: HashMap<Uuid, Message> = events
            .into_iter()
            .filter_map(|row| Some((row.id.uuid(), dropped(event(row))?)))
            .collect();
        let numbered = self.number(&found.pending, &events).await?;
        let old = found.untold.iter();
        let again = old.filter_map(|row| Some((row.channel.parse().ok()?, log::message(row)?)));
        let new = numbered.iter().filter_map(|row| news(row, &events));
        let messages: Vec<(Channel, Message)> = again.chain(new).collect();
        if !messages.is_empty()
            && let Err(error) = self.bus.publish_all(messages).await
        {
            // News may be lost, jobs may not, and they come from the same rows in
            // the same order. The bus tells its listeners that they missed some.
            tracing::debug!(error = %error.chain(), "news were not passed on");
        }
        let last = numbered.last().map(|row| row.position);
        Ok(last.or(found.untold.last().map(|row| row.position)))
    }

    /// Gives the events their numbers and marks all rows as taken, in one transaction.
    async fn number(
        &self,
        all: &[Pending],
        events: &HashMap<Uuid, Message>,
    ) -> Result<Vec<Numbered>> {
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let all: Vec<Uuid> = all.iter().map(|row| row.id.uuid()).collect();
        let events: Vec<Uuid> = events.keys().copied().collect();
        let number = async move |tx: &mut Tx| store::number(tx, &all, &events).await;
        self.db.tx(Scope::System, number).await
    }

    async fn sweep(&self) -> Result<()> {
        let before = self.db.now() - self.keep;
        let forget = async move |tx: &mut Tx| store::sweep_log(tx, before, SWEPT).await;
        while self.db.tx(Scope::System, forget).await? > 0 {}
        self.db
            .tx(Scope::System, async move |tx| {
                store::sweep(tx, before).await?;
                // Nothing else in the program comes by so regularly.
                idempotency::sweep(tx, tx.now()).await
            })
            .await?;
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
}

/// What there is to do, if this transaction is the relay from here on; else nothing.
async fn take(tx: &Tx) -> Result<Option<Found>> {
    let asked = store::become_relay(tx);
    let (is_relay, untold, pending) = tokio::join!(
        biased;
        asked,
        store::untold(tx, BATCH),
        store::pending(tx, BATCH),
    );
    let found = Found {
        untold: untold?,
        pending: pending?,
    };
    Ok(is_relay?.then_some(found))
}

/// The event of a row, before it has a number. One that nobody can read gets none.
fn event(row: &Pending) -> Result<Message> {
    let texts = row.channels.as_array().ok_or_else(|| unknown(row))?;
    let is_channel = |text: &serde_json::Value| {
        let text = text.as_str();
        text.is_some_and(|text| text.parse::<Channel>().is_ok())
    };
    if row.topic != "event" || !texts.iter().all(is_channel) {
        return Err(unknown(row));
    }
    Ok(Message {
        kind: EventKind::parse(&row.name).ok_or_else(|| unknown(row))?,
        payload: Arc::new(row.payload.clone()),
        told: Some(Told {
            seq: 0,
            id: row.id,
            at: row.created_at,
        }),
    })
}

/// What one channel is told of an event, under its number.
fn news(row: &Numbered, events: &HashMap<Uuid, Message>) -> Option<(Channel, Message)> {
    let event = events.get(&row.event_id)?;
    let told = event.told.map(|told| Told {
        seq: row.seq,
        ..told
    });
    let message = Message {
        told,
        ..event.clone()
    };
    Some((row.channel.parse().ok()?, message))
}

fn posting(row: &Pending) -> Result<Posting> {
    Ok(Posting {
        queue: QueueName::parse(&row.name).ok_or_else(|| unknown(row))?,
        // The job's id is the row's, so that sending twice queues once.
        id: Id::from_uuid(row.id.uuid()),
        org: row.org_id.ok_or_else(|| unknown(row))?,
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
