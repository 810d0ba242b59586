//! Finding evidence without a person who asks for it: for commands on the machine.

use diesel::{OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::{
    kernel::{ExecutionId, OrgId, Result},
    platform::db::{Tx, schema::agent_executions as executions},
};

/// Whose an execution is; for a transaction of the system's.
pub(in super::super) async fn org_of(tx: &mut Tx, id: ExecutionId) -> Result<Option<OrgId>> {
    Ok(executions::table
        .find(id)
        .select(executions::org_id)
        .first(tx.conn())
        .await
        .optional()?)
}
