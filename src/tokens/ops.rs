//! What can be done with the tokens of an organization.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    model::{OrgToken, Resource, TokenCreate},
    store,
};
use crate::{
    access::{Action, Grant, Minted, OrgTokenRights, Target, audit, authorise},
    app::Ctx,
    kernel::{
        Error, OrgId, Result, TokenId, entity,
        id::Entity,
        page::{Page, PageRequest},
    },
    platform::db::Tx,
    tenants,
};

/// The tokens of an organization, newest first, the revoked and expired ones too.
pub async fn token_list(ctx: &Ctx, org: OrgId, page: PageRequest) -> Result<Page<OrgToken>> {
    ctx.tx(Action::TokenManage, Target::Org(org), async |tx, _grant| {
        store::list(tx, org, &page).await
    })
    .await
}

/// Makes a token; its text is in the answer and nowhere else.
pub async fn token_create(
    ctx: &Ctx,
    org: OrgId,
    new: TokenCreate,
) -> Result<(OrgToken, SecretString)> {
    let wish = new.check()?;
    ctx.tx(
        Action::TokenManage,
        Target::Org(org),
        async move |tx, grant| {
            if let Some(resource) = wish.resource {
                require_visible(tx, ctx, resource).await?;
            }
            let now = tx.now();
            let mut token = OrgToken {
                id: TokenId::new(tx.ids()),
                org_id: org,
                name: wish.name,
                rights: wish.rights,
                resource: wish.resource,
                created_by: Some(grant.actor.user),
                created_at: now,
                expires_at: now + wish.life,
                revoked_at: None,
            };
            let minted = mint(ctx, grant, &token)?;
            token.expires_at = minted.expires_at;
            store::insert(tx, &token, &minted.revocation_id).await?;
            record(tx, grant, token.id, None, brief(&token)).await?;
            Ok((token, minted.token))
        },
    )
    .await
}

/// Revokes a token. From the commit on it is refused everywhere; again changes nothing.
pub async fn token_revoke(ctx: &Ctx, org: OrgId, id: TokenId) -> Result<()> {
    ctx.tx(Action::TokenManage, Target::Org(org), async |tx, grant| {
        let token = store::lock(tx, org, id)
            .await?
            .ok_or_else(|| Error::not_found(entity::Token::NOUN))?;
        if token.revoked_at.is_some() {
            return Ok(());
        }
        let now = tx.now();
        store::revoke(tx, org, id, now).await?;
        if let Some(user) = token.created_by {
            tenants::ops::rights_changed_in(tx, org, user).await?;
        }
        let before = Some(brief(&token));
        record(tx, grant, id, before, json!({ "revokedAt": now })).await
    })
    .await
}

/// The transaction sees one organization by now, so what is found is that one's.
async fn require_visible(tx: &mut Tx, ctx: &Ctx, resource: Resource) -> Result<()> {
    if let Some(project) = resource.project_id {
        let target = Target::Project(project);
        authorise(tx, &ctx.caller, Action::ProjectRead, target).await?;
    }
    if let Some(node) = resource.node_id {
        let target = Target::Node(node);
        authorise(tx, &ctx.caller, Action::NodeRead, target).await?;
    }
    Ok(())
}

fn mint(ctx: &Ctx, grant: &Grant, token: &OrgToken) -> Result<Minted> {
    let rights = OrgTokenRights {
        token: token.id,
        user: grant.actor.user,
        org: token.org_id,
        project: token.resource.and_then(|resource| resource.project_id),
        node: token.resource.and_then(|resource| resource.node_id),
        actions: &token.rights,
    };
    let life = token.expires_at - token.created_at;
    ctx.app
        .keyring
        .mint_org_token(&rights, token.created_at, life)
}

fn brief(token: &OrgToken) -> Value {
    json!({
        "name": token.name,
        "rights": token.rights,
        "resource": token.resource,
        "expiresAt": token.expires_at,
    })
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    id: TokenId,
    before: Option<Value>,
    after: Value,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "token",
        id: id.uuid(),
        before,
        after: Some(after),
    };
    audit::record(tx, grant, entry).await
}
