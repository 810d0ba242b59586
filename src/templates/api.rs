//! Routes of templates.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    model::{Template, TemplateApply, TemplateCreate, TemplateUpdate},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        OrgId, Result, TemplateId,
        field::invalid,
        page::{Page, PageQuery},
    },
    nodes::model::Node,
    web::{Json, Query, created, no_content, ok},
};

/// Which templates are listed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct TemplateQuery {
    /// Only those of this organization, beside the public and the system's.
    #[param(value_type = Option<OrgId>, nullable = false)]
    org_id: Option<String>,
}

impl TemplateQuery {
    fn parse(&self) -> Result<Option<OrgId>> {
        self.org_id
            .as_deref()
            .map(|text| text.parse().map_err(|_| invalid("orgId", "must be a UUID")))
            .transpose()
    }
}

/// What was made from a template.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Applied {
    /// The nodes, each after the one it is under.
    data: Vec<Node>,
    /// The same list, for older clients.
    nodes: Vec<Node>,
}

/// List templates
///
/// Those of one organization, or of all that you belong to; public ones and those of the
/// system are always among them. A guest of an organization gets only these.
#[utoipa::path(get, path = "/templates", operation_id = "template_list", tag = "Templates",
    params(TemplateQuery, PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<Template>)))]
pub async fn template_list(
    ctx: Ctx,
    Query(query): Query<TemplateQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    let org = query.parse()?;
    Ok(ok(ops::template_list(&ctx, org, page.parse()?).await?))
}

/// Create a template
///
/// The templates of its sub-nodes must be of the same organization, public, or the
/// system's, and must not lead back to each other.
#[utoipa::path(post, path = "/templates", operation_id = "template_create", tag = "Templates",
    request_body = TemplateCreate,
    responses((status = 201, description = "The template.", body = Template)))]
pub async fn template_create(ctx: Ctx, body: Json<TemplateCreate>) -> Result<HttpResponse> {
    Ok(created(ops::template_create(&ctx, body.0).await?))
}

/// Get a template
///
/// A public one, or one of the system's, may be read by anybody with a token.
#[utoipa::path(get, path = "/templates/{templateId}", operation_id = "template_get", tag = "Templates",
    params(("templateId" = TemplateId, Path, description = "The template.")),
    responses((status = 200, description = "The template.", body = Template)))]
pub async fn template_get(ctx: Ctx, id: web::Path<TemplateId>) -> Result<HttpResponse> {
    Ok(ok(ops::template_get(&ctx, *id).await?))
}

/// Change a template
///
/// Nodes that were made from it stay as they are. The system's can't be changed.
#[utoipa::path(patch, path = "/templates/{templateId}", operation_id = "template_update", tag = "Templates",
    params(("templateId" = TemplateId, Path, description = "The template.")),
    request_body = Option<TemplateUpdate>,
    responses((status = 200, description = "The template, changed.", body = Template)))]
pub async fn template_update(
    ctx: Ctx,
    id: web::Path<TemplateId>,
    body: Json<TemplateUpdate>,
) -> Result<HttpResponse> {
    Ok(ok(ops::template_update(&ctx, *id, body.0).await?))
}

/// Delete a template
///
/// Nodes that were made from it stay. A template that has it as a part can't be applied
/// any more (422).
#[utoipa::path(delete, path = "/templates/{templateId}", operation_id = "template_delete", tag = "Templates",
    params(("templateId" = TemplateId, Path, description = "The template.")),
    responses((status = 204, description = "It is gone.")))]
pub async fn template_delete(ctx: Ctx, id: web::Path<TemplateId>) -> Result<HttpResponse> {
    ops::template_delete(&ctx, *id).await?;
    Ok(no_content())
}

/// Make nodes from a template
///
/// One node for the template and one for each sub-node, theirs included: 100 nodes on 10
/// levels at most, all or none. Each begins in the project's default state; the topmost is
/// an agent's when the template has an `agentConfig`. Inputs and outputs are placeholders:
/// empty texts whose metadata say `placeholder: true`, the `type` that belongs there,
/// whether it is `required`, and the `description`. A node's metadata keep `templateId`
/// and `agentConfig`; executing the node uses the latter for what the call does not say.
#[utoipa::path(post, path = "/templates/{templateId}/apply", operation_id = "template_apply", tag = "Templates",
    params(("templateId" = TemplateId, Path, description = "The template: of the project's organization, public, or the system's.")),
    request_body = TemplateApply,
    responses((status = 201, description = "The nodes.", body = Applied)))]
pub async fn template_apply(
    ctx: Ctx,
    id: web::Path<TemplateId>,
    body: Json<TemplateApply>,
) -> Result<HttpResponse> {
    let data = ops::template_apply(&ctx, *id, body.0).await?;
    let nodes = data.clone();
    Ok(created(Applied { data, nodes }))
}
