//! Finding evidence without a person who asks for it, and what it is linked to outside.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
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

/// Notes the client's span that asked for an execution. Nobody waits for it.
pub(in super::super) fn set_span(tx: &Tx, id: ExecutionId, span: String) {
    let row = executions::table.find(id);
    tx.later(diesel::update(row).set(executions::started_by_span.eq(span)));
}
