//! One socket: a task that reads what its client asks and writes what its channels say.
//!
//! It never waits for long in one place: a client that does not read is given up, and so is
//! one that is silent, sends too much, or whose token has ended. Everything that a socket
//! holds it gives back when its task ends, however that is.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    feed::{Delivery, Ear},
    hub::{Hub, Place},
    line::Line,
    meter::{Meter, Verdict},
    outlet::{self, Opcode, Outlet},
    present::Person,
    protocol::{self, Frame, Refusal},
    queue::Queue,
    subscriptions::{self, Subscription},
};
use crate::{
    app::Ctx,
    kernel::{
        Error, NodeId, ProjectId,
        event::{Channel, EventKind},
    },
};

mod asks;
mod end;

pub(super) use end::End;

/// The least and the longest time between two looks at the clock. While somebody is present
/// through the socket, a dead connection must be noticed within seconds; else there may be tens
/// of thousands of sockets that have nothing to look for.
const TICK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How often a client that is present somewhere is asked whether it lives, and the silence
/// after which it counts as away.
const PRESENT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(4));
/// How often a narrowed token is looked at again: its own checks may have run out.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How long it may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// One client's socket.
pub(super) struct Socket {
    hub: Arc<Hub>,
    ctx: Ctx,
    /// Tells it from all others of this process.
    id: u64,
    /// Where everything goes that the client is told.
    outlet: Arc<Outlet>,
    inbox: AggregatedMessageStream,
    /// The user's own channel, which also says when rights have changed, so it comes by here.
    own: Subscription,
    news: Arc<Queue>,
    /// Whether the client is told of it: a narrowed token does not speak for the person.
    hears_own: bool,
    channels: HashMap<Channel, (Subscription, Arc<Line>)>,
    /// The nodes at which the client is present; `away` while it does not answer.
    nodes: HashMap<NodeId, (ProjectId, protocol::Doing)>,
    away: bool,
    person: Option<Person>,
    meter: Meter,
    heard: Instant,
    pinged: Instant,
    looked: Instant,
    _place: Place,
}

impl Socket {
    /// A socket whose upgrade was answered. Fails when its user's channel does not begin.
    pub(super) async fn open(
        hub: Arc<Hub>,
        ctx: Ctx,
        place: Place,
        outlet: Arc<Outlet>,
        inbox: AggregatedMessageStream,
    ) -> Result<Box<Self>, Error> {
        let news = Queue::new(hub.config.queue);
        let (queue, slow) = (Arc::clone(&news), outlet.slow.clone());
        let channel = Channel::User(ctx.caller.user());
        let own = Subscription::open(&hub, channel, Ear::Queue { queue, slow }).await?;
        let now = Instant::now();
        Ok(Box::new(Socket {
            id: hub.number(),
            hears_own: ctx.caller.require_whole().is_ok(),
            meter: Meter::new(hub.config.messages_per_second, now),
            hub,
            ctx,
            outlet,
            inbox,
            own,
            news,
            channels: HashMap::new(),
            nodes: HashMap::new(),
            away: false,
            person: None,
            heard: now,
            pinged: now,
            looked: now,
            _place: place,
        }))
    }

    /// Serves the client until one of both has had enough.
    ///
    /// On the heap, so that the task does not have room for it twice, as it came and as it is.
    pub(super) async fn run(mut self: Box<Self>) {
        let end = match self.serve().await {
            Ok(()) => End::Gone,
            Err(end) => end,
        };
        tracing::debug!(user = %self.ctx.caller.user(), ?end, "a socket ends");
        for node in std::mem::take(&mut self.nodes).into_keys() {
            self.hub.presence.set(&self.hub, (self.id, node), None);
        }
        // Nothing is to come after the goodbye.
        self.channels.clear();
        self.outlet.end(end.frame());
        // A client that does not read does not read this either.
        let _ = tokio::time::timeout(GOODBYE, self.outlet.taken()).await;
    }

    async fn serve(&mut self) -> Result<(), End> {
        let draining = self.hub.draining.clone();
        let slow = self.outlet.slow.clone();
        let mut looked = Instant::now();
        loop {
            let look = looked + self.pause();
            // What follows on it is on the heap while it lasts: thousands of sockets wait here
            // for minutes, and each would keep room for the largest of it.
            tokio::select! {
                () = draining.cancelled() => return Err(End::Draining),
                () = slow.cancelled() => return Err(End::Slow),
                message = self.inbox.recv() => match message {
                    Some(message) => Box::pin(self.hear(message)).await?,
                    None => return Ok(()),
                },
                delivery = self.news.next() => match delivery {
                    Delivery::Event(frame) => Box::pin(self.event(&frame)).await?,
                    Delivery::Resync(gap) => Box::pin(self.lost(gap.until)).await?,
                },
                () = tokio::time::sleep_until(look.into()) => {
                    looked = Instant::now();
                    Box::pin(self.look_at_the_clock()).await?;
                }
            }
        }
    }

    /// The time between two looks at the clock.
    fn pause(&self) -> Duration {
        if self.nodes.is_empty() {
            (self.hub.config.silence() / 6).clamp(TICK.0, TICK.1)
        } else {
            TICK.0
        }
    }

    async fn hear(&mut self, message: Result<AggregatedMessage, ProtocolError>) -> Result<(), End> {
        self.is_heard();
        let message = message.map_err(|error| End::of(&error))?;
        let verdict = match &message {
            AggregatedMessage::Close(_) | AggregatedMessage::Pong(_) => Verdict::Served,
            _ => self.meter.count(self.heard),
        };
        match (message, verdict) {
            (_, Verdict::Hopeless) => Err(End::Flood),
            (AggregatedMessage::Close(reason), _) => Err(End::Closed(reason)),
            (AggregatedMessage::Binary(_), _) => Err(End::Binary),
            (AggregatedMessage::Pong(_), _) | (AggregatedMessage::Ping(_), Verdict::Refused) => {
                Ok(())
            }
            (AggregatedMessage::Ping(bytes), _) => self.put(Opcode::Pong, &bytes).await,
            (AggregatedMessage::Text(text), verdict) => self.text(&text, verdict).await,
        }
    }

