//! `await_subnodes`: wait until the runs that this one started have ended.
//!
//! While one of them goes on, the call has no result and the run rests without a worker;
//! the end of the last one wakes it, and the call is made again.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, object};
use crate::{
    executions::{
        self,
        model::{Change, Child},
    },
    kernel::Result,
    nodes,
    platform::db::Tx,
};

pub const DESCRIPTION: &str =
    "Wait until the nodes that you created with `execute` are done, and learn what came of them.";

/// Outputs of one node that are named.
const MAX_OUTPUTS: usize = 20;

#[derive(Debug, Clone, Deserialize)]
pub struct Args {}

pub type Ready = Args;

pub fn parameters() -> Value {
    object(json!({}), &[])
}

pub async fn prepare(args: Args, _: &Task<'_>) -> Result<Ready> {
    Ok(args)
}

pub async fn apply(_: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let children = executions::ops::children_in(tx, cx.lease.execution).await?;
    if children.iter().any(|child| !child.status.is_terminal()) {
        return Ok(Outcome::waits(Change::AwaitSubnodes));
    }
    let mut told = Vec::with_capacity(children.len());
    for child in &children {
        told.push(report(tx, child).await?);
    }
    Ok(Outcome::told(json!({ "subnodes": told })))
}

/// What the model is told of one run: how it ended, and which outputs to read.
async fn report(tx: &mut Tx, child: &Child) -> Result<Value> {
    // Somebody may have deleted the node, which is no reason for the parent to fail.
    let node = nodes::ops::node_read_in(tx, child.node_id).await.ok();
    let outputs: Vec<Value> = node
        .iter()
        .flat_map(|node| node.outputs.iter().flatten())
        .take(MAX_OUTPUTS)
        .map(|output| json!({ "outputId": output.id, "label": output.label }))
        .collect();
    Ok(json!({
        "nodeId": child.node_id,
        "executionId": child.execution_id,
        "title": node.as_ref().map(|node| &node.title),
        "status": child.status,
        "error": child.error,
        "outputs": outputs,
    }))
}
