//! Routes of nodes, their inputs and outputs; [`lock`] has those of locks.

pub mod lock;

pub mod graph;
pub mod version;

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{ETAG, HeaderValue, IF_MATCH},
    web,
};

use super::{
    model::{
        Children, DeleteQuery, Expected, Input, InputBody, InputForms, Node, NodeCreate, NodeQuery,
        NodeUpdate, Output, OutputBody, OutputForms,
    },
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        Error, InputId, NodeId, OutputId, ProjectId, Result,
        page::{Page, PageQuery},
    },
    web::{Json, Query, created, no_content, ok},
};

/// What a 412 tells.
const MISMATCH: &str = "It is at another version. `details` has `expectedVersion` and \
    `currentVersion`; where the expected one is an earlier version also its fields (`base`), \
    what was changed since (`theirs`), what you wanted to change (`yours`), and the names of \
    the fields that both changed to different values (`conflicts`).";

/// The `If-Match` header; absent, any version will do.
#[derive(Debug)]
pub struct IfMatch(Expected);

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // A header may be sent in several lines, which mean the same as one list.
        let lines: Vec<String> = request
            .headers()
            .get_all(IF_MATCH)
            .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
            .collect();
        let expected = if lines.is_empty() {
            Expected::Any
        } else {
            Expected::parse(&lines.join(","))
        };
        ready(Ok(IfMatch(expected)))
    }
}

/// The answer with the node's version as its `ETag`.
fn tagged(mut response: HttpResponse, version: i32) -> Result<HttpResponse> {
    let tag = HeaderValue::from_str(&format!("\"v{version}\"")).map_err(Error::internal)?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

/// List the nodes of a project
///
/// Without their inputs and outputs. A cursor belongs to one `sort` and `order`; a list by
/// `updated` moves under whoever pages through it while nodes are changed.
#[utoipa::path(get, path = "/projects/{projectId}/nodes", operation_id = "node_list", tag = "Nodes",
    params(("projectId" = ProjectId, Path, description = "The project."), NodeQuery, PageQuery),
    responses((status = 200, description = "A page, newest first unless sorted otherwise.", body = Page<Node>)))]
pub async fn node_list(
    ctx: Ctx,
    project: web::Path<ProjectId>,
    Query(filter): Query<NodeQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    let filter = filter.parse()?;
    let page = filter.page(&page)?;
    Ok(ok(ops::node_list(&ctx, *project, filter, page).await?))
}

/// Create a node
#[utoipa::path(post, path = "/projects/{projectId}/nodes", operation_id = "node_create", tag = "Nodes",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    request_body = NodeCreate,
    responses((status = 201, description = "The node.", body = Node,
        headers(("ETag" = String, description = "Its version: `\"v1\"`.")))))]
pub async fn node_create(
    ctx: Ctx,
    project: web::Path<ProjectId>,
    body: Json<NodeCreate>,
) -> Result<HttpResponse> {
    let node = ops::node_create(&ctx, *project, body.0).await?;
    tagged(created(&node), node.version)
}

/// Get a node with its inputs and outputs
#[utoipa::path(get, path = "/nodes/{nodeId}", operation_id = "node_get", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node.")),
    responses((status = 200, description = "The node.", body = Node,
        headers(("ETag" = String, description = "Its version: `\"v3\"`.")))))]
pub async fn node_get(ctx: Ctx, id: web::Path<NodeId>) -> Result<HttpResponse> {
    let node = ops::node_get(&ctx, *id).await?;
    tagged(ok(&node), node.version)
}

/// Change a node
///
/// A change of content makes a new version; a change of `position` alone does not.
/// Moving it (`parentId`) under itself or its own descendants is refused (409
/// `TREE_CYCLE`), as is any change while somebody else holds its lock (409 `NODE_LOCKED`).
#[utoipa::path(patch, path = "/nodes/{nodeId}", operation_id = "node_update", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that this change starts from, or `*`.")),
    request_body = Option<NodeUpdate>,
    responses((status = 200, description = "The node, changed.", body = Node,
        headers(("ETag" = String, description = "Its version: `\"v4\"`."))),
        (status = 412, description = MISMATCH, body = crate::web::Problem)))]
