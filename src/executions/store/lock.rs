//! What an execution's row knows of the lock on its node.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::{
    kernel::{ExecutionId, NodeId, Result},
    platform::db::{Cacheable, Tx, schema::agent_executions as executions},
};

/// The node of an execution, without locking anything.
pub(in super::super) async fn node_of(tx: &mut Tx, id: ExecutionId) -> Result<Option<NodeId>> {
    Ok(executions::table
        .find(id)
        .select(executions::node_id)
        .first(tx.conn())
        .await
        .optional()?)
}

/// Notes under which epoch the run holds its node's lock.
pub(in super::super) async fn set_epoch(
    tx: &mut Tx,
    id: ExecutionId,
    epoch: Option<i64>,
) -> Result<()> {
    diesel::update(executions::table.find(id))
        .set(executions::lock_epoch.eq(epoch))
        .cached()
        .execute(tx.conn())
        .await?;
    Ok(())
}
