//! What can be done with nodes. Functions that end in `_in` do it inside the caller's
//! transaction, with a grant that covers the node; agents' tools call those.

mod around;
mod attach;
mod change;
mod create;
mod delete;
mod expire;
mod graph;
mod lock;
mod news;
mod rollback;
mod version;

use super::{
    model::{Node, NodeFilter, NodeKey},
    store,
};
use crate::{
    access::{Action, Grant, Target, allows},
    app::Ctx,
    kernel::{
        Code, Error, NodeId, ProjectId, Result,
        page::{Page, PageRequest},
        text::TextEnum,
    },
    platform::db::Tx,
};

pub use around::{ancestors_in, siblings_in, subtree_in};
pub use attach::{input_add, input_add_in, input_remove, output_add, output_add_in, output_remove};
pub use change::{node_update, status_set_in};
pub use create::{node_create, node_create_in, node_create_with_in};
pub use delete::node_delete;
pub use expire::{LockWatch, doctor};
pub use graph::{node_children, node_dependencies};
pub use lock::{
    lock_acquire, lock_release, lock_row_in, run_lock_lost_in, run_lock_release_in,
    run_lock_renew_in, run_lock_take_in,
};
pub use rollback::node_rollback;
pub use version::{version_diff, version_get, version_list};

/// Children that [`children_in`] answers with at most.
const MAX_CHILDREN: i64 = 100;

/// The live nodes of a project that match, without inputs and outputs.
pub async fn node_list(
    ctx: &Ctx,
    project: ProjectId,
    filter: NodeFilter,
    page: PageRequest<NodeKey>,
) -> Result<Page<Node>> {
    let list = async |tx: &Tx| store::list::nodes(tx, project, &filter, &page).await;
    let (_, page) = ctx
        .read(Action::NodeRead, Target::Project(project), list)
        .await?;
    Ok(page)
}

/// One node with its inputs and outputs.
pub async fn node_get(ctx: &Ctx, id: NodeId) -> Result<Node> {
    let whole = async |tx: &Tx| node_read_in(tx, id).await;
    let (grant, node) = ctx.read(Action::NodeRead, Target::Node(id), whole).await?;
    Ok(seen_with(&grant, node))
}

/// One node with its inputs and outputs; the caller has made sure that it may be seen.
pub async fn node_read_in(tx: &Tx, id: NodeId) -> Result<Node> {
    let (node, attached) = tokio::join!(store::get_node(tx, id), store::attachment::of(tx, id));
    let mut node = node?.ok_or_else(gone)?;
    let (inputs, outputs) = attached?;
    (node.inputs, node.outputs) = (Some(inputs), Some(outputs));
    Ok(node)
}

/// A live node as it was at one of its versions; the caller has made sure that it may be
/// seen.
pub async fn node_version_in(tx: &mut Tx, id: NodeId, version: i32) -> Result<Node> {
    store::get_node(tx, id).await?.ok_or_else(gone)?;
    Ok(version::version_in(tx, id, version).await?.snapshot)
}

/// A node that was not deleted, without inputs and outputs, for what is told about it.
pub async fn node_outline_in(tx: &Tx, id: NodeId) -> Result<Option<Node>> {
    store::get_node(tx, id).await
}

/// The direct children of a node, oldest first, 100 at most, without inputs and outputs.
pub async fn children_in(tx: &mut Tx, id: NodeId) -> Result<Vec<Node>> {
    store::children(tx, id, MAX_CHILDREN).await
}

fn gone() -> Error {
    Error::not_found("node")
}

/// The node as the bearer of `grant` may see it.
fn seen_with(grant: &Grant, node: Node) -> Node {
    if allows(Action::NodeRead, grant.org_role, None) {
        node
    } else {
        node.seen_from_its_project()
    }
}

/// The node with its row locked, once it is certain that this transaction may write it:
/// it is live, the grant covers it, and nobody else holds its lock.
async fn lock_for_writing(tx: &mut Tx, grant: &Grant, id: NodeId) -> Result<Node> {
    let locked = store::lock_nodes(tx, &[id]).await?.pop();
    for_writing(tx, grant, id, locked).await
}

/// As [`lock_for_writing`], of a node whose row this transaction has locked.
async fn for_writing(tx: &mut Tx, grant: &Grant, id: NodeId, locked: Option<Node>) -> Result<Node> {
    let node = covered(grant, id, locked)?;
    lock::refuse_locked(tx, grant, &node).await?;
    Ok(node)
}

async fn lock_live(tx: &mut Tx, grant: &Grant, id: NodeId) -> Result<Node> {
    covered(grant, id, store::lock_nodes(tx, &[id]).await?.pop())
}

fn covered(grant: &Grant, id: NodeId, found: Option<Node>) -> Result<Node> {
    let node = found.ok_or_else(gone)?;
    covers(grant, node.project_id, Some(id))?;
    Ok(node)
}

/// A grant of one node or project is not to be used for another: that would be a
/// mistake in the program, or a model that was led astray.
fn covers(grant: &Grant, project: ProjectId, node: Option<NodeId>) -> Result<()> {
    let project_fits = grant.project.is_none_or(|granted| granted == project);
    let node_fits = grant.node.is_none_or(|granted| node == Some(granted));
    if project_fits && node_fits {
        return Ok(());
    }
    Err(Error::new(
        Code::Forbidden,
        "This was allowed for another node or project.",
    )
    .because(format!("a grant of {}", grant.action.as_str())))
}
