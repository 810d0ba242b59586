//! What a client asks for over a socket. Locks are taken and released by the operations
//! that serve HTTP.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{End, Socket};
use crate::{
    access::{Action, Target},
    kernel::{Code, Error, NodeId, Scope, event::Channel},
    nodes,
    realtime::{
        feed::Ear,
        line::Line,
        present::Person,
        protocol::{Ask, Doing, Frame, Refusal},
        subscriptions::{self, Missed, Replay, Resumed, Subscription},
    },
    tenants,
};

/// Bytes of a cursor's position at most: everybody at the node is sent it.
const MAX_CURSOR: usize = 1024;

/// Done, or refused; the outer failure ends the socket.
type Done = Result<Result<(), Refusal>, End>;

impl Socket {
    pub(super) async fn ask(&mut self, ask: Ask, request: Option<&Value>) -> Done {
        match ask {
            Ask::Ping => self.answer("pong", &json!({}), request).await.map(Ok),
            Ask::Subscribe { channel, since } => match known(&channel) {
                Ok(channel) => self.subscribe(channel, since, request).await,
                Err(refusal) => Ok(Err(refusal)),
            },
            Ask::Unsubscribe { channel } => match known(&channel) {
                Ok(channel) => self.unsubscribe(channel, request).await.map(Ok),
                Err(refusal) => Ok(Err(refusal)),
            },
            Ask::Presence {
                node,
                doing,
                cursor,
            } => self.presence(node, doing, cursor).await,
            Ask::LockAcquire { node } => self.lock_acquire(node, request).await,
            Ask::LockRelease { node } => self.lock_release(node, request).await,
        }
    }

