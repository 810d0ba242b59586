//! The route of the audit log.

use actix_web::{HttpResponse, web};

use super::super::{
    model::{AuditEntry, AuditQuery},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        OrgId, Result,
        page::{Page, PageQuery},
    },
    web::{Query, ok},
};

/// Read the audit log of an organization
///
/// An entry for every change: who, what, from where, and in brief what was and what is.
#[utoipa::path(get, path = "/orgs/{orgId}/audit", operation_id = "audit_list", tag = "Organizations",
    params(("orgId" = OrgId, Path, description = "The organization."), AuditQuery, PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<AuditEntry>)))]
pub async fn audit_list(
    ctx: Ctx,
    org: web::Path<OrgId>,
    Query(filter): Query<AuditQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    let (filter, page) = (filter.parse()?, page.parse()?);
    Ok(ok(ops::audit_list(&ctx, *org, filter, page).await?))
}
