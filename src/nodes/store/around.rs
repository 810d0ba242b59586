//! SQL of what stands above and beside a node in the tree.

use diesel::{ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::NodeRow;
use crate::{
    kernel::{NodeId, Result},
    nodes::model::Node,
    platform::db::{Tx, schema::nodes},
};

/// Live nodes, in no order, without inputs and outputs.
pub async fn outlines(tx: &mut Tx, ids: &[NodeId]) -> Result<Vec<Node>> {
    let now = tx.now();
    let rows: Vec<NodeRow> = nodes::table
        .filter(nodes::id.eq_any(ids))
        .filter(nodes::deleted_at.is_null())
        .select(NodeRow::as_select())
        .load(tx.conn())
        .await?;
    super::at(rows, now)
}

/// Live nodes of the same parent, or roots of the same project, oldest first, without `node`.
pub async fn beside(tx: &mut Tx, node: &Node, most: i64) -> Result<Vec<Node>> {
    let now = tx.now();
    let beside = nodes::table
        .filter(nodes::project_id.eq(node.project_id))
        .filter(nodes::deleted_at.is_null())
        .filter(nodes::id.ne(node.id))
        .into_boxed();
    let beside = match node.parent_id {
        Some(parent) => beside.filter(nodes::parent_id.eq(parent)),
        None => beside.filter(nodes::parent_id.is_null()),
    };
    let rows: Vec<NodeRow> = beside
        .order((nodes::created_at, nodes::id))
        .limit(most)
        .select(NodeRow::as_select())
        .load(tx.conn())
        .await?;
    super::at(rows, now)
}
