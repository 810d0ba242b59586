//! SQL of templates.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper, pg::Pg,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::model::Template;
use crate::{
    kernel::{
        Error, OrgId, Result, TemplateId, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{Tx, schema::templates},
};

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = templates)]
struct TemplateRow {
    id: TemplateId,
    org_id: Option<OrgId>,
    name: String,
    description: Option<String>,
    structure: Value,
    agent_config: Value,
    is_public: bool,
    created_by: Option<UserId>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<TemplateRow> for Template {
    type Error = Error;

    fn try_from(row: TemplateRow) -> Result<Self> {
        Ok(Template {
            id: row.id,
            org_id: row.org_id,
            name: row.name,
            description: row.description,
            structure: serde_json::from_value(row.structure).map_err(Error::internal)?,
            agent_config: serde_json::from_value(row.agent_config).map_err(Error::internal)?,
            is_public: row.is_public,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
        })
    }
}

/// A template that the transaction's scope sees: its organizations' own, public ones and
/// the system's.
pub(super) async fn get_template(tx: &mut Tx, id: TemplateId) -> Result<Option<Template>> {
    templates::table
        .find(id)
        .select(TemplateRow::as_select())
        .first::<TemplateRow>(tx.conn())
        .await
        .optional()?
        .map(Template::try_from)
        .transpose()
}

/// As [`get_template`], with the row locked; only of the organization that the
/// transaction is scoped to.
pub(super) async fn lock_template(tx: &mut Tx, id: TemplateId) -> Result<Option<Template>> {
    templates::table
        .find(id)
        .select(TemplateRow::as_select())
        .for_no_key_update()
        .first::<TemplateRow>(tx.conn())
        .await
        .optional()?
        .map(Template::try_from)
        .transpose()
}

/// Those of `ids` that the transaction's scope sees.
pub(super) async fn templates_of(tx: &mut Tx, ids: &[TemplateId]) -> Result<Vec<Template>> {
    let rows: Vec<TemplateRow> = templates::table
        .filter(templates::id.eq_any(ids))
        .select(TemplateRow::as_select())
        .load(tx.conn())
        .await?;
    rows.into_iter().map(Template::try_from).collect()
}

/// The templates of `orgs`, the public and the system's, newest first.
pub(super) async fn list_templates(
    tx: &mut Tx,
    orgs: &[OrgId],
    page: &PageRequest,
) -> Result<Page<Template>> {
    let total: i64 = visible(orgs).count().get_result(tx.conn()).await?;
    let mut query = visible(orgs)
        .select(TemplateRow::as_select())
        .order((templates::created_at.desc(), templates::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let id = TemplateId::from_uuid(id);
        let same_time = templates::created_at.eq(at).and(templates::id.lt(id));
        query = query.filter(templates::created_at.lt(at).or(same_time));
    }
    let rows: Vec<TemplateRow> = query.load(tx.conn()).await?;
    let rows = rows
        .into_iter()
        .map(Template::try_from)
        .collect::<Result<_>>()?;
    Ok(Page::new(rows, total, page, |template: &Template| {
        Cursor::new(template.created_at, template.id)
    }))
}

fn visible<'a>(orgs: &'a [OrgId]) -> templates::BoxedQuery<'a, Pg> {
    let shared = templates::is_public.or(templates::org_id.is_null());
    // The system's have no organization, so the second half is null for them, and true or
    // null is true.
    let own = templates::org_id.eq_any(orgs);
    templates::table.filter(shared.or(own)).into_boxed()
}

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

pub(super) async fn update_template(tx: &mut Tx, template: &Template) -> Result<()> {
    diesel::update(templates::table.find(template.id))
        .set((
            templates::name.eq(&template.name),
            templates::description.eq(template.description.as_deref()),
            templates::structure.eq(json!(template.structure)),
            templates::agent_config.eq(json!(template.agent_config)),
            templates::is_public.eq(template.is_public),
            templates::updated_at.eq(template.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn delete_template(tx: &mut Tx, id: TemplateId) -> Result<()> {
    diesel::delete(templates::table.find(id))
        .execute(tx.conn())
        .await?;
    Ok(())
}
