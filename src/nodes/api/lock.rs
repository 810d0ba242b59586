//! Routes of locks.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::super::{
    model::{LockState, ReleaseQuery},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{NodeId, Result},
    web::{Json, Query, no_content, ok},
};

/// A body in which nothing is asked for, and anything may be sent.
#[derive(Debug, Deserialize)]
pub struct Anything {}

/// Lock a node, or renew the lock
///
/// For five minutes, as long as the server is not configured otherwise; the holder renews it
/// by asking again. While it is held, everybody else's writes to the node are refused (409
/// `NODE_LOCKED`). Needs no body.
#[utoipa::path(post, path = "/nodes/{nodeId}/lock", operation_id = "lock_acquire", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node.")),
    responses((status = 200, description = "The lock, yours.", body = LockState)))]
pub async fn lock_acquire(
    ctx: Ctx,
    id: web::Path<NodeId>,
    _: Json<Anything>,
) -> Result<HttpResponse> {
    Ok(ok(ops::lock_acquire(&ctx, *id).await?))
}

/// Release a node's lock
///
/// With `force=true` also the lock of somebody else, or of a run, which then fails: for
/// administrators of the organization or the project, and for the supervisor of an agent's
/// node. Without a lock, or without one of yours, 404.
#[utoipa::path(delete, path = "/nodes/{nodeId}/lock", operation_id = "lock_release", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."), ReleaseQuery),
    responses((status = 204, description = "It is free.")))]
pub async fn lock_release(
    ctx: Ctx,
    id: web::Path<NodeId>,
    Query(query): Query<ReleaseQuery>,
) -> Result<HttpResponse> {
    ops::lock_release(&ctx, *id, query.force).await?;
    Ok(no_content())
}
