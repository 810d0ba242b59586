//! What each channel has said, for whoever must not miss any of it.
//!
//! The relay numbers the events of each channel 1, 2, 3… before it tells of them, so a
//! number that is heard is in the log, and a number that is missing between two is known to
//! be missing. Entries are kept as long as the outbox keeps their events
//! (`live.keep_hours`).

use super::store;
use crate::{
    kernel::{
        Result, Scope,
        event::{Channel, EventKind},
        text::TextEnum,
    },
    platform::{
        bus::{Message, Told},
        db::Db,
    },
};

/// One number of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The number.
    pub seq: i64,
    /// What it stands for; nothing when that was deleted with its organization, or is of a
    /// kind that only a newer version knows.
    pub message: Option<Message>,
}

/// A place in the log of all channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The place; places grow in the order in which they become visible.
    pub position: i64,
    /// The channel, unless only a newer version knows such.
    pub channel: Option<Channel>,
    /// The channel's number there.
    pub seq: i64,
}

/// The last number that the channel gave; 0 before its first.
pub async fn head(db: &Db, channel: Channel) -> Result<i64> {
    let name = channel.to_string();
    db.tx(Scope::System, async move |tx| store::head(tx, &name).await)
        .await
}

/// What the channel said after number `after`, in order, `limit` entries at most. It is
/// whole from `after` on only if the first number is the next one: what came before may not
/// be kept any more.
pub async fn since(db: &Db, channel: Channel, after: i64, limit: i64) -> Result<Vec<Entry>> {
    let name = channel.to_string();
    let rows = db
        .tx(Scope::System, async move |tx| {
            store::since(tx, &name, after, limit).await
        })
        .await?;
    Ok(rows.into_iter().map(entry).collect())
}

/// Where the log of all channels ends now.
pub async fn end(db: &Db) -> Result<i64> {
    db.tx(Scope::System, async |tx| store::end(tx).await).await
}

/// What was written to the log of all channels after `position`.
pub async fn sightings(db: &Db, position: i64, limit: i64) -> Result<Vec<Sighting>> {
    let rows = db
        .tx(Scope::System, async move |tx| {
            store::sightings(tx, position, limit).await
        })
        .await?;
    let sighting = |row: store::Numbered| Sighting {
        position: row.position,
        channel: row.channel.parse().ok(),
        seq: row.seq,
    };
    Ok(rows.into_iter().map(sighting).collect())
}

fn entry(row: store::Kept) -> Entry {
    Entry {
        seq: row.seq,
        message: message(&row),
    }
}

/// What a row of the log says, if this version can read it.
pub(super) fn message(row: &store::Kept) -> Option<Message> {
    Some(Message {
        kind: EventKind::parse(row.name.as_deref()?)?,
        payload: std::sync::Arc::new(row.payload.clone()?),
        told: Some(Told {
            seq: row.seq,
            id: crate::kernel::Id::from_uuid(row.event_id),
            at: row.created_at?,
        }),
    })
}
