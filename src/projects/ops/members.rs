//! Members of a project: members of its organization who are more in it than they
//! would be elsewhere, and guests, who reach nothing else.

use serde_json::{Value, json};

use super::super::{
    model::{ProjectMember, ProjectMemberAdd, ProjectMemberFilter, ProjectMemberUpdate, Whom},
    store,
};
use crate::{
    access::{Action, Grant, ProjectRole, Target, allows, audit},
    app::Ctx,
    kernel::{
        Code, Error, ProjectId, Result, UserId,
        page::{Page, PageRequest},
    },
    platform::db::Tx,
    tenants::{self, model::new_role},
};

/// The project's members that match, newest first.
pub async fn project_member_list(
    ctx: &Ctx,
    id: ProjectId,
    filter: ProjectMemberFilter,
    page: PageRequest,
) -> Result<Page<ProjectMember>> {
    ctx.tx(
        Action::ProjectMemberRead,
        Target::Project(id),
        async move |tx, _| store::members::list(tx, id, &filter, &page).await,
    )
    .await
}

/// Makes a member of the organization one of the project.
///
/// # Errors
/// [`Code::UserUnknown`] when nobody in the organization is meant, [`Code::Conflict`]
/// when several are, [`Code::AlreadyMember`].
pub async fn project_member_add(
    ctx: &Ctx,
    id: ProjectId,
    new: ProjectMemberAdd,
) -> Result<ProjectMember> {
    let whom = new.whom()?;
    ctx.tx(
        Action::ProjectMemberManage,
        Target::Project(id),
        async move |tx, grant| {
            store::lock_project(tx, id).await?;
            let user = find(tx, grant, &whom).await?;
            if !store::members::insert(tx, grant.org, id, user, new.role).await? {
                return Err(Error::new(
                    Code::AlreadyMember,
                    "They are a member of this project already.",
                ));
            }
            let is = json!({ "userId": user, "role": new.role });
            record(tx, grant, id, None, Some(is)).await?;
            tenants::ops::rights_changed_in(tx, grant.org, user).await?;
            store::members::get(tx, id, user).await
        },
    )
    .await
}

/// Changes what a member is. A change that changes nothing leaves no trace.
pub async fn project_member_update(
    ctx: &Ctx,
    id: ProjectId,
    user: UserId,
    update: ProjectMemberUpdate,
) -> Result<ProjectMember> {
    let role = new_role(update.role)?;
    ctx.tx(
        Action::ProjectMemberManage,
        Target::Project(id),
        async move |tx, grant| {
            store::lock_project(tx, id).await?;
            let before = store::members::get(tx, id, user).await?;
            let Some(role) = role.filter(|role| *role != before.role) else {
                return Ok(before);
            };
            store::members::set_role(tx, before.id, role).await?;
            end_locks(tx, grant, &before, Some(role)).await?;
            let was = json!({ "userId": user, "role": before.role });
            let is = json!({ "userId": user, "role": role });
            record(tx, grant, id, Some(was), Some(is)).await?;
            tenants::ops::rights_changed_in(tx, grant.org, user).await?;
            Ok(ProjectMember { role, ..before })
        },
    )
    .await
}

/// Removes a member, or lets the caller leave.
pub async fn project_member_remove(ctx: &Ctx, id: ProjectId, user: UserId) -> Result<()> {
    let action = if user == ctx.caller.user() {
        Action::ProjectMemberLeave
    } else {
        Action::ProjectMemberManage
    };
    ctx.tx(action, Target::Project(id), async move |tx, grant| {
        store::lock_project(tx, id).await?;
        let member = store::members::get(tx, id, user).await?;
        store::members::remove(tx, member.id).await?;
        end_locks(tx, grant, &member, None).await?;
        let was = json!({ "userId": user, "role": member.role });
        tenants::ops::rights_changed_in(tx, grant.org, user).await?;
        record(tx, grant, id, Some(was), None).await
    })
    .await
}

async fn find(tx: &mut Tx, grant: &Grant, whom: &Whom) -> Result<UserId> {
    match store::members::find(tx, grant.org, whom).await?.as_slice() {
        [user] => Ok(*user),
        [] => Err(Error::new(
            Code::UserUnknown,
            "Nobody in this organization is meant by that. Add them to the organization first.",
        )),
        _ => Err(Error::new(
            Code::Conflict,
            "Several members of this organization have this e-mail address. Name one by userId.",
        )),
    }
}

/// Ends the member's locks in the project when they may no longer set any there.
async fn end_locks(
    tx: &mut Tx,
    grant: &Grant,
    member: &ProjectMember,
    role: Option<ProjectRole>,
) -> Result<()> {
    let org_role = tenants::ops::role_of_in(tx, grant.org, member.user_id).await?;
    if org_role.is_some_and(|org_role| allows(Action::NodeLock, org_role, role)) {
        return Ok(());
    }
    tenants::ops::locks_end_in(tx, grant, member.user_id, Some(member.project_id)).await
}

/// The entry is about the project, so that its history tells who came and went.
async fn record(
    tx: &mut Tx,
    grant: &Grant,
    id: ProjectId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "project_member",
        id: id.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}
