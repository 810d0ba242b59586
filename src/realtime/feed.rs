//! One channel in this process: hears the bus, and hands each event to those who listen,
//! once, in order and without a gap.
//!
//! Numbers are without gaps in each channel, so a missing one is seen with the next. It is
//! then read from the log, where it was before anybody was told of it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, broadcast::error::TryRecvError, watch};
use tokio_util::sync::CancellationToken;

use super::{line::Line, protocol::Frame, queue::Queue};
use crate::{
    kernel::{
        Result,
        event::{Channel, EventKind},
    },
    outbox::log,
    platform::{
        bus::{Bus, Message, Subscription},
        db::Db,
    },
};

/// Messages that are handed on together at most.
const TURN: usize = 64;
/// Entries of the log that are read at a time.
const BATCH: i64 = 200;
/// The pauses between tries while the database is away.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a listener is handed.
#[derive(Debug, Clone)]
pub(super) enum Delivery {
    /// Something happened.
    Event(Arc<Frame>),
    /// What happened before is not known any more.
    Resync(Arc<Gap>),
}

/// What a channel can't tell any more.
#[derive(Debug)]
pub(super) struct Gap {
    pub channel: Channel,
    /// The last number of what is lost.
    pub until: i64,
}

impl Delivery {
    /// Whether a client that reads slowly may do without it.
    pub(super) fn may_be_lost(&self) -> bool {
        matches!(self, Delivery::Event(frame) if frame.kind == EventKind::LlmDelta)
    }
}

/// Where what a listener hears goes.
#[derive(Debug, Clone)]
pub(super) enum Ear {
    /// To a task, which looks at it.
    Queue {
        /// Where it waits for them.
        queue: Arc<Queue>,
        /// Cancelled when something they must not miss found no room there.
        slow: CancellationToken,
    },
    /// Straight to a client.
    Line(Arc<Line>),
}

/// Somebody who listens.
#[derive(Debug, Clone)]
pub(super) struct Listener {
    /// Tells them apart.
    pub id: u64,
    pub ear: Ear,
}

/// One channel that somebody here listens to.
#[derive(Debug)]
pub(super) struct Feed {
    channel: Channel,
    state: Mutex<State>,
    /// The number after which the feed began to tell; none before that.
    began: watch::Sender<Option<i64>>,
    hint: Notify,
    /// Cancelled with the last listener.
    pub(super) ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    /// The last number that was told; none before the feed began.
    last: Option<i64>,
    listeners: Vec<Listener>,
}

