//! Making a node equal to one of its earlier versions, by a new version.
//!
//! All of the content comes back, or nothing does: what stands in the way is told as a
//! whole, so that a person can clear it away and try again.

use serde_json::{Value, json};

use super::{
    super::{
        model::{Change, ChangeType, Expected, Input, Node, Output, differences, version_diff},
        store::{self, attachment, graph},
    },
    attach::{refuse_cycle, see_file, see_node},
    change::check_move,
    lock_for_writing,
    news::{self, News},
    seen_with, version,
};
use crate::{
    access::{self, Action, Grant, Target},
    app::Ctx,
    kernel::{Code, Error, NodeId, Result},
    platform::db::Tx,
    projects::{self, model::Workflow},
};

/// Makes a node equal to its version `to`, its place in the tree included; only the
/// position on the canvas stays. Inputs and outputs that came back keep their ids.
///
/// Whoever asks must be allowed to see what comes back, and to add and remove inputs and
/// outputs where any do. Fails with
/// [`Code::Unprocessable`] when something can't come back (`details.obstacles` names each
/// thing), and with [`Code::DependencyCycle`] or [`Code::TreeCycle`] when it would close a
/// cycle by now.
pub async fn node_rollback(ctx: &Ctx, id: NodeId, to: i32, expected: Expected) -> Result<Node> {
    ctx.tx(
        Action::NodeUpdate,
        Target::Node(id),
        async move |tx, grant| {
            let target = version::version_in(tx, id, to).await?.snapshot;
            let workflow = hold(tx, grant, &target).await?;
            let before = lock_for_writing(tx, grant, id).await?;
            let wanted = |base: Node| Some(base.with_fields_of(&target));
            version::refuse_mismatch(tx, grant, &expected, &before, wanted).await?;
            let before = attachment::complete(tx, before).await?;
            let after = before.clone().with_fields_of(&target);
            let fields = differences(&before, &after);
            let diff = Box::new(version_diff(&before, &target));
            let mut obstacles = Obstacles::default();
            if fields.touches("parentId") {
                obstacles.parent(ctx, tx, &after).await?;
            }
            obstacles.fields(tx, &after, &workflow).await?;
            let lists = Lists::of(&diff);
            lists.ask(ctx, tx, id).await?;
            obstacles.lists(ctx, tx, &lists).await?;
            obstacles.finish(to)?;
            lists.write(tx, &after).await?;
            let change = Change {
                kind: ChangeType::Rollback,
                summary: format!("rolled back to version {to}"),
            };
            let news = News::Rollback { to, fields, diff };
            let node = news::write(tx, grant, after, Some(change), news).await?;
            Ok(seen_with(grant, node))
        },
    )
    .await
}

/// Takes the locks that come before the node's own: it may be moved, and edges may be
/// added.
async fn hold(tx: &mut Tx, grant: &Grant, target: &Node) -> Result<Workflow> {
    let workflow = projects::ops::workflow_alone_in(tx, grant.project()?).await?;
    let mut inputs = target.inputs.iter().flatten();
    if inputs.any(|input| input.source_node_id.is_some()) {
        graph::lock_edges(tx, grant.org).await?;
    }
    Ok(workflow)
}

/// The inputs and outputs that go, and those that come.
struct Lists<'a> {
    inputs_out: Vec<&'a Input>,
    inputs_in: Vec<&'a Input>,
    outputs_out: Vec<&'a Output>,
    outputs_in: Vec<&'a Output>,
}

impl<'a> Lists<'a> {
    /// What was changed goes and comes again.
    fn of(diff: &'a crate::nodes::model::VersionDiff) -> Self {
        let (inputs, outputs) = (&diff.inputs, &diff.outputs);
        let changed = || inputs.changed.iter();
        let changed_outputs = || outputs.changed.iter();
        Lists {
            inputs_out: inputs
                .removed
                .iter()
                .chain(changed().map(|c| &c.before))
                .collect(),
            inputs_in: inputs
                .added
                .iter()
                .chain(changed().map(|c| &c.after))
                .collect(),
            outputs_out: outputs
                .removed
                .iter()
                .chain(changed_outputs().map(|c| &c.before))
                .collect(),
            outputs_in: outputs
                .added
                .iter()
                .chain(changed_outputs().map(|c| &c.after))
                .collect(),
        }
    }

