//! The route that forks.

use actix_web::{HttpResponse, web};

use super::{
    super::{model::ExecutionFork, ops},
    ExecutionAnswer,
};
use crate::{
    app::Ctx,
    kernel::{ExecutionId, Result},
    web::{Json, created},
};

/// Fork an execution
///
/// A new run of the same node that shares the journal up to `afterSequence`, at no cost:
/// the model is not asked again for what it answered up to there, and no tool runs again.
/// `edit` says what is different from there on. Where a tool was called and had not run by
/// then, the new run runs it. Nothing that was done to nodes is undone.
#[utoipa::path(post, path = "/executions/{executionId}/fork", operation_id = "execution_fork", tag = "Executions",
    params(("executionId" = ExecutionId, Path, description = "The execution to go on from.")),
    request_body(content = ExecutionFork),
    responses((status = 201, description = "The new execution, waiting for a worker.", body = ExecutionAnswer)))]
pub async fn execution_fork(
    ctx: Ctx,
    id: web::Path<ExecutionId>,
    body: Json<ExecutionFork>,
) -> Result<HttpResponse> {
    let execution = ops::fork::execution_fork(&ctx, *id, body.0).await?;
    Ok(created(ExecutionAnswer { execution }))
}
