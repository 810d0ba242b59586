//! Where a caller may look.

use uuid::Uuid;

use super::super::model::{Filter, Place};
use crate::{
    access::{self, Action, Target},
    app::Ctx,
    kernel::{Code, OrgId, Result},
    platform::db::Tx,
    projects,
};

/// What of `org` the caller may search, narrowed to the project that they ask for.
///
/// Who may not search all of it, as a guest or by a narrowed token, searches the projects
/// that they belong to and may search. What lies in no project, as a file that no node uses,
/// is then not among it.
pub(super) async fn of(tx: &mut Tx, ctx: &Ctx, org: OrgId, filter: &Filter) -> Result<Place> {
    let place = |projects| Place {
        org,
        projects,
        things: None,
    };
    if let Some(project) = filter.project {
        let target = Target::Project(project);
        let grant = access::authorise(tx, &ctx.caller, Action::Search, target).await?;
        // A project of another organization is none of this one's.
        let theirs = (grant.org == org).then(|| project.uuid());
        return Ok(place(Some(Vec::from_iter(theirs))));
    }
    match access::authorise(tx, &ctx.caller, Action::Search, Target::Org(org)).await {
        Ok(_) => return Ok(place(None)),
        Err(error) if error.code() == Code::Forbidden => {}
        Err(error) => return Err(error),
    }
    let mut projects: Vec<Uuid> = Vec::new();
    for project in projects::ops::projects_of_in(tx, org, ctx.caller.user()).await? {
        let target = Target::Project(project);
        match access::authorise(tx, &ctx.caller, Action::Search, target).await {
            Ok(_) => projects.push(project.uuid()),
            Err(error) if error.code() == Code::Forbidden => {}
            Err(error) => return Err(error),
        }
    }
    Ok(place(Some(projects)))
}
