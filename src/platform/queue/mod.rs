//! Waking workers: a queue of small messages, each delivered at least once.
//!
//! A message is only a wake-up. Who may do the work, and whether it was done
//! already, is decided by a lease in the row that the message names; so delivering
//! twice is harmless, and a message that is lost is made again by the sweep.

pub mod metrics;
mod sqs;
mod store;

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::Value;

use crate::{
    kernel::{Finding, JobId, OrgId, Result, Scope, event::QueueName},
    platform::db::{Db, Tx},
};

pub use sqs::SqsQueue;
pub use store::DbQueue;

/// A message taken from a queue and hidden from others for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Where it was taken from.
    pub queue: QueueName,
    /// The message's id.
    pub id: JobId,
    /// Whose work it names.
    pub org: OrgId,
    /// The body.
    pub body: Value,
    /// How often it was delivered, this time included.
    pub attempts: i32,
    /// What a queue knows this delivery of the message by, where that is not its id.
    pub receipt: Option<String>,
}

/// A message to put in.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting {
    /// Where to.
    pub queue: QueueName,
    /// The message's id.
    pub id: JobId,
    /// Whose work it names.
    pub org: OrgId,
    /// The body.
    pub body: Value,
}

/// How much a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Which.
    pub queue: QueueName,
    /// Messages that anybody may take now.
    pub waiting: i64,
    /// Those that are hidden: somebody is at them, or they are to be tried again later.
    pub hidden: i64,
    /// Those that were put aside, where that can be told.
    pub dead: Option<i64>,
    /// How old the oldest one is that waits, where that can be told; zero when none does.
    pub oldest: Option<TimeDelta>,
}

/// The port.
#[async_trait]
pub trait Queue: Send + Sync + std::fmt::Debug {
    /// Puts messages in. The same id twice is one message, where the queue can tell; so what
    /// failed, perhaps with some of them in already, is sent again as a whole.
    async fn send_all(&self, postings: &[Posting]) -> Result<()>;

    /// Puts one message in.
    async fn send(&self, queue: QueueName, id: JobId, org: OrgId, body: Value) -> Result<()> {
        let posting = Posting {
            queue,
            id,
            org,
            body,
        };
        self.send_all(&[posting]).await
    }

    /// Takes a message that is due, hiding it for `hide`; `None` when there is none. It is
    /// the oldest of its organization, and organizations take turns.
    async fn receive(&self, queue: QueueName, hide: Duration) -> Result<Option<Delivery>>;

    /// Waits until there may be a message, but no longer than `at_most`.
    async fn wait(&self, queue: QueueName, at_most: Duration);

    /// The message was handled, or its work needs no message any more.
    async fn delete(&self, delivery: &Delivery) -> Result<()>;

    /// Has a message delivered again after `delay`. That gives it back, and said again and
    /// again by one who is at it, keeps it hidden from others.
    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<()>;

    /// Puts a message aside that nobody can handle, for somebody to look at: nobody is woken by
    /// it until it is [`Queue::revive`]d.
    async fn bury(&self, delivery: &Delivery) -> Result<()>;

    /// Messages that were put aside, at most `limit` of them.
    async fn dead(&self, queue: QueueName, limit: usize) -> Result<Vec<Delivery>>;

    /// Delivers a message again that was put aside, as if it had just been sent.
    async fn revive(&self, dead: &Delivery) -> Result<()>;

    /// How much each queue holds, about.
    async fn depths(&self) -> Result<Vec<Depth>>;

    /// Fails when the queue does not answer.
    async fn ping(&self) -> Result<()>;
}

/// How often a message of the file queue is handed out and comes back because of a failure until
/// it is put aside: with the waits between them, most of a day of tries.
pub const LAST_DELIVERY: i32 = 100;

/// How often a message may be handed out before somebody should look.
const OFTEN: i32 = 10;

/// Looks for messages that were put aside.
pub async fn doctor_of_dead(queue: &dyn Queue) -> Result<Option<Finding>> {
    let mut dead = Vec::new();
    for name in [QueueName::Agent, QueueName::File] {
        dead.extend(queue.dead(name, NAMED).await?);
    }
    Ok(Finding::of_some(
        "dead_letter",
        "Messages were put aside because nobody could handle them.",
        dead.into_iter().map(|message| message.id).collect(),
        "`glassbox dead-letters` shows them; once what was wrong is mended, `glassbox dead-letters \
         --retry` delivers them again.",
    ))
}

/// Messages that a finding names at most.
const NAMED: usize = 20;

/// Looks for messages of the embedded queue that come back again and again.
pub async fn doctor(db: &Db) -> Result<Option<Finding>> {
    const NAMED: i64 = 20;
    let returning = async |tx: &mut Tx| store::returning(tx, OFTEN, NAMED).await;
    Ok(Finding::of_some(
        "job_returns",
        format!("Jobs were handed to workers more than {OFTEN} times and are not done."),
        db.tx(Scope::System, returning).await?,
        "Read the workers' logs for these ids: each try ended in a failure of ours, or took the \
         worker down.",
    ))
}
