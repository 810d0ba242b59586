//! Making an organization's vectors anew after a change of model, beside the old ones, with
//! which it is searched until the last of the new is there. Then the old ones go.
//!
//! It walks an organization's chunks in the order of their ids and commits how far it has come
//! with each batch, so a process that dies costs the batch that it was at. What is cut
//! meanwhile gets vectors of both models ([`super::embed`]).

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    super::{
        model::{Making, ModelUse},
        store::{
            embeddings as store,
            vectors::{self, Lacking},
        },
    },
    embed,
};
use crate::{
    kernel::{Error, OrgId, Result, Scope, Timestamp},
    platform::{
        db::{Db, Tx},
        embed::{Embedder, Embedders},
    },
};

/// How long to wait before looking again when there was nothing to do.
pub const QUIET: Duration = Duration::from_secs(30);
/// How long an organization is in one worker's hands; renewed with each batch.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// Batches for one organization before it is another's turn.
const TURN: usize = 16;
/// How long old vectors stay after the new ones are there: for questions that were embedded
/// just before it.
const GRACE: TimeDelta = TimeDelta::minutes(1);
/// Old vectors that are removed at a time.
const REMOVED: i64 = 1_000;
/// The wait after a failure, unless the embedder asks for more.
const BACKOFF: TimeDelta = TimeDelta::seconds(30);

/// Goes on with one organization that has vectors of another model than the present one.
/// Answers whether there was one.
///
/// # Errors
/// What the database or the embedder failed with; it is gone on with later.
pub async fn step(db: &Db, embedders: &Embedders) -> Result<bool> {
    let embedder = &**embedders.current();
    let dimensions = i32::try_from(embedder.dimensions()).map_err(Error::internal)?;
    let model = embedder.model();
    let taken = db
        .tx(Scope::System, async |tx| {
            store::take(tx, model, dimensions, LEASE).await
        })
        .await?;
    let Some(mut making) = taken else {
        return Ok(false);
    };
    let worked = turn(db, embedder, &mut making).await;
    let due = match &worked {
        Ok(due) => *due,
        Err(error) => {
            let asked = error
                .details()
                .and_then(|told| told.get("retryAfterSeconds")?.as_i64());
            let wait = TimeDelta::seconds(asked.unwrap_or(0).min(3_600));
            db.now() + wait.max(BACKOFF)
        }
    };
    let kept = async |tx: &mut Tx| store::keep(tx, &making, model, due).await;
    db.tx(scope(making.org), kept).await?;
    worked.map(|_| true)
}

fn scope(org: OrgId) -> Scope {
    Scope::Org { org, user: None }
}

/// A turn for one organization; answers when it may have the next.
async fn turn(db: &Db, embedder: &dyn Embedder, making: &mut Making) -> Result<Timestamp> {
    let (org, model) = (making.org, embedder.model());
    let used = embed::in_use(db, org).await?;
    if used.as_deref() == Some(model) {
        return remove(db, model, making).await;
    }
    if making.complete_at.is_some() {
        // It was in use once, and things have changed since then.
        *making = Making {
            complete_at: None,
            upto: uuid::Uuid::nil(),
            made: 0,
            ..making.clone()
        };
    }
    if making.made == 0 {
        tracing::info!(%org, from = used, to = model, "vectors are made anew");
    }
    for _ in 0..TURN {
        if batch(db, embedder, making).await? {
            making.complete_at = Some(db.now());
            tracing::info!(%org, model, made = making.made, "all vectors are there");
            return Ok(db.now() + GRACE);
        }
    }
    tracing::info!(%org, model, made = making.made, "vectors are being made anew");
    Ok(db.now())
}

/// Makes some vectors; answers whether they were the last ones.
async fn batch(db: &Db, embedder: &dyn Embedder, making: &mut Making) -> Result<bool> {
    let (org, model, upto) = (making.org, embedder.model(), making.upto);
    let lacking: Vec<Lacking<_>> = db
        .tx(scope(org), async |tx| {
            vectors::lacking(tx, org, model, upto, embed::BATCH).await
        })
        .await?;
    let Some(last) = lacking.last() else {
        return Ok(true);
    };
    let mut ahead = Making {
        upto: last.at,
        made: making
            .made
            .saturating_add(i64::try_from(lacking.len()).unwrap_or(0)),
        ..making.clone()
    };
    let new = embed::make(embedder, lacking).await?;
    ahead.held_until = db
        .tx(scope(org), async |tx| {
            embed::put(tx, org, model, new).await?;
            let until = tx.now() + LEASE;
            match store::keep(tx, &ahead, model, until).await? {
                true => Ok(until),
                // Another took over because this one was too slow, and goes on.
                false => Err(Error::internal("the making of vectors is another's now")),
            }
        })
        .await?;
    *making = ahead;
    Ok(false)
}

/// Removes some vectors of other models, if that may be.
async fn remove(db: &Db, model: &str, making: &mut Making) -> Result<Timestamp> {
    let org = making.org;
    let since = making.complete_at.unwrap_or_else(|| db.now());
    if db.now() < since + GRACE {
        return Ok(since + GRACE);
    }
    for _ in 0..TURN {
        let removed = db
            .tx(scope(org), async |tx| {
                store::remove_others(tx, org, model, REMOVED).await
            })
            .await?;
        if removed == 0 {
            tracing::info!(%org, model, "the old vectors are gone");
            break;
        }
    }
    Ok(db.now())
}

/// How far an organization is with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The model and how many vectors were made.
    pub of: ModelUse,
    /// How many chunks the organization has; counted only while vectors are made.
    pub chunks: Option<i64>,
}

/// How far every organization is, for whoever runs the system.
///
/// # Errors
/// What the database failed with.
pub async fn progress(db: &Db) -> Result<Vec<Progress>> {
    let all = db
        .tx(Scope::System, async |tx| store::all(tx).await)
        .await?;
    let mut progress = Vec::with_capacity(all.len());
    for of in all {
        let org = of.org;
        let chunks = match of.complete_at {
            Some(_) => None,
            None => Some(
                db.tx(scope(org), async |tx| store::chunks(tx, org).await)
                    .await?,
            ),
        };
        progress.push(Progress { of, chunks });
    }
    Ok(progress)
}
