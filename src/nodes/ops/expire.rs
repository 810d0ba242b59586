//! The watch over locks: says when one ends by itself.
//!
//! It sleeps until the earliest end that the database knows, and is woken when a lock is
//! taken, here or by another process; with no lock held it asks nothing. Several processes
//! may watch: the row decides under its lock which of them releases it, so each end is
//! announced once. A lock's end needs no watch to be true, for every reader compares the
//! time; the watch only tells those who wait for it.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::{super::store::lock, lock as locks};
use crate::{
    kernel::{Finding, NodeId, OrgId, Result, Scope, Timestamp},
    platform::db::{Db, Topic},
};

/// Ends looked at in one round.
const BATCH: i64 = 100;
/// How often to look without being woken, should a wake-up from another process be lost.
const SLOW_SCAN: Duration = Duration::from_mins(5);
/// A pause after a failure, so that a database that is down is not hammered.
const PAUSE: Duration = Duration::from_secs(5);

/// Announces locks that end by time.
#[derive(Debug)]
pub struct LockWatch {
    /// Where the locks are.
    pub db: Db,
}

impl LockWatch {
    /// Watches until `stop`; failures are logged and tried again.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let nap = match self.round().await {
                Ok(next) => self.until(next),
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "the watch over locks will try again");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.db.signal().wait(Topic::Locks) => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    /// Releases the locks whose time is over; answers when the next one ends.
    pub async fn round(&self) -> Result<Option<Timestamp>> {
        loop {
            let endings = self
                .db
                .tx(Scope::System, async |tx| {
                    lock::next_endings(tx, BATCH).await
                })
                .await?;
            let now = self.db.now();
            for (org, node, _) in endings.iter().filter(|(_, _, end)| *end <= now) {
                self.expire(*org, *node).await?;
            }
            match endings.last() {
                None => return Ok(None),
                // All of them were due, so there may be more.
                Some((_, _, last)) if *last <= now => {}
                Some(_) => {
                    let mut ends = endings.into_iter().map(|(_, _, end)| end);
                    return Ok(ends.find(|end| *end > now));
                }
            }
        }
    }

    async fn expire(&self, org: OrgId, node: NodeId) -> Result<()> {
        let scope = Scope::Org { org, user: None };
        let expired = self
            .db
            .tx(scope, async |tx| locks::expire_in(tx, node).await)
            .await?;
        if expired {
            tracing::debug!(%node, "a lock ended by time");
        }
        Ok(())
    }

    /// How long to sleep.
    fn until(&self, next: Option<Timestamp>) -> Duration {
        let left = next.map(|end| (end - self.db.now()).to_std().unwrap_or_default());
        left.unwrap_or(SLOW_SCAN).min(SLOW_SCAN)
    }
}

/// How long a lock may be past its end before somebody should look.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Looks for locks whose end nobody announced.
pub async fn doctor(db: &Db) -> Result<Option<Finding>> {
    let endings = db
        .tx(Scope::System, async |tx| {
            lock::next_endings(tx, BATCH).await
        })
        .await?;
    let before = db.now() - PATIENCE;
    let late = endings.into_iter().filter(|(_, _, end)| *end < before);
    Ok(Finding::of_some(
        "lock_past_end",
        "Nodes' locks ended by time, and nobody was told.",
        late.map(|(_, node, _)| node).collect(),
        "See that a server (`glassbox serve`) runs, since the watch over locks is part of it. The \
         nodes can be written all the same.",
    ))
}
