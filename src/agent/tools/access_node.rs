//! `access_node`: a look at a node of the execution's own subtree.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, object};
use crate::{
    access::{self, Action, Target},
    kernel::{NodeId, Result},
    nodes,
    platform::db::Tx,
};

pub const DESCRIPTION: &str = "Look at a node: its title, description, status, inputs, outputs and children. Without \
     `nodeId` it is the node you work on; others must lie below it.";

/// Characters of a text in the answer at most; read_input gives the rest.
const BRIEF: usize = 2_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Args {
    node_id: Option<NodeId>,
}

pub type Ready = Args;

pub fn parameters() -> Value {
    object(
        json!({ "nodeId": { "type": "string", "description": "The node's id." } }),
        &[],
    )
}

pub async fn prepare(args: Args, _: &Task<'_>) -> Result<Ready> {
    Ok(args)
}

pub async fn apply(args: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let id = args.node_id.unwrap_or(cx.lease.node);
    access::authorise(tx, cx.caller, Action::NodeRead, Target::Node(id)).await?;
    let node = nodes::ops::node_read_in(tx, id).await?;
    let children = nodes::ops::children_in(tx, id).await?;
    let inputs: Vec<Value> = node
        .inputs
        .iter()
        .flatten()
        .map(|input| json!({ "id": input.id, "type": input.input_type, "label": input.label }))
        .collect();
    let outputs: Vec<Value> = node
        .outputs
        .iter()
        .flatten()
        .map(|output| {
            json!({
                "id": output.id,
                "type": output.output_type,
                "label": output.label,
                "text": output.text_content.as_deref().map(brief),
            })
        })
        .collect();
    let children: Vec<Value> = children
        .iter()
        .map(|child| json!({ "id": child.id, "title": child.title, "status": child.status }))
        .collect();
    Ok(Outcome::told(json!({
        "id": node.id,
        "title": node.title,
        "description": node.description.as_deref().map(brief),
        "status": node.status,
        "inputs": inputs,
        "outputs": outputs,
        "children": children,
    })))
}

fn brief(text: &str) -> String {
    text.chars().take(BRIEF).collect()
}
