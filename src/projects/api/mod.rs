//! Routes of projects.

pub mod members;

use actix_web::{HttpResponse, web};

use super::{
    model::{Project, ProjectCreate, ProjectUpdate},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        OrgId, ProjectId, Result,
        page::{Page, PageQuery},
    },
    web::{Json, Query, created, no_content, ok},
};

/// List the projects of an organization
///
/// Guests get those they belong to.
#[utoipa::path(get, path = "/orgs/{orgId}/projects", operation_id = "project_list", tag = "Projects",
    params(("orgId" = OrgId, Path, description = "The organization."), PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<Project>)))]
pub async fn project_list(
    ctx: Ctx,
    org: web::Path<OrgId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::project_list(&ctx, *org, page.parse()?).await?))
}

/// Create a project
#[utoipa::path(post, path = "/orgs/{orgId}/projects", operation_id = "project_create", tag = "Projects",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    request_body = ProjectCreate,
    responses((status = 201, description = "The project.", body = Project)))]
pub async fn project_create(
    ctx: Ctx,
    org: web::Path<OrgId>,
    body: Json<ProjectCreate>,
) -> Result<HttpResponse> {
    Ok(created(ops::project_create(&ctx, *org, body.0).await?))
}

/// Get a project
#[utoipa::path(get, path = "/projects/{projectId}", operation_id = "project_get", tag = "Projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "The project.", body = Project)))]
pub async fn project_get(ctx: Ctx, id: web::Path<ProjectId>) -> Result<HttpResponse> {
    Ok(ok(ops::project_get(&ctx, *id).await?))
}

/// Change a project
///
/// A workflow state that nodes are in can't be removed (422; `details.states` says how
/// many are in each).
#[utoipa::path(patch, path = "/projects/{projectId}", operation_id = "project_update", tag = "Projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    request_body = Option<ProjectUpdate>,
    responses((status = 200, description = "The project, changed.", body = Project)))]
pub async fn project_update(
    ctx: Ctx,
    id: web::Path<ProjectId>,
    body: Json<ProjectUpdate>,
) -> Result<HttpResponse> {
    Ok(ok(ops::project_update(&ctx, *id, body.0).await?))
}

/// Delete a project with everything in it
///
/// Refused while nodes of other projects have nodes of this one as inputs (409).
#[utoipa::path(delete, path = "/projects/{projectId}", operation_id = "project_delete", tag = "Projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 204, description = "It is gone.")))]
pub async fn project_delete(ctx: Ctx, id: web::Path<ProjectId>) -> Result<HttpResponse> {
    ops::project_delete(&ctx, *id).await?;
    Ok(no_content())
}
