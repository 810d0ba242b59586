//! `create_subnode`: a part of the work as a node of its own, below this one.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, object};
use crate::{
    access::{self, Action, Target},
    executions::{
        self,
        model::{NewEvent, TraceKind},
    },
    kernel::Result,
    nodes::{
        self,
        model::{AuthorType, NodeCreate},
    },
    platform::db::Tx,
};

pub const DESCRIPTION: &str =
    "Create a node below the one you work on, for a part of the work that stands for itself.";

#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    title: String,
    description: Option<String>,
    #[serde(default)]
    execute: bool,
}

pub type Ready = Args;

pub fn parameters() -> Value {
    object(
        json!({
            "title": { "type": "string", "minLength": 1, "maxLength": 500 },
            "description": { "type": "string", "description": "What it is about, in Markdown." },
            "execute": { "type": "boolean", "description": "Have an agent work on it at once; await_subnodes waits for it." },
        }),
        &["title"],
    )
}

pub async fn prepare(args: Args, _: &Task<'_>) -> Result<Ready> {
    Ok(args)
}

pub async fn apply(args: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let parent = cx.lease.node;
    let grant = cx.grant(Action::NodeCreate)?;
    let new = NodeCreate {
        title: args.title,
        description: args.description,
        author_type: Some(AuthorType::Agent),
        parent_id: Some(parent),
        supervisor_user_id: cx.lease.started_by,
        ..NodeCreate::default()
    };
    let node = nodes::ops::node_create_in(tx, &grant, cx.lease.project, new).await?;
    let run = if args.execute {
        let target = Target::Node(node.id);
        let grant = access::authorise(tx, cx.caller, Action::ExecutionStart, target).await?;
        let run = executions::ops::child_start_in(tx, &grant, node.id, cx.lease).await?;
        Some(run.id)
    } else {
        None
    };
    let evidence = json!({
        "nodeId": node.id, "parentId": parent, "title": node.title, "executionId": run,
    });
    let result = json!({ "nodeId": node.id, "title": node.title, "executionId": run });
    Ok(Outcome::told(result).with_evidence(NewEvent::new(TraceKind::SubnodeCreated, evidence)))
}
