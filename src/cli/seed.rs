//! `glassbox seed`: a small workspace to try things in; `dev` has it from the start.
//!
//! It goes through the operations as the person who would do it, so it leaves the
//! same versions, audit entries and events. Running it twice changes nothing: what is
//! there by its name is left as it is, and a project comes whole or not at all.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::json;

use super::{compose, workspace};
use crate::{
    access::{Action, Caller, Grant, Minted, OrgRole, Origin, Target},
    app::{App, Ctx},
    config::Config,
    kernel::{
        Code, Error, NodeId, OrgId, ProjectId, Result, UserId,
        clock::System,
        page::{Page, PageRequest},
        patch::Patch,
    },
    nodes::{
        self,
        model::{Node, NodeCreate, NodeFilter},
    },
    platform::db::Tx,
    projects::{self, model::Project},
    templates,
    tenants::{
        self,
        model::{Org, OrgCreate, SignIn, User, UserUpdate},
    },
};

/// What the seed made, or found from an earlier time.
#[derive(Debug)]
pub struct Seeded {
    /// The organization.
    pub org: OrgId,
    /// Its project.
    pub project: ProjectId,
    /// The node of the demo job; `None` when somebody deleted it.
    pub demo_node: Option<NodeId>,
    /// A token of the organization's owner.
    pub owner: Minted,
}

/// Seeds the configured database.
#[expect(
    clippy::print_stdout,
    reason = "what there is now is this command's output"
)]
pub async fn run(config: Config) -> Result<()> {
    if !config.auth.dev_tokens {
        return Err(Error::new(
            Code::Unavailable,
            "Nobody could sign in as the seeded users: they need auth.dev_tokens, which is for \
             development only.",
        ));
    }
    let base_url = config.server.base_url(config.server.port);
    let app = compose::app(config, Arc::new(System), Arc::new(System), base_url)?;
    let seeded = seed(&Arc::new(app)).await?;
    println!("organization  {}", seeded.org);
    println!("project       {}", seeded.project);
    Ok(())
}

/// Makes what is not there yet.
pub async fn seed(app: &Arc<App>) -> Result<Seeded> {
    let (ada, owner) = sign_in(app, &workspace::OWNER).await?;
    let (grace, _) = sign_in(app, &workspace::MEMBER).await?;
    let org = organization(&ada).await?;
    add_member(&ada, org, grace.caller.user()).await?;
    let project = project(&ada, org).await?;
    Ok(Seeded {
        org,
        project,
        demo_node: demo_node(&ada, project).await?,
        owner,
    })
}

/// Signs a person in, and gives them their name when they have none.
async fn sign_in(app: &Arc<App>, person: &workspace::Person) -> Result<(Ctx, Minted)> {
    let who = SignIn {
        user_id: person.subject.to_owned(),
        email: person.email.to_owned(),
    };
    let (user, minted): (User, Minted) = tenants::ops::dev_sign_in(app, who).await?;
    let token = app
        .keyring
        .verify(minted.token.expose_secret(), app.db.now())?;
    let ctx = Ctx {
        app: Arc::clone(app),
        caller: Caller::new(token, Origin::default()),
        attempt: None,
    };
    if user.name.is_none() {
        let update = UserUpdate {
            name: Patch::Set(person.name.to_owned()),
            ..UserUpdate::default()
        };
        tenants::ops::me_update(&ctx, update).await?;
    }
    Ok((ctx, minted))
}

async fn organization(ada: &Ctx) -> Result<OrgId> {
    let list = async |page| tenants::ops::org_list(ada, page).await;
    if let Some(org) = find(list, |org: &Org| org.slug == workspace::ORG_SLUG).await? {
        return Ok(org.id);
    }
    let new = OrgCreate {
        name: workspace::ORG_NAME.to_owned(),
        slug: workspace::ORG_SLUG.to_owned(),
        settings: None,
        event_sourcing_level: None,
    };
    Ok(tenants::ops::org_create(ada, new).await?.id)
}

async fn add_member(ada: &Ctx, org: OrgId, user: UserId) -> Result<()> {
    ada.tx(
        Action::MemberAdd,
        Target::Org(org),
        async move |tx, grant| tenants::ops::member_add_in(tx, grant, user, OrgRole::Member).await,
    )
    .await
}

/// The project, its tree and its template, in one transaction: a seed that is killed
/// leaves none of them rather than some.
async fn project(ada: &Ctx, org: OrgId) -> Result<ProjectId> {
    let list = async |page| projects::ops::project_list(ada, org, page).await;
    let is_ours = |project: &Project| project.name == workspace::PROJECT_NAME;
    if let Some(project) = find(list, is_ours).await? {
        return Ok(project.id);
    }
    ada.tx(
        Action::ProjectCreate,
        Target::Org(org),
        async move |tx, grant| {
            let new = workspace::project();
            let project = projects::ops::project_create_in(tx, grant, new).await?.id;
            make_tree(tx, &granted(grant, Action::NodeCreate)?, project).await?;
            let grant = granted(grant, Action::TemplateWrite)?;
            templates::ops::template_create_in(tx, &grant, workspace::template()).await?;
            Ok(project)
        },
    )
    .await
}

/// The same caller's grant for another action in the organization, so that the audit
/// log names what was really done.
fn granted(grant: &Grant, action: Action) -> Result<Grant> {
    if !grant.also_allows(action) {
        return Err(Error::forbidden(action.phrase()));
    }
    Ok(Grant {
        action,
        ..grant.clone()
    })
}

async fn make_tree(tx: &mut Tx, grant: &Grant, project: ProjectId) -> Result<()> {
    let root = nodes::ops::node_create_in(tx, grant, project, workspace::root()).await?;
    for child in workspace::children(grant.actor.user) {
        let child = NodeCreate {
            parent_id: Some(root.id),
            ..child
        };
        nodes::ops::node_create_in(tx, grant, project, child).await?;
    }
    Ok(())
}

async fn demo_node(ada: &Ctx, project: ProjectId) -> Result<Option<NodeId>> {
    let filter = NodeFilter::default();
    let list = async |page| nodes::ops::node_list(ada, project, filter.clone(), page).await;
    let is_demo =
        |node: &Node| node.metadata.get(workspace::DEMO_KEY) == Some(&json!(workspace::DEMO));
    Ok(find(list, is_demo).await?.map(|node| node.id))
}

/// The first entry of a paged list that is `wanted`.
async fn find<T, K>(
    list: impl AsyncFn(PageRequest<K>) -> Result<Page<T>>,
    wanted: impl Fn(&T) -> bool,
) -> Result<Option<T>> {
    const LIMIT: i64 = 100;
    let mut offset = 0;
    loop {
        let page = list(PageRequest {
            limit: LIMIT,
            offset,
            after: None,
        })
        .await?;
        let more = page.has_more;
        if let Some(found) = page.data.into_iter().find(&wanted) {
            return Ok(Some(found));
        }
        if !more {
            return Ok(None);
        }
        offset += LIMIT;
    }
}
