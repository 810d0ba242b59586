//! Publish and subscribe between the parts of the program that serve people.
//!
//! A message on the bus may be lost: it is news, not the record. Whoever must not
//! miss anything reads the record from the database and uses the bus to know when;
//! a [`Subscription`] that may have missed something says so, once, before it goes on.
//! The relay publishes; the one exception are a model's deltas, which are stored
//! nowhere and go straight here.
//!
//! [`LocalBus`] is for one process, [`RedisBus`] for several. Both hand messages out
//! through one [`hub`] for each process, so listeners see no difference.

mod hub;
mod local;
mod redis;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::{
    OutboxId, Result, Timestamp,
    event::{Channel, EventKind},
};

pub use self::{hub::Subscription, local::LocalBus, redis::RedisBus};

/// One piece of news on a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What happened.
    pub kind: EventKind,
    /// The event's payload, shared by all who listen.
    pub payload: Arc<Value>,
    /// Its place in what its channel says; none for what is stored nowhere.
    pub told: Option<Told>,
}

/// The place of an event in what its channel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The channel's number of it: 1, 2, 3… without gaps.
    pub seq: i64,
    /// The event, the same on each of its channels.
    pub id: OutboxId,
    /// When it happened.
    pub at: Timestamp,
}

/// The port.
#[async_trait]
pub trait Bus: Send + Sync + std::fmt::Debug {
    /// Tells everyone who listens to `channel` at this moment. Fails, and soon, when
    /// other processes could not be told; listeners of this process were told all the
    /// same, and the others hear that they missed something once that is possible.
    async fn publish(&self, channel: Channel, message: Message) -> Result<()>;

    /// Publishes several messages, in this order; tries all of them, and fails with the
    /// first failure.
    async fn publish_all(&self, messages: Vec<(Channel, Message)>) -> Result<()> {
        let mut all = Ok(());
        for (channel, message) in messages {
            all = all.and(self.publish(channel, message).await);
        }
        all
    }

    /// Listens from now on. A backend that does not answer is no failure: the
    /// subscription says that it missed something once it does.
    async fn subscribe(&self, channel: Channel) -> Result<Subscription>;

    /// Fails when the bus does not answer.
    async fn ping(&self) -> Result<()>;
}
