//! The route of usage.

use actix_web::{HttpResponse, web};

use super::super::{
    model::{Usage, UsageQuery},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{OrgId, Result},
    web::{Query, ok},
};

/// Get the usage of an organization
///
/// Tokens and cost of the calls of models, summed up by project, node, model or day. A cost
/// that is not known counts as unknown, and not as nothing.
#[utoipa::path(get, path = "/orgs/{orgId}/usage", operation_id = "usage_get", tag = "Organizations",
    params(("orgId" = OrgId, Path, description = "The organization."), UsageQuery),
    responses((status = 200, description = "The sums and their total.", body = Usage)))]
pub async fn usage_get(
    ctx: Ctx,
    org: web::Path<OrgId>,
    Query(query): Query<UsageQuery>,
) -> Result<HttpResponse> {
    let span = query.parse(ctx.now())?;
    Ok(ok(ops::usage::usage_get(&ctx, *org, span).await?))
}
