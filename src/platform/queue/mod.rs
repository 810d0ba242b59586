//! Waking workers: a queue of small messages, each delivered at least once.
//!
//! A message is only a wake-up. Who may do the work, and whether it was done
//! already, is decided by a lease in the row that the message names; so delivering
//! twice is harmless, and a message that is lost is made again by the sweep.

mod sqs;
mod store;

use std::time::Duration;

use async_trait::async_trait;
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

    /// Fails when the queue does not answer.
    async fn ping(&self) -> Result<()>;
}

/// How often a message may be handed out before somebody should look.
const OFTEN: i32 = 10;

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