    /// Asks for every right that bringing them back by hand would need: a narrowed token
    /// may have some of them and not the others.
    async fn ask(&self, ctx: &Ctx, tx: &mut Tx, node: NodeId) -> Result<()> {
        let needed = [
            (Action::InputRemove, self.inputs_out.is_empty()),
            (Action::InputAdd, self.inputs_in.is_empty()),
            (Action::OutputRemove, self.outputs_out.is_empty()),
            (Action::OutputAdd, self.outputs_in.is_empty()),
        ];
        for (action, idle) in needed {
            if !idle {
                access::authorise(tx, &ctx.caller, action, Target::Node(node)).await?;
            }
        }
        Ok(())
    }

    /// Writes them. What goes, goes first, so that no edge of the present stands in the
    /// way of one that comes.
    async fn write(&self, tx: &mut Tx, node: &Node) -> Result<()> {
        for input in &self.inputs_out {
            attachment::delete_input(tx, node.id, input.id).await?;
        }
        for output in &self.outputs_out {
            attachment::delete_output(tx, node.id, output.id).await?;
        }
        for input in &self.inputs_in {
            if let Some(source) = input.source_node_id {
                refuse_cycle(tx, source, node.id).await?;
            }
            attachment::restore_input(tx, node, input).await?;
            if let Some(source) = input.source_node_id {
                graph::insert_edge(tx, source, node, input.id).await?;
            }
        }
        for output in &self.outputs_in {
            attachment::restore_output(tx, node, output).await?;
        }
        Ok(())
    }
}

/// What stands in the way of a rollback.
#[derive(Default)]
struct Obstacles(Vec<Value>);

impl Obstacles {
    fn add(&mut self, field: &str, id: impl serde::Serialize, message: &str) {
        self.0
            .push(json!({ "field": field, "id": id, "message": message }));
    }

    async fn parent(&mut self, ctx: &Ctx, tx: &mut Tx, after: &Node) -> Result<()> {
        if is_out_of_reach(check_move(ctx, tx, after).await)? {
            let message = "The parent is gone, or you may not place nodes under it.";
            self.add("parentId", after.parent_id, message);
        }
        Ok(())
    }

    async fn fields(&mut self, tx: &mut Tx, after: &Node, workflow: &Workflow) -> Result<()> {
        if !workflow.has(&after.status) {
            let message = "The project's workflow has no such state any more.";
            self.add("status", &after.status, message);
        }
        if let Some(user) = after.supervisor_user_id
            && !store::is_member(tx, after.org_id, user).await?
        {
            let message = "The supervisor has left the organization.";
            self.add("supervisorUserId", user, message);
        }
        Ok(())
    }

    async fn lists(&mut self, ctx: &Ctx, tx: &mut Tx, lists: &Lists<'_>) -> Result<()> {
        const FILE: &str = "The file is gone, or you have no access to it.";
        const SOURCE: &str = "The source node is gone, or you have no access to it.";
        for input in &lists.inputs_in {
            if let Some(file) = input.file_id
                && is_out_of_reach(see_file(ctx, tx, file).await)?
            {
                self.add("inputs", input.id, FILE);
            }
            if let Some(source) = input.source_node_id
                && is_out_of_reach(see_node(ctx, tx, source).await)?
            {
                self.add("inputs", input.id, SOURCE);
            }
        }
        for output in &lists.outputs_in {
            if let Some(file) = output.file_id
                && is_out_of_reach(see_file(ctx, tx, file).await)?
            {
                self.add("outputs", output.id, FILE);
            }
        }
        Ok(())
    }

    fn finish(self, to: i32) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let message = format!("Version {to} can't come back: what it needs is not there any more.");
        Err(Error::new(Code::Unprocessable, message).with_details(json!({ "obstacles": self.0 })))
    }
}

/// Whether the look failed because the thing is not the caller's to reach; any other
/// failure is one.
fn is_out_of_reach(look: Result<()>) -> Result<bool> {
    match look {
        Ok(()) => Ok(false),
        Err(error) if matches!(error.code(), Code::NotFound | Code::Forbidden) => Ok(true),
        Err(error) => Err(error),
    }
}
