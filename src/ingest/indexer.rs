//! The indexer: keeps search's chunks and vectors up with what changes.
//!
//! What changed stands in a table that the change itself wrote; a wake-up only says that there
//! is something. So nothing is missed when this process dies, and one that is behind works
//! through what is there in turns, an organization's things no sooner than another's.
//!
//! Three loops beside each other, so that an embedder which is slow or away holds up neither
//! what is found by words nor new vectors behind a change of model.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    kernel::Result,
    platform::db::Topic,
    search::{
        model::Stage,
        ops::{index, renew},
    },
};

/// Things that are taken at a time.
const BATCH: i64 = 8;
/// How often to look without being woken: for what another process changed, and for what is
/// to be tried again.
const SLOW_SCAN: Duration = Duration::from_secs(5);

/// Works until `stop`. What it holds then is taken up by another after its lease.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    tokio::join!(
        keep_up(&app, Stage::Cut, Topic::Index, &stop),
        keep_up(&app, Stage::Embed, Topic::Vectors, &stop),
        keep_renewing(&app, &stop),
    );
}

async fn keep_up(app: &App, stage: Stage, topic: Topic, stop: &CancellationToken) {
    loop {
        let worked = tokio::select! {
            () = stop.cancelled() => return,
            worked = stage_round(app, stage) => worked,
        };
        match worked {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(error = %error.chain(), "the indexer will try again"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.db.signal().wait(topic) => {}
            () = tokio::time::sleep(SLOW_SCAN) => {}
        }
    }
}

async fn keep_renewing(app: &App, stop: &CancellationToken) {
    loop {
        let worked = tokio::select! {
            () = stop.cancelled() => return,
            worked = renew::step(&app.db, &app.embedders) => worked,
        };
        match worked {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %error.chain(), "vectors are made anew later"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(renew::QUIET) => {}
        }
    }
}

/// Brings some of what changed up to date, vectors too; answers how many things were taken.
pub async fn round(app: &App) -> Result<usize> {
    let cut = stage_round(app, Stage::Cut).await?;
    Ok(cut + stage_round(app, Stage::Embed).await?)
}

/// Does some of what is due at a stage; answers how many things were taken. What fails is put
/// off.
async fn stage_round(app: &App, stage: Stage) -> Result<usize> {
    let tasks = index::take(&app.db, stage, BATCH).await?;
    let one = async |task| {
        if let Err(error) = index::index(&app.db, &app.embedders, stage, task).await {
            tracing::warn!(?task, ?stage, error = %error.chain(), "a thing was not indexed");
        }
    };
    join_all(tasks.iter().map(one)).await;
    Ok(tasks.len())
}
