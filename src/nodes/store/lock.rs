//! SQL of locks. Each statement that changes one acts on a row that [`hold`] has locked.

use diesel::{
    ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::super::model::{AuthorType, Holder, Lock};
use crate::{
    kernel::{ExecutionId, NodeId, OrgId, ProjectId, Result, Timestamp, UserId},
    platform::db::{Cacheable, Tx, schema::nodes},
};

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = nodes)]
struct LockRow {
    id: NodeId,
    org_id: OrgId,
    project_id: ProjectId,
    title: String,
    author_type: AuthorType,
    supervisor_user_id: Option<UserId>,
    locked_by: Option<UserId>,
    locked_by_execution: Option<ExecutionId>,
    locked_at: Option<Timestamp>,
    lock_expires_at: Option<Timestamp>,
    lock_epoch: i64,
    lock_broken_by: Option<UserId>,
}

impl From<LockRow> for Lock {
    fn from(row: LockRow) -> Self {
        Lock {
            node: row.id,
            org: row.org_id,
            project: row.project_id,
            title: row.title,
            of_agent: row.author_type == AuthorType::Agent,
            supervisor: row.supervisor_user_id,
            by: row.locked_by.map(|user| Holder {
                user,
                execution: row.locked_by_execution,
            }),
            since: row.locked_at,
            until: row.lock_expires_at,
            epoch: row.lock_epoch,
            broken_by: row.lock_broken_by,
        }
    }
}

/// The lock of a live node, its row locked against other changes.
pub(in super::super) async fn hold(tx: &Tx, node: NodeId) -> Result<Option<Lock>> {
    let row: Option<LockRow> = nodes::table
        .find(node)
        .filter(nodes::deleted_at.is_null())
        .select(LockRow::as_select())
        .for_no_key_update()
        .first(&mut tx.pipe())
        .await
        .optional()?;
    Ok(row.map(Lock::from))
}

/// Gives the lock to `holder` from now until `until`; answers it as it is then.
pub(in super::super) async fn take(
    tx: &mut Tx,
    lock: &Lock,
    holder: Holder,
    until: Timestamp,
) -> Result<Lock> {
    let now = tx.now();
    let broken_by = match holder.execution {
        // What was broken before it began is not this run's.
        Some(_) => None,
        None => lock.broken_by,
    };
    let row: LockRow = diesel::update(nodes::table.find(lock.node))
        .set((
            nodes::locked_by.eq(holder.user),
            nodes::locked_by_execution.eq(holder.execution),
            nodes::locked_at.eq(now),
            nodes::lock_expires_at.eq(until),
            nodes::lock_epoch.eq(lock.epoch + 1),
            nodes::lock_broken_by.eq(broken_by),
        ))
        .returning(LockRow::as_returning())
        .cached()
        .get_result(tx.conn())
        .await?;
    Ok(row.into())
}

/// Moves the end of a lock; answers it as it is then.
pub(in super::super) async fn renew(tx: &mut Tx, lock: &Lock, until: Timestamp) -> Result<Lock> {
    let row: LockRow = diesel::update(nodes::table.find(lock.node))
        .set(nodes::lock_expires_at.eq(until))
        .returning(LockRow::as_returning())
        .cached()
        .get_result(tx.conn())
        .await?;
    Ok(row.into())
}

type Free = (
    diesel::dsl::Eq<nodes::locked_by, Option<UserId>>,
    diesel::dsl::Eq<nodes::locked_by_execution, Option<ExecutionId>>,
    diesel::dsl::Eq<nodes::locked_at, Option<Timestamp>>,
    diesel::dsl::Eq<nodes::lock_expires_at, Option<Timestamp>>,
);

/// What a free lock has in its columns.
pub(super) fn free() -> Free {
    (
        nodes::locked_by.eq(None),
        nodes::locked_by_execution.eq(None),
        nodes::locked_at.eq(None),
        nodes::lock_expires_at.eq(None),
    )
}

/// Frees the lock; its epoch stays, for the next taking raises it.
pub(in super::super) async fn release(tx: &mut Tx, node: NodeId) -> Result<()> {
    diesel::update(nodes::table.find(node))
        .set(free())
        .cached()
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes the lock away from its holder. The epoch rises at once: a run that held it must
/// learn of this even when nobody takes the lock after it.
pub(in super::super) async fn break_off(tx: &mut Tx, lock: &Lock, by: UserId) -> Result<()> {
    let of_run = lock.by.is_some_and(|holder| holder.execution.is_some());
    let broken_by = if of_run { Some(by) } else { lock.broken_by };
    diesel::update(nodes::table.find(lock.node))
        .set((
            free(),
            nodes::lock_epoch.eq(lock.epoch + 1),
            nodes::lock_broken_by.eq(broken_by),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The end of a lock, and whose it is.
pub(in super::super) type Ending = (OrgId, NodeId, Timestamp);

/// The locks that end first, over all organizations. In [`Scope::System`], which sees
/// nothing else of nodes.
///
/// [`Scope::System`]: crate::kernel::Scope::System
pub(in super::super) async fn next_endings(tx: &mut Tx, limit: i64) -> Result<Vec<Ending>> {
    Ok(nodes::table
        .filter(nodes::lock_expires_at.is_not_null())
        .filter(nodes::deleted_at.is_null())
        .order(nodes::lock_expires_at)
        .limit(limit)
        .select((
            nodes::org_id,
            nodes::id,
            nodes::lock_expires_at.assume_not_null(),
        ))
        .load(tx.conn())
        .await?)
}
