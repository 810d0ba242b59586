//! What a project's channel says as Server-Sent Events, for clients without WebSocket: the
//! same events under the same numbers, from `Last-Event-ID` on.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;

use super::{
    feed::{Delivery, Ear},
    hub::{Hub, Place},
    metrics::Kind,
    protocol::Frame,
    queue::Queue,
    subscriptions::{self, Missed, Replay, Resumed, Subscription},
};
use crate::{
    app::Ctx,
    kernel::{
        Result,
        event::{Channel, EventKind},
        text::TextEnum,
    },
};

/// A sign of life, which also keeps proxies from closing a silent connection, and a look
/// whether the token is still good.
const STILL_HERE: Duration = Duration::from_secs(15);

struct Follower {
    hub: Arc<Hub>,
    ctx: Ctx,
    channel: Channel,
    _place: Place,
    queue: Arc<Queue>,
    slow: CancellationToken,
    heard: Subscription,
    own: Subscription,
    replay: Option<Replay>,
    frames: VecDeque<Bytes>,
}

/// The frames of a channel, after number `since` or from now on. Fails when the caller may
/// not hear it; the stream ends when they may not any more, or read too slowly.
pub(super) async fn follow(
    hub: Arc<Hub>,
    ctx: Ctx,
    channel: Channel,
    since: Option<i64>,
) -> Result<impl Stream<Item = Result<Bytes>>> {
    let place = hub.admit(ctx.caller.user(), Kind::Stream)?;
    let queue = Queue::new(hub.config.queue);
    let slow = CancellationToken::new();
    // First, so that a right that is taken away after the look is heard of.
    let own = Channel::User(ctx.caller.user());
    let ear = Ear::Queue {
        queue: Arc::clone(&queue),
        slow: slow.clone(),
    };
    let own = Subscription::open(&hub, own, ear.clone()).await?;
    subscriptions::may_hear(&ctx, channel).await?;
    let heard = Subscription::open(&hub, channel, ear).await?;
    let mut follower = Follower {
        replay: None,
        frames: VecDeque::from([Bytes::from_static(b": here\n\n")]),
        _place: place,
        hub,
        ctx,
        channel,
        queue,
        slow,
        heard,
        own,
    };
    if let Some(since) = since {
        let hub = Arc::clone(&follower.hub);
        match Replay::after(since, &hub, channel, &mut follower.heard.last).await? {
            Resumed::After(replay) => follower.replay = Some(replay),
            Resumed::Here => {}
            Resumed::Lost => follower.resync(follower.heard.last),
        }
    }
    Ok(stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await?;
        Some((Ok(frame), follower))
    }))
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            if self.replay.is_some() {
                self.missed().await?;
                continue;
            }
            let draining = self.hub.draining.clone();
            let slow = self.slow.clone();
            tokio::select! {
                // The client comes back, here or elsewhere, with the last id that it has.
                () = draining.cancelled() => return None,
                () = slow.cancelled() => return None,
                delivery = self.queue.next() => self.hear(delivery).await?,
                () = tokio::time::sleep(STILL_HERE) => {
                    self.still_may().await?;
                    self.frames.push_back(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }

    /// Takes the next piece of what the client missed; nothing when nobody can tell.
    async fn missed(&mut self) -> Option<()> {
        let replay = self.replay.as_mut()?;
        match replay.next(&self.hub).await {
            Ok(Missed::Some(messages)) => {
                for message in messages {
                    self.push(&Frame::of(self.channel, &message));
                }
            }
            Ok(Missed::Nothing) => self.replay = None,
            Ok(Missed::Unknown) => {
                self.replay = None;
                self.resync(self.heard.last);
            }
            Err(error) => {
                tracing::debug!(error = %error.chain(), "a stream ends early");
                return None;
            }
        }
        Some(())
    }

    async fn hear(&mut self, delivery: Delivery) -> Option<()> {
        match delivery {
            Delivery::Event(frame) if frame.channel == self.channel => {
                if self.heard.is_new(frame.seq) {
                    self.push(&frame);
                }
            }
            Delivery::Event(frame) => {
                let is_new = self.own.is_new(frame.seq);
                if is_new && frame.kind == EventKind::RightsChanged {
                    self.still_may().await?;
                }
            }
            Delivery::Resync(gap) if gap.channel == self.channel => {
                self.heard.last = gap.until;
                self.resync(gap.until);
            }
            Delivery::Resync(gap) => {
                self.own.last = gap.until;
                self.still_may().await?;
            }
        }
        Some(())
    }

    /// Nothing when the client may not hear the channel any more.
    async fn still_may(&self) -> Option<()> {
        let looked = subscriptions::may_hear(&self.ctx, self.channel).await;
        looked
            .inspect_err(|error| tracing::debug!(error = %error.chain(), "a stream ends"))
            .ok()
    }

    fn push(&mut self, frame: &Frame) {
        let id = frame
            .seq
            .map(|seq| format!("id: {seq}\n"))
            .unwrap_or_default();
        let (kind, data) = (frame.kind.as_str(), frame.payload());
        let text = format!("{id}event: {kind}\ndata: {data}\n\n");
        self.frames.push_back(Bytes::from(text));
    }

    fn resync(&mut self, seq: i64) {
        let text = format!(
            "id: {seq}\nevent: resync_required\ndata: {{\"channel\":\"{}\",\"seq\":{seq}}}\n\n",
            self.channel
        );
        self.frames.push_back(Bytes::from(text));
    }
}
