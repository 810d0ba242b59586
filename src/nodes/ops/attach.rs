//! Adding and removing inputs and outputs.
//!
//! What one points at must be seen by whoever adds it. Over HTTP the caller's own rights
//! decide; inside the program, where there is a grant but no caller, the grant does,
//! and it is read narrowly: whoever is not at home in the whole organization reaches
//! only what is near the grant's project.

use serde_json::json;

use super::{
    super::{
        model::{
            Change, ChangeType, Expected, Input, InputBody, InputContent, InputCreate, Node,
            Output, OutputBody, OutputContent, OutputCreate, shortest_path,
        },
        store::{self, attachment, graph, near},
    },
    lock_for_writing,
    news::{self, News, Turn},
    version::refuse_mismatch,
};
use crate::{
    access::{self, Action, Grant, Target, allows},
    app::Ctx,
    kernel::{
        Code, Error, FileId, InputId, NodeId, OutputId, Result, field::invalid, text::TextEnum,
    },
    platform::db::Tx,
};

/// Adds an input to a node that is as `expected`.
pub async fn input_add(
    ctx: &Ctx,
    node: NodeId,
    body: InputBody,
    expected: Expected,
) -> Result<Input> {
    let new = body.parse()?;
    ctx.tx(
        Action::InputAdd,
        Target::Node(node),
        async move |tx, grant| {
            match &new.content {
                InputContent::File(file) => see_file(ctx, tx, *file).await?,
                InputContent::NodeReference { source, .. } => see_node(ctx, tx, *source).await?,
                InputContent::ExternalLink(_) | InputContent::Text(_) => {}
            }
            add_input(tx, grant, node, new, &expected).await
        },
    )
    .await
}

/// Adds an input to a node that `grant` covers.
pub async fn input_add_in(
    tx: &mut Tx,
    grant: &Grant,
    node: NodeId,
    new: InputCreate,
) -> Result<Input> {
    new.check()?;
    match &new.content {
        InputContent::File(file) => file_near(tx, grant, *file).await?,
        InputContent::NodeReference { source, .. } => node_near(tx, grant, *source).await?,
        InputContent::ExternalLink(_) | InputContent::Text(_) => {}
    }
    add_input(tx, grant, node, new, &Expected::Any).await
}

/// Removes an input from a node that is as `expected`.
pub async fn input_remove(ctx: &Ctx, node: NodeId, id: InputId, expected: Expected) -> Result<()> {
    ctx.tx(
        Action::InputRemove,
        Target::Node(node),
        async |tx, grant| {
            let row = lock_expected(tx, grant, node, &expected).await?;
            let gone = attachment::delete_input(tx, node, id)
                .await?
                .ok_or_else(|| Error::not_found("input"))?;
            let turn = Turn::Removed(id, gone.brief());
            write_inputs(tx, grant, row, &gone, turn).await?;
            Ok(())
        },
    )
    .await
}

/// Adds an output to a node that is as `expected`.
pub async fn output_add(
    ctx: &Ctx,
    node: NodeId,
    body: OutputBody,
    expected: Expected,
) -> Result<Output> {
    let new = body.parse()?;
    ctx.tx(
        Action::OutputAdd,
        Target::Node(node),
        async move |tx, grant| {
            if let Some(file) = new.content.file() {
                see_file(ctx, tx, file).await?;
            }
            add_output(tx, grant, node, new, &expected).await
        },
    )
    .await
}

/// Adds an output to a node that `grant` covers; the grant's execution, if there is one,
/// is noted as where it came from.
pub async fn output_add_in(
    tx: &mut Tx,
    grant: &Grant,
    node: NodeId,
    new: OutputCreate,
) -> Result<Output> {
    new.check()?;
    // The file beside a text is the program's own copy of it, and nobody's choice.
    if let OutputContent::File(file) = &new.content {
        file_near(tx, grant, *file).await?;
    }
    add_output(tx, grant, node, new, &Expected::Any).await
}

/// Removes an output from a node that is as `expected`.
pub async fn output_remove(
    ctx: &Ctx,
    node: NodeId,
    id: OutputId,
    expected: Expected,
) -> Result<()> {
    ctx.tx(
        Action::OutputRemove,
        Target::Node(node),
        async |tx, grant| {
            let row = lock_expected(tx, grant, node, &expected).await?;
            let gone = attachment::delete_output(tx, node, id)
                .await?
                .ok_or_else(|| Error::not_found("output"))?;
            let turn = Turn::Removed(id, gone.brief());
            write_outputs(tx, grant, row, &gone, turn).await?;
            Ok(())
        },
    )
    .await
}

/// The node, with its row locked for writing, if it is at a version that the client meant.
async fn lock_expected(
    tx: &mut Tx,
    grant: &Grant,
    id: NodeId,
    expected: &Expected,
) -> Result<Node> {
    let node = lock_for_writing(tx, grant, id).await?;
    // What they want is not a change of fields, so there is nothing of theirs to compare.
    refuse_mismatch(tx, grant, expected, &node, |_| None).await?;
    Ok(node)
}

