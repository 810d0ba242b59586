//! `list_inputs`: what the node has to work with.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, material, object};
use crate::{kernel::Result, platform::db::Tx};

pub const DESCRIPTION: &str =
    "List the inputs of the node: id, type, label, length, and pages where there are any.";

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
    let node = material::own_node(tx, cx).await?;
    let mut inputs = Vec::new();
    for input in node.inputs.iter().flatten() {
        inputs.push(material::describe(tx, input).await?);
    }
    Ok(Outcome::told(json!({ "inputs": inputs })))
}
