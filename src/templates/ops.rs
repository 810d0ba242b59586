//! What can be done with templates.

use serde_json::json;

use super::{
    model::{Template, TemplateCreate},
    store,
};
use crate::{
    access::{Grant, audit},
    kernel::{Result, TemplateId},
    platform::db::Tx,
};

/// Makes a template in the grant's organization.
pub async fn template_create_in(
    tx: &mut Tx,
    grant: &Grant,
    new: TemplateCreate,
) -> Result<Template> {
    new.check()?;
    let template = Template {
        id: TemplateId::new(tx.ids()),
        org_id: Some(grant.org),
        name: new.name,
        description: new.description,
        structure: new.structure,
        agent_config: new.agent_config,
        is_public: new.is_public,
        created_at: tx.now(),
        updated_at: tx.now(),
        created_by: Some(grant.actor.user),
    };
    store::insert_template(tx, &template).await?;
    let entry = audit::Entry {
        resource: "template",
        id: template.id.uuid(),
        before: None,
        after: Some(json!({ "name": template.name, "isPublic": template.is_public })),
    };
    audit::record(tx, grant, entry).await?;
    Ok(template)
}
