//! What can be done with templates.
//!
//! A template that is shared, public or the system's, may be read by anybody with a
//! token; any other by who may read templates in its organization. Nobody but its
//! organization's admins changes one.

mod apply;

use serde_json::{Map, Value, json};

use super::{
    model::{Template, TemplateCreate, TemplateUpdate, plan},
    store,
};
use crate::{
    access::{self, Action, Grant, Target, audit},
    app::Ctx,
    kernel::{
        Code, Error, OrgId, Result, TemplateId,
        field::invalid,
        page::{Page, PageRequest},
    },
    platform::db::Tx,
};

pub use apply::template_apply;

/// The templates of one organization, or of all that the caller belongs to, with the
/// public and the system's; newest first. Guests get only the latter.
pub async fn template_list(
    ctx: &Ctx,
    org: Option<OrgId>,
    page: PageRequest,
) -> Result<Page<Template>> {
    ctx.asking_tx(async move |tx| {
        let orgs = match org {
            None => access::orgs_that_allow(tx, &ctx.caller, Action::TemplateRead).await?,
            Some(org) if may_read(ctx, tx, org).await? => vec![org],
            Some(org) => {
                access::authorise(tx, &ctx.caller, Action::OrgRead, Target::Org(org)).await?;
                Vec::new()
            }
        };
        store::list_templates(tx, &orgs, &page).await
    })
    .await
}

/// Makes a template.
pub async fn template_create(ctx: &Ctx, new: TemplateCreate) -> Result<Template> {
    let org = new.org_id.ok_or_else(|| invalid("orgId", "is required"))?;
    ctx.tx(
        Action::TemplateWrite,
        Target::Org(org),
        async move |tx, grant| template_create_in(tx, grant, new).await,
    )
    .await
}

/// Makes a template in the grant's organization.
pub async fn template_create_in(
    tx: &mut Tx,
    grant: &Grant,
    new: TemplateCreate,
) -> Result<Template> {
    let template = Template {
        id: TemplateId::new(tx.ids()),
        org_id: Some(grant.org),
        name: new.name,
        description: new.description,
        structure: new.structure.unwrap_or_default(),
        agent_config: new.agent_config.unwrap_or_default(),
        is_public: new.is_public.unwrap_or(false),
        created_at: tx.now(),
        updated_at: tx.now(),
        created_by: Some(grant.actor.user),
    };
    template.check()?;
    check_references(tx, &template).await?;
    store::insert_template(tx, &template).await?;
    record(tx, grant, template.id, None, Some(brief(&template).into())).await?;
    Ok(template)
}

/// One template.
pub async fn template_get(ctx: &Ctx, id: TemplateId) -> Result<Template> {
    ctx.asking_tx(async |tx| {
        let template = store::get_template(tx, id).await?.ok_or_else(gone)?;
        match template.org_id.filter(|_| !template.is_shared()) {
            Some(org) if !may_read(ctx, tx, org).await? => Err(gone()),
            _ => Ok(template),
        }
    })
    .await
}

/// Changes a template. A change that changes nothing leaves no trace.
pub async fn template_update(
    ctx: &Ctx,
    id: TemplateId,
    update: TemplateUpdate,
) -> Result<Template> {
    ctx.asking_tx(async move |tx| {
        let (before, grant) = writable(ctx, tx, id).await?;
        let mut template = update.apply(before.clone())?;
        if template == before {
            return Ok(before);
        }
        if template.structure != before.structure {
            check_references(tx, &template).await?;
        }
        template.updated_at = tx.now();
        store::update_template(tx, &template).await?;
        let (was, is) = audit::difference(brief(&before), brief(&template));
        record(tx, &grant, id, Some(was.into()), Some(is.into())).await?;
        Ok(template)
    })
    .await
}

/// Deletes a template. What was made from it stays.
pub async fn template_delete(ctx: &Ctx, id: TemplateId) -> Result<()> {
    ctx.asking_tx(async |tx| {
        let (template, grant) = writable(ctx, tx, id).await?;
        store::delete_template(tx, id).await?;
        record(tx, &grant, id, Some(brief(&template).into()), None).await
    })
    .await
}

fn gone() -> Error {
    Error::not_found("template")
}

/// Whether the caller may read the templates of `org` that are not everybody's.
async fn may_read(ctx: &Ctx, tx: &mut Tx, org: OrgId) -> Result<bool> {
    let target = Target::Org(org);
    match access::authorise(tx, &ctx.caller, Action::TemplateRead, target).await {
        Ok(_) => Ok(true),
        Err(error) if is_refusal(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A failure of ours must never be taken for a no.
fn is_refusal(error: &Error) -> bool {
    matches!(error.code(), Code::NotFound | Code::Forbidden)
}

/// The template with its row locked, and the grant to change it. What the caller may read
/// but not change is refused as that, anything else as not there.
async fn writable(ctx: &Ctx, tx: &mut Tx, id: TemplateId) -> Result<(Template, Grant)> {
    let template = store::get_template(tx, id).await?.ok_or_else(gone)?;
    let Some(org) = template.org_id else {
        return Err(Error::new(
            Code::Forbidden,
            "The system's templates can't be changed. Create one of your own like it.",
        ));
    };
    let action = Action::TemplateWrite;
    match access::authorise(tx, &ctx.caller, action, Target::Org(org)).await {
        Ok(grant) => {
            let template = store::lock_template(tx, id).await?.ok_or_else(gone)?;
            Ok((template, grant))
        }
        Err(error) if !is_refusal(&error) => Err(error),
        Err(_) if template.is_shared() || may_read(ctx, tx, org).await? => {
            Err(Error::forbidden(action.phrase()))
        }
        Err(_) => Err(gone()),
    }
}

/// Fails unless the template's sub-nodes name only templates that its organization sees,
/// and could be made as it stands. What they name may change later, so applying it asks
/// again.
async fn check_references(tx: &mut Tx, template: &Template) -> Result<()> {
    let known = apply::reachable(tx, template, true).await?;
    for (n, sub) in template.structure.sub_nodes.iter().enumerate() {
        let there = |id| id == template.id || known.contains_key(&id);
        if !sub.template_id.is_none_or(there) {
            let field = format!("structure.subNodes[{n}].templateId");
            return Err(invalid(&field, "is no template that is there for you"));
        }
    }
    plan(template, &template.name, &known).map(|_| ())
}

fn brief(template: &Template) -> Map<String, Value> {
    Map::from_iter([
        ("name".to_owned(), json!(template.name)),
        ("description".to_owned(), json!(template.description)),
        ("structure".to_owned(), json!(template.structure)),
        ("agentConfig".to_owned(), json!(template.agent_config)),
        ("isPublic".to_owned(), json!(template.is_public)),
    ])
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    id: TemplateId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "template",
        id: id.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}
