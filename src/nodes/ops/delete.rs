//! Deleting nodes. Rows stay, marked, for the versions and the evidence that hang on them.

use super::{
    super::{
        model::{Children, Expected, Node, differences},
        store,
    },
    lock, lock_for_writing,
    news::{self, News},
    version,
};
use crate::{
    access::{Action, Grant, Target},
    app::Ctx,
    kernel::{NodeId, Result},
    platform::db::Tx,
    projects,
};

/// Deletes a node, and either all under it or, with [`Children::Orphan`], lifts its
/// children to its parent. Refused as a whole while somebody else holds the lock of any
/// node that this would write.
pub async fn node_delete(
    ctx: &Ctx,
    id: NodeId,
    children: Children,
    expected: Expected,
) -> Result<()> {
    ctx.tx(
        Action::NodeDelete,
        Target::Node(id),
        async move |tx, grant| {
            // Alone, so that no child appears under a node while it goes.
            projects::ops::workflow_alone_in(tx, grant.project()?).await?;
            let node = lock_for_writing(tx, grant, id).await?;
            version::refuse_mismatch(tx, grant, &expected, &node, |_| None).await?;
            match children {
                Children::Delete => {
                    let below = store::graph::subtree(tx, id).await?;
                    let ids: Vec<NodeId> = below.into_iter().map(|(id, _)| id).collect();
                    delete(tx, grant, &ids).await
                }
                Children::Orphan => {
                    lift_children(tx, grant, &node).await?;
                    delete(tx, grant, &[id]).await
                }
            }
        },
    )
    .await
}

async fn delete(tx: &mut Tx, grant: &Grant, ids: &[NodeId]) -> Result<()> {
    let nodes = store::lock_nodes(tx, ids).await?;
    for node in &nodes {
        lock::refuse_locked(tx, grant, node).await?;
    }
    store::mark_deleted(tx, ids).await?;
    news::deleted(tx, grant, &nodes).await
}

async fn lift_children(tx: &mut Tx, grant: &Grant, parent: &Node) -> Result<()> {
    let ids = store::child_ids(tx, parent.id).await?;
    for before in store::lock_nodes(tx, &ids).await? {
        lock::refuse_locked(tx, grant, &before).await?;
        let mut after = before.clone();
        after.parent_id = parent.parent_id;
        let found = differences(&before, &after);
        let change = found.change();
        news::write(tx, grant, after, change, News::Fields(found)).await?;
    }
    Ok(())
}
