//! Reading versions, and refusing a change that starts from an earlier one.

use super::{
    super::{
        model::{self, Expected, Node, NodeVersion, VersionDiff, VersionKey},
        store,
    },
    seen_with,
};
use crate::{
    access::{Action, Grant, Target},
    app::Ctx,
    kernel::{
        Error, NodeId, Result,
        page::{Page, PageRequest},
    },
    platform::db::Tx,
};

/// The versions of a node, newest first. What an input referred to in another project is
/// a bare id in them, whoever asks.
pub async fn version_list(
    ctx: &Ctx,
    id: NodeId,
    page: PageRequest<VersionKey>,
) -> Result<Page<NodeVersion>> {
    ctx.tx(Action::NodeRead, Target::Node(id), async |tx, _grant| {
        store::version::list(tx, id, &page).await
    })
    .await
}

/// One version of a node.
pub async fn version_get(ctx: &Ctx, id: NodeId, version: i32) -> Result<NodeVersion> {
    ctx.tx(Action::NodeRead, Target::Node(id), async |tx, _grant| {
        version_in(tx, id, version).await
    })
    .await
}

/// What differs from one version of a node to another, in whichever order.
pub async fn version_diff(ctx: &Ctx, id: NodeId, from: i32, to: i32) -> Result<VersionDiff> {
    ctx.tx(Action::NodeRead, Target::Node(id), async |tx, _grant| {
        let before = version_in(tx, id, from).await?.snapshot;
        let after = version_in(tx, id, to).await?.snapshot;
        Ok(model::version_diff(&before, &after))
    })
    .await
}

pub(super) async fn version_in(tx: &mut Tx, id: NodeId, version: i32) -> Result<NodeVersion> {
    let found = store::version::get(tx, id, version).await?;
    found.ok_or_else(|| Error::not_found("version of this node"))
}

/// Fails with [`Code::VersionMismatch`](crate::kernel::Code::VersionMismatch) unless
/// `current`, whose row is locked, is at a version that the client meant. The refusal
/// tells what happened since the version they have seen; `wanted` makes of that what they
/// wanted, for them to compare.
pub(super) async fn refuse_mismatch(
    tx: &mut Tx,
    grant: &Grant,
    expected: &Expected,
    current: &Node,
    wanted: impl FnOnce(Node) -> Option<Node>,
) -> Result<()> {
    if expected.holds(current.version) {
        return Ok(());
    }
    let base = match expected.base(current.version) {
        Some(version) => store::version::get(tx, current.id, version).await?,
        None => None,
    };
    let base = base.map(|version| version.snapshot);
    let whole = store::attachment::complete(tx, current.clone()).await?;
    let yours = base.clone().and_then(wanted);
    let current = seen_with(grant, whole);
    Err(model::mismatch(
        expected,
        &current,
        base.as_ref(),
        yours.as_ref(),
    ))
}
