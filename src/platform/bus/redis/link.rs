//! Keeping the one connection up that listens, and the server's list of what we listen to equal to
//! the hub's.
//!
//! The hub says what is wanted; requests to join and leave only say where to look. So
//! their order does not matter, and a channel that was left and joined again in between
//! stays subscribed.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_redis::redis::{
    self, PushInfo, PushKind, aio::MultiplexedConnection, from_redis_value,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Envelope, GAP, Join, NEWS};
use crate::{
    kernel::{Result, event::Channel},
    platform::{
        bus::hub::Hub,
        redis::{Redis, Upkeep, unavailable},
    },
};

/// How often a silent connection is asked whether it lives: a peer that vanished
/// without a word is noticed no later than this.
const PING: Duration = Duration::from_secs(10);
/// The pause before the second try to connect; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Requests to join or leave that are taken together, in one command each.
const BATCH: usize = 512;

/// The task behind a [`super::RedisBus`].
pub(super) struct Link {
    pub(super) redis: Redis,
    pub(super) upkeep: Upkeep,
    pub(super) hub: Arc<Hub>,
    pub(super) joins: mpsc::UnboundedReceiver<Join>,
    pub(super) leaves: mpsc::UnboundedReceiver<Channel>,
    pub(super) lost: Arc<AtomicBool>,
}

/// One connection and what the server knows of us through it.
struct Session {
    connection: MultiplexedConnection,
    /// Cancelled when the connection has ended.
    ended: CancellationToken,
    subscribed: HashSet<Channel>,
}

impl Link {
    /// Connects, and connects again, until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut failures: u32 = 0;
        let mut told = false;
        loop {
            let attempt = tokio::select! {
                () = stop.cancelled() => return,
                attempt = self.open() => attempt,
            };
            let error = match attempt {
                Ok(session) => {
                    failures = 0;
                    told = false;
                    tracing::info!("connected to Redis");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        error = self.attend(session) => error,
                    }
                }
                Err(error) => error,
            };
            self.upkeep.went_down();
            // Once for each outage: it may last for hours.
            if !told {
                told = true;
                tracing::warn!(error = %error.chain(), "Redis does not answer; news stay in this process and limits are counted for each process alone until it does");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.refuse_joins(pause(failures)) => failures = failures.saturating_add(1),
            }
        }
    }

    /// Connects and listens to everything that the hub has listeners for.
    async fn open(&self) -> Result<Session> {
        let ended = CancellationToken::new();
        let (hub, redis, end) = (Arc::clone(&self.hub), self.redis.clone(), ended.clone());
        let connection = self
            .upkeep
            .connect(move |info| hear(&hub, &redis, &end, &info))
            .await?;
        let mut session = Session {
            connection,
            ended,
            subscribed: HashSet::new(),
        };
        let gap = self.redis.name(GAP);
        session
            .connection
            .subscribe(&gap)
            .await
            .map_err(unavailable)?;
        let all = self.hub.all();
        self.agree(&mut session, all).await?;
        self.upkeep.went_up();
        // From here on nothing is missed, so what they read upon this is whole.
        self.hub.tell_gap_to_all();
        self.confess(&mut session).await?;
        Ok(session)
    }

    /// Serves joins and leaves until the connection is of no use any more.
    async fn attend(&mut self, mut session: Session) -> crate::kernel::Error {
        let mut joins = Vec::new();
        let mut leaves = Vec::new();
        let mut next_ping = Instant::now() + PING;
        loop {
            let done = tokio::select! {
                () = session.ended.cancelled() => Err(unavailable("the connection ended")),
                Some(first) = self.joins.recv() => {
                    joins.push(first);
                    while joins.len() < BATCH && let Ok(join) = self.joins.try_recv() {
                        joins.push(join);
                    }
                    self.settle(&mut session, std::mem::take(&mut joins)).await
                }
                1.. = self.leaves.recv_many(&mut leaves, BATCH) => {
                    self.agree(&mut session, std::mem::take(&mut leaves)).await
                }
                () = self.upkeep.suspicion() => self.check(&mut session).await,
                () = sleep_until(next_ping) => {
                    next_ping = Instant::now() + PING;
                    self.check(&mut session).await
                }
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    /// Subscribes for those who join, then tells them.
    async fn settle(&self, session: &mut Session, joins: Vec<Join>) -> Result<()> {
        let is_new = |join: &Join| !session.subscribed.contains(&join.channel);
        let new: Vec<bool> = joins.iter().map(is_new).collect();
        self.agree(session, joins.iter().map(|join| join.channel))
            .await?;
        for (join, new) in joins.into_iter().zip(new) {
            if join.done.send(()).is_err() && new {
                // They stopped waiting, and may have read the database before this.
                self.hub.tell_gap(join.channel);
            }
        }
        Ok(())
    }

    /// Makes the server's list agree with the hub's as far as `channels` go.
    async fn agree(
        &self,
        session: &mut Session,
        channels: impl IntoIterator<Item = Channel>,
    ) -> Result<()> {
        let channels: HashSet<Channel> = channels.into_iter().collect();
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for channel in channels {
            match (self.hub.has(channel), session.subscribed.contains(&channel)) {
                (true, false) => wanted.push(channel),
                (false, true) => unwanted.push(channel),
                _ => {}
            }
        }
        for some in wanted.chunks(BATCH) {
            let names = self.names(some);
            let done = session.connection.subscribe(names).await;
            done.map_err(unavailable)?;
        }
        for some in unwanted.chunks(BATCH) {
            let names = self.names(some);
            let done = session.connection.unsubscribe(names).await;
            done.map_err(unavailable)?;
        }
        session.subscribed.extend(wanted);
        for channel in unwanted {
            session.subscribed.remove(&channel);
        }
        Ok(())
    }

    fn names(&self, channels: &[Channel]) -> Vec<String> {
        let name = |channel| self.redis.name(format_args!("{NEWS}{channel}"));
        channels.iter().map(name).collect()
    }

    /// Asks whether the connection lives; then what was lost before can be told.
    async fn check(&self, session: &mut Session) -> Result<()> {
        let ping = redis::cmd("PING");
        let answer: Result<String, _> = ping.query_async(&mut session.connection).await;
        answer.map_err(unavailable)?;
        self.confess(session).await
    }

    /// Tells every process, ours too, when news of ours were lost. Over the connection
    /// that listens, so that a pool with no connection to spare can't keep it back.
    async fn confess(&self, session: &mut Session) -> Result<()> {
        if !self.lost.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(self.redis.name(GAP)).arg("");
        let told: Result<i64, _> = publish.query_async(&mut session.connection).await;
        if told.is_err() {
            self.lost.store(true, Ordering::Release);
        }
        told.map(drop).map_err(unavailable)
    }

    /// Passes `time` without a connection. Those who join meanwhile need not wait, and
    /// who leaves leaves nothing behind.
    async fn refuse_joins(&mut self, time: Duration) {
        let end = sleep(time);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return,
                Some(_) = self.joins.recv() => {}
                Some(_) = self.leaves.recv() => {}
            }
        }
    }
}

