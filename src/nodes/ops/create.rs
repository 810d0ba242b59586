//! Making nodes, and the rules of the tree that a node enters.

use serde_json::json;

use super::{
    super::{
        model::{
            AuthorType, Change, ChangeType, InputCreate, InputType, MAX_DEPTH, Node, NodeCreate,
            OutputCreate, Turns,
        },
        store,
    },
    covers, news,
};
use crate::{
    access::{Action, Grant, Target},
    app::Ctx,
    kernel::{
        Code, Error, NodeId, ProjectId, Result,
        field::{Fields, invalid},
    },
    platform::db::Tx,
    projects,
};

/// Makes a node.
pub async fn node_create(ctx: &Ctx, project: ProjectId, new: NodeCreate) -> Result<Node> {
    ctx.tx(
        Action::NodeCreate,
        Target::Project(project),
        async move |tx, grant| node_create_in(tx, grant, project, new).await,
    )
    .await
}

/// Makes a node in `project`. A grant of a node allows children of that node only.
pub async fn node_create_in(
    tx: &mut Tx,
    grant: &Grant,
    project: ProjectId,
    new: NodeCreate,
) -> Result<Node> {
    node_create_with_in(tx, grant, project, new, Vec::new(), Vec::new()).await
}

/// As [`node_create_in`], with inputs and outputs that are there from its first version.
/// They are texts and links: what points at a file or a node is added by itself, because
/// whether that may be seen is asked there.
pub async fn node_create_with_in(
    tx: &mut Tx,
    grant: &Grant,
    project: ProjectId,
    new: NodeCreate,
    inputs: Vec<InputCreate>,
    outputs: Vec<OutputCreate>,
) -> Result<Node> {
    new.check()?;
    check_contents(&inputs, &outputs)?;
    covers(grant, project, new.parent_id)?;
    let workflow = projects::ops::workflow_in(tx, project).await?;
    let mut node = make(tx, grant, project, new, workflow.initial());
    let mut fields = Fields::default();
    workflow.check(&mut fields, "status", &node.status);
    fields.finish()?;
    check_supervisor(tx, &node).await?;
    if let Some(parent) = node.parent_id {
        let depth = lineage_of_parent(tx, project, parent).await?.len();
        check_depth(depth + 1)?;
    }
    store::insert_node(tx, &node).await?;
    let (mut added, mut made) = (Vec::new(), Vec::new());
    for input in &inputs {
        added.push(store::attachment::insert_input(tx, &node, input).await?);
    }
    for output in &outputs {
        let execution = grant.actor.execution;
        made.push(store::attachment::insert_output(tx, &node, output, execution).await?);
    }
    (node.inputs, node.outputs) = (Some(added), Some(made));
    let change = Change {
        kind: ChangeType::Created,
        summary: "created".to_owned(),
    };
    store::version::insert(tx, &node, true, Turns::default(), &change, grant.actor.user);
    news::created(tx, grant, &node).await?;
    Ok(node)
}

fn check_contents(inputs: &[InputCreate], outputs: &[OutputCreate]) -> Result<()> {
    let points_in = |input: &InputCreate| {
        let kind = input.content.kind();
        matches!(kind, InputType::File | InputType::NodeReference)
    };
    let points_out = |output: &OutputCreate| output.content.file().is_some();
    if inputs.iter().any(points_in) || outputs.iter().any(points_out) {
        return Err(Error::internal("a new node can't point at files or nodes"));
    }
    inputs.iter().try_for_each(InputCreate::check)?;
    outputs.iter().try_for_each(OutputCreate::check)
}

fn make(tx: &Tx, grant: &Grant, project: ProjectId, new: NodeCreate, status: &str) -> Node {
    Node {
        id: NodeId::new(tx.ids()),
        org_id: grant.org,
        project_id: project,
        parent_id: new.parent_id,
        title: new.title,
        description: new.description,
        status: new.status.unwrap_or_else(|| status.to_owned()),
        author_type: new.author_type.unwrap_or(AuthorType::Human),
        author_user_id: Some(grant.actor.user),
        author_execution_id: grant.actor.execution,
        supervisor_user_id: new.supervisor_user_id,
        version: 1,
        metadata: new.metadata.unwrap_or_else(|| json!({})),
        position: new.position,
        locked_by: None,
        locked_at: None,
        lock_expires_at: None,
        locked_by_execution: None,
        lock_epoch: 0,
        created_at: tx.now(),
        updated_at: tx.now(),
        deleted_at: None,
        inputs: None,
        outputs: None,
    }
}

/// Fails unless the node's supervisor, if it has one, belongs to the organization.
pub(super) async fn check_supervisor(tx: &mut Tx, node: &Node) -> Result<()> {
    let Some(user) = node.supervisor_user_id else {
        return Ok(());
    };
    if store::is_member(tx, node.org_id, user).await? {
        return Ok(());
    }
    Err(invalid(
        "supervisorUserId",
        "must be a member of the organization",
    ))
}

/// `parent` and all above it, when it is a live node of `project`. The caller holds the
/// project's row, so the answer stays true until the transaction ends.
pub(super) async fn lineage_of_parent(
    tx: &mut Tx,
    project: ProjectId,
    parent: NodeId,
) -> Result<Vec<NodeId>> {
    let node = store::get_node(tx, parent).await?;
    if node.is_none_or(|node| node.project_id != project) {
        return Err(parent_gone());
    }
    store::graph::lineage(tx, parent).await
}

pub(super) fn parent_gone() -> Error {
    Error::not_found("parent node in this project")
}

/// Fails when a tree would get `levels` levels and that is too many.
pub(super) fn check_depth(levels: usize) -> Result<()> {
    if levels <= MAX_DEPTH {
        return Ok(());
    }
    Err(Error::new(
        Code::Unprocessable,
        format!("A tree of nodes has at most {MAX_DEPTH} levels; this would make {levels}."),
    )
    .with_details(json!({ "levels": levels, "maximum": MAX_DEPTH })))
}
