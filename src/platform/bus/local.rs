//! The bus within one process.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Bus, Message, Subscription, hub::Hub};
use crate::kernel::{Result, event::Channel};

/// The hub, and nothing behind it.
#[derive(Debug, Default)]
pub struct LocalBus(Arc<Hub>);

impl LocalBus {
    /// A bus nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, channel: Channel, message: Message) -> Result<()> {
        self.0.tell(channel, message);
        Ok(())
    }

    async fn subscribe(&self, channel: Channel) -> Result<Subscription> {
        Ok(self.0.join(channel))
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}
