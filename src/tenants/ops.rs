//! What can be done with organizations and one's own user.

use serde_json::{Value, json};

use super::{
    model::{EventSourcingLevel, Org, OrgCreate, OrgUpdate, SignIn, User, UserUpdate},
    store,
};
use crate::{
    access::{self, Action, Grant, Minted, OrgRole, Target, audit},
    app::{App, Ctx},
    kernel::{
        OrgId, Result, Scope, UserId,
        page::{Page, PageRequest},
    },
    platform::db::Tx,
};

/// Signs somebody in whom we take at their word, and gives them a token. The caller
/// has made sure that development tokens are on.
pub async fn dev_sign_in(app: &App, who: SignIn) -> Result<(User, Minted)> {
    who.check()?;
    let scope = Scope::Subject(who.user_id.clone());
    let user = app
        .db
        .tx(scope, async |tx| {
            let id = access::sign_in_in(tx, &who.user_id, Some(&who.email)).await?;
            me(tx, id).await
        })
        .await?;
    let ttl = chrono::TimeDelta::hours(app.config.auth.token_hours);
    let minted = app.keyring.mint_user(user.id, app.db.now(), ttl)?;
    Ok((user, minted))
}

/// The caller's own user.
pub async fn me_get(ctx: &Ctx) -> Result<User> {
    ctx.own_tx(async |tx| me(tx, ctx.caller.user()).await).await
}

/// Changes the caller's own user.
pub async fn me_update(ctx: &Ctx, update: UserUpdate) -> Result<User> {
    ctx.own_tx(async move |tx| {
        let mut user = update.apply(me(tx, ctx.caller.user()).await?)?;
        user.updated_at = tx.now();
        store::update_user(tx, &user).await?;
        Ok(user)
    })
    .await
}

async fn me(tx: &mut Tx, id: UserId) -> Result<User> {
    store::get_user(tx, id).await?.ok_or_else(store::user_gone)
}

/// The caller's organizations, newest first.
pub async fn org_list(ctx: &Ctx, page: PageRequest) -> Result<Page<Org>> {
    let user = ctx.caller.user();
    ctx.own_tx(async move |tx| store::list_orgs(tx, user, &page).await)
        .await
}

/// Makes an organization, with the caller as its owner.
pub async fn org_create(ctx: &Ctx, new: OrgCreate) -> Result<Org> {
    let slug = new.check()?;
    let actor = ctx.caller.actor();
    ctx.own_tx(async move |tx| {
        let org = Org {
            id: OrgId::new(tx.ids()),
            name: new.name,
            slug: slug.into_string(),
            settings: new.settings.unwrap_or_else(|| json!({})),
            event_sourcing_level: new.event_sourcing_level.unwrap_or(EventSourcingLevel::Full),
            role: OrgRole::Owner,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        // From here on the transaction acts for the organization that it makes.
        let grant = Grant::founding(tx, org.id, actor).await?;
        store::insert_org(tx, &org).await?;
        store::insert_member(tx, org.id, grant.actor.user, OrgRole::Owner).await?;
        record(tx, &grant, None, Some(brief(&org))).await?;
        Ok(org)
    })
    .await
}

/// One organization.
pub async fn org_get(ctx: &Ctx, id: OrgId) -> Result<Org> {
    ctx.tx(Action::OrgRead, Target::Org(id), async |tx, grant| {
        store::get_org(tx, id, grant.org_role).await
    })
    .await
}

/// Changes an organization.
pub async fn org_update(ctx: &Ctx, id: OrgId, update: OrgUpdate) -> Result<Org> {
    ctx.tx(
        Action::OrgUpdate,
        Target::Org(id),
        async move |tx, grant| {
            let before = store::lock_org(tx, id, grant.org_role).await?;
            let mut org = update.apply(before.clone())?;
            org.updated_at = tx.now();
            store::update_org(tx, &org).await?;
            record(tx, grant, Some(brief(&before)), Some(brief(&org))).await?;
            Ok(org)
        },
    )
    .await
}

/// Deletes an organization and everything in it, its audit log too.
pub async fn org_delete(ctx: &Ctx, id: OrgId) -> Result<()> {
    ctx.tx(Action::OrgDelete, Target::Org(id), async |tx, grant| {
        tracing::info!(org = %id, user = %grant.actor.user, "organization deleted");
        store::delete_org(tx, id).await
    })
    .await
}

/// Makes somebody a member, for those who set up a workspace; once a member, the
/// role stays.
pub async fn member_add_in(tx: &mut Tx, grant: &Grant, user: UserId, role: OrgRole) -> Result<()> {
    store::insert_member(tx, grant.org, user, role).await
}

fn brief(org: &Org) -> Value {
    json!({ "name": org.name, "slug": org.slug, "eventSourcingLevel": org.event_sourcing_level })
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "organization",
        id: grant.org.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}
