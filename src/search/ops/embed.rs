//! Giving a thing's chunks the vectors that they lack. No transaction is open while an
//! embedder is asked, which may be far away. Each batch commits by itself, so that nothing is
//! asked for twice when this process dies or the embedder fails in the middle of a book.

use super::{
    super::{
        model::Task,
        store::{embeddings, index as store, vectors},
    },
    index::{LEASE, scope},
    metrics,
};
use crate::{
    kernel::{OrgId, Result, Scope},
    platform::{
        db::{Db, Tx},
        embed::{Embedder, Embedders},
    },
};

/// Chunks that an embedder is given at a time.
pub(super) const BATCH: i64 = 64;

/// Makes the vectors that a thing's chunks lack: by the present model, and by the one that
/// questions are still embedded with.
pub(super) async fn embed(db: &Db, embedders: &Embedders, task: &Task) -> Result<()> {
    let current = embedders.current();
    let used = in_use(db, task.org).await?;
    if let Some(used) = used.filter(|used| used != current.model())
        && let Some(former) = embedders.of(&used)
        && let Err(error) = by(db, &*former, task).await
    {
        // It is on its way out, and may be gone for good.
        tracing::warn!(?task, model = used, error = %error.chain(), "no vectors of the former model");
    }
    by(db, &**current, task).await?;
    let done = async |tx: &mut Tx| store::done(tx, task).await;
    db.tx(scope(task), done).await
}

/// The model that an organization's questions are embedded with.
pub(super) async fn in_use(db: &Db, org: OrgId) -> Result<Option<String>> {
    let scope = Scope::Org { org, user: None };
    db.tx(scope, async move |tx| embeddings::in_use(tx, org).await)
        .await
}

async fn by(db: &Db, embedder: &dyn Embedder, task: &Task) -> Result<()> {
    let model = embedder.model();
    let mut after = -1;
    loop {
        let lacking = db
            .tx(scope(task), async |tx| {
                store::put_off(tx, task, tx.now() + LEASE).await?;
                vectors::lacking_of(tx, task, model, after, BATCH).await
            })
            .await?;
        let Some(last) = lacking.last() else {
            return Ok(());
        };
        after = last.at;
        let new = make(embedder, lacking).await?;
        let put = async |tx: &mut Tx| put(tx, task.org, model, new).await;
        db.tx(scope(task), put).await?;
    }
}

/// Puts vectors to chunks, and counts them.
pub(super) async fn put(
    tx: &mut Tx,
    org: OrgId,
    model: &str,
    new: Vec<(uuid::Uuid, Vec<f32>)>,
) -> Result<()> {
    let made = vectors::put(tx, org, model, new).await?;
    metrics::embedded(tx, made);
    Ok(())
}

/// The vectors of chunks. Nothing to compare has no direction, and so no likeness to
/// anything: such a chunk gets none.
pub(super) async fn make<At>(
    embedder: &dyn Embedder,
    lacking: Vec<vectors::Lacking<At>>,
) -> Result<Vec<(uuid::Uuid, Vec<f32>)>> {
    let (ids, texts): (Vec<_>, Vec<String>) =
        lacking.into_iter().map(|one| (one.id, one.text)).unzip();
    let vectors = embedder.embed(&texts).await?;
    let points = |(_, vector): &(uuid::Uuid, Vec<f32>)| vector.iter().any(|x| *x != 0.0);
    Ok(ids.into_iter().zip(vectors).filter(points).collect())
}
