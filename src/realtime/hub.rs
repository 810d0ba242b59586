//! All that this process tells those who watch through it: its feeds, how many connections
//! each user has, and who is present.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    feed::{Ear, Feed, Listener},
    metrics::{Kind, LiveFigures},
    present::Presence,
    protocol::Frame,
    watch,
};
use crate::{
    app::App,
    config::LiveConfig,
    kernel::{Code, Error, Result, UserId, event::Channel},
    platform::{bus::Bus, db::Db},
};

/// What this process tells those who watch.
#[derive(Debug)]
pub struct Hub {
    pub(super) db: Db,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) config: LiveConfig,
    /// Cancelled when the server drains.
    pub(super) draining: CancellationToken,
    pub(super) presence: Presence,
    feeds: Mutex<HashMap<Channel, Arc<Feed>>>,
    connections: Mutex<HashMap<UserId, usize>>,
    figures: Arc<LiveFigures>,
    next: AtomicU64,
    /// What serves sockets; a drain waits for it.
    pub(super) sockets: TaskTracker,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Hub {
    /// A hub that nobody watches through yet, on the runtime that calls this. What it does by
    /// itself ends when the server drains.
    pub fn start(app: &App) -> Result<Arc<Self>> {
        let runtime = Handle::try_current().map_err(Error::internal)?;
        let hub = Arc::new(Hub {
            db: app.db.clone(),
            bus: Arc::clone(&app.bus),
            config: app.config.live.clone(),
            draining: app.draining.clone(),
            presence: Presence::new(app.db.clock()),
            feeds: Mutex::default(),
            connections: Mutex::default(),
            figures: app.db.metrics().of(),
            next: AtomicU64::new(1),
            sockets: TaskTracker::new(),
            tasks: TaskTracker::new(),
            runtime,
        });
        let (weak, stop) = (Arc::downgrade(&hub), hub.draining.clone());
        hub.tasks
            .spawn_on(watch::run(weak, stop.clone()), &hub.runtime);
        let gossip = super::present::run(Arc::downgrade(&hub), Arc::clone(&hub.bus), stop);
        hub.tasks.spawn_on(gossip, &hub.runtime);
        Ok(hub)
    }

    /// Waits until no socket is open; after the drain has begun each says goodbye.
    pub async fn sockets_ended(&self) {
        self.sockets.close();
        self.sockets.wait().await;
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is whole.
    fn feeds(&self) -> MutexGuard<'_, HashMap<Channel, Arc<Feed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that this process gave nobody else.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Listens to a channel.
    pub(super) fn join(self: &Arc<Self>, channel: Channel, ear: Ear) -> Seat {
        let id = self.number();
        let listener = Listener { id, ear };
        let mut feeds = self.feeds();
        let feed = feeds.entry(channel).or_insert_with(|| {
            let feed = Arc::new(Feed::new(channel));
            let work = Arc::clone(&feed).run(self.db.clone(), Arc::clone(&self.bus));
            self.tasks.spawn_on(work, &self.runtime);
            feed
        });
        Seat {
            after: feed.add(listener),
            feed: Arc::clone(feed),
            hub: Arc::clone(self),
            channel,
            id,
        }
    }

    fn leave(&self, channel: Channel, id: u64) {
        let mut feeds = self.feeds();
        if let Some(feed) = feeds.get(&channel)
            && feed.remove(id)
        {
            feed.ended.cancel();
            feeds.remove(&channel);
        }
    }

    /// Whether anybody listens to anything.
    pub(super) fn has_feeds(&self) -> bool {
        !self.feeds().is_empty()
    }

    /// Says that a channel gave a number.
    pub(super) fn hint(&self, channel: Channel, seq: i64) {
        if let Some(feed) = self.feeds().get(&channel) {
            feed.hint(seq);
        }
    }

    /// Has all feeds look for themselves.
    pub(super) fn hint_all(&self) {
        self.feeds().values().for_each(|feed| feed.hint(i64::MAX));
    }

    /// Tells something that has no number to those who listen to a channel here.
    pub(super) fn tell(&self, channel: Channel, frame: impl FnOnce() -> Frame) {
        let feed = self.feeds().get(&channel).cloned();
        if let Some(feed) = feed {
            feed.tell(Arc::new(frame()));
        }
    }

    /// Counts one more connection of a user.
    ///
    /// # Errors
    /// [`Code::RateLimited`] when it is one too many.
    pub(super) fn admit(self: &Arc<Self>, user: UserId, kind: Kind) -> Result<Place> {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = connections.entry(user).or_insert(0);
        if *count >= self.config.connections_per_user {
            return Err(Error::new(
                Code::RateLimited,
                "You have too many connections open. Close one, and try again.",
            ));
        }
        *count += 1;
        self.figures.of(kind).inc();
        Ok(Place {
            hub: Arc::clone(self),
            user,
            kind,
        })
    }
}

/// One of a user's connections, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    hub: Arc<Hub>,
    user: UserId,
    kind: Kind,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.figures.of(self.kind).dec();
        let mut connections = self
            .hub
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connections.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                connections.remove(&self.user);
            }
        }
    }
}

/// A listener's place at a channel, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    hub: Arc<Hub>,
    feed: Arc<Feed>,
    channel: Channel,
    id: u64,
    after: Option<i64>,
}

impl Seat {
    /// The number after which everything is heard.
    pub(super) async fn after(&self) -> i64 {
        match self.after {
            Some(after) => after,
            None => self.feed.beginning().await,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(self.channel, self.id);
    }
}
