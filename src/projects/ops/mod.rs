//! What can be done with projects.

mod members;

use serde_json::{Map, Value, json};

use super::{
    model::{Project, ProjectCreate, ProjectUpdate, Workflow},
    store::{self, Hold},
};
use crate::{
    access::{Action, Grant, Target, allows, audit},
    app::Ctx,
    kernel::{
        Code, Error, OrgId, ProjectId, Result, UserId,
        page::{Page, PageRequest},
    },
    platform::db::Tx,
    tenants,
};

pub use members::{
    project_member_add, project_member_list, project_member_remove, project_member_update,
};

/// The projects of an organization in which a person has a role of their own.
pub async fn projects_of_in(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<ProjectId>> {
    store::members::of_user(tx, org, user).await
}

/// The projects of an organization, newest first. A guest gets those they belong to.
pub async fn project_list(ctx: &Ctx, org: OrgId, page: PageRequest) -> Result<Page<Project>> {
    // Guests may not read just any project, but their list of projects is theirs to see.
    ctx.tx(Action::OrgRead, Target::Org(org), async |tx, grant| {
        let all = allows(Action::ProjectRead, grant.org_role, None);
        let member = (!all).then_some(grant.actor.user);
        store::list_projects(tx, org, member, &page).await
    })
    .await
}

/// Makes a project.
pub async fn project_create(ctx: &Ctx, org: OrgId, new: ProjectCreate) -> Result<Project> {
    ctx.tx(
        Action::ProjectCreate,
        Target::Org(org),
        async move |tx, grant| project_create_in(tx, grant, new).await,
    )
    .await
}

/// Makes a project in the grant's organization.
pub async fn project_create_in(tx: &mut Tx, grant: &Grant, new: ProjectCreate) -> Result<Project> {
    let id = ProjectId::new(tx.ids());
    let project = new.make(id, grant.org, tx.now())?;
    store::insert_project(tx, &project).await?;
    record(tx, grant, id, None, Some(brief(&project).into())).await?;
    Ok(project)
}

/// One project.
pub async fn project_get(ctx: &Ctx, id: ProjectId) -> Result<Project> {
    ctx.tx(
        Action::ProjectRead,
        Target::Project(id),
        async |tx, _grant| store::get_project(tx, id).await,
    )
    .await
}

/// Changes a project. A change that changes nothing leaves no trace.
pub async fn project_update(ctx: &Ctx, id: ProjectId, update: ProjectUpdate) -> Result<Project> {
    ctx.tx(
        Action::ProjectUpdate,
        Target::Project(id),
        async move |tx, grant| {
            let before = store::lock_project(tx, id).await?;
            let mut project = update.apply(before.clone())?;
            if project == before {
                return Ok(before);
            }
            refuse_lost_states(tx, &before, &project).await?;
            project.updated_at = tx.now();
            store::update_project(tx, &project).await?;
            let (was, is) = audit::difference(brief(&before), brief(&project));
            record(tx, grant, id, Some(was.into()), Some(is.into())).await?;
            Ok(project)
        },
    )
    .await
}

/// Deletes a project and everything in it.
pub async fn project_delete(ctx: &Ctx, id: ProjectId) -> Result<()> {
    ctx.tx(
        Action::ProjectDelete,
        Target::Project(id),
        async |tx, grant| {
            let project = store::lock_project(tx, id).await?;
            store::delete_project(tx, id).await?;
            tenants::ops::all_rights_changed_in(tx, grant.org).await?;
            record(tx, grant, id, Some(brief(&project).into()), None).await
        },
    )
    .await
}

/// The states of a project's nodes. The project's row is held shared until the
/// transaction ends: meanwhile no state is removed and nothing in its tree of nodes is
/// moved or deleted. Ask before locking a node, or the two orders could deadlock.
pub async fn workflow_in(tx: &Tx, id: ProjectId) -> Result<Workflow> {
    store::workflow(tx, id, Hold::Shared).await
}

/// As [`workflow_in`], but the row is held alone, for whoever moves or deletes nodes:
/// meanwhile the tree of nodes neither grows nor changes its form.
pub async fn workflow_alone_in(tx: &mut Tx, id: ProjectId) -> Result<Workflow> {
    store::workflow(tx, id, Hold::Alone).await
}

/// The row is locked, and nodes that take a state hold it shared, so no node can slip
/// into a state between this look and the commit.
async fn refuse_lost_states(tx: &mut Tx, before: &Project, after: &Project) -> Result<()> {
    let lost = before.states_lost_in(after);
    if lost.is_empty() {
        return Ok(());
    }
    let used = store::nodes_in_states(tx, before.id, &lost).await?;
    if used.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = used.iter().map(|(state, _)| state.as_str()).collect();
    let counts: Vec<Value> = used
        .iter()
        .map(|(state, nodes)| json!({ "status": state, "nodes": nodes }))
        .collect();
    Err(Error::new(
        Code::Unprocessable,
        format!(
            "Nodes are still in states that this would remove: {}.",
            names.join(", ")
        ),
    )
    .with_details(json!({ "states": counts })))
}

fn brief(project: &Project) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("name".into(), json!(project.name));
    map.insert("description".into(), json!(project.description));
    map.insert("settings".into(), json!(project.settings));
    map.insert("workflowStates".into(), json!(project.workflow_states));
    map
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    id: ProjectId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "project",
        id: id.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}
