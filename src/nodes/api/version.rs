//! Routes of a node's versions.

use actix_web::{HttpResponse, web};

use super::{
    super::{
        model::{Node, NodeVersion, VersionDiff},
        ops,
    },
    IfMatch, MISMATCH, tagged,
};
use crate::{
    app::Ctx,
    kernel::{
        NodeId, Result,
        page::{Page, PageQuery},
    },
    web::{Query, ok},
};

/// List the versions of a node
///
/// There is one for every change of its content, the present one included. Each is whole,
/// so a page of very long ones has fewer than asked for; `limit` tells how many.
#[utoipa::path(get, path = "/nodes/{nodeId}/versions", operation_id = "version_list", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."), PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<NodeVersion>)))]
pub async fn version_list(
    ctx: Ctx,
    id: web::Path<NodeId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::version_list(&ctx, *id, page.parse_as()?).await?))
}

/// Get a version of a node
#[utoipa::path(get, path = "/nodes/{nodeId}/versions/{version}", operation_id = "version_get", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("version" = i32, Path, description = "The version's number.")),
    responses((status = 200, description = "The version.", body = NodeVersion)))]
pub async fn version_get(ctx: Ctx, path: web::Path<(NodeId, i32)>) -> Result<HttpResponse> {
    let (id, version) = path.into_inner();
    Ok(ok(ops::version_get(&ctx, id, version).await?))
}

/// Compare two versions of a node
///
/// Field by field, the metadata by its keys, inputs and outputs by their ids. The later
/// version may come first: the comparison then reads backwards.
#[utoipa::path(get, path = "/nodes/{nodeId}/versions/{from}/diff/{to}", operation_id = "version_diff", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("from" = i32, Path, description = "The number of the version to begin from."),
        ("to" = i32, Path, description = "The number of the version to arrive at.")),
    responses((status = 200, description = "What differs.", body = VersionDiff)))]
pub async fn version_diff(ctx: Ctx, path: web::Path<(NodeId, i32, i32)>) -> Result<HttpResponse> {
    let (id, from, to) = path.into_inner();
    Ok(ok(ops::version_diff(&ctx, id, from, to).await?))
}

/// Roll a node back to an earlier version
///
/// Makes a new version that is equal to that one: its fields, its place in the tree, its
/// inputs and outputs with their ids. Only `position` stays as it is. All of it comes back
/// or nothing: a state, a parent, a supervisor, a file or a source node that is gone by now
/// is 422 (`details.obstacles` names each with `field`, `id` and `message`), and what would
/// close a cycle by now is 409 (`TREE_CYCLE`, `DEPENDENCY_CYCLE`).
#[utoipa::path(post, path = "/nodes/{nodeId}/rollback/{version}", operation_id = "node_rollback", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("version" = i32, Path, description = "The number of the version to come back."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that this change starts from, or `*`.")),
    responses((status = 200, description = "The node, at its new version.", body = Node,
        headers(("ETag" = String, description = "Its version: `\"v5\"`."))),
        (status = 412, description = MISMATCH, body = crate::web::Problem)))]
pub async fn node_rollback(
    ctx: Ctx,
    path: web::Path<(NodeId, i32)>,
    if_match: IfMatch,
) -> Result<HttpResponse> {
    let (id, version) = path.into_inner();
    let node = ops::node_rollback(&ctx, id, version, if_match.0).await?;
    tagged(ok(&node), node.version)
}
