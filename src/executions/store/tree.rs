//! SQL of runs that runs started.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryableByName,
    alias,
    dsl::{exists, not},
    sql_types::{Integer, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use crate::{
    executions::model::{Child, Status},
    kernel::{ExecutionId, NodeId, OrgId, Result},
    platform::db::{Tx, schema::agent_executions as executions},
};

fn ended() -> [String; 3] {
    [Status::Complete, Status::Failed, Status::Cancelled].map(|status| status.to_string())
}

/// Whether a run that this one started has not ended.
pub async fn has_active_children(tx: &mut Tx, parent: ExecutionId) -> Result<bool> {
    let active = executions::table
        .filter(executions::parent_execution_id.eq(parent))
        .filter(executions::status.ne_all(ended()));
    Ok(diesel::select(exists(active)).get_result(tx.conn()).await?)
}

/// The runs that this one started, oldest first.
pub async fn children(tx: &mut Tx, parent: ExecutionId) -> Result<Vec<Child>> {
    let rows: Vec<(ExecutionId, NodeId, Status, Option<String>)> = executions::table
        .filter(executions::parent_execution_id.eq(parent))
        .order((executions::created_at, executions::id))
        .select((
            executions::id,
            executions::node_id,
            executions::status,
            executions::error_message,
        ))
        .load(tx.conn())
        .await?;
    let child = |(execution_id, node_id, status, error)| Child {
        execution_id,
        node_id,
        status,
        error,
    };
    Ok(rows.into_iter().map(child).collect())
}

#[derive(QueryableByName)]
struct Descendant {
    #[diesel(sql_type = SqlUuid)]
    id: ExecutionId,
}

/// Active runs below this one, the deepest first: so a run is ended before the one that
/// would hear of its end.
pub async fn active_below(tx: &mut Tx, root: ExecutionId) -> Result<Vec<ExecutionId>> {
    let rows: Vec<Descendant> = diesel::sql_query(
        "with recursive below(id, status, level) as ( \
           select e.id, e.status, 1 from agent_executions e where e.parent_execution_id = $1 \
           union all \
           select e.id, e.status, b.level + 1 from agent_executions e \
           join below b on e.parent_execution_id = b.id where b.level < $2) \
         select id from below where status not in ('complete', 'failed', 'cancelled') \
         order by level desc, id",
    )
    .bind::<SqlUuid, _>(root)
    .bind::<Integer, _>(MAX_LEVELS)
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many runs this one was started through, itself included.
pub async fn depth(tx: &mut Tx, id: ExecutionId) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Depth {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        depth: i64,
    }
    let row: Depth = diesel::sql_query(
        "with recursive above(id, parent, level) as ( \
           select e.id, e.parent_execution_id, 1 from agent_executions e where e.id = $1 \
           union all \
           select e.id, e.parent_execution_id, a.level + 1 from agent_executions e \
           join above a on e.id = a.parent where a.level < $2) \
         select count(*) as depth from above",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Integer, _>(MAX_LEVELS)
    .get_result(tx.conn())
    .await?;
    Ok(row.depth)
}

/// How many runs the tree has that this one belongs to, the first one included. Runs that
/// start others in the same moment don't see each other, so the count may lag by those.
pub async fn size(tx: &mut Tx, id: ExecutionId) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Size {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        size: i64,
    }
    let row: Size = diesel::sql_query(
        "with recursive above(id, parent, level) as ( \
           select e.id, e.parent_execution_id, 1 from agent_executions e where e.id = $1 \
           union all \
           select e.id, e.parent_execution_id, a.level + 1 from agent_executions e \
           join above a on e.id = a.parent where a.level < $2), \
         below(id, level) as ( \
           select id, 1 from above where parent is null \
           union all \
           select e.id, b.level + 1 from agent_executions e \
           join below b on e.parent_execution_id = b.id where b.level < $2) \
         select count(*) as size from below",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Integer, _>(MAX_LEVELS)
    .get_result(tx.conn())
    .await?;
    Ok(row.size)
}

/// A bound on walks; no tree of runs is so deep.
const MAX_LEVELS: i32 = 100;

/// Runs over all tenants that wait for others, all of which have ended: their wake-up was
/// lost, or came before they began to wait.
pub async fn whose_children_ended(tx: &mut Tx, limit: i64) -> Result<Vec<(OrgId, ExecutionId)>> {
    let child = alias!(executions as child);
    let active = child
        .filter(
            child
                .field(executions::parent_execution_id)
                .eq(executions::id.nullable()),
        )
        .filter(child.field(executions::status).ne_all(ended()));
    Ok(executions::table
        .filter(executions::status.eq(Status::AwaitingSubnodes))
        .filter(not(exists(active)).and(executions::lease_worker.is_null()))
        .order(executions::created_at)
        .limit(limit)
        .select((executions::org_id, executions::id))
        .load(tx.conn())
        .await?)
}
