//! Routes of the tokens of an organization.

use actix_web::{HttpResponse, web};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::{
    model::{OrgToken, TokenCreate},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        OrgId, Result, TokenId,
        page::{Page, PageQuery},
    },
    web::{Json, Query, no_content, ok},
};

/// A token that was just made, with its text.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewOrgToken {
    #[serde(flatten)]
    about: OrgToken,
    /// For the `Authorization: Bearer` header. It is shown this once and stored nowhere.
    token: String,
}

/// List the tokens of an organization
///
/// The revoked and the expired ones too; never their texts.
#[utoipa::path(get, path = "/orgs/{orgId}/tokens", operation_id = "token_list", tag = "Tokens",
    params(("orgId" = OrgId, Path, description = "The organization."), PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<OrgToken>)))]
pub async fn token_list(
    ctx: Ctx,
    org: web::Path<OrgId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::token_list(&ctx, *org, page.parse()?).await?))
}

/// Create a token
///
/// It speaks for whoever makes it, in this organization alone, with the actions in `rights`
/// as far as that person has them at the time. A narrowed token can't be used for this.
#[utoipa::path(post, path = "/orgs/{orgId}/tokens", operation_id = "token_create", tag = "Tokens",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    request_body = TokenCreate,
    responses((status = 201, description = "The token; its text is shown this once.",
        body = NewOrgToken)))]
pub async fn token_create(
    ctx: Ctx,
    org: web::Path<OrgId>,
    body: Json<TokenCreate>,
) -> Result<HttpResponse> {
    let (about, token) = ops::token_create(&ctx, *org, body.0).await?;
    // Shown once: not to be kept by anybody between us and the client, and not by us.
    Ok(HttpResponse::Created()
        .insert_header(("Cache-Control", "no-store"))
        .json(NewOrgToken {
            about,
            token: token.expose_secret().to_owned(),
        }))
}

/// Revoke a token
///
/// At once and everywhere, also what its bearers narrowed from it. It stays in the list.
#[utoipa::path(delete, path = "/orgs/{orgId}/tokens/{tokenId}", operation_id = "token_revoke",
    tag = "Tokens",
    params(("orgId" = OrgId, Path, description = "The organization."),
        ("tokenId" = TokenId, Path, description = "The token.")),
    responses((status = 204, description = "It is good for nothing any more.")))]
pub async fn token_revoke(ctx: Ctx, path: web::Path<(OrgId, TokenId)>) -> Result<HttpResponse> {
    let (org, id) = path.into_inner();
    ops::token_revoke(&ctx, org, id).await?;
    Ok(no_content())
}