/// Takes in what the server sends by itself. Runs within the connection's own task, so
/// it must not wait for anything.
fn hear(hub: &Hub, redis: &Redis, ended: &CancellationToken, info: &PushInfo) {
    match info.kind {
        PushKind::Disconnection => ended.cancel(),
        PushKind::Message => {
            let Some((name, body)) = text_and_bytes(info) else {
                return;
            };
            match redis.rest(&name) {
                Some(GAP) => hub.tell_gap_to_all(),
                Some(rest) => pass_on(hub, rest, &body),
                None => {}
            }
        }
        _ => {}
    }
}

fn text_and_bytes(info: &PushInfo) -> Option<(String, Vec<u8>)> {
    let [name, body] = info.data.as_slice() else {
        return None;
    };
    let name = from_redis_value(name.clone()).ok()?;
    Some((name, from_redis_value(body.clone()).ok()?))
}

fn pass_on(hub: &Hub, rest: &str, body: &[u8]) {
    let channel = rest.strip_prefix(NEWS).and_then(|name| name.parse().ok());
    let envelope = serde_json::from_slice::<Envelope>(body);
    match (channel, envelope) {
        // A kind that only a newer version knows is news to newer processes only.
        (Some(channel), Ok(envelope)) => match envelope.open() {
            Some(message) => hub.tell(channel, message),
            None => tracing::debug!("a message of an unknown kind was skipped"),
        },
        _ => tracing::warn!(
            channel = rest,
            "a message on the bus can't be read; is the prefix another program's, too?"
        ),
    }
}

/// The pause after so many failures in a row: doubling, and between half and all of it
/// by chance, so that processes that lost the server together don't come back together.
fn pause(failures: u32) -> Duration {
    let whole = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(failures.min(16)))
        .min(LONGEST_PAUSE);
    // Without chance, all of it.
    let chance = getrandom::u32().unwrap_or(u32::MAX);
    whole.mul_f64(0.5 + 0.5 * f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_vary() {
        for (failures, least, most) in [(0, 25, 50), (3, 200, 400), (40, 2500, 5000)] {
            let pause = pause(failures).as_millis();
            assert!((least..=most).contains(&pause), "{failures}: {pause} ms");
        }
        let many: HashSet<Duration> = (0..20).map(|_| pause(5)).collect();
        assert!(many.len() > 1);
    }
}
