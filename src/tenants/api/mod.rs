//! Routes of sign-in, users and organizations.

pub mod audit;
pub mod members;
pub mod notifications;

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::{
    model::{Org, OrgCreate, OrgUpdate, SignIn, User, UserUpdate},
    ops,
};
use crate::{
    app::{App, Ctx},
    kernel::{
        OrgId, Result,
        page::{Page, PageQuery},
    },
    web::{Json, Query, created, no_content, ok, route_not_found},
};

/// A new token.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenAnswer {
    /// For the `Authorization: Bearer` header.
    token: String,
    /// When it ends.
    expires_at: DateTime<Utc>,
}

/// Get a token for development
///
/// Takes anybody at their word; 404 unless development tokens are on. The user is
/// made on first sight.
#[utoipa::path(post, path = "/auth/dev-token", operation_id = "dev_token", tag = "Users", security(()),
    request_body = SignIn,
    responses((status = 200, description = "A token of 24 hours.", body = TokenAnswer)))]
pub async fn dev_token(app: web::Data<Arc<App>>, body: Json<SignIn>) -> Result<HttpResponse> {
    if !app.config.auth.dev_tokens {
        return Err(route_not_found());
    }
    let (_, minted) = ops::dev_sign_in(&app, body.0).await?;
    Ok(ok(TokenAnswer {
        token: minted.token.expose_secret().to_owned(),
        expires_at: minted.expires_at,
    }))
}

/// Get the caller's own user
#[utoipa::path(get, path = "/users/me", operation_id = "me_get", tag = "Users",
    responses((status = 200, description = "The caller.", body = User)))]
pub async fn me_get(ctx: Ctx) -> Result<HttpResponse> {
    Ok(ok(ops::me_get(&ctx).await?))
}

/// Change the caller's own user
#[utoipa::path(patch, path = "/users/me", operation_id = "me_update", tag = "Users",
    request_body = Option<UserUpdate>,
    responses((status = 200, description = "The caller, changed.", body = User)))]
pub async fn me_update(ctx: Ctx, body: Json<UserUpdate>) -> Result<HttpResponse> {
    Ok(ok(ops::me_update(&ctx, body.0).await?))
}

/// List the caller's organizations
#[utoipa::path(get, path = "/orgs", operation_id = "org_list", tag = "Organizations",
    params(PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<Org>)))]
pub async fn org_list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<HttpResponse> {
    Ok(ok(ops::org_list(&ctx, page.parse()?).await?))
}

/// Create an organization
///
/// The caller becomes its owner.
#[utoipa::path(post, path = "/orgs", operation_id = "org_create", tag = "Organizations",
    request_body = OrgCreate,
    responses((status = 201, description = "The organization.", body = Org)))]
pub async fn org_create(ctx: Ctx, body: Json<OrgCreate>) -> Result<HttpResponse> {
    Ok(created(ops::org_create(&ctx, body.0).await?))
}

/// Get an organization
#[utoipa::path(get, path = "/orgs/{orgId}", operation_id = "org_get", tag = "Organizations",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    responses((status = 200, description = "The organization.", body = Org)))]
pub async fn org_get(ctx: Ctx, id: web::Path<OrgId>) -> Result<HttpResponse> {
    Ok(ok(ops::org_get(&ctx, *id).await?))
}

/// Change an organization
#[utoipa::path(patch, path = "/orgs/{orgId}", operation_id = "org_update", tag = "Organizations",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    request_body = Option<OrgUpdate>,
    responses((status = 200, description = "The organization, changed.", body = Org)))]
pub async fn org_update(
    ctx: Ctx,
    id: web::Path<OrgId>,
    body: Json<OrgUpdate>,
) -> Result<HttpResponse> {
    Ok(ok(ops::org_update(&ctx, *id, body.0).await?))
}

/// Delete an organization with everything in it
#[utoipa::path(delete, path = "/orgs/{orgId}", operation_id = "org_delete", tag = "Organizations",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    responses((status = 204, description = "It is gone.")))]
pub async fn org_delete(ctx: Ctx, id: web::Path<OrgId>) -> Result<HttpResponse> {
    ops::org_delete(&ctx, *id).await?;
    Ok(no_content())
}
