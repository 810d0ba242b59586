//! SQL of versions.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, SelectableHelper, dsl,
    sql_types::{BigInt, Integer, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::{
    kernel::{
        Error, NodeId, NodeVersionId, Result, Timestamp, UserId,
        page::{Page, PageRequest},
    },
    nodes::model::{Change, ChangeType, Node, NodeVersion, VersionKey},
    platform::db::{Tx, schema::node_versions, types::sql_text},
};

sql_text!(ChangeType);

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = node_versions)]
struct VersionRow {
    id: NodeVersionId,
    node_id: NodeId,
    version: i32,
    snapshot: Value,
    change_type: ChangeType,
    change_summary: Option<String>,
    changed_by: Option<UserId>,
    created_at: Timestamp,
}

impl TryFrom<VersionRow> for NodeVersion {
    type Error = Error;

    fn try_from(row: VersionRow) -> Result<Self> {
        Ok(NodeVersion {
            id: row.id,
            node_id: row.node_id,
            version: row.version,
            snapshot: serde_json::from_value(row.snapshot).map_err(Error::internal)?,
            change_type: row.change_type,
            change_summary: row.change_summary,
            changed_by: row.changed_by,
            created_at: row.created_at,
        })
    }
}

/// Keeps the whole node, with inputs and outputs, as its present version.
pub async fn insert(tx: &mut Tx, node: &Node, change: &Change, by: UserId) -> Result<()> {
    let id = NodeVersionId::new(tx.ids());
    // Anybody who sees the node may read its versions, also who sees no other project.
    let snapshot = node.clone().without_lock().seen_from_its_project();
    diesel::insert_into(node_versions::table)
        .values((
            node_versions::id.eq(id),
            node_versions::org_id.eq(node.org_id),
            node_versions::node_id.eq(node.id),
            node_versions::version.eq(node.version),
            node_versions::snapshot.eq(json!(snapshot)),
            node_versions::change_type.eq(change.kind),
            node_versions::change_summary.eq(&change.summary),
            node_versions::changed_by.eq(by),
            node_versions::created_at.eq(node.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether the node has or had this version.
pub async fn exists(tx: &mut Tx, node: NodeId, version: i32) -> Result<bool> {
    let row = node_versions::table
        .filter(node_versions::node_id.eq(node))
        .filter(node_versions::version.eq(version));
    Ok(diesel::select(dsl::exists(row))
        .get_result(tx.conn())
        .await?)
}

/// One version of a node.
pub async fn get(tx: &mut Tx, node: NodeId, version: i32) -> Result<Option<NodeVersion>> {
    let row: Option<VersionRow> = node_versions::table
        .filter(node_versions::node_id.eq(node))
        .filter(node_versions::version.eq(version))
        .select(VersionRow::as_select())
        .first(tx.conn())
        .await
        .optional()?;
    row.map(NodeVersion::try_from).transpose()
}

/// Bytes of snapshots, as Postgres packs them, that one page has at most: a node with long
/// texts among its outputs has them in each of its versions.
const PAGE_BYTES: i64 = 2 << 20;

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many versions a page has room for; at least one.
async fn room(tx: &mut Tx, node: NodeId, page: &PageRequest<VersionKey>) -> Result<i64> {
    let before = page.after.map_or(i32::MAX, |VersionKey(last)| last);
    let row: CountRow = diesel::sql_query(
        "with page as ( \
           select version, pg_column_size(snapshot) as bytes from node_versions \
           where node_id = $1 and version < $2 order by version desc limit $3 offset $4), \
         sums as (select sum(bytes) over (order by version desc) as bytes from page) \
         select count(*) from sums where bytes <= $5",
    )
    .bind::<SqlUuid, _>(node)
    .bind::<Integer, _>(before)
    .bind::<BigInt, _>(page.limit)
    .bind::<BigInt, _>(page.offset)
    .bind::<BigInt, _>(PAGE_BYTES)
    .get_result(tx.conn())
    .await?;
    Ok(row.count.max(1))
}

/// A node's versions, newest first. A page is shorter than asked where they are long.
pub async fn list(
    tx: &mut Tx,
    node: NodeId,
    page: &PageRequest<VersionKey>,
) -> Result<Page<NodeVersion>> {
    let room = room(tx, node, page).await?;
    let page = &PageRequest {
        limit: page.limit.min(room),
        ..page.clone()
    };
    let total: i64 = node_versions::table
        .filter(node_versions::node_id.eq(node))
        .count()
        .get_result(tx.conn())
        .await?;
    let mut query = node_versions::table
        .filter(node_versions::node_id.eq(node))
        .select(VersionRow::as_select())
        .order(node_versions::version.desc())
        .limit(page.limit + 1)
        .offset(page.offset)
        .into_boxed();
    if let Some(VersionKey(last)) = page.after {
        query = query.filter(node_versions::version.lt(last));
    }
    let rows: Vec<VersionRow> = query.load(tx.conn()).await?;
    let list: Result<Vec<NodeVersion>> = rows.into_iter().map(NodeVersion::try_from).collect();
    Ok(Page::new(list?, total, page, |version: &NodeVersion| {
        VersionKey(version.version)
    }))
}
