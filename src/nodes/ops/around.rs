//! What stands above and beside a node in the tree, in brief.

use super::super::{
    model::{Node, NodeBrief},
    store,
};
use crate::{
    kernel::{NodeId, Result},
    platform::db::Tx,
};

/// The nodes above a live node, the root first; the caller has made sure that they may be
/// seen.
pub async fn ancestors_in(tx: &mut Tx, id: NodeId) -> Result<Vec<NodeBrief>> {
    let ids = store::graph::lineage(tx, id).await?;
    let mut above = store::around::outlines(tx, &ids).await?;
    let mut chain = Vec::new();
    let mut below = above
        .iter()
        .find(|node| node.id == id)
        .and_then(|node| node.parent_id);
    while let Some(at) = below.and_then(|parent| above.iter().position(|node| node.id == parent)) {
        let node = above.swap_remove(at);
        below = node.parent_id;
        chain.push(brief(node));
    }
    chain.reverse();
    Ok(chain)
}

/// A live node and all that live below it; the caller has made sure that they may be seen.
pub async fn subtree_in(tx: &mut Tx, id: NodeId) -> Result<Vec<NodeId>> {
    let below = store::graph::subtree(tx, id).await?;
    Ok(below.into_iter().map(|(node, _)| node).collect())
}

/// The nodes beside `node`, oldest first, `most` of them.
pub async fn siblings_in(tx: &mut Tx, node: &Node, most: usize) -> Result<Vec<NodeBrief>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let beside = store::around::beside(tx, node, most).await?;
    Ok(beside.into_iter().map(brief).collect())
}

fn brief(node: Node) -> NodeBrief {
    NodeBrief {
        id: node.id,
        project_id: node.project_id,
        title: node.title,
        status: node.status,
        version: node.version,
        pinned: None,
    }
}