async fn add_input(
    tx: &mut Tx,
    grant: &Grant,
    node: NodeId,
    new: InputCreate,
    expected: &Expected,
) -> Result<Input> {
    if matches!(new.content, InputContent::NodeReference { .. }) {
        graph::lock_edges(tx, grant.org).await?;
    }
    let row = lock_expected(tx, grant, node, expected).await?;
    if let InputContent::NodeReference { source, version } = new.content {
        check_version(tx, source, version).await?;
        refuse_cycle(tx, source, node).await?;
    }
    let input = attachment::insert_input(tx, &row, &new).await?;
    if let Some(source) = input.source_node_id {
        graph::insert_edge(tx, source, &row, input.id).await?;
    }
    let turn = Turn::Added(input.id, input.brief());
    let row = write_inputs(tx, grant, row, &input, turn).await?;
    let mut inputs = row.inputs.into_iter().flatten();
    let whole = inputs.find(|whole| whole.id == input.id);
    Ok(whole.unwrap_or(input))
}

async fn add_output(
    tx: &mut Tx,
    grant: &Grant,
    node: NodeId,
    new: OutputCreate,
    expected: &Expected,
) -> Result<Output> {
    let row = lock_expected(tx, grant, node, expected).await?;
    let output = attachment::insert_output(tx, &row, &new, grant.actor.execution).await?;
    let turn = Turn::Added(output.id, output.brief());
    let row = write_outputs(tx, grant, row, &output, turn).await?;
    let mut outputs = row.outputs.into_iter().flatten();
    let whole = outputs.find(|whole| whole.id == output.id);
    Ok(whole.unwrap_or(output))
}

async fn write_inputs(
    tx: &mut Tx,
    grant: &Grant,
    node: Node,
    input: &Input,
    turn: Turn<InputId>,
) -> Result<Node> {
    let kind = input.input_type.as_str();
    let change = Change {
        kind: ChangeType::InputsChanged,
        summary: summary(&turn, "input", kind, input.label.as_deref()),
    };
    news::write_turn(tx, grant, node, change, News::Inputs(turn)).await
}

async fn write_outputs(
    tx: &mut Tx,
    grant: &Grant,
    node: Node,
    output: &Output,
    turn: Turn<OutputId>,
) -> Result<Node> {
    let kind = output.output_type.as_str();
    let change = Change {
        kind: ChangeType::OutputsChanged,
        summary: summary(&turn, "output", kind, output.label.as_deref()),
    };
    news::write_turn(tx, grant, node, change, News::Outputs(turn)).await
}

async fn check_version(tx: &mut Tx, source: NodeId, version: Option<i32>) -> Result<()> {
    let Some(version) = version else {
        return Ok(());
    };
    if store::version::exists(tx, source, version).await? {
        return Ok(());
    }
    Err(invalid("sourceNodeVersion", "is no version of that node"))
}

/// Fails with [`Code::DependencyCycle`] when `target` already feeds `source`, over however
/// many nodes. `details.path` begins and ends with the target; each node on it feeds the
/// next, the last step being the refused one. The caller holds the lock of edges.
pub(super) async fn refuse_cycle(tx: &mut Tx, source: NodeId, target: NodeId) -> Result<()> {
    let edges = graph::edges_downstream(tx, target).await?;
    let Some(mut path) = shortest_path(&edges, target, source) else {
        return Ok(());
    };
    path.push(target);
    Err(Error::new(
        Code::DependencyCycle,
        "This reference would make the node depend on itself.",
    )
    .with_details(json!({ "path": path })))
}

pub(super) async fn see_file(ctx: &Ctx, tx: &mut Tx, file: FileId) -> Result<()> {
    access::authorise(tx, &ctx.caller, Action::FileRead, Target::File(file)).await?;
    Ok(())
}

pub(super) async fn see_node(ctx: &Ctx, tx: &mut Tx, source: NodeId) -> Result<()> {
    access::authorise(tx, &ctx.caller, Action::NodeRead, Target::Node(source))
        .await
        .map_err(|error| match error.code() {
            Code::NotFound => source_gone(),
            _ => error,
        })?;
    Ok(())
}

fn source_gone() -> Error {
    Error::not_found("source node")
}

async fn file_near(tx: &mut Tx, grant: &Grant, file: FileId) -> Result<()> {
    let near = if allows(Action::FileRead, grant.org_role, None) {
        near::file_exists(tx, file).await?
    } else {
        near::file_is_near(tx, file, grant.project()?, grant.actor.user).await?
    };
    near.then_some(()).ok_or_else(|| Error::not_found("file"))
}

async fn node_near(tx: &mut Tx, grant: &Grant, source: NodeId) -> Result<()> {
    let node = store::get_node(tx, source).await?.ok_or_else(source_gone)?;
    let near =
        allows(Action::NodeRead, grant.org_role, None) || grant.project == Some(node.project_id);
    near.then_some(()).ok_or_else(source_gone)
}

fn summary<Id>(turn: &Turn<Id>, noun: &str, kind: &str, label: Option<&str>) -> String {
    let verb = match turn {
        Turn::Added(..) => "added",
        Turn::Removed(..) => "removed",
    };
    match label {
        Some(label) => format!("{verb} {noun} ({kind}): {label}"),
        None => format!("{verb} {noun} ({kind})"),
    }
}
