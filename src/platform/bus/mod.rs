//! Publish and subscribe between the parts of the program that serve people.
//!
//! A message on the bus may be lost: it is news, not the record. Whoever must not
//! miss anything reads the record from the database and uses the bus to know when.
//! The relay publishes; the one exception are a model's deltas, which are stored
//! nowhere and go straight here.

mod local;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::kernel::{
    Result,
    event::{Channel, EventKind},
};

pub use local::LocalBus;

/// One piece of news on a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What happened.
    pub kind: EventKind,
    /// The event's payload, shared by all who listen.
    pub payload: Arc<Value>,
}

/// What a subscriber holds; dropping it unsubscribes.
pub type Subscription = broadcast::Receiver<Message>;

/// The port.
#[async_trait]
pub trait Bus: Send + Sync + std::fmt::Debug {
    /// Tells everyone who listens to `channel` at this moment.
    async fn publish(&self, channel: Channel, message: Message) -> Result<()>;

    /// Listens from now on. A slow listener loses the oldest messages and is told so
    /// by [`broadcast::error::RecvError::Lagged`].
    async fn subscribe(&self, channel: Channel) -> Result<Subscription>;

    /// Fails when the bus does not answer.
    async fn ping(&self) -> Result<()>;
}
