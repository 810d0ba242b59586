//! Wake-ups between those who commit rows and those who wait for them.
//!
//! In process a wake-up is a [`Notify`]. `NOTIFY` inside the writing transaction is
//! not used: it takes a lock that serializes every commit of the cluster. Instead an
//! [`Exchange`] tells the other processes from outside, a few times a second at most
//! however much is committed. A lost signal costs a slow scan, never a row.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Db;
use crate::kernel::{
    Error, Result, Scope,
    text::{TextEnum, text_enum},
};

text_enum! {
    /// What there is news of.
    pub enum Topic {
        /// Unpublished rows in the outbox.
        Outbox = "outbox",
        /// Jobs for agent workers.
        AgentJobs = "agent_jobs",
        /// Jobs for file workers.
        FileJobs = "file_jobs",
        /// Locks that end some time.
        Locks = "locks",
        /// What is to be cut into chunks for search.
        Index = "index",
        /// Chunks that lack their vectors.
        Vectors = "vectors",
    }
}

impl Topic {
    const fn bit(self) -> u8 {
        match self {
            Topic::Outbox => 1,
            Topic::AgentJobs => 2,
            Topic::FileJobs => 4,
            Topic::Locks => 8,
            Topic::Index => 16,
            Topic::Vectors => 32,
        }
    }
}

/// The wake-ups of one process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Signal(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    outbox: Notify,
    agent: Notify,
    file: Notify,
    locks: Notify,
    index: Notify,
    vectors: Notify,
    /// Topics the other processes were not told of yet, as bits.
    untold: AtomicU8,
    tell: Notify,
}

impl Signal {
    /// Nobody waits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes one who waits for `topic`, or the next who will; other processes hear of
    /// it through an [`Exchange`].
    pub fn wake(&self, topic: Topic) {
        self.wake_here(topic);
        self.0.untold.fetch_or(topic.bit(), Ordering::AcqRel);
        self.0.tell.notify_one();
    }

    /// Waits until somebody wakes `topic`. A wake-up between two waits is kept, so
    /// looking for rows and then waiting misses nothing.
    pub async fn wait(&self, topic: Topic) {
        self.notify(topic).notified().await;
    }

    fn wake_here(&self, topic: Topic) {
        self.notify(topic).notify_one();
    }

    fn notify(&self, topic: Topic) -> &Notify {
        match topic {
            Topic::Outbox => &self.0.outbox,
            Topic::AgentJobs => &self.0.agent,
            Topic::FileJobs => &self.0.file,
            Topic::Locks => &self.0.locks,
            Topic::Index => &self.0.index,
            Topic::Vectors => &self.0.vectors,
        }
    }

    /// Takes the topics that others were not told of, once there are any.
    async fn untold(&self) -> Vec<Topic> {
        loop {
            let bits = self.0.untold.swap(0, Ordering::AcqRel);
            if bits != 0 {
                let told = |topic: &&Topic| bits & topic.bit() != 0;
                return Topic::ALL.iter().filter(told).copied().collect();
            }
            self.0.tell.notified().await;
        }
    }
}

/// The Postgres channel that processes tell each other on.
const CHANNEL: &str = "glassbox";
/// The least time between two signals of one process.
const PACE: Duration = Duration::from_millis(250);
/// How long to wait before listening again after the connection broke.
const PAUSE: Duration = Duration::from_secs(2);

/// Carries the wake-ups of this process to the others and theirs to it. A process that
/// is alone on its database needs none.
#[derive(Debug)]
pub struct Exchange {
    /// The wake-ups, and the way out.
    pub db: Db,
    /// Where to listen: the application's address.
    pub url: SecretString,
}

impl Exchange {
    /// Works until `stop`; a broken connection is made again.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.tell() => {}
            () = self.hear() => {}
        }
    }

    async fn tell(&self) {
        loop {
            for topic in self.db.signal().untold().await {
                if let Err(error) = self.notify(topic).await {
                    tracing::debug!(error = %error.chain(), "other processes were not told");
                }
            }
            tokio::time::sleep(PACE).await;
        }
    }

    async fn notify(&self, topic: Topic) -> Result<()> {
        self.db
            .tx(Scope::Nobody, async |tx| {
                diesel::sql_query(format!("notify {CHANNEL}, '{topic}'"))
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
            .await
    }

    async fn hear(&self) {
        loop {
            if let Err(error) = self.listen().await {
                tracing::debug!(error = %error.chain(), "listening again in a moment");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Listens until the connection breaks. Our own signals come back too; they wake
    /// somebody who finds nothing, a few times a second at most.
    async fn listen(&self) -> Result<()> {
        let mut conn = AsyncPgConnection::establish(self.url.expose_secret())
            .await
            .map_err(Error::internal)?;
        conn.batch_execute(&format!("listen {CHANNEL}")).await?;
        // What was signalled while nobody listened is looked for at once.
        Topic::ALL
            .iter()
            .for_each(|topic| self.db.signal().wake_here(*topic));
        let mut notifications = std::pin::pin!(conn.notifications_stream());
        while let Some(notification) = notifications.next().await {
            if let Some(topic) = Topic::parse(&notification?.payload) {
                self.db.signal().wake_here(topic);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_up_before_the_wait_is_kept() {
        let signal = Signal::new();
        signal.wake(Topic::Outbox);
        signal.wait(Topic::Outbox).await;
        assert_eq!(signal.untold().await, [Topic::Outbox]);
    }
}