    async fn subscribe(
        &mut self,
        channel: Channel,
        since: Option<i64>,
        request: Option<&Value>,
    ) -> Done {
        let is_new = !self.channels.contains_key(&channel);
        if is_new && self.channels.len() >= self.hub.config.subscriptions {
            let why = "You listen to as many channels as one connection may. Leave one first.";
            return Ok(Err(Refusal::new("RATE_LIMITED", why)));
        }
        if let Err(error) = subscriptions::may_hear(&self.ctx, channel).await {
            return refused(channel, &error).map(Err);
        }
        if channel == Channel::User(self.ctx.caller.user()) {
            return self.subscribe_own(since, request).await.map(Ok);
        }
        let line = Line::held(Arc::clone(&self.outlet));
        let ear = Ear::Line(Arc::clone(&line));
        let mut opened = match Subscription::open(&self.hub, channel, ear).await {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(Refusal::of(&error))),
        };
        if let Some((_, before)) = self.channels.remove(&channel) {
            // What the client heard through that does not come again.
            opened.last = before
                .shut()
                .map_or(opened.last, |last| last.max(opened.last));
        }
        self.begin(channel, since, &mut opened.last, request)
            .await?;
        line.open(opened.last);
        self.channels.insert(channel, (opened, line));
        Ok(Ok(()))
    }

    /// The user's own channel is heard already, and goes on where it is.
    async fn subscribe_own(
        &mut self,
        since: Option<i64>,
        request: Option<&Value>,
    ) -> Result<(), End> {
        let channel = Channel::User(self.ctx.caller.user());
        let mut last = self.own.last;
        self.begin(channel, since, &mut last, request).await?;
        self.own.last = last;
        self.hears_own = true;
        Ok(())
    }

    /// Answers a subscription that hears what comes after number `last`, and tells what was
    /// missed before that.
    async fn begin(
        &mut self,
        channel: Channel,
        since: Option<i64>,
        last: &mut i64,
        request: Option<&Value>,
    ) -> Result<(), End> {
        let until = *last;
        let payload = json!({
            "channel": channel.to_string(),
            "users": self.hub.presence.at(channel),
            "seq": until,
        });
        self.answer("subscribed", &payload, request).await?;
        if let Some(since) = since
            && !self.replay(channel, since, last).await?
        {
            let payload = json!({ "channel": channel.to_string(), "seq": until });
            self.answer("resync_required", &payload, request).await?;
        }
        Ok(())
    }

    /// Sends what was missed; answers whether that could be done.
    async fn replay(&mut self, channel: Channel, since: i64, last: &mut i64) -> Result<bool, End> {
        let hub = Arc::clone(&self.hub);
        let resumed = Replay::after(since, &hub, channel, last).await;
        let mut replay = match resumed.map_err(|_| End::Unable)? {
            Resumed::After(replay) => replay,
            Resumed::Here => return Ok(true),
            Resumed::Lost => return Ok(false),
        };
        loop {
            match replay.next(&hub).await.map_err(|_| End::Unable)? {
                Missed::Nothing => return Ok(true),
                Missed::Unknown => return Ok(false),
                Missed::Some(messages) => {
                    for message in messages {
                        self.pass(Frame::of(channel, &message).wire).await?;
                    }
                }
            }
        }
    }

    async fn unsubscribe(&mut self, channel: Channel, request: Option<&Value>) -> Result<(), End> {
        if channel == Channel::User(self.ctx.caller.user()) {
            // It is listened to all the same: it says when rights have changed.
            self.hears_own = false;
        }
        self.channels.remove(&channel);
        let payload = json!({ "channel": channel.to_string() });
        self.answer("unsubscribed", &payload, request).await
    }

    async fn presence(&mut self, node: NodeId, doing: Doing, cursor: Option<Value>) -> Done {
        if doing == Doing::Left {
            if self.nodes.remove(&node).is_some() {
                self.hub.presence.set(&self.hub, (self.id, node), None);
            }
            return Ok(Ok(()));
        }
        if cursor
            .as_ref()
            .is_some_and(|cursor| cursor.to_string().len() > MAX_CURSOR)
        {
            let why = "A cursor's position has 1,024 bytes at most.";
            return Ok(Err(Refusal::new("INVALID_PAYLOAD", why)));
        }
        let project = match self.nodes.get(&node) {
            Some((project, _)) => *project,
            None if self.nodes.len() >= self.hub.config.subscriptions => {
                let why = "You are present at as many nodes as one connection may be.";
                return Ok(Err(Refusal::new("RATE_LIMITED", why)));
            }
            None => {
                let (action, target) = (Action::NodeRead, Target::Node(node));
                let asked = self.ctx.read(action, target, async |_| Ok(())).await;
                match asked.and_then(|(grant, ())| grant.project()) {
                    Ok(project) => project,
                    Err(error) => return refused(Channel::Node(node), &error).map(Err),
                }
            }
        };
        let person = match self.person().await {
            Ok(person) => person,
            Err(error) => return Ok(Err(Refusal::of(&error))),
        };
        self.nodes.insert(node, (project, doing));
        let here = (person, project, doing, cursor);
        self.hub
            .presence
            .set(&self.hub, (self.id, node), Some(here));
        Ok(Ok(()))
    }

    /// The client as others see them, looked up once.
    async fn person(&mut self) -> Result<Person, Error> {
        if let Some(person) = &self.person {
            return Ok(person.clone());
        }
        let id = self.ctx.caller.user();
        let scope = Scope::User(id);
        let find = async move |tx: &mut _| tenants::ops::user_in(tx, id).await;
        let user = self.ctx.app.db.tx(scope, find).await?;
        let person = Person {
            id,
            email: user.email,
            name: user.name,
            avatar_url: user.avatar_url,
        };
        Ok(self.person.insert(person).clone())
    }

    async fn lock_acquire(&mut self, node: NodeId, request: Option<&Value>) -> Done {
        match nodes::ops::lock_acquire(&self.ctx, node).await {
            Ok(lock) => {
                let payload = json!({
                    "nodeId": node,
                    "lockedBy": lock.locked_by,
                    "userEmail": lock.locked_by_email,
                    "lockedByEmail": lock.locked_by_email,
                    "expiresAt": lock.expires_at,
                    "epoch": lock.epoch,
                });
                self.answer("lock_acquired", &payload, request)
                    .await
                    .map(Ok)
            }
            Err(error) => of_operation(&error),
        }
    }

    async fn lock_release(&mut self, node: NodeId, request: Option<&Value>) -> Done {
        match nodes::ops::lock_release(&self.ctx, node, false).await {
            Ok(()) => {
                let payload = json!({ "nodeId": node, "releasedBy": self.ctx.caller.user() });
                self.answer("lock_released", &payload, request)
                    .await
                    .map(Ok)
            }
            Err(error) => of_operation(&error),
        }
    }
}

/// The channel of that name, if it is one for clients.
fn known(name: &str) -> Result<Channel, Refusal> {
    let channel = name.parse().ok();
    channel
        .filter(|channel| *channel != Channel::Processes)
        .ok_or_else(|| {
            Refusal::new(
                "CHANNEL_INVALID",
                "A channel is project:<uuid>, node:<uuid> or execution:<uuid>.",
            )
        })
}

/// Whether there is no such channel or it is not theirs to hear is the same to a client.
fn refused(channel: Channel, error: &Error) -> Result<Refusal, End> {
    if subscriptions::is_of_the_token(error) {
        return Err(End::Token);
    }
    if subscriptions::is_refusal(error) {
        let why = format!("You may not hear {channel}, or there is no such thing.");
        return Ok(Refusal::new("CHANNEL_FORBIDDEN", why));
    }
    Ok(of_ours(error))
}

fn of_operation(error: &Error) -> Done {
    if subscriptions::is_of_the_token(error) {
        return Err(End::Token);
    }
    Ok(Err(of_ours(error)))
}

/// A refusal as over HTTP; a failure of ours is logged here, since no answer's boundary is.
fn of_ours(error: &Error) -> Refusal {
    if error.code() == Code::Internal {
        tracing::error!(error = %error.chain(), "a socket's request failed");
    }
    Refusal::of(error)
}
