//! SQL of the tree of nodes and of the edges between nodes.

use diesel::{
    ExpressionMethods, JoinOnDsl, QueryDsl, QueryableByName,
    sql_types::{Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use crate::{
    kernel::{DependencyId, InputId, NodeId, OrgId, Result},
    nodes::model::{Edge, MAX_DEPTH, Node},
    platform::db::{
        Tx,
        schema::{node_dependencies, nodes},
    },
};

#[derive(QueryableByName)]
struct LevelRow {
    #[diesel(sql_type = SqlUuid)]
    id: NodeId,
    #[diesel(sql_type = Integer)]
    level: i32,
}

/// A live node and its ancestors, up to the root.
pub async fn lineage(tx: &mut Tx, node: NodeId) -> Result<Vec<NodeId>> {
    // `union` rather than `union all`: should a cycle ever slip in, this still ends.
    let rows: Vec<LevelRow> = diesel::sql_query(
        "with recursive up(id, parent_id) as ( \
           select n.id, n.parent_id from nodes n where n.id = $1 and n.deleted_at is null \
           union \
           select p.id, p.parent_id from nodes p join up on p.id = up.parent_id \
           where p.deleted_at is null) \
         select id, 0 as level from up",
    )
    .bind::<SqlUuid, _>(node)
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A live node and its live descendants, each with its level below the node, which
/// itself has level 1.
pub async fn subtree(tx: &mut Tx, node: NodeId) -> Result<Vec<(NodeId, usize)>> {
    // No tree is deeper than that; the bound ends the walk should a cycle slip in.
    let deepest = i32::try_from(MAX_DEPTH).unwrap_or(i32::MAX);
    let rows: Vec<LevelRow> = diesel::sql_query(
        "with recursive down(id, level) as ( \
           select n.id, 1 from nodes n where n.id = $1 and n.deleted_at is null \
           union \
           select c.id, down.level + 1 from nodes c join down on c.parent_id = down.id \
           where c.deleted_at is null and down.level < $2) \
         select id, level from down",
    )
    .bind::<SqlUuid, _>(node)
    .bind::<Integer, _>(deepest)
    .load(tx.conn())
    .await?;
    let level = |row: &LevelRow| usize::try_from(row.level).unwrap_or_default();
    Ok(rows.iter().map(|row| (row.id, level(row))).collect())
}

/// Makes this transaction the only one of the organization that adds edges, until it
/// ends: two edges that close a cycle only together must not pass each other unseen.
pub async fn lock_edges(tx: &mut Tx, org: OrgId) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(format!("node_dependencies:{org}"))
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct EdgeRow {
    #[diesel(sql_type = SqlUuid)]
    source_node_id: NodeId,
    #[diesel(sql_type = SqlUuid)]
    target_node_id: NodeId,
}

/// Every edge between live nodes that can be reached from `node` along the edges.
pub async fn edges_downstream(tx: &mut Tx, node: NodeId) -> Result<Vec<(NodeId, NodeId)>> {
    let rows: Vec<EdgeRow> = diesel::sql_query(
        "with recursive live(source_node_id, target_node_id) as not materialized ( \
           select d.source_node_id, d.target_node_id from node_dependencies d \
           join nodes n on n.org_id = d.org_id and n.id = d.target_node_id \
           where n.deleted_at is null), \
         down(id) as ( \
           select $1 \
           union \
           select live.target_node_id from live join down on live.source_node_id = down.id) \
         select live.source_node_id, live.target_node_id \
         from live join down on live.source_node_id = down.id",
    )
    .bind::<SqlUuid, _>(node)
    .load(tx.conn())
    .await?;
    let edge = |row: EdgeRow| (row.source_node_id, row.target_node_id);
    Ok(rows.into_iter().map(edge).collect())
}

/// Notes that `source` feeds `target` through `input`.
pub async fn insert_edge(tx: &mut Tx, source: NodeId, target: &Node, input: InputId) -> Result<()> {
    let id = DependencyId::new(tx.ids());
    let now = tx.now();
    diesel::insert_into(node_dependencies::table)
        .values((
            node_dependencies::id.eq(id),
            node_dependencies::org_id.eq(target.org_id),
            node_dependencies::source_node_id.eq(source),
            node_dependencies::target_node_id.eq(target.id),
            node_dependencies::target_input_id.eq(input),
            node_dependencies::created_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

type EdgeColumns = (DependencyId, NodeId, NodeId, InputId);

/// The edges that end at one of `targets` and begin at a live node, `limit` at most.
pub async fn edges_into(tx: &mut Tx, targets: &[NodeId], limit: i64) -> Result<Vec<Edge>> {
    let rows: Vec<EdgeColumns> = node_dependencies::table
        .inner_join(nodes::table.on(nodes::id.eq(node_dependencies::source_node_id)))
        .filter(node_dependencies::target_node_id.eq_any(targets))
        .filter(nodes::deleted_at.is_null())
        .order((node_dependencies::created_at, node_dependencies::id))
        .limit(limit)
        .select(EDGE)
        .load(tx.conn())
        .await?;
    Ok(rows.into_iter().map(edge).collect())
}

/// The edges that begin at one of `sources` and end at a live node, `limit` at most.
pub async fn edges_out_of(tx: &mut Tx, sources: &[NodeId], limit: i64) -> Result<Vec<Edge>> {
    let rows: Vec<EdgeColumns> = node_dependencies::table
        .inner_join(nodes::table.on(nodes::id.eq(node_dependencies::target_node_id)))
        .filter(node_dependencies::source_node_id.eq_any(sources))
        .filter(nodes::deleted_at.is_null())
        .order((node_dependencies::created_at, node_dependencies::id))
        .limit(limit)
        .select(EDGE)
        .load(tx.conn())
        .await?;
    Ok(rows.into_iter().map(edge).collect())
}

const EDGE: (
    node_dependencies::id,
    node_dependencies::source_node_id,
    node_dependencies::target_node_id,
    node_dependencies::target_input_id,
) = (
    node_dependencies::id,
    node_dependencies::source_node_id,
    node_dependencies::target_node_id,
    node_dependencies::target_input_id,
);

fn edge((id, source_node_id, target_node_id, target_input_id): EdgeColumns) -> Edge {
    Edge {
        id,
        source_node_id,
        target_node_id,
        target_input_id,
    }
}
