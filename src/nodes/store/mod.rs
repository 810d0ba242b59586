//! SQL of nodes; [`attachment`] has that of inputs and outputs, [`graph`] that of the tree
//! and of the edges, [`list`] that of lists, [`lock`] that of locks, [`version`] that of
//! versions.

pub(super) mod around;
pub(super) mod attachment;
pub(super) mod graph;
pub(super) mod list;
pub(super) mod lock;
pub(super) mod near;
pub(super) mod version;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
    dsl::exists,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::model::{AuthorType, Node, Position};
use crate::{
    kernel::{
        Error, ExecutionId, NodeId, OrgId, ProjectId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Tx,
        schema::{nodes, org_members, users},
        types::sql_text,
    },
};

sql_text!(AuthorType);

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = nodes)]
struct NodeRow {
    id: NodeId,
    org_id: OrgId,
    project_id: ProjectId,
    parent_id: Option<NodeId>,
    title: String,
    description: Option<String>,
    status: String,
    author_type: AuthorType,
    author_user_id: Option<UserId>,
    author_execution_id: Option<ExecutionId>,
    supervisor_user_id: Option<UserId>,
    version: i32,
    metadata: Value,
    position: Option<Value>,
    locked_by: Option<UserId>,
    locked_at: Option<Timestamp>,
    lock_expires_at: Option<Timestamp>,
    locked_by_execution: Option<ExecutionId>,
    lock_epoch: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl NodeRow {
    /// The node at `now`, without inputs and outputs. A lock whose time is over is none.
    fn at(self, now: Timestamp) -> Result<Node> {
        let live = self.lock_expires_at.is_some_and(|end| end > now);
        let locked = live && self.locked_by.is_some();
        let position: Option<Position> = self
            .position
            .map(serde_json::from_value)
            .transpose()
            .map_err(Error::internal)?;
        Ok(Node {
            id: self.id,
            org_id: self.org_id,
            project_id: self.project_id,
            parent_id: self.parent_id,
            title: self.title,
            description: self.description,
            status: self.status,
            author_type: self.author_type,
            author_user_id: self.author_user_id,
            author_execution_id: self.author_execution_id,
            supervisor_user_id: self.supervisor_user_id,
            version: self.version,
            metadata: self.metadata,
            position,
            locked_by: self.locked_by.filter(|_| locked),
            locked_at: self.locked_at.filter(|_| locked),
            lock_expires_at: self.lock_expires_at.filter(|_| locked),
            locked_by_execution: self.locked_by_execution.filter(|_| locked),
            lock_epoch: self.lock_epoch,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            inputs: None,
            outputs: None,
        })
    }
}

fn at(rows: Vec<NodeRow>, now: Timestamp) -> Result<Vec<Node>> {
    rows.into_iter().map(|row| row.at(now)).collect()
}

/// A live node, without inputs and outputs.
pub(super) async fn get_node(tx: &Tx, id: NodeId) -> Result<Option<Node>> {
    let now = tx.now();
    nodes::table
        .find(id)
        .filter(nodes::deleted_at.is_null())
        .select(NodeRow::as_select())
        .first::<NodeRow>(&mut tx.pipe())
        .await
        .optional()?
        .map(|row| row.at(now))
        .transpose()
}

/// Live nodes with their rows locked against other changes, in an order that is the same
/// for everybody. Not `for update`: rows that refer to a node by its key, such as a new
/// child or edge, need not wait for a change of its content.
pub(super) async fn lock_nodes(tx: &Tx, ids: &[NodeId]) -> Result<Vec<Node>> {
    let now = tx.now();
    let rows: Vec<NodeRow> = nodes::table
        .filter(nodes::id.eq_any(ids))
        .filter(nodes::deleted_at.is_null())
        .order(nodes::id)
        .select(NodeRow::as_select())
        .for_no_key_update()
        .load(&mut tx.pipe())
        .await?;
    at(rows, now)
}

pub(super) async fn insert_node(tx: &mut Tx, node: &Node) -> Result<()> {
    diesel::insert_into(nodes::table)
        .values((
            nodes::id.eq(node.id),
            nodes::org_id.eq(node.org_id),
            nodes::project_id.eq(node.project_id),
            nodes::parent_id.eq(node.parent_id),
            nodes::title.eq(&node.title),
            nodes::description.eq(&node.description),
            nodes::status.eq(&node.status),
            nodes::author_type.eq(node.author_type),
            nodes::author_user_id.eq(node.author_user_id),
            nodes::author_execution_id.eq(node.author_execution_id),
            nodes::supervisor_user_id.eq(node.supervisor_user_id),
            nodes::version.eq(node.version),
            nodes::metadata.eq(&node.metadata),
            nodes::position.eq(node.position.map(|position| json!(position))),
            nodes::created_at.eq(node.created_at),
            nodes::updated_at.eq(node.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Writes everything that a change of a node, whose row is locked, may change.
pub(super) fn update_node(tx: &Tx, node: &Node) {
    tx.later(diesel::update(nodes::table.find(node.id)).set((
        nodes::parent_id.eq(node.parent_id),
        nodes::title.eq(node.title.clone()),
        nodes::description.eq(node.description.clone()),
        nodes::status.eq(node.status.clone()),
        nodes::supervisor_user_id.eq(node.supervisor_user_id),
        nodes::version.eq(node.version),
        nodes::metadata.eq(node.metadata.clone()),
        nodes::position.eq(node.position.map(|position| json!(position))),
        nodes::updated_at.eq(node.updated_at),
    )));
}

/// Marks nodes as deleted. Their locks go with them.
pub(super) async fn mark_deleted(tx: &mut Tx, ids: &[NodeId]) -> Result<()> {
    let now = tx.now();
    diesel::update(nodes::table.filter(nodes::id.eq_any(ids)))
        .set((
            nodes::deleted_at.eq(now),
            nodes::updated_at.eq(now),
            lock::free(),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Live direct children, oldest first, `limit` at most.
pub(super) async fn children(tx: &mut Tx, parent: NodeId, limit: i64) -> Result<Vec<Node>> {
    let now = tx.now();
    let rows: Vec<NodeRow> = nodes::table
        .filter(nodes::parent_id.eq(parent))
        .filter(nodes::deleted_at.is_null())
        .order((nodes::created_at, nodes::id))
        .limit(limit)
        .select(NodeRow::as_select())
        .load(tx.conn())
        .await?;
    at(rows, now)
}

/// Live direct children, oldest first, in pages.
pub(super) async fn children_page(
    tx: &mut Tx,
    parent: NodeId,
    page: &PageRequest,
) -> Result<Page<Node>> {
    let now = tx.now();
    let children = || {
        nodes::table
            .filter(nodes::parent_id.eq(parent))
            .filter(nodes::deleted_at.is_null())
            .into_boxed()
    };
    let total: i64 = children().count().get_result(tx.conn()).await?;
    let mut query = children();
    if let Some(Cursor { at, id }) = page.after {
        let later = nodes::created_at
            .gt(at)
            .or(nodes::id.gt(NodeId::from_uuid(id)));
        query = query.filter(nodes::created_at.ge(at)).filter(later);
    }
    let rows: Vec<NodeRow> = query
        .order((nodes::created_at, nodes::id))
        .limit(page.limit + 1)
        .offset(page.offset)
        .select(NodeRow::as_select())
        .load(tx.conn())
        .await?;
    Ok(Page::new(at(rows, now)?, total, page, |node: &Node| {
        Cursor::new(node.created_at, node.id)
    }))
}

/// The live ones among `ids`, in whatever order.
pub(super) async fn get_nodes(tx: &mut Tx, ids: &[NodeId]) -> Result<Vec<Node>> {
    let now = tx.now();
    let rows: Vec<NodeRow> = nodes::table
        .filter(nodes::id.eq_any(ids))
        .filter(nodes::deleted_at.is_null())
        .select(NodeRow::as_select())
        .load(tx.conn())
        .await?;
    at(rows, now)
}

pub(super) async fn child_ids(tx: &mut Tx, parent: NodeId) -> Result<Vec<NodeId>> {
    Ok(nodes::table
        .filter(nodes::parent_id.eq(parent))
        .filter(nodes::deleted_at.is_null())
        .select(nodes::id)
        .load(tx.conn())
        .await?)
}

/// A user's address; none when the transaction may not see them any more.
pub(super) async fn email_of(tx: &Tx, user: UserId) -> Result<Option<String>> {
    Ok(users::table
        .find(user)
        .select(users::email)
        .first(&mut tx.pipe())
        .await
        .optional()?)
}

pub(super) async fn is_member(tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool> {
    let row = org_members::table
        .filter(org_members::org_id.eq(org))
        .filter(org_members::user_id.eq(user));
    Ok(diesel::select(exists(row)).get_result(tx.conn()).await?)
}
