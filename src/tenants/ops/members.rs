//! Members of an organization: adding by address, changing roles, leaving.
//!
//! The organization's row is held through each change, so changes come one after
//! another: two owners who demote each other at once can't leave it without one.

use serde_json::{Value, json};

use super::super::{
    model::{Member, MemberAdd, MemberFilter, MemberUpdate, new_role},
    store,
};
use crate::{
    access::{Action, Grant, OrgRole, Target, allows, audit, may_manage},
    app::Ctx,
    kernel::{
        Code, Error, OrgId, ProjectId, Result, Scope, UserId,
        event::{Channel, Event, EventKind},
        page::{Page, PageRequest},
    },
    outbox,
    platform::db::Tx,
};

/// Users that one row tells that their rights have changed.
const TOLD: usize = 1000;

/// The organization's members that match, newest first.
pub async fn member_list(
    ctx: &Ctx,
    org: OrgId,
    filter: MemberFilter,
    page: PageRequest,
) -> Result<Page<Member>> {
    ctx.tx(Action::MemberRead, Target::Org(org), async move |tx, _| {
        store::members::list(tx, org, &filter, &page).await
    })
    .await
}

/// Makes the user of an address a member.
///
/// # Errors
/// [`Code::UserUnknown`] when nobody signed in with that address, [`Code::Conflict`]
/// when several did, [`Code::AlreadyMember`].
pub async fn member_add(ctx: &Ctx, org: OrgId, new: MemberAdd) -> Result<Member> {
    let address = new.address()?;
    ctx.tx(
        Action::MemberAdd,
        Target::Org(org),
        async move |tx, grant| {
            let actor = hold(tx, grant).await?;
            manage(grant, actor, new.role)?;
            let user = user_of_address(tx, grant, &address).await?;
            if !store::insert_member(tx, org, user, new.role).await? {
                return Err(already_member());
            }
            record(tx, grant, user, None, Some(json!({ "role": new.role }))).await?;
            rights_changed_in(tx, org, user).await?;
            member(tx, org, user).await
        },
    )
    .await
}

/// Changes what a member is. A change that changes nothing leaves no trace.
pub async fn member_update(
    ctx: &Ctx,
    org: OrgId,
    user: UserId,
    update: MemberUpdate,
) -> Result<Member> {
    let role = new_role(update.role)?;
    ctx.tx(
        Action::MemberUpdate,
        Target::Org(org),
        async move |tx, grant| {
            let actor = hold(tx, grant).await?;
            let before = member(tx, org, user).await?;
            let Some(role) = role.filter(|role| *role != before.role) else {
                return Ok(before);
            };
            manage(grant, actor, before.role)?;
            manage(grant, actor, role)?;
            keep_an_owner(tx, &before).await?;
            store::members::set_role(tx, before.id, role).await?;
            if !allows(Action::NodeLock, role, None) {
                // Locks in projects where a guest may still write end too; they are
                // taken again with one call.
                locks_end_in(tx, grant, user, None).await?;
            }
            let (was, is) = (json!({ "role": before.role }), json!({ "role": role }));
            record(tx, grant, user, Some(was), Some(is)).await?;
            rights_changed_in(tx, org, user).await?;
            Ok(Member { role, ..before })
        },
    )
    .await
}

/// Removes a member, or lets the caller leave. Their memberships in projects end with
/// it, and their locks; where they were supervisor they stay named as such, because
/// that is history, but it gives them no right any more.
pub async fn member_remove(ctx: &Ctx, org: OrgId, user: UserId) -> Result<()> {
    let leaving = user == ctx.caller.user();
    let action = if leaving {
        Action::MemberLeave
    } else {
        Action::MemberRemove
    };
    ctx.tx(action, Target::Org(org), async move |tx, grant| {
        let actor = hold(tx, grant).await?;
        let member = member(tx, org, user).await?;
        if !leaving {
            manage(grant, actor, member.role)?;
        }
        keep_an_owner(tx, &member).await?;
        locks_end_in(tx, grant, user, None).await?;
        let was = json!({ "role": member.role, "email": member.user.email });
        record(tx, grant, user, Some(was), None).await?;
        rights_changed_in(tx, org, user).await?;
        store::members::remove(tx, member.id).await
    })
    .await
}

/// Makes somebody a member, for those who set up a workspace; once a member, the
/// role stays.
pub async fn member_add_in(tx: &mut Tx, grant: &Grant, user: UserId, role: OrgRole) -> Result<()> {
    if store::insert_member(tx, grant.org, user, role).await? {
        record(tx, grant, user, None, Some(json!({ "role": role }))).await?;
    }
    Ok(())
}