impl Feed {
    pub(super) fn new(channel: Channel) -> Self {
        Feed {
            channel,
            state: Mutex::default(),
            began: watch::Sender::new(None),
            hint: Notify::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a listener; answers the number after which it hears everything, if the feed has
    /// begun.
    pub(super) fn add(&self, listener: Listener) -> Option<i64> {
        let mut state = self.state();
        state.listeners.push(listener);
        state.last
    }

    /// Removes a listener; answers whether it was the last one.
    pub(super) fn remove(&self, id: u64) -> bool {
        let mut state = self.state();
        state.listeners.retain(|listener| listener.id != id);
        state.listeners.is_empty()
    }

    /// The number after which the feed began, once it has.
    pub(super) async fn beginning(&self) -> i64 {
        let mut began = self.began.subscribe();
        let found = began.wait_for(Option::is_some).await;
        found.ok().and_then(|found| *found).unwrap_or(0)
    }

    /// Says that the channel gave number `seq`; the feed looks if it has not heard of it.
    pub(super) fn hint(&self, seq: i64) {
        if self.state().last.is_some_and(|last| last < seq) {
            self.hint.notify_one();
        }
    }

    /// Tells something that has no number to all who listen.
    pub(super) fn tell(&self, frame: Arc<Frame>) {
        self.state().hand_on(&[Delivery::Event(frame)]);
    }

    /// Works until the last listener is gone.
    pub(super) async fn run(self: Arc<Self>, db: Db, bus: Arc<dyn Bus>) {
        tokio::select! {
            () = self.ended.cancelled() => {}
            () = self.work(&db, &*bus) => {}
        }
    }

    async fn work(&self, db: &Db, bus: &dyn Bus) {
        // Before the first look, so that nothing is missed between the two.
        let mut news: Subscription = insist(|| bus.subscribe(self.channel)).await;
        let last = insist(|| log::head(db, self.channel)).await;
        self.state().last = Some(last);
        self.began.send_replace(Some(last));
        loop {
            let heard = tokio::select! {
                heard = news.recv() => heard,
                () = self.hint.notified() => {
                    self.catch_up(db).await;
                    continue;
                }
            };
            // What was told together is written together.
            tokio::task::yield_now().await;
            let (mut messages, mut is_whole) = (Vec::new(), true);
            match heard {
                Ok(first) => messages.push(first),
                Err(_) => is_whole = false,
            }
            while is_whole && messages.len() < TURN {
                match news.try_recv() {
                    Ok(next) => messages.push(next),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                    Err(TryRecvError::Lagged(_)) => is_whole = false,
                }
            }
            if !(self.pass_on(&messages) && is_whole) {
                self.catch_up(db).await;
            }
        }
    }

    /// Hands on what the bus brought, up to the first before which something is missing;
    /// answers whether there was none.
    fn pass_on(&self, messages: &[Message]) -> bool {
        let mut state = self.state();
        let mut deliveries = Vec::with_capacity(messages.len());
        let mut is_whole = true;
        for message in messages {
            let last = state.last.unwrap_or(0);
            match message.told.map(|told| told.seq) {
                Some(seq) if seq <= last => continue,
                Some(seq) if seq > last + 1 => {
                    is_whole = false;
                    // It is in the log, as is all that follows and has a number.
                    continue;
                }
                Some(seq) => state.last = Some(seq),
                None => {}
            }
            deliveries.push(Delivery::Event(Arc::new(Frame::of(self.channel, message))));
        }
        state.hand_on(&deliveries);
        is_whole
    }

    /// Reads from the log what the bus did not bring.
    async fn catch_up(&self, db: &Db) {
        loop {
            let last = self.state().last.unwrap_or(0);
            let entries = insist(|| log::since(db, self.channel, last, BATCH)).await;
            let Some(first) = entries.first() else { return };
            let mut state = self.state();
            if first.seq != last + 1 {
                // We were away for longer than anything is kept.
                let (channel, until) = (self.channel, first.seq - 1);
                state.hand_on(&[Delivery::Resync(Arc::new(Gap { channel, until }))]);
            }
            state.last = entries.last().map(|entry| entry.seq);
            let messages = entries.iter().filter_map(|entry| entry.message.as_ref());
            let delivery = |message| Delivery::Event(Arc::new(Frame::of(self.channel, message)));
            let deliveries: Vec<Delivery> = messages.map(delivery).collect();
            state.hand_on(&deliveries);
        }
    }
}

impl State {
    /// Hands several things to each listener at once, so that each is woken once.
    fn hand_on(&self, deliveries: &[Delivery]) {
        for listener in &self.listeners {
            match &listener.ear {
                Ear::Line(line) => line.hear(deliveries),
                Ear::Queue { queue, slow } => {
                    let refused = deliveries.iter().filter(|delivery| !queue.put(delivery));
                    // What must not be lost and finds no room is the end of the listener.
                    if refused.filter(|one| !one.may_be_lost()).count() > 0 {
                        slow.cancel();
                    }
                }
            }
        }
    }
}

/// Tries until it works.
async fn insist<T, F: Future<Output = Result<T>>>(work: impl Fn() -> F) -> T {
    let mut pause = PAUSE.0;
    loop {
        match work().await {
            Ok(done) => return done,
            Err(error) => {
                tracing::warn!(error = %error.chain(), "a channel will try again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use serde_json::json;

    use super::*;
    use crate::{
        kernel::{Id, NodeId, clock::Clock, clock::System},
        platform::bus::Told,
    };
    use uuid::Uuid;

    fn message(kind: EventKind, seq: Option<i64>) -> Message {
        Message {
            kind,
            payload: Arc::new(json!({ "n": seq })),
            told: seq.map(|seq| Told {
                seq,
                id: Id::from_uuid(Uuid::from_u128(1)),
                at: System.now(),
            }),
        }
    }

    fn feed(room: usize) -> (Feed, Arc<Queue>, CancellationToken) {
        let feed = Feed::new(Channel::Node(NodeId::from_uuid(Uuid::from_u128(7))));
        feed.state().last = Some(0);
        let heard = Queue::new(room);
        let slow = CancellationToken::new();
        let ear = Ear::Queue {
            queue: Arc::clone(&heard),
            slow: slow.clone(),
        };
        let listener = Listener { id: 1, ear };
        assert_eq!(feed.add(listener), Some(0));
        (feed, heard, slow)
    }

    fn numbers(heard: &Queue) -> Vec<Option<i64>> {
        let cx = Context::from_waker(Waker::noop());
        let mut numbers = Vec::new();
        while let Poll::Ready(Delivery::Event(frame)) = heard.poll_next(&cx) {
            numbers.push(frame.seq);
        }
        numbers
    }

    #[test]
    fn each_number_is_handed_on_once_and_none_before_its_turn() {
        let (feed, heard, _) = feed(16);
        let of = |seq| message(EventKind::NodeUpdated, Some(seq));
        assert!(feed.pass_on(&[of(1), of(2)]));
        assert!(feed.pass_on(&[of(1)]), "again is no gap");
        assert!(!feed.pass_on(&[of(4)]), "three is missing");
        assert!(!feed.pass_on(&[of(3), of(5)]), "four is missing");
        assert!(feed.pass_on(&[of(4)]));
        assert_eq!(numbers(&heard), [Some(1), Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn a_slow_listener_loses_words_first_and_is_then_given_up() {
        let (feed, heard, slow) = feed(4);
        for _ in 0..9 {
            feed.pass_on(&[message(EventKind::LlmDelta, None)]);
        }
        assert!(!slow.is_cancelled());
        assert_eq!(numbers(&heard).len(), 2, "half of the room");
        for seq in 1..=4 {
            feed.pass_on(&[message(EventKind::NodeUpdated, Some(seq))]);
        }
        assert!(!slow.is_cancelled());
        feed.pass_on(&[message(EventKind::NodeUpdated, Some(5))]);
        assert!(slow.is_cancelled());
    }

    #[test]
    fn the_last_listener_to_leave_is_known() {
        let (feed, _heard, slow) = feed(4);
        let queue = Queue::new(1);
        let ear = Ear::Queue { queue, slow };
        feed.add(Listener { id: 2, ear });
        assert!(!feed.remove(1));
        assert!(feed.remove(2));
    }
}
