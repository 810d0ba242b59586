//! The bus that several processes share.
//!
//! One connection carries everything that this process listens to; the [`link`] keeps it
//! up. What it publishes goes through the pool. A message is JSON,
//! `{"kind":…,"payload":…,"told":{"seq":…,"id":…,"at":…}}`, on the channel `<prefix>:news:<channel>`.
//!
//! Redis forgets a message at once, so whoever was not connected has missed it. Two
//! things make that harmless. After each connect, all subscriptions of this process are
//! told that they may have missed something. And a process that could not publish sends
//! [`GAP`] once it can, upon which every process tells its own.

mod link;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use deadpool_redis::redis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{Bus, Message, Subscription, Told, hub::Hub};
use crate::{
    config::BusConfig,
    kernel::{
        Error, Result,
        event::{Channel, EventKind},
        text::TextEnum,
    },
    platform::redis::{COMMAND, Redis, unavailable},
};

use link::Link;

/// The channel on which a process says that some of its news were lost.
const GAP: &str = "gap";

/// What stands before a channel's name.
const NEWS: &str = "news:";

/// A message as it travels.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    /// Text, since a newer version may know more kinds.
    kind: String,
    payload: Value,
    #[serde(default)]
    told: Option<Told>,
}

impl Envelope {
    /// The message, unless it is of a kind that we don't know.
    fn open(self) -> Option<Message> {
        Some(Message {
            kind: EventKind::parse(&self.kind)?,
            payload: Arc::new(self.payload),
            told: self.told,
        })
    }
}

#[derive(Serialize)]
struct EnvelopeRef<'a> {
    kind: &'static str,
    payload: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<Told>,
}

/// Somebody listens to a channel and waits until the server knows.
struct Join {
    channel: Channel,
    /// Answered when the server has confirmed.
    done: oneshot::Sender<()>,
}

/// Messages that are sent together: more would take longer than a command may.
const PIPELINE: usize = 64;

fn packed(message: &Message) -> Result<Vec<u8>> {
    let envelope = EnvelopeRef {
        kind: message.kind.as_str(),
        payload: &message.payload,
        told: message.told,
    };
    serde_json::to_vec(&envelope).map_err(Error::internal)
}

/// The bus of several processes.
#[derive(Debug)]
pub struct RedisBus {
    redis: Redis,
    hub: Arc<Hub>,
    joins: mpsc::UnboundedSender<Join>,
    /// Whether some of our news did not get out and nobody was told so yet.
    lost: Arc<AtomicBool>,
    _link: DropGuard,
}

impl RedisBus {
    /// Starts to connect, on the runtime that calls this. A server that is away is no
    /// failure: the bus comes up when the server does. The link ends with the bus.
    pub fn start(config: &BusConfig) -> Result<Self> {
        let runtime = Handle::try_current().map_err(Error::internal)?;
        let (redis, upkeep) = Redis::new(config)?;
        let (left, leaves) = mpsc::unbounded_channel();
        let (joins, joining) = mpsc::unbounded_channel();
        let hub = Arc::new(Hub::telling(left));
        let lost = Arc::new(AtomicBool::new(false));
        let stop = CancellationToken::new();
        let link = Link {
            redis: redis.clone(),
            upkeep,
            hub: Arc::clone(&hub),
            joins: joining,
            leaves,
            lost: Arc::clone(&lost),
        };
        TaskTracker::new().spawn_on(link.run(stop.clone()), &runtime);
        Ok(RedisBus {
            redis,
            hub,
            joins,
            lost,
            _link: stop.drop_guard(),
        })
    }

    /// Commands, for as long as the bus lives: its link says whether Redis is there.
    pub fn redis(&self) -> Redis {
        self.redis.clone()
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, channel: Channel, message: Message) -> Result<()> {
        self.publish_all(vec![(channel, message)]).await
    }

    async fn publish_all(&self, messages: Vec<(Channel, Message)>) -> Result<()> {
        for some in messages.chunks(PIPELINE) {
            let mut pipe = redis::pipe();
            for (channel, message) in some {
                let name = self.redis.name(format_args!("{NEWS}{channel}"));
                pipe.publish(name, packed(message)?).ignore();
            }
            if let Err(error) = self.redis.pipeline(&pipe).await {
                self.lost.store(true, Ordering::Release);
                // What could be told here needs no Redis. Should the commands have got
                // through after all, they hear it twice, which listeners bear.
                for (channel, message) in messages {
                    self.hub.tell(channel, message);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn subscribe(&self, channel: Channel) -> Result<Subscription> {
        let subscription = self.hub.join(channel);
        let (done, confirmed) = oneshot::channel();
        // Without a connection there is nobody to wait for: the next one brings a gap.
        if self.joins.send(Join { channel, done }).is_ok() && self.redis.is_connected() {
            let _ = timeout(COMMAND, confirmed).await;
        }
        Ok(subscription)
    }

    async fn ping(&self) -> Result<()> {
        let answer: String = self.redis.command(&redis::cmd("PING")).await?;
        if answer == "PONG" {
            Ok(())
        } else {
            Err(unavailable("the answer to PING is odd"))
        }
    }
}