/// What `user` is in the organization, if anything.
pub async fn role_of_in(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>> {
    store::members::role_of(tx, org, user).await
}

/// Tells whoever acts for `user` that what they may do in the organization has changed:
/// sockets that stay open ask again what they may read.
pub async fn rights_changed_in(tx: &mut Tx, org: OrgId, user: UserId) -> Result<()> {
    outbox::emit(tx, &rights_changed(org, &[user])).await
}

/// As [`rights_changed_in`], for all members: something that they might hear of is gone.
pub async fn all_rights_changed_in(tx: &mut Tx, org: OrgId) -> Result<()> {
    let members = store::members::everybody(tx, org).await?;
    let events = members.chunks(TOLD).map(|some| rights_changed(org, some));
    outbox::emit_all(tx, events.collect());
    Ok(())
}

/// As [`all_rights_changed_in`], for those who were members until the organization went.
pub(super) fn farewell_in(tx: &mut Tx, org: OrgId, members: &[UserId]) {
    for some in members.chunks(TOLD) {
        outbox::farewell(tx, rights_changed(org, some));
    }
}

fn rights_changed(org: OrgId, users: &[UserId]) -> Event {
    Event {
        kind: EventKind::RightsChanged,
        org,
        channels: users.iter().copied().map(Channel::User).collect(),
        payload: json!({ "orgId": org }),
    }
}

/// Ends the locks that `user` holds, in one project or in all of the organization: who
/// may no longer write must not keep others from it.
pub async fn locks_end_in(
    tx: &mut Tx,
    grant: &Grant,
    user: UserId,
    project: Option<ProjectId>,
) -> Result<()> {
    for (node, project) in store::members::end_locks(tx, grant.org, user, project).await? {
        let event = Event {
            kind: EventKind::LockReleased,
            org: grant.org,
            channels: vec![Channel::Project(project), Channel::Node(node)],
            payload: json!({ "nodeId": node, "releasedBy": grant.actor.user }),
        };
        outbox::emit(tx, &event).await?;
    }
    Ok(())
}

/// Holds the organization's row until the transaction ends, and answers what the actor
/// is *now*: while we waited for the row, another change may have taken their role.
async fn hold(tx: &mut Tx, grant: &Grant) -> Result<OrgRole> {
    store::members::hold_org(tx, grant.org).await?;
    let role = store::members::role_of(tx, grant.org, grant.actor.user).await?;
    let role = role.ok_or_else(|| Error::not_found("organization"))?;
    if allows(grant.action, role, None) {
        Ok(role)
    } else {
        Err(Error::forbidden(grant.action.phrase()))
    }
}

fn manage(grant: &Grant, actor: OrgRole, subject: OrgRole) -> Result<()> {
    if may_manage(actor, subject) {
        return Ok(());
    }
    Err(Error::new(
        Code::Forbidden,
        format!(
            "Only an owner may decide about owners: you are not allowed to {}.",
            grant.action.phrase()
        ),
    ))
}

async fn keep_an_owner(tx: &mut Tx, member: &Member) -> Result<()> {
    let is_owner = member.role == OrgRole::Owner;
    if !is_owner || store::members::has_another_owner(tx, member.org_id, member.user_id).await? {
        return Ok(());
    }
    Err(Error::new(
        Code::LastOwner,
        "This is the organization's last owner. Make somebody else an owner first, or delete the \
         organization.",
    ))
}

async fn member(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Member> {
    let member = store::members::get(tx, org, user).await?;
    member.ok_or_else(|| Error::not_found("member of this organization"))
}

/// An address is not a key: providers let several users have the same, and to pick one
/// of them would be to hand an organization to somebody else.
async fn user_of_address(tx: &mut Tx, grant: &Grant, address: &str) -> Result<UserId> {
    let back = Scope::Org {
        org: grant.org,
        user: Some(grant.actor.user),
    };
    let found = store::members::users_of_address(tx, address, &back).await?;
    match found.as_slice() {
        [user] => Ok(*user),
        [] => Err(Error::new(
            Code::UserUnknown,
            "Nobody has signed in with this e-mail address. Ask them to sign in once, then add them.",
        )),
        _ => Err(Error::new(
            Code::Conflict,
            "Several users have this e-mail address, so it does not say who is meant. Ask them to \
             sign in with an address of their own.",
        )),
    }
}

fn already_member() -> Error {
    Error::new(
        Code::AlreadyMember,
        "They are a member of this organization already.",
    )
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    user: UserId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "member",
        id: user.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}
