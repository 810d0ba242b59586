//! How much of the truth an index over vectors found: a small share of questions is answered
//! once more by comparing everything, after the caller has their answer.

use std::{collections::HashSet, sync::Arc};

use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{
    super::{
        model::{Place, rank::Found},
        store::nearest,
    },
    find::Searching,
};
use crate::{app::Ctx, kernel::Result, platform::recall::Comparison};

/// How many of the best are compared.
const BEST: usize = 10;

/// The best of what an index found, to be compared.
pub(super) fn best(found: &[Found]) -> Vec<Uuid> {
    found.iter().take(BEST).map(|found| found.chunk).collect()
}

/// Compares `best` with the truth, if it is this question's turn. Nobody waits for it, and
/// nobody misses it when it fails.
pub(super) fn compare(ctx: &Ctx, place: Place, searching: Arc<Searching>, best: Vec<Uuid>) {
    let Some(comparison) = ctx.app.recall.choose() else {
        return;
    };
    let ctx = ctx.clone();
    TaskTracker::new().spawn(async move {
        if let Err(error) = count(&ctx, &place, &searching, &best, &comparison).await {
            tracing::warn!(error = %error.chain(), "an answer of an index was not compared");
        }
    });
}

async fn count(
    ctx: &Ctx,
    place: &Place,
    searching: &Searching,
    best: &[Uuid],
    comparison: &Comparison,
) -> Result<()> {
    let Some(like) = searching.like() else {
        return Ok(());
    };
    let filter = &searching.question.filter;
    let most = i64::try_from(BEST).unwrap_or(i64::MAX);
    // As the caller, so that it sees what they saw; without their idempotency key.
    let ctx = Ctx {
        attempt: None,
        ..ctx.clone()
    };
    let exact = ctx
        .asking_tx(async move |tx| nearest::exactly(tx, place, filter, like, most).await)
        .await?;
    let exact: HashSet<Uuid> = exact.iter().map(|found| found.chunk).collect();
    if exact.is_empty() {
        return Ok(());
    }
    let found = best.iter().filter(|chunk| exact.contains(chunk)).count();
    comparison.count(found, exact.len());
    let totals = ctx.app.recall.totals();
    tracing::info!(
        search.recall.found = found,
        search.recall.expected = exact.len(),
        search.recall.questions = totals.questions,
        org = %place.org,
        "an answer of an index was compared"
    );
    Ok(())
}
