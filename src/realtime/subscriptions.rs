//! The right to hear a channel, and hearing it from a number on.

use std::time::Duration;

use super::{
    feed::Ear,
    hub::{Hub, Seat},
};
use crate::{
    access::{Action, Target},
    app::Ctx,
    kernel::{Code, Error, Result, event::Channel},
    outbox::log,
    platform::bus::Message,
};

/// How long a channel may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);
/// Entries of the log that are read at a time.
const BATCH: i64 = 200;

/// Fails unless the caller may hear `channel` now.
pub(super) async fn may_hear(ctx: &Ctx, channel: Channel) -> Result<()> {
    let (action, target) = match channel {
        Channel::Project(id) => (Action::ProjectRead, Target::Project(id)),
        Channel::Node(id) => (Action::NodeRead, Target::Node(id)),
        Channel::Execution(id) => (Action::ExecutionRead, Target::Execution(id)),
        Channel::User(user) if user == ctx.caller.user() => return ctx.caller.require_whole(),
        Channel::User(_) | Channel::Processes => return Err(Error::not_found("channel")),
    };
    ctx.read(action, target, async |_| Ok(())).await?;
    Ok(())
}

/// Whether an error says that a right is not there, and not that nobody could look.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(error.code(), Code::NotFound | Code::Forbidden)
}

/// Whether an error says that the caller's token is of no use any more.
pub(super) fn is_of_the_token(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::TokenExpired | Code::TokenInvalid | Code::Unauthenticated
    )
}

/// A channel that one client hears.
#[derive(Debug)]
pub(super) struct Subscription {
    _seat: Seat,
    /// The last number that the client has, or is past.
    pub last: i64,
}

impl Subscription {
    /// Hears `channel` from now on.
    pub(super) async fn open(
        hub: &std::sync::Arc<Hub>,
        channel: Channel,
        ear: Ear,
    ) -> Result<Self> {
        let seat = hub.join(channel, ear);
        let last = tokio::time::timeout(PATIENCE, seat.after())
            .await
            .map_err(|_| Error::new(Code::Unavailable, "The channel does not answer."))?;
        Ok(Subscription { _seat: seat, last })
    }

    /// Whether an event with this number is still to be passed on.
    pub(super) fn is_new(&mut self, seq: Option<i64>) -> bool {
        match seq {
            Some(seq) if seq <= self.last => false,
            Some(seq) => {
                self.last = seq;
                true
            }
            None => true,
        }
    }
}

/// Where a client that comes back goes on.
#[derive(Debug)]
pub(super) enum Resumed {
    /// After this.
    After(Replay),
    /// Here: it has all that there is.
    Here,
    /// It must read anew.
    Lost,
}

/// A piece of what a client missed.
#[derive(Debug)]
pub(super) enum Missed {
    /// These events come next.
    Some(Vec<Message>),
    /// That was all.
    Nothing,
    /// It is not kept any more, too much, or never was.
    Unknown,
}

/// What a client missed of a channel, piece by piece.
#[derive(Debug)]
pub(super) struct Replay {
    channel: Channel,
    after: i64,
    until: i64,
}

impl Replay {
    /// What there is to do for a client that has everything up to `since` of a channel, and
    /// hears what comes after `last`. It may have heard more elsewhere than this process knows
    /// yet; that is not told again.
    pub(super) async fn after(
        since: i64,
        hub: &Hub,
        channel: Channel,
        last: &mut i64,
    ) -> Result<Resumed> {
        let until = *last;
        if since > until {
            if since > log::head(&hub.db, channel).await? {
                return Ok(Resumed::Lost);
            }
            hub.hint(channel, since);
            *last = since;
            return Ok(Resumed::Here);
        }
        if until - since > hub.config.replay {
            return Ok(Resumed::Lost);
        }
        Ok(Resumed::After(Replay {
            channel,
            after: since,
            until,
        }))
    }

    /// The next piece.
    pub(super) async fn next(&mut self, hub: &Hub) -> Result<Missed> {
        if self.after >= self.until {
            return Ok(Missed::Nothing);
        }
        let limit = BATCH.min(self.until - self.after);
        let entries = log::since(&hub.db, self.channel, self.after, limit).await?;
        match (entries.first(), entries.last()) {
            (Some(first), Some(last)) if first.seq == self.after + 1 => self.after = last.seq,
            _ => return Ok(Missed::Unknown),
        }
        let messages = entries.into_iter().filter_map(|entry| entry.message);
        Ok(Missed::Some(messages.collect()))
    }
}
