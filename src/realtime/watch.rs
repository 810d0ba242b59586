//! What the bus may have lost without anybody's knowing: this looks at the log once a second,
//! while somebody listens, and tells feeds of numbers that they have not heard.
//!
//! So an event, and the news that a right was taken away, reaches every process within two
//! seconds of its commit also without Redis, and when a relay dies before it told anybody.

use std::{sync::Weak, time::Duration};

use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use crate::{kernel::Result, outbox::log};

/// The time between two looks.
const PACE: Duration = Duration::from_millis(800);
/// How long news may be on their way before they count as lost.
const ON_THE_WAY: Duration = Duration::from_millis(150);
/// Entries that are read at a time.
const BATCH: i64 = 2000;

/// Watches until `stop` or until the hub is gone.
pub(super) async fn run(hub: Weak<Hub>, stop: CancellationToken) {
    // Where the last look ended; none while nobody listens.
    let mut position: Option<i64> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PACE) => {}
        }
        let Some(hub) = hub.upgrade() else { return };
        if !hub.has_feeds() {
            position = None;
            continue;
        }
        match look(&hub, position).await {
            Ok(end) => position = Some(end),
            Err(error) => tracing::debug!(error = %error.chain(), "the log was not looked at"),
        }
    }
}

/// Tells feeds of what was numbered after `position`; answers where that ends.
async fn look(hub: &Hub, position: Option<i64>) -> Result<i64> {
    let Some(mut position) = position else {
        // Feeds may have begun before this, so each looks for itself once.
        let end = log::end(&hub.db).await?;
        hub.hint_all();
        return Ok(end);
    };
    loop {
        let seen = log::sightings(&hub.db, position, BATCH).await?;
        let Some(last) = seen.last() else {
            return Ok(position);
        };
        position = last.position;
        tokio::time::sleep(ON_THE_WAY).await;
        for sighting in seen {
            if let Some(channel) = sighting.channel {
                hub.hint(channel, sighting.seq);
            }
        }
    }
}
