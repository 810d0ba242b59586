//! Removing what the entries of runs carry that ended long ago.
//!
//! A payload gives way to its hash, which the chain covers, so a journal can be verified
//! after that as before; the database lets the application put nothing else there. A run
//! whose node has one that is going on is left until that has ended, since it may be a fork
//! that stands on it.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::{
    super::store::{self, retention},
    payloads,
};
use crate::{
    app::App,
    kernel::{ExecutionId, Result, Scope, Timestamp},
    nodes, outbox,
    platform::db::Tx,
};

/// The time between two sweeps.
const EVERY: Duration = Duration::from_hours(1);

/// The rounds of a day.
const DAY: u64 = 24;

/// Where a sweep has come to.
type Place = (Timestamp, ExecutionId);

/// What became of one run.
enum Step {
    /// Its payloads were removed, so many.
    Removed(Place, usize),
    /// It must wait for another run.
    Passed(Place),
    /// There is none, or another process sweeps.
    Nothing,
}

/// Sweeps every hour until `stop`: payloads, if they are not kept for ever, and what the
/// storage holds of payloads that no entry refers to.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    for round in 0_u64.. {
        if let Some(keep) = app.config.agent.keep_payloads() {
            let removed = sweep(&app, keep, &stop).await;
            tell(
                removed,
                "removed payloads of executions that ended long ago",
            );
        }
        // Elsewhere than in a folder a listing is paid for.
        let every = if app.folder.is_some() { 1 } else { DAY };
        if round.is_multiple_of(every) {
            let removed = payloads::sweep(&app.db, &*app.blobs).await;
            tell(removed, "removed stored payloads that no entry refers to");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn tell(removed: Result<usize>, what: &str) {
    match removed {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "{what}"),
        Err(error) => {
            tracing::warn!(error = %error.chain(), "the removal of payloads will try again");
        }
    }
}

/// Removes the payloads of every run that ended longer than `keep` ago; answers of how many.
/// One transaction for each, so that a large backlog holds nobody up.
pub async fn sweep(app: &App, keep: TimeDelta, stop: &CancellationToken) -> Result<usize> {
    let before = app.db.now() - keep;
    let (mut runs, mut after) = (0, None);
    while !stop.is_cancelled() {
        let step = app
            .db
            .tx(Scope::System, async |tx| step(tx, before, after).await)
            .await?;
        match step {
            Step::Removed(place, entries) => {
                tracing::debug!(execution = %place.1, entries, "removed payloads");
                (runs, after) = (runs + 1, Some(place));
            }
            Step::Passed(place) => after = Some(place),
            Step::Nothing => break,
        }
    }
    Ok(runs)
}

async fn step(tx: &mut Tx, before: Timestamp, after: Option<Place>) -> Result<Step> {
    if !retention::try_lead(tx).await? {
        return Ok(Step::Nothing);
    }
    let Some(ended) = retention::next(tx, before, after).await? else {
        return Ok(Step::Nothing);
    };
    let place = (ended.at, ended.id);
    tx.rescope(&Scope::Org {
        org: ended.org,
        user: None,
    });
    // A fork takes this lock first, so none begins meanwhile. Of a deleted node there is
    // no run that goes on.
    nodes::ops::lock_row_in(tx, ended.node).await?;
    if store::active(tx, ended.node).await?.is_some() {
        return Ok(Step::Passed(place));
    }
    for sha256 in store::payloads::of_run(tx, &ended).await? {
        let job = payloads::deletion_job(ended.org, ended.id, &sha256)?;
        outbox::enqueue(tx, &job).await?;
    }
    let entries = retention::remove_payloads(tx, &ended).await?;
    Ok(Step::Removed(place, entries))
}
