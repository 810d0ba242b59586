//! Wake-ups between those who commit rows and those who wait for them.
//!
//! In process a wake-up is a [`Notify`]. `NOTIFY` inside the writing transaction is
//! not used: it takes a lock that serializes every commit of the cluster. Other
//! processes find the rows by their slow scan.

use std::sync::Arc;

use tokio::sync::Notify;

/// What there is news of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Unpublished rows in the outbox.
    Outbox,
    /// Jobs for agent workers.
    AgentJobs,
    /// Jobs for file workers.
    FileJobs,
}

/// The wake-ups of one process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Signal {
    outbox: Arc<Notify>,
    agent: Arc<Notify>,
    file: Arc<Notify>,
}

impl Signal {
    /// Nobody waits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes one who waits for `topic`, or the next who will.
    pub fn wake(&self, topic: Topic) {
        self.notify(topic).notify_one();
    }

    /// Waits until somebody wakes `topic`. A wake-up between two waits is kept, so
    /// looking for rows and then waiting misses nothing.
    pub async fn wait(&self, topic: Topic) {
        self.notify(topic).notified().await;
    }

    fn notify(&self, topic: Topic) -> &Notify {
        match topic {
            Topic::Outbox => &self.outbox,
            Topic::AgentJobs => &self.agent,
            Topic::FileJobs => &self.file,
        }
    }
}
