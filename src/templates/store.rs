//! SQL of templates.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::Template;
use crate::{
    kernel::Result,
    platform::db::{Tx, schema::templates},
};

pub(super) async fn insert_template(tx: &mut Tx, template: &Template) -> Result<()> {
    diesel::insert_into(templates::table)
        .values((
            templates::id.eq(template.id),
            templates::org_id.eq(template.org_id),
            templates::name.eq(&template.name),
            templates::description.eq(template.description.as_deref()),
            templates::structure.eq(json!(template.structure)),
            templates::agent_config.eq(json!(template.agent_config)),
            templates::is_public.eq(template.is_public),
            templates::created_by.eq(template.created_by),
            templates::created_at.eq(template.created_at),
            templates::updated_at.eq(template.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
