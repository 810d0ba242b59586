//! SQL of nodes and their versions; [`attachment`] has that of inputs and outputs,
//! [`graph`] that of the tree and of the edges.

pub(super) mod attachment;
pub(super) mod graph;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, PgTextExpressionMethods, QueryDsl,
    SelectableHelper, dsl::exists, pg::Pg,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::model::{AuthorType, Change, ChangeType, Node, NodeFilter, ParentFilter, Position};
use crate::{
    kernel::{
        Error, ExecutionId, NodeId, NodeVersionId, OrgId, ProjectId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Tx, containing,
        schema::{node_versions, nodes, org_members, users},
        types::sql_text,
    },
};

sql_text!(AuthorType);
sql_text!(ChangeType);

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
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl NodeRow {
    /// The node at `now`, without inputs and outputs. A lock whose time is over is none.
    fn at(self, now: Timestamp) -> Result<Node> {
        let locked = self.lock_expires_at.is_some_and(|end| end > now);
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
pub(super) async fn lock_nodes(tx: &mut Tx, ids: &[NodeId]) -> Result<Vec<Node>> {
    let now = tx.now();
    let rows: Vec<NodeRow> = nodes::table
        .filter(nodes::id.eq_any(ids))
        .filter(nodes::deleted_at.is_null())
        .order(nodes::id)
        .select(NodeRow::as_select())
        .for_no_key_update()
        .load(tx.conn())
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

/// Writes everything that a change of a node may change.
pub(super) async fn update_node(tx: &mut Tx, node: &Node) -> Result<()> {
    diesel::update(nodes::table.find(node.id))
        .set((
            nodes::parent_id.eq(node.parent_id),
            nodes::title.eq(&node.title),
            nodes::description.eq(&node.description),
            nodes::status.eq(&node.status),
            nodes::supervisor_user_id.eq(node.supervisor_user_id),
            nodes::version.eq(node.version),
            nodes::metadata.eq(&node.metadata),
            nodes::position.eq(node.position.map(|position| json!(position))),
            nodes::updated_at.eq(node.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn mark_deleted(tx: &mut Tx, ids: &[NodeId]) -> Result<()> {
    let now = tx.now();
    diesel::update(nodes::table.filter(nodes::id.eq_any(ids)))
        .set((nodes::deleted_at.eq(now), nodes::updated_at.eq(now)))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Keeps the whole node, with inputs and outputs, as its present version.
pub(super) async fn insert_version(
    tx: &mut Tx,
    node: &Node,
    change: &Change,
    by: UserId,
) -> Result<()> {
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

pub(super) async fn version_exists(tx: &mut Tx, node: NodeId, version: i32) -> Result<bool> {
    let row = node_versions::table
        .filter(node_versions::node_id.eq(node))
        .filter(node_versions::version.eq(version));
    Ok(diesel::select(exists(row)).get_result(tx.conn()).await?)
}

/// Live nodes of a project that match, newest first.
pub(super) async fn list_nodes(
    tx: &Tx,
    project: ProjectId,
    filter: &NodeFilter,
    page: &PageRequest,
) -> Result<Page<Node>> {
    let now = tx.now();
    let (mut first, mut second) = (tx.pipe(), tx.pipe());
    let count = matching(project, filter).count().get_result(&mut first);
    let mut query = matching(project, filter)
        .select(NodeRow::as_select())
        .order((nodes::created_at.desc(), nodes::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let same_time = nodes::created_at
            .eq(at)
            .and(nodes::id.lt(NodeId::from_uuid(id)));
        query = query.filter(nodes::created_at.lt(at).or(same_time));
    }
    let (total, rows): (i64, Vec<NodeRow>) = tokio::try_join!(count, query.load(&mut second))?;
    Ok(Page::new(at(rows, now)?, total, page, |node: &Node| {
        Cursor::new(node.created_at, node.id)
    }))
}

fn matching(project: ProjectId, filter: &NodeFilter) -> nodes::BoxedQuery<'_, Pg> {
    let mut query = nodes::table
        .filter(nodes::project_id.eq(project))
        .filter(nodes::deleted_at.is_null())
        .into_boxed();
    if let Some(status) = &filter.status {
        query = query.filter(nodes::status.eq(status));
    }
    if let Some(author) = filter.author_type {
        query = query.filter(nodes::author_type.eq(author));
    }
    match filter.parent {
        None => {}
        Some(ParentFilter::Root) => query = query.filter(nodes::parent_id.is_null()),
        Some(ParentFilter::Of(id)) => query = query.filter(nodes::parent_id.eq(id)),
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(nodes::updated_at.ge(since));
    }
    if let Some(text) = &filter.text {
        let pattern = containing(text);
        query = query.filter(
            nodes::title
                .ilike(pattern.clone())
                .or(nodes::description.ilike(pattern)),
        );
    }
    query
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

pub(super) async fn child_ids(tx: &mut Tx, parent: NodeId) -> Result<Vec<NodeId>> {
    Ok(nodes::table
        .filter(nodes::parent_id.eq(parent))
        .filter(nodes::deleted_at.is_null())
        .select(nodes::id)
        .load(tx.conn())
        .await?)
}

/// A user's address; none when the transaction may not see them any more.
pub(super) async fn email_of(tx: &mut Tx, user: UserId) -> Result<Option<String>> {
    Ok(users::table
        .find(user)
        .select(users::email)
        .first(tx.conn())
        .await
        .optional()?)
}

pub(super) async fn is_member(tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool> {
    let row = org_members::table
        .filter(org_members::org_id.eq(org))
        .filter(org_members::user_id.eq(user));
    Ok(diesel::select(exists(row)).get_result(tx.conn()).await?)
}
