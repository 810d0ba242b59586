//! Changing a node: its fields, its place in the tree, its status.

use super::{
    super::{
        model::{Differences, Expected, Node, NodeUpdate, differences},
        store,
    },
    create::{check_depth, check_supervisor, lineage_of_parent, parent_gone},
    for_writing, lock, lock_live,
    news::{self, Around, News},
    seen_with, version,
};
use crate::{
    access::{self, Action, Grant, Target},
    app::Ctx,
    kernel::{Code, Error, NodeId, Result, UserId, field::Fields},
    platform::db::Tx,
    projects::{self, model::Workflow},
};

/// Changes a node. A change that changes nothing leaves no trace.
pub async fn node_update(
    ctx: &Ctx,
    id: NodeId,
    update: NodeUpdate,
    expected: Expected,
) -> Result<Node> {
    let user = ctx.caller.user();
    // The project's row is to be held before the node's, and it is not known at first.
    let needs_project = needs_project(&update);
    let first = async |tx: &Tx| match needs_project {
        true => Ok(None),
        false => held(tx, id, user).await.map(Some),
    };
    ctx.tx_after(
        Action::NodeUpdate,
        Target::Node(id),
        first,
        async move |tx, grant, found| {
            let workflow = hold_project(tx, grant, &update).await?;
            let (node, around) = match found {
                Some(found) => found,
                None => held(tx, id, user).await?,
            };
            let before = for_writing(tx, grant, id, node).await?;
            let wanted = |base: Node| update.clone().apply(base).ok();
            version::refuse_mismatch(tx, grant, &expected, &before, wanted).await?;
            let after = update.apply(before.clone())?;
            let found = differences(&before, &after);
            let node = if found.is_empty() {
                around.complete(before)
            } else {
                check(tx, &after, &found, workflow.as_ref()).await?;
                if found.touches("parentId") {
                    check_move(ctx, tx, &after).await?;
                }
                let change = found.change();
                news::write_with(tx, grant, after, around, change, News::Fields(found)).await?
            };
            Ok(seen_with(grant, node))
        },
    )
    .await
}

/// The node, its row locked from here on, and what is to be told of its change.
async fn held(tx: &Tx, id: NodeId, user: UserId) -> Result<(Option<Node>, Around)> {
    let ids = [id];
    let locked = store::lock_nodes(tx, &ids);
    let (locked, around) = tokio::join!(biased; locked, Around::of(tx, id, user));
    Ok((locked?.pop(), around?))
}

/// Sets a node's status, for the run that works on it. Does nothing when it is so
/// already, when the project has no such state, or while somebody else holds the
/// node's lock: a run that ended well must not fail over a label.
pub async fn status_set_in(tx: &mut Tx, grant: &Grant, id: NodeId, status: &str) -> Result<()> {
    let project = match grant.project {
        Some(project) => project,
        None => {
            store::get_node(tx, id)
                .await?
                .ok_or_else(super::gone)?
                .project_id
        }
    };
    let workflow = projects::ops::workflow_in(tx, project).await?;
    let before = lock_live(tx, grant, id).await?;
    if let Err(error) = lock::refuse_locked(tx, grant, &before).await {
        if error.code() != Code::NodeLocked {
            return Err(error);
        }
        tracing::info!(node = %id, status, "status not set: somebody else holds the lock");
        return Ok(());
    }
    if !workflow.has(status) {
        return Ok(());
    }
    let mut after = before.clone();
    status.clone_into(&mut after.status);
    let found = differences(&before, &after);
    if let Some(change) = found.change() {
        news::write(tx, grant, after, Some(change), News::Fields(found)).await?;
    }
    Ok(())
}

fn needs_project(update: &NodeUpdate) -> bool {
    !update.parent_id.is_keep() || !update.status.is_keep()
}

/// Holds the project's row before the node's, as far as the update needs it: alone to
/// move the node, shared to give it a status.
async fn hold_project(tx: &mut Tx, grant: &Grant, update: &NodeUpdate) -> Result<Option<Workflow>> {
    let project = grant.project()?;
    if !update.parent_id.is_keep() {
        projects::ops::workflow_alone_in(tx, project)
            .await
            .map(Some)
    } else if !update.status.is_keep() {
        projects::ops::workflow_in(tx, project).await.map(Some)
    } else {
        Ok(None)
    }
}

async fn check(
    tx: &mut Tx,
    after: &Node,
    found: &Differences,
    workflow: Option<&Workflow>,
) -> Result<()> {
    if let Some(workflow) = workflow.filter(|_| found.touches("status")) {
        let mut fields = Fields::default();
        workflow.check(&mut fields, "status", &after.status);
        fields.finish()?;
    }
    if found.touches("supervisorUserId") {
        check_supervisor(tx, after).await?;
    }
    Ok(())
}

/// Moving a node makes it anew at its new place, so the caller must be allowed to make
/// nodes there: a token narrowed to one branch can't move things out of it.
pub(super) async fn check_move(ctx: &Ctx, tx: &mut Tx, node: &Node) -> Result<()> {
    let place = match node.parent_id {
        Some(parent) => Target::Node(parent),
        None => Target::Project(node.project_id),
    };
    access::authorise(tx, &ctx.caller, Action::NodeCreate, place)
        .await
        .map_err(|error| match error.code() {
            Code::NotFound => parent_gone(),
            _ => error,
        })?;
    let Some(parent) = node.parent_id else {
        return Ok(());
    };
    let above = lineage_of_parent(tx, node.project_id, parent).await?;
    if above.contains(&node.id) {
        return Err(Error::new(
            Code::TreeCycle,
            "A node can't be placed under itself or under its own descendants.",
        ));
    }
    let below = store::graph::subtree(tx, node.id).await?;
    let height = below.iter().map(|(_, level)| *level).max().unwrap_or(1);
    check_depth(above.len() + height)
}
