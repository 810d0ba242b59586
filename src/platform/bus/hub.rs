//! Who listens in this process: one broadcast channel for each bus channel that has
//! a listener, gone with the last of them.
//!
//! What a listener that is behind holds is bounded: beyond [`BACKLOG`] messages the
//! oldest are dropped and it is told so.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{
    broadcast::{
        self,
        error::{RecvError, TryRecvError},
    },
    mpsc,
};

use super::Message;
use crate::kernel::event::Channel;

/// Messages kept for a listener that is behind.
const BACKLOG: usize = 256;

/// What goes through a broadcast channel.
#[derive(Debug, Clone)]
enum News {
    Message(Message),
    /// Something may have been lost before this.
    Gap,
}

/// The listeners of one process.
#[derive(Debug, Default)]
pub(super) struct Hub {
    channels: Mutex<HashMap<Channel, broadcast::Sender<News>>>,
    /// Told of each channel whose last listener has left.
    left: Option<mpsc::UnboundedSender<Channel>>,
}

impl Hub {
    /// A hub that tells `left` which channels have no listener any more.
    pub(super) fn telling(left: mpsc::UnboundedSender<Channel>) -> Self {
        Hub {
            channels: Mutex::default(),
            left: Some(left),
        }
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is whole.
    fn channels(&self) -> MutexGuard<'_, HashMap<Channel, broadcast::Sender<News>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a listener.
    pub(super) fn join(self: &Arc<Self>, channel: Channel) -> Subscription {
        let receiver = self
            .channels()
            .entry(channel)
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe();
        Subscription {
            receiver,
            _seat: Seat {
                hub: Arc::clone(self),
                channel,
            },
        }
    }

    /// Whether anybody listens to `channel`.
    pub(super) fn has(&self, channel: Channel) -> bool {
        self.channels().contains_key(&channel)
    }

    /// The channels that have listeners.
    pub(super) fn all(&self) -> Vec<Channel> {
        self.channels().keys().copied().collect()
    }

    /// Hands `message` to those who listen to `channel`.
    pub(super) fn tell(&self, channel: Channel, message: Message) {
        if let Some(sender) = self.channels().get(&channel) {
            // Nobody may be there for a moment, while the last one leaves.
            let _ = sender.send(News::Message(message));
        }
    }

    /// Tells those who listen to `channel` that they may have missed something.
    pub(super) fn tell_gap(&self, channel: Channel) {
        if let Some(sender) = self.channels().get(&channel) {
            let _ = sender.send(News::Gap);
        }
    }

    /// Tells all listeners that they may have missed something.
    pub(super) fn tell_gap_to_all(&self) {
        for sender in self.channels().values() {
            let _ = sender.send(News::Gap);
        }
    }

    fn leave(&self, channel: Channel) {
        let mut channels = self.channels();
        let empty = channels
            .get(&channel)
            .is_some_and(|sender| sender.receiver_count() == 0);
        if empty {
            channels.remove(&channel);
            if let Some(left) = &self.left {
                // Whoever wanted to know may have ended before us.
                let _ = left.send(channel);
            }
        }
    }
}

/// What a listener holds; dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    // Dropped in this order: the hub counts receivers when the seat is given up.
    receiver: broadcast::Receiver<News>,
    _seat: Seat,
}

impl Subscription {
    /// The next message. [`RecvError::Lagged`] says that some may have been missed
    /// before the next one (its number is 0 when nobody knows how many): whoever must
    /// not miss any reads the database now.
    pub async fn recv(&mut self) -> Result<Message, RecvError> {
        match self.receiver.recv().await? {
            News::Message(message) => Ok(message),
            News::Gap => Err(RecvError::Lagged(0)),
        }
    }

    /// The next message if there is one already.
    pub fn try_recv(&mut self) -> Result<Message, TryRecvError> {
        match self.receiver.try_recv()? {
            News::Message(message) => Ok(message),
            News::Gap => Err(TryRecvError::Lagged(0)),
        }
    }
}

/// A listener's place, given up when it leaves.
#[derive(Debug)]
struct Seat {
    hub: Arc<Hub>,
    channel: Channel,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(self.channel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{NodeId, event::EventKind};
    use serde_json::json;
    use uuid::Uuid;

    fn node(n: u128) -> Channel {
        Channel::Node(NodeId::from_uuid(Uuid::from_u128(n)))
    }

    fn news() -> Message {
        Message {
            kind: EventKind::NodeUpdated,
            payload: Arc::new(json!({})),
            told: None,
        }
    }

    #[test]
    fn a_channel_is_forgotten_with_its_last_listener_and_that_is_told() {
        let (left, mut told) = mpsc::unbounded_channel();
        let hub = Arc::new(Hub::telling(left));
        let (first, second) = (hub.join(node(1)), hub.join(node(1)));
        drop(first);
        assert!(hub.has(node(1)));
        assert!(told.try_recv().is_err());
        drop(second);
        assert!(hub.all().is_empty());
        assert_eq!(told.try_recv().unwrap(), node(1));
    }

    #[tokio::test]
    async fn a_slow_listener_loses_the_oldest_and_is_told_how_many() {
        let hub = Arc::new(Hub::default());
        let mut slow = hub.join(node(1));
        for _ in 0..BACKLOG + 3 {
            hub.tell(node(1), news());
        }
        assert_eq!(slow.recv().await, Err(RecvError::Lagged(3)));
        assert_eq!(slow.recv().await, Ok(news()));
    }

    #[tokio::test]
    async fn a_gap_is_told_between_the_messages_it_lies_between() {
        let hub = Arc::new(Hub::default());
        let (mut here, mut there) = (hub.join(node(1)), hub.join(node(2)));
        hub.tell(node(1), news());
        hub.tell_gap_to_all();
        hub.tell(node(1), news());
        hub.tell_gap(node(1));
        assert_eq!(here.recv().await, Ok(news()));
        assert_eq!(here.recv().await, Err(RecvError::Lagged(0)));
        assert_eq!(here.recv().await, Ok(news()));
        assert_eq!(here.recv().await, Err(RecvError::Lagged(0)));
        assert_eq!(there.recv().await, Err(RecvError::Lagged(0)));
        assert_eq!(there.try_recv(), Err(TryRecvError::Empty));
    }
}
