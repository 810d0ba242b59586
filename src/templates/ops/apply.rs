//! Making nodes from a template: the whole tree in one transaction, or nothing of it.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::{
    super::{
        model::{AGENT_CONFIG, InputSlot, OutputSlot, Planned, Template, TemplateApply, plan},
        store,
    },
    gone, may_read,
};
use crate::{
    access::{Action, Grant, Target},
    app::Ctx,
    kernel::{NodeId, ProjectId, Result, TemplateId, field::invalid, text::TextEnum},
    nodes::{
        self,
        model::{
            InputContent, InputCreate, Node, NodeCreate, OutputContent, OutputCreate, PLACEHOLDER,
        },
    },
    platform::db::Tx,
};

/// Templates that one may lead to at most; each makes a node at least, so with more the
/// plan would be refused anyway.
const MAX_TEMPLATES: usize = 100;

/// The key of a node's metadata that names the template it was made from.
const TEMPLATE_ID: &str = "templateId";

/// Makes the nodes of a template in a project of its organization, or, of a shared one,
/// in any; the topmost first.
pub async fn template_apply(ctx: &Ctx, id: TemplateId, body: TemplateApply) -> Result<Vec<Node>> {
    let project = body
        .project_id
        .ok_or_else(|| invalid("projectId", "is required"))?;
    ctx.tx(
        Action::NodeCreate,
        Target::Project(project),
        async move |tx, grant| apply_in(ctx, tx, grant, project, id, body).await,
    )
    .await
}

async fn apply_in(
    ctx: &Ctx,
    tx: &mut Tx,
    grant: &Grant,
    project: ProjectId,
    id: TemplateId,
    body: TemplateApply,
) -> Result<Vec<Node>> {
    // The transaction sees the project's organization alone: what the caller could read
    // as a member of another is not carried from there to here.
    let own = may_read(ctx, tx, grant.org).await?;
    let root = store::get_template(tx, id).await?;
    let root = root
        .filter(|root| own || root.is_shared())
        .ok_or_else(gone)?;
    let known = reachable(tx, &root, own).await?;
    let title = body.title.as_deref().unwrap_or(&root.name);
    let mut made: Vec<Node> = Vec::new();
    for planned in plan(&root, title, &known)? {
        let under = planned.under.and_then(|place| made.get(place));
        let parent = under.map(|node| node.id).or(body.parent_id);
        made.push(make(tx, grant, project, &planned, parent).await?);
    }
    Ok(made)
}

/// Every template that `root` leads to, itself included, that the transaction's scope
/// sees; without `own` only the shared ones.
pub(super) async fn reachable(
    tx: &mut Tx,
    root: &Template,
    own: bool,
) -> Result<HashMap<TemplateId, Template>> {
    let mut known = HashMap::from([(root.id, root.clone())]);
    let mut wanted: BTreeSet<TemplateId> = root.references();
    loop {
        // One level at a time, so a query for each level and not for each template.
        let ids: Vec<TemplateId> = wanted
            .iter()
            .filter(|id| !known.contains_key(*id))
            .copied()
            .take(MAX_TEMPLATES)
            .collect();
        if ids.is_empty() || known.len() > MAX_TEMPLATES {
            return Ok(known);
        }
        let found = store::templates_of(tx, &ids).await?;
        wanted.clear();
        for template in found {
            if own || template.is_shared() {
                wanted.extend(template.references());
                known.insert(template.id, template);
            }
        }
    }
}

async fn make(
    tx: &mut Tx,
    grant: &Grant,
    project: ProjectId,
    planned: &Planned<'_>,
    parent: Option<NodeId>,
) -> Result<Node> {
    let new = NodeCreate {
        title: planned.title.to_owned(),
        description: planned
            .template
            .and_then(|template| template.description.clone()),
        author_type: Some(planned.author_type),
        parent_id: parent,
        metadata: Some(metadata(planned)),
        ..NodeCreate::default()
    };
    let inputs = planned.inputs().iter().map(input).collect();
    let outputs = planned.outputs().iter().map(output).collect();
    nodes::ops::node_create_with_in(tx, grant, project, new, inputs, outputs).await
}

fn metadata(planned: &Planned<'_>) -> Value {
    let mut map = Map::new();
    if let Some(template) = planned.template {
        map.insert(TEMPLATE_ID.to_owned(), json!(template.id));
    }
    if let Some(settings) = planned.agent_config() {
        map.insert(AGENT_CONFIG.to_owned(), json!(settings));
    }
    map.into()
}

/// A place for an input: an empty text, because a row needs the value of its type and
/// there is none yet; its metadata say what belongs here.
fn input(slot: &InputSlot) -> InputCreate {
    let mut metadata = placeholder(slot.kind.as_str(), slot.description.as_deref());
    metadata.insert("required".to_owned(), json!(slot.required));
    InputCreate {
        content: InputContent::Text(String::new()),
        label: Some(slot.label.clone()),
        metadata: Some(metadata.into()),
        sort_order: None,
    }
}

fn output(slot: &OutputSlot) -> OutputCreate {
    OutputCreate {
        content: OutputContent::Text {
            text: String::new(),
            file: None,
        },
        label: Some(slot.label.clone()),
        metadata: Some(placeholder(slot.kind.as_str(), slot.description.as_deref()).into()),
    }
}

fn placeholder(kind: &str, description: Option<&str>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert(PLACEHOLDER.to_owned(), json!(true));
    map.insert("type".to_owned(), json!(kind));
    if let Some(text) = description {
        map.insert("description".to_owned(), json!(text));
    }
    map
}
