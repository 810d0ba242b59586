//! SQL of versions. Most of them are kept without inputs and outputs, with what was added
//! and removed since the one before; here they become whole again.

use std::collections::HashMap;

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, SelectableHelper, dsl,
    sql_types::{BigInt, Integer, Jsonb, Nullable, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::{
    kernel::{
        Error, NodeId, NodeVersionId, Result, Timestamp, UserId,
        page::{Page, PageRequest},
    },
    nodes::model::{Change, ChangeType, Node, NodeVersion, Turns, VersionKey},
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

/// Keeps the node as its present version; `turns` is what was added and removed since the one
/// before. A `whole` one has its inputs and outputs.
pub fn insert(tx: &Tx, node: &Node, whole: bool, turns: Turns, change: &Change, by: UserId) {
    let id = NodeVersionId::new(tx.ids());
    // Anybody who sees the node may read its versions, also who sees no other project.
    let mut snapshot = node.clone().without_lock();
    let mut turns = turns.seen_from(node.project_id);
    if whole {
        snapshot = snapshot.seen_from_its_project();
        turns = Turns::default();
    } else {
        (snapshot.inputs, snapshot.outputs) = (None, None);
    }
    tx.later(diesel::insert_into(node_versions::table).values((
        node_versions::id.eq(id),
        node_versions::org_id.eq(node.org_id),
        node_versions::node_id.eq(node.id),
        node_versions::version.eq(node.version),
        node_versions::snapshot.eq(json!(snapshot)),
        node_versions::change_type.eq(change.kind),
        node_versions::change_summary.eq(change.summary.clone()),
        node_versions::changed_by.eq(by),
        node_versions::created_at.eq(node.updated_at),
        node_versions::whole.eq(whole),
        node_versions::turns.eq((!turns.is_empty()).then(|| json!(turns))),
    )));
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
    let Some(row) = row else {
        return Ok(None);
    };
    let mut found = vec![NodeVersion::try_from(row)?];
    complete(tx, node, &mut found).await?;
    Ok(found.pop())
}

#[derive(QueryableByName)]
struct TurnsRow {
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Nullable<Jsonb>)]
    snapshot: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    turns: Option<Value>,
}

/// Gives `versions`, newest first, the inputs and outputs that they are kept without.
async fn complete(tx: &mut Tx, node: NodeId, versions: &mut [NodeVersion]) -> Result<()> {
    let bare = |version: &&NodeVersion| version.snapshot.outputs.is_none();
    let (Some(last), Some(first)) = (
        versions.iter().find(bare).map(|version| version.version),
        versions.iter().rfind(bare).map(|version| version.version),
    ) else {
        return Ok(());
    };
    let mut lists = HashMap::new();
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for row in turns(tx, node, first, last).await? {
        if let Some(whole) = row.snapshot {
            let whole: Node = serde_json::from_value(whole).map_err(Error::internal)?;
            inputs = whole.inputs.unwrap_or_default();
            outputs = whole.outputs.unwrap_or_default();
        } else if let Some(turns) = row.turns {
            let turns: Turns = serde_json::from_value(turns).map_err(Error::internal)?;
            turns.apply(&mut inputs, &mut outputs);
        }
        if row.version >= first {
            lists.insert(row.version, (inputs.clone(), outputs.clone()));
        }
    }
    for version in versions.iter_mut() {
        if version.snapshot.outputs.is_none() {
            let (inputs, outputs) = lists.remove(&version.version).unwrap_or_default();
            (version.snapshot.inputs, version.snapshot.outputs) = (Some(inputs), Some(outputs));
        }
    }
    Ok(())
}

/// What was added and removed in the versions from `first` to `last`, and in those between
/// `first` and the whole one before it, which has all.
async fn turns(tx: &mut Tx, node: NodeId, first: i32, last: i32) -> Result<Vec<TurnsRow>> {
    Ok(diesel::sql_query(
        "select version, case when whole then snapshot end as snapshot, turns \
         from node_versions \
         where node_id = $1 and version <= $3 and (whole or turns is not null or version >= $2) \
           and version >= (select max(w.version) from node_versions w \
                           where w.node_id = $1 and w.version <= $2 and w.whole) \
         order by version",
    )
    .bind::<SqlUuid, _>(node)
    .bind::<Integer, _>(first)
    .bind::<Integer, _>(last)
    .load(tx.conn())
    .await?)
}

/// Bytes of snapshots, as Postgres packs them, that one page has at most: a node with long
/// texts among its outputs has them in each of its versions.
const PAGE_BYTES: i64 = 2 << 20;

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many versions a page has room for; at least one. One that is kept without inputs and
/// outputs weighs at most as much as the whole one before it and all that was added since.
async fn room(tx: &mut Tx, node: NodeId, page: &PageRequest<VersionKey>) -> Result<i64> {
    let before = page.after.map_or(i32::MAX, |VersionKey(last)| last);
    let row: CountRow = diesel::sql_query(
        "with page as ( \
           select v.version, pg_column_size(v.snapshot) + case when v.whole then 0 else ( \
             select sum(case when t.whole then pg_column_size(t.snapshot) \
                             else coalesce(pg_column_size(t.turns), 0) end) \
             from node_versions t where t.node_id = $1 and t.version <= v.version \
               and t.version >= (select max(w.version) from node_versions w \
                                 where w.node_id = $1 and w.version <= v.version and w.whole)) \
             end as bytes \
           from node_versions v \
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
    let mut list = list?;
    complete(tx, node, &mut list).await?;
    Ok(Page::new(list, total, page, |version: &NodeVersion| {
        VersionKey(version.version)
    }))
}
