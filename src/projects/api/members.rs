//! Routes of a project's members.

use actix_web::{HttpResponse, web};

use super::super::{
    model::{
        ProjectMember, ProjectMemberAdd, ProjectMemberForms, ProjectMemberQuery,
        ProjectMemberUpdate,
    },
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        ProjectId, Result, UserId,
        page::{Page, PageQuery},
    },
    web::{Json, Query, created, no_content, ok},
};

/// List the members of a project
#[utoipa::path(get, path = "/projects/{projectId}/members", operation_id = "project_member_list", tag = "Members",
    params(("projectId" = ProjectId, Path, description = "The project."), ProjectMemberQuery, PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<ProjectMember>)))]
pub async fn project_member_list(
    ctx: Ctx,
    id: web::Path<ProjectId>,
    Query(filter): Query<ProjectMemberQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    let (filter, page) = (filter.parse()?, page.parse()?);
    Ok(ok(ops::project_member_list(&ctx, *id, filter, page).await?))
}

/// Add a member to a project
///
/// A member of the organization, by `userId` or by `email`. 422 `USER_UNKNOWN` when
/// nobody there is meant, 409 `ALREADY_MEMBER`.
#[utoipa::path(post, path = "/projects/{projectId}/members", operation_id = "project_member_add", tag = "Members",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    request_body = ProjectMemberForms,
    responses((status = 201, description = "The member.", body = ProjectMember)))]
pub async fn project_member_add(
    ctx: Ctx,
    id: web::Path<ProjectId>,
    body: Json<ProjectMemberAdd>,
) -> Result<HttpResponse> {
    Ok(created(ops::project_member_add(&ctx, *id, body.0).await?))
}

/// Change the role of a project's member
#[utoipa::path(patch, path = "/projects/{projectId}/members/{userId}", operation_id = "project_member_update", tag = "Members",
    params(("projectId" = ProjectId, Path, description = "The project."),
        ("userId" = UserId, Path, description = "The member, by their user.")),
    request_body = Option<ProjectMemberUpdate>,
    responses((status = 200, description = "The member, changed.", body = ProjectMember)))]
pub async fn project_member_update(
    ctx: Ctx,
    path: web::Path<(ProjectId, UserId)>,
    body: Json<ProjectMemberUpdate>,
) -> Result<HttpResponse> {
    let (id, user) = path.into_inner();
    Ok(ok(ops::project_member_update(&ctx, id, user, body.0).await?))
}

/// Remove a member from a project
///
/// Whatever their role, anybody may remove themself.
#[utoipa::path(delete, path = "/projects/{projectId}/members/{userId}", operation_id = "project_member_remove", tag = "Members",
    params(("projectId" = ProjectId, Path, description = "The project."),
        ("userId" = UserId, Path, description = "The member, by their user.")),
    responses((status = 204, description = "They are no member of it any more.")))]
pub async fn project_member_remove(
    ctx: Ctx,
    path: web::Path<(ProjectId, UserId)>,
) -> Result<HttpResponse> {
    let (id, user) = path.into_inner();
    ops::project_member_remove(&ctx, id, user).await?;
    Ok(no_content())
}
