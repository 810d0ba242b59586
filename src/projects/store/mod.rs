//! SQL of projects.

pub(super) mod members;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl, SelectableHelper,
    dsl::{count_star, exists},
    pg::Pg,
    result::Error as SqlError,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::model::{Project, Workflow};
use crate::{
    kernel::{
        Code, Error, OrgId, ProjectId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Tx,
        schema::{node_inputs, node_outputs, nodes, project_members, projects},
        violates,
    },
};

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = projects)]
struct ProjectRow {
    id: ProjectId,
    org_id: OrgId,
    name: String,
    description: Option<String>,
    settings: Value,
    workflow_states: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<ProjectRow> for Project {
    type Error = Error;

    fn try_from(row: ProjectRow) -> Result<Self> {
        Ok(Project {
            id: row.id,
            org_id: row.org_id,
            name: row.name,
            description: row.description,
            settings: serde_json::from_value(row.settings).map_err(Error::internal)?,
            workflow_states: serde_json::from_value(row.workflow_states)
                .map_err(Error::internal)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn gone() -> Error {
    Error::not_found("project")
}

/// How a project's row is held until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// With others who only need it to stay as it is.
    Shared,
    /// Alone.
    Alone,
}

pub(super) async fn get_project(tx: &mut Tx, id: ProjectId) -> Result<Project> {
    projects::table
        .find(id)
        .select(ProjectRow::as_select())
        .first(tx.conn())
        .await
        .optional()?
        .ok_or_else(gone)?
        .try_into()
}

/// The project with its row locked. Not `for update`: new nodes point at the row by
/// its key, which never changes, and need not wait for a change of its name.
pub(super) async fn lock_project(tx: &mut Tx, id: ProjectId) -> Result<Project> {
    projects::table
        .find(id)
        .select(ProjectRow::as_select())
        .for_no_key_update()
        .first(tx.conn())
        .await
        .optional()?
        .ok_or_else(gone)?
        .try_into()
}

pub(super) async fn workflow(tx: &Tx, id: ProjectId, hold: Hold) -> Result<Workflow> {
    let row = projects::table.find(id).select(ProjectRow::as_select());
    let row: Option<ProjectRow> = match hold {
        Hold::Shared => row.for_share().first(&mut tx.pipe()).await,
        Hold::Alone => row.for_no_key_update().first(&mut tx.pipe()).await,
    }
    .optional()?;
    let project = Project::try_from(row.ok_or_else(gone)?)?;
    Workflow::new(
        project.workflow_states,
        project.settings.default_node_status,
    )
}

pub(super) async fn insert_project(tx: &mut Tx, project: &Project) -> Result<()> {
    diesel::insert_into(projects::table)
        .values((
            projects::id.eq(project.id),
            projects::org_id.eq(project.org_id),
            projects::name.eq(&project.name),
            projects::description.eq(&project.description),
            projects::settings.eq(json!(project.settings)),
            projects::workflow_states.eq(json!(project.workflow_states)),
            projects::created_at.eq(project.created_at),
            projects::updated_at.eq(project.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn update_project(tx: &mut Tx, project: &Project) -> Result<()> {
    diesel::update(projects::table.find(project.id))
        .set((
            projects::name.eq(&project.name),
            projects::description.eq(&project.description),
            projects::settings.eq(json!(project.settings)),
            projects::workflow_states.eq(json!(project.workflow_states)),
            projects::updated_at.eq(project.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many nodes are in each of `states`, without those that no node is in.
pub(super) async fn nodes_in_states(
    tx: &mut Tx,
    id: ProjectId,
    states: &[String],
) -> Result<Vec<(String, i64)>> {
    Ok(nodes::table
        .filter(nodes::project_id.eq(id))
        .filter(nodes::deleted_at.is_null())
        .filter(nodes::status.eq_any(states))
        .group_by(nodes::status)
        .select((nodes::status, count_star()))
        .order(nodes::status)
        .load(tx.conn())
        .await?)
}

/// Deletes a project with its nodes. Their inputs and outputs go first: were it left to
/// the cascade, a node could be looked at before the inputs that refer to it, from other
/// nodes of the same project, are gone. So do inputs of deleted nodes elsewhere, which
/// nobody can remove any more; their versions still tell of them.
pub(super) async fn delete_project(tx: &mut Tx, id: ProjectId) -> Result<()> {
    let of_project = || nodes::table.filter(nodes::project_id.eq(id));
    let its_nodes = || of_project().select(nodes::id);
    diesel::delete(node_inputs::table.filter(node_inputs::node_id.eq_any(its_nodes())))
        .execute(tx.conn())
        .await?;
    diesel::delete(node_outputs::table.filter(node_outputs::node_id.eq_any(its_nodes())))
        .execute(tx.conn())
        .await?;
    let deleted_nodes = nodes::table
        .filter(nodes::deleted_at.is_not_null())
        .select(nodes::id);
    diesel::delete(
        node_inputs::table
            .filter(node_inputs::source_node_id.eq_any(of_project().select(nodes::id.nullable())))
            .filter(node_inputs::node_id.eq_any(deleted_nodes)),
    )
    .execute(tx.conn())
    .await?;
    diesel::delete(projects::table.find(id))
        .execute(tx.conn())
        .await
        .map_err(still_used)?;
    Ok(())
}

/// Inputs of other projects may refer to this one's nodes; what others work with is
/// not taken from under them.
fn still_used(error: SqlError) -> Error {
    if violates(&error, "node_inputs_org_id_source_node_id_fkey") {
        Error::new(
            Code::Conflict,
            "Nodes of other projects have nodes of this one as inputs. Remove those inputs first.",
        )
    } else {
        error.into()
    }
}

/// The projects of `org`, newest first; only those `member` belongs to, if given.
pub(super) async fn list_projects(
    tx: &mut Tx,
    org: OrgId,
    member: Option<UserId>,
    page: &PageRequest,
) -> Result<Page<Project>> {
    let total: i64 = visible(org, member).count().get_result(tx.conn()).await?;
    let mut query = visible(org, member)
        .select(ProjectRow::as_select())
        .order((projects::created_at.desc(), projects::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let id = ProjectId::from_uuid(id);
        let same_time = projects::created_at.eq(at).and(projects::id.lt(id));
        query = query.filter(projects::created_at.lt(at).or(same_time));
    }
    let rows: Vec<ProjectRow> = query.load(tx.conn()).await?;
    let rows = rows
        .into_iter()
        .map(Project::try_from)
        .collect::<Result<_>>()?;
    Ok(Page::new(rows, total, page, |project: &Project| {
        Cursor::new(project.created_at, project.id)
    }))
}

fn visible<'a>(org: OrgId, member: Option<UserId>) -> projects::BoxedQuery<'a, Pg> {
    let all = projects::table
        .filter(projects::org_id.eq(org))
        .into_boxed();
    match member {
        None => all,
        Some(user) => all.filter(exists(
            project_members::table
                .filter(project_members::project_id.eq(projects::id))
                .filter(project_members::user_id.eq(user)),
        )),
    }
}
