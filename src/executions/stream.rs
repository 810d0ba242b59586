//! Following an execution as Server-Sent Events, without a gap.
//!
//! The database is the record; the bus says when to look. Interest is registered
//! before the first look, so an entry appended between the two is not missed. Each
//! look asks again whether the caller may read, so a stream ends when that right does.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use super::ops;
use crate::{
    app::Ctx,
    kernel::{
        Error, ExecutionId, Result,
        event::{Channel, EventKind},
        text::TextEnum,
    },
    platform::bus::{Message, Subscription},
};

/// A look without news from the bus: finds what another process appended, and keeps
/// proxies from closing a silent connection.
const SLOW_SCAN: Duration = Duration::from_secs(5);
/// Entries a look.
const BATCH: i64 = 200;

struct Follower {
    ctx: Ctx,
    id: ExecutionId,
    after: i64,
    news: Subscription,
    frames: VecDeque<Bytes>,
    ended: bool,
}

/// The frames of an execution after entry `after`; ends when it has ended.
pub async fn follow(
    ctx: Ctx,
    id: ExecutionId,
    after: i64,
) -> Result<impl Stream<Item = Result<Bytes, Error>>> {
    let news = ctx.app.bus.subscribe(Channel::Execution(id)).await?;
    let mut follower = Follower {
        ctx,
        id,
        after,
        news,
        frames: VecDeque::new(),
        ended: false,
    };
    // The first look decides whether there is an answer at all: a foreign execution
    // is a 404, not an empty stream.
    follower.look().await?;
    Ok(stream::unfold(follower, |mut follower| async move {
        match follower.next().await {
            Ok(Some(frame)) => Some((Ok(frame), follower)),
            Ok(None) => None,
            Err(error) => {
                tracing::debug!(error = %error.chain(), "a stream ends early");
                None
            }
        }
    }))
}

impl Follower {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            let draining = self.ctx.app.draining.clone();
            let news = tokio::select! {
                // The client comes back elsewhere with the last id it has.
                () = draining.cancelled() => return Ok(None),
                news = tokio::time::timeout(SLOW_SCAN, self.news.recv()) => news,
            };
            match news {
                Ok(Ok(message)) => self.hear(&message).await?,
                Ok(Err(RecvError::Lagged(_))) => self.look().await?,
                Ok(Err(RecvError::Closed)) => self.ended = true,
                Err(_) => {
                    self.frames
                        .push_back(Bytes::from_static(b": still here\n\n"));
                    self.look().await?;
                }
            }
        }
    }

    async fn hear(&mut self, message: &Message) -> Result<()> {
        match message.kind {
            EventKind::LlmDelta => self.push(None, message.kind.as_str(), &message.payload),
            EventKind::ExecutionUpdate => {
                // Entries first: the one that explains the new state.
                self.look().await?;
                self.push(None, message.kind.as_str(), &message.payload);
            }
            _ => self.look().await?,
        }
        Ok(())
    }

    /// Reads on from the last entry that was sent.
    async fn look(&mut self) -> Result<()> {
        loop {
            let (events, status) =
                ops::execution_trace(&self.ctx, self.id, self.after, BATCH).await?;
            for event in &events {
                self.after = event.sequence_number;
                let data = serde_json::to_value(event).map_err(Error::internal)?;
                self.push(
                    Some(event.sequence_number),
                    EventKind::TraceEvent.as_str(),
                    &data,
                );
            }
            if events.is_empty() {
                self.ended = status.is_terminal();
                return Ok(());
            }
        }
    }

    fn push(&mut self, id: Option<i64>, kind: &str, data: &Value) {
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        let frame = format!("{id}event: {kind}\ndata: {data}\n\n");
        self.frames.push_back(Bytes::from(frame));
    }
}