pub async fn node_update(
    ctx: Ctx,
    id: web::Path<NodeId>,
    if_match: IfMatch,
    body: Json<NodeUpdate>,
) -> Result<HttpResponse> {
    let node = ops::node_update(&ctx, *id, body.0, if_match.0).await?;
    tagged(ok(&node), node.version)
}

/// Delete a node
///
/// Its descendants go with it unless `children=orphan`.
#[utoipa::path(delete, path = "/nodes/{nodeId}", operation_id = "node_delete", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."), DeleteQuery,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version to delete, or `*`.")),
    responses((status = 204, description = "It is gone."),
        (status = 412, description = MISMATCH, body = crate::web::Problem)))]
pub async fn node_delete(
    ctx: Ctx,
    id: web::Path<NodeId>,
    Query(query): Query<DeleteQuery>,
    if_match: IfMatch,
) -> Result<HttpResponse> {
    ops::node_delete(
        &ctx,
        *id,
        query.children.unwrap_or(Children::Delete),
        if_match.0,
    )
    .await?;
    Ok(no_content())
}

/// Add an input to a node
///
/// A reference to a node that depends on this one is refused (409 `DEPENDENCY_CYCLE`;
/// `details.path` shows how).
#[utoipa::path(post, path = "/nodes/{nodeId}/inputs", operation_id = "input_add", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the node that this change starts from, or `*`.")),
    request_body = InputForms,
    responses((status = 201, description = "The input.", body = Input),
        (status = 412, description = MISMATCH, body = crate::web::Problem)))]
pub async fn input_add(
    ctx: Ctx,
    node: web::Path<NodeId>,
    if_match: IfMatch,
    body: Json<InputBody>,
) -> Result<HttpResponse> {
    Ok(created(
        ops::input_add(&ctx, *node, body.0, if_match.0).await?,
    ))
}

/// Remove an input from a node
#[utoipa::path(delete, path = "/nodes/{nodeId}/inputs/{inputId}", operation_id = "input_remove", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("inputId" = InputId, Path, description = "The input."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the node that this change starts from, or `*`.")),
    responses((status = 204, description = "It is gone."),
        (status = 412, description = MISMATCH, body = crate::web::Problem)))]
pub async fn input_remove(
    ctx: Ctx,
    ids: web::Path<(NodeId, InputId)>,
    if_match: IfMatch,
) -> Result<HttpResponse> {
    let (node, input) = ids.into_inner();
    ops::input_remove(&ctx, node, input, if_match.0).await?;
    Ok(no_content())
}

/// Add an output to a node
#[utoipa::path(post, path = "/nodes/{nodeId}/outputs", operation_id = "output_add", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the node that this change starts from, or `*`.")),
    request_body = OutputForms,
    responses((status = 201, description = "The output.", body = Output),
        (status = 412, description = MISMATCH, body = crate::web::Problem)))]
pub async fn output_add(
    ctx: Ctx,
    node: web::Path<NodeId>,
    if_match: IfMatch,
    body: Json<OutputBody>,
) -> Result<HttpResponse> {
    Ok(created(
        ops::output_add(&ctx, *node, body.0, if_match.0).await?,
    ))
}

/// Remove an output from a node
#[utoipa::path(delete, path = "/nodes/{nodeId}/outputs/{outputId}", operation_id = "output_remove", tag = "Nodes",
    params(("nodeId" = NodeId, Path, description = "The node."),
        ("outputId" = OutputId, Path, description = "The output."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the node that this change starts from, or `*`.")),
    responses((status = 204, description = "It is gone."),
        (status = 412, description = MISMATCH, body = crate::web::Problem)))]
pub async fn output_remove(
    ctx: Ctx,
    ids: web::Path<(NodeId, OutputId)>,
    if_match: IfMatch,
) -> Result<HttpResponse> {
    let (node, output) = ids.into_inner();
    ops::output_remove(&ctx, node, output, if_match.0).await?;
    Ok(no_content())
}
