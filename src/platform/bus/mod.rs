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
use serde_json::Value;

use crate::kernel::{
    Result,
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
}

/// The port.
#[async_trait]
pub trait Bus: Send + Sync + std::fmt::Debug {
    /// Tells everyone who listens to `channel` at this moment. Fails, and soon, when
    /// other processes could not be told; listeners of this process were told all the
    /// same, and the others hear that they missed something once that is possible.
    async fn publish(&self, channel: Channel, message: Message) -> Result<()>;

    /// Listens from now on. A backend that does not answer is no failure: the
    /// subscription says that it missed something once it does.
    async fn subscribe(&self, channel: Channel) -> Result<Subscription>;

    /// Fails when the bus does not answer.
    async fn ping(&self) -> Result<()>;
}
