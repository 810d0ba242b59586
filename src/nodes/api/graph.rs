//! Routes of what lies around a node.

use actix_web::{HttpResponse, web};

use super::super::{
    model::{ChildrenQuery, Dependencies, DependencyQuery, Node},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{NodeId, Result, page::Page},
    web::{Query, ok},
};

/// List the children of a node
///
/// All direct ones, unless there are more than 1000.
#[utoipa::path(get, path = "/nodes/{nodeId}/children", operation_id = "node_children", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."), ChildrenQuery),
    responses((status = 200, description = "The children, oldest first.", body = Page<Node>)))]
pub async fn node_children(
    ctx: Ctx,
    id: web::Path<NodeId>,
    Query(query): Query<ChildrenQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::node_children(&ctx, *id, query.parse()?).await?))
}

/// Get what a node depends on, or what depends on it
///
/// Deleted nodes, and those of projects that you can't see, are left out, and so is what
/// lies behind them.
#[utoipa::path(get, path = "/nodes/{nodeId}/dependencies", operation_id = "node_dependencies", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."), DependencyQuery),
    responses((status = 200, description = "The nodes, nearest first, 1000 at most, and the edges between them.", body = Dependencies)))]
pub async fn node_dependencies(
    ctx: Ctx,
    id: web::Path<NodeId>,
    Query(query): Query<DependencyQuery>,
) -> Result<HttpResponse> {
    let (direction, depth) = query.parse()?;
    Ok(ok(
        ops::node_dependencies(&ctx, *id, direction, depth).await?
    ))
}
