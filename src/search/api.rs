//! Routes of search.

use actix_web::{HttpResponse, web};

use super::{
    model::{CitationList, Context, ContextQuery, SearchAnswer, SearchQuery, SemanticQuery},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{NodeId, OrgId, OutputId, Result},
    web::{Json, Query, ok},
};

/// Search nodes and files
///
/// Guests, and tokens for a part of the organization, search the projects that they belong to.
/// What was changed a moment ago is found within seconds.
#[utoipa::path(post, path = "/orgs/{orgId}/search", operation_id = "search", tag = "Search",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    request_body = SearchQuery,
    responses((status = 200, description = "What was found.", body = SearchAnswer)))]
pub async fn search(
    ctx: Ctx,
    org: web::Path<OrgId>,
    body: Json<SearchQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::search(&ctx, *org, body.0).await?))
}

/// Find what means the same
///
/// `score` is the cosine of the angle between question and passage.
#[utoipa::path(post, path = "/orgs/{orgId}/search/semantic", operation_id = "semantic", tag = "Search",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    request_body = SemanticQuery,
    responses((status = 200, description = "What was found.", body = SearchAnswer)))]
pub async fn semantic(
    ctx: Ctx,
    org: web::Path<OrgId>,
    body: Json<SemanticQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::semantic(&ctx, *org, body.0).await?))
}

/// Get what stands around a node
///
/// Its inputs and outputs with their text, the nodes above and beside it, and passages of the
/// project that are like it, within a number of tokens. A citation says where a text stands:
/// `start` and `end` count characters of the file's text, or of the text that it is of.
#[utoipa::path(get, path = "/nodes/{nodeId}/context", operation_id = "node_context", tag = "Search",
    params(("nodeId" = NodeId, Path, description = "The node."), ContextQuery),
    responses((status = 200, description = "Its surroundings.", body = Context)))]
pub async fn node_context(
    ctx: Ctx,
    id: web::Path<NodeId>,
    Query(query): Query<ContextQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::node_context(&ctx, *id, query).await?))
}

/// Check the citations of an output
///
/// Each entry of `citations` and `sources` in its metadata, 100 at most, with whether its quote
/// stands where it says.
#[utoipa::path(get, path = "/outputs/{outputId}/citations", operation_id = "output_citations", tag = "Search",
    params(("outputId" = OutputId, Path, description = "The output.")),
    responses((status = 200, description = "Its citations.", body = CitationList)))]
pub async fn output_citations(ctx: Ctx, id: web::Path<OutputId>) -> Result<HttpResponse> {
    Ok(ok(ops::output_citations(&ctx, *id).await?))
}