    async fn text(&mut self, text: &str, verdict: Verdict) -> Result<(), End> {
        if text.len() > super::api::MAX_MESSAGE {
            return Err(End::TooLarge);
        }
        let (request, ask) = protocol::read(text);
        let done = match (verdict, ask) {
            (Verdict::Served, Ok(ask)) => self.ask(ask, request.as_ref()).await?,
            (Verdict::Served, Err(refusal)) => Err(refusal),
            _ => Err(Refusal::new(
                "RATE_LIMITED",
                "You send too many messages. Wait a second.",
            )),
        };
        match done {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.write(protocol::refusal(&refusal, request.as_ref()))
                    .await
            }
        }
    }

    /// Answers one request.
    async fn answer(
        &mut self,
        kind: &str,
        payload: &Value,
        request: Option<&Value>,
    ) -> Result<(), End> {
        self.write(protocol::answer(kind, payload, request)).await
    }

    /// Hands text to the connection. Waits while the client does not read, but not when
    /// something happens that ends the socket anyway.
    async fn write(&mut self, text: String) -> Result<(), End> {
        self.put(Opcode::Text, text.as_bytes()).await
    }

    async fn put(&self, opcode: Opcode, content: &[u8]) -> Result<(), End> {
        self.pass(outlet::frame(opcode, content).0).await
    }

    async fn pass(&self, frame: Bytes) -> Result<(), End> {
        let silence = self.hub.config.silence();
        tokio::select! {
            biased;
            is_there = self.outlet.write(frame) => is_there.then_some(()).ok_or(End::Gone),
            () = self.outlet.slow.cancelled() => Err(End::Slow),
            () = self.hub.draining.cancelled() => Err(End::Draining),
            () = tokio::time::sleep(silence) => Err(End::Slow),
        }
    }

    /// Something happened on the user's own channel.
    async fn event(&mut self, frame: &Frame) -> Result<(), End> {
        if !self.own.is_new(frame.seq) {
            return Ok(());
        }
        if self.hears_own {
            self.pass(frame.wire.clone()).await?;
        }
        if frame.kind == EventKind::RightsChanged {
            self.check_rights().await?;
        }
        Ok(())
    }

    /// The user's own channel can't say what happened before `seq`.
    async fn lost(&mut self, seq: i64) -> Result<(), End> {
        self.own.last = seq;
        // A change of rights may be among what was lost.
        self.check_rights().await?;
        if !self.hears_own {
            return Ok(());
        }
        let channel = Channel::User(self.ctx.caller.user());
        let payload = json!({ "channel": channel.to_string(), "seq": seq });
        self.answer("resync_required", &payload, None).await
    }

    /// Gives up what the client may not hear any more.
    async fn check_rights(&mut self) -> Result<(), End> {
        self.looked = Instant::now();
        let channels: Vec<Channel> = self.channels.keys().copied().collect();
        for channel in channels {
            if !self.still_may(channel).await? {
                self.channels.remove(&channel);
                let payload = json!({
                    "channel": channel.to_string(),
                    "reason": "CHANNEL_FORBIDDEN",
                });
                self.answer("unsubscribed", &payload, None).await?;
            }
        }
        let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
        for node in nodes {
            if !self.still_may(Channel::Node(node)).await? {
                self.nodes.remove(&node);
                self.hub.presence.set(&self.hub, (self.id, node), None);
            }
        }
        Ok(())
    }

    /// Whether the client may hear a channel; ends the socket when nobody can tell, since it
    /// would go on hearing what it may have lost the right to.
    async fn still_may(&self, channel: Channel) -> Result<bool, End> {
        match subscriptions::may_hear(&self.ctx, channel).await {
            Ok(()) => Ok(true),
            Err(error) if subscriptions::is_of_the_token(&error) => Err(End::Token),
            Err(error) if subscriptions::is_refusal(&error) => Ok(false),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "a socket's rights could not be checked");
                Err(End::Unable)
            }
        }
    }

    /// The client lives: it is present again where it was.
    fn is_heard(&mut self) {
        self.heard = Instant::now();
        if std::mem::take(&mut self.away)
            && let Some(person) = &self.person
        {
            for (node, (project, doing)) in &self.nodes {
                let here = (person.clone(), *project, *doing, None);
                self.hub
                    .presence
                    .set(&self.hub, (self.id, *node), Some(here));
            }
        }
    }

    async fn look_at_the_clock(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.ctx.now() >= self.ctx.caller.expires_at() {
            return Err(End::Token);
        }
        let silent = now.saturating_duration_since(self.heard);
        let silence = self.hub.config.silence();
        if silent >= silence {
            return Err(End::Silent);
        }
        if !self.nodes.is_empty() && !self.away && silent >= PRESENT.1 {
            self.away = true;
            for node in self.nodes.keys() {
                self.hub.presence.set(&self.hub, (self.id, *node), None);
            }
        }
        let every = if self.nodes.is_empty() {
            silence / 3
        } else {
            PRESENT.0.min(silence / 3)
        };
        if silent >= every && now.saturating_duration_since(self.pinged) >= every {
            self.pinged = now;
            self.outlet.offer_first(outlet::frame(Opcode::Ping, b"").0);
        }
        if !self.hears_own && now.saturating_duration_since(self.looked) >= LOOK_AGAIN {
            self.check_rights().await?;
        }
        Ok(())
    }
}
