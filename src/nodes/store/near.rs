//! SQL of which files somebody may hang on a node who is not asked for their own rights.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, dsl::exists};
use diesel_async::RunQueryDsl;

use crate::{
    kernel::{FileId, ProjectId, Result, UserId},
    platform::db::{
        Tx,
        schema::{files, node_inputs, node_outputs, nodes},
    },
};

/// Whether there is such a file in the transaction's organization.
pub async fn file_exists(tx: &mut Tx, file: FileId) -> Result<bool> {
    let row = files::table.filter(files::id.eq(file));
    Ok(diesel::select(exists(row)).get_result(tx.conn()).await?)
}

/// Whether `user` brought the file here, or a live node of `project` uses it.
pub async fn file_is_near(
    tx: &mut Tx,
    file: FileId,
    project: ProjectId,
    user: UserId,
) -> Result<bool> {
    let live = || {
        nodes::table
            .filter(nodes::project_id.eq(project))
            .filter(nodes::deleted_at.is_null())
            .select(nodes::id)
    };
    let own = files::table
        .filter(files::id.eq(file))
        .filter(files::uploaded_by.eq(user));
    let into = node_inputs::table
        .filter(node_inputs::file_id.eq(file))
        .filter(node_inputs::node_id.eq_any(live()));
    let out_of = node_outputs::table
        .filter(node_outputs::file_id.eq(file))
        .filter(node_outputs::node_id.eq_any(live()));
    let near = exists(own).or(exists(into)).or(exists(out_of));
    Ok(diesel::select(near).get_result(tx.conn()).await?)
}
