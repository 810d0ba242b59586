//! The bus within one process.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{Bus, Message, Subscription};
use crate::kernel::{Result, event::Channel};

/// Messages kept for a listener that is behind.
const BACKLOG: usize = 256;

/// One broadcast channel for each channel that has a listener.
#[derive(Debug, Default)]
pub struct LocalBus {
    channels: Mutex<HashMap<Channel, broadcast::Sender<Message>>>,
}

impl LocalBus {
    /// A bus nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, channel: Channel, message: Message) -> Result<()> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = channels.get(&channel)
            && sender.send(message).is_err()
        {
            // The last listener is gone: forget the channel, or the map grows for ever.
            channels.remove(&channel);
        }
        Ok(())
    }

    async fn subscribe(&self, channel: Channel) -> Result<Subscription> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = channels
            .entry(channel)
            .or_insert_with(|| broadcast::channel(BACKLOG).0);
        Ok(sender.subscribe())
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{NodeId, event::EventKind};
    use serde_json::json;
    use std::sync::Arc;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_message_reaches_the_listeners_of_its_channel_only() {
        let bus = LocalBus::new();
        let a = Channel::Node(NodeId::from_uuid(Uuid::from_u128(1)));
        let b = Channel::Node(NodeId::from_uuid(Uuid::from_u128(2)));
        let mut on_a = bus.subscribe(a).await.unwrap();
        let mut on_b = bus.subscribe(b).await.unwrap();
        let message = Message {
            kind: EventKind::NodeUpdated,
            payload: Arc::new(json!({"x": 1})),
        };
        bus.publish(a, message.clone()).await.unwrap();
        assert_eq!(on_a.recv().await.unwrap(), message);
        assert!(on_b.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_channel_without_listeners_is_forgotten() {
        let bus = LocalBus::new();
        let a = Channel::Node(NodeId::from_uuid(Uuid::from_u128(1)));
        drop(bus.subscribe(a).await.unwrap());
        let message = Message {
            kind: EventKind::NodeUpdated,
            payload: Arc::new(json!({})),
        };
        bus.publish(a, message).await.unwrap();
        assert!(bus.channels.lock().unwrap().is_empty());
    }
}
