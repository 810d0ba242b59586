//! Routes of an organization's members.

use actix_web::{HttpResponse, web};

use super::super::{
    model::{Member, MemberAdd, MemberQuery, MemberUpdate},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        OrgId, Result, UserId,
        page::{Page, PageQuery},
    },
    web::{Json, Query, created, no_content, ok},
};

/// List the members of an organization
#[utoipa::path(get, path = "/orgs/{orgId}/members", operation_id = "member_list", tag = "Members",
    params(("orgId" = OrgId, Path, description = "The organization."), MemberQuery, PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<Member>)))]
pub async fn member_list(
    ctx: Ctx,
    org: web::Path<OrgId>,
    Query(filter): Query<MemberQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    let (filter, page) = (filter.parse()?, page.parse()?);
    Ok(ok(ops::member_list(&ctx, *org, filter, page).await?))
}

/// Add a member to an organization
///
/// By the address of somebody who has signed in before. 422 `USER_UNKNOWN` when nobody
/// has it, 409 `CONFLICT` when several users share it, 409 `ALREADY_MEMBER`. Only an
/// owner makes owners.
#[utoipa::path(post, path = "/orgs/{orgId}/members", operation_id = "member_add", tag = "Members",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    request_body = MemberAdd,
    responses((status = 201, description = "The member.", body = Member)))]
pub async fn member_add(
    ctx: Ctx,
    org: web::Path<OrgId>,
    body: Json<MemberAdd>,
) -> Result<HttpResponse> {
    Ok(created(ops::member_add(&ctx, *org, body.0).await?))
}

/// Change the role of a member
///
/// Only an owner decides about owners, and the last one stays (409 `LAST_OWNER`).
#[utoipa::path(patch, path = "/orgs/{orgId}/members/{userId}", operation_id = "member_update", tag = "Members",
    params(("orgId" = OrgId, Path, description = "The organization."),
        ("userId" = UserId, Path, description = "The member, by their user.")),
    request_body = Option<MemberUpdate>,
    responses((status = 200, description = "The member, changed.", body = Member)))]
pub async fn member_update(
    ctx: Ctx,
    path: web::Path<(OrgId, UserId)>,
    body: Json<MemberUpdate>,
) -> Result<HttpResponse> {
    let (org, user) = path.into_inner();
    Ok(ok(ops::member_update(&ctx, org, user, body.0).await?))
}

/// Remove a member from an organization
///
/// Whatever their role, anybody may remove themself. The last owner stays (409
/// `LAST_OWNER`). Memberships in projects and locks end with it.
#[utoipa::path(delete, path = "/orgs/{orgId}/members/{userId}", operation_id = "member_remove", tag = "Members",
    params(("orgId" = OrgId, Path, description = "The organization."),
        ("userId" = UserId, Path, description = "The member, by their user.")),
    responses((status = 204, description = "They are no member any more.")))]
pub async fn member_remove(ctx: Ctx, path: web::Path<(OrgId, UserId)>) -> Result<HttpResponse> {
    let (org, user) = path.into_inner();
    ops::member_remove(&ctx, org, user).await?;
    Ok(no_content())
}
