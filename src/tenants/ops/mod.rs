//! What can be done with organizations and one's own user.

mod audit_log;
mod keys;
mod members;
mod models;
mod notifications;

use serde_json::{Map, Value, json};

use super::{
    model::{Org, OrgCreate, OrgUpdate, Settled, SignIn, User, UserUpdate},
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

pub use audit_log::audit_list;
pub use keys::org_key_in;
pub use members::{
    all_rights_changed_in, locks_end_in, member_add, member_add_in, member_list, member_remove,
    member_update, rights_changed_in, role_of_in,
};
pub use models::{KeyedServer, org_models_in, tool_servers_in};
pub use notifications::{notification_list, notification_read, notification_read_all, notify_in};

/// The owners and administrators of the organization of the transaction.
pub async fn admins_in(tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>> {
    store::members::admins(tx, org).await
}

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

/// The user `id` as others see them. The transaction must be in a scope that sees them.
pub async fn user_in(tx: &mut Tx, id: UserId) -> Result<User> {
    me(tx, id).await
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
    let vault = &ctx.app.vault;
    let actor = ctx.caller.actor();
    let commands = &ctx.app.config.mcp.commands;
    ctx.own_tx(async move |tx| {
        let (org, settled) = new.make(OrgId::new(tx.ids()), tx.now())?;
        models::check_commands(&org.settings, commands)?;
        // From here on the transaction acts for the organization that it makes.
        let grant = Grant::founding(tx, org.id, actor).await?;
        store::insert_org(tx, &org).await?;
        store::insert_member(tx, org.id, grant.actor.user, OrgRole::Owner).await?;
        keys::settle(tx, vault, org.id, &settled).await?;
        record(tx, &grant, None, Some(brief(&org, Some(&settled)).into())).await?;
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

/// Changes an organization. A change that changes nothing leaves no trace.
pub async fn org_update(ctx: &Ctx, id: OrgId, update: OrgUpdate) -> Result<Org> {
    let vault = &ctx.app.vault;
    ctx.tx(
        Action::OrgUpdate,
        Target::Org(id),
        async move |tx, grant| {
            let before = store::lock_org(tx, id, grant.org_role).await?;
            let (mut org, settled) = update.apply(before.clone())?;
            if settled.is_some() {
                models::check_commands(&org.settings, &ctx.app.config.mcp.commands)?;
            }
            let (was, is) = audit::difference(brief(&before, None), brief(&org, settled.as_ref()));
            if was.is_empty() && is.is_empty() {
                return Ok(before);
            }
            org.updated_at = tx.now();
            store::update_org(tx, &org).await?;
            if let Some(settled) = &settled {
                keys::settle(tx, vault, id, settled).await?;
            }
            record(tx, grant, Some(was.into()), Some(is.into())).await?;
            Ok(org)
        },
    )
    .await
}

/// Deletes an organization and everything in it, its audit log too, which is why the
/// program's own log tells of it. Runs of its agents end at their next step: the row
/// that they would append to is gone.
pub async fn org_delete(ctx: &Ctx, id: OrgId) -> Result<()> {
    ctx.tx(Action::OrgDelete, Target::Org(id), async |tx, grant| {
        let org = store::lock_org(tx, id, grant.org_role).await?;
        let members = store::members::everybody(tx, id).await?;
        store::delete_org(tx, id).await?;
        members::farewell_in(tx, id, &members);
        let actor = &grant.actor;
        tracing::warn!(
            org = %id, slug = org.slug, user = %actor.user, ip = actor.origin.ip,
            request_id = actor.origin.request_id, "organization deleted"
        );
        Ok(())
    })
    .await
}

/// What the audit log keeps of an organization. Of keys it names those that are new, and
/// shows none.
fn brief(org: &Org, settled: Option<&Settled>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("name".into(), json!(org.name));
    map.insert("slug".into(), json!(org.slug));
    map.insert("eventSourcingLevel".into(), json!(org.event_sourcing_level));
    map.insert("settings".into(), org.settings.clone());
    if let Some(names) = settled
        .map(Settled::new_keys)
        .filter(|names| !names.is_empty())
    {
        map.insert("newKeys".into(), json!(names));
    }
    map
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
