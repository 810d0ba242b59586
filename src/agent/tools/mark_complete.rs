//! `mark_complete`: the work is done.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, object};
use crate::{
    access::Action,
    executions::model::{Change, NewEvent, TraceKind},
    kernel::{Result, field::Fields},
    nodes,
    platform::db::Tx,
};

pub const DESCRIPTION: &str = "End the work: everything asked for is in the outputs.";

/// The workflow state a node goes to, where its project has one of that name.
const DONE: &str = "complete";

#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    summary: String,
}

pub type Ready = Args;

pub fn parameters() -> Value {
    object(
        json!({ "summary": { "type": "string", "description": "One or two sentences on the result." } }),
        &["summary"],
    )
}

pub async fn prepare(args: Args, _: &Task<'_>) -> Result<Ready> {
    let mut fields = Fields::default();
    fields.length("summary", &args.summary, 1, 10_000);
    fields.finish()?;
    Ok(args)
}

pub async fn apply(args: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let node = cx.lease.node;
    let grant = cx.grant(Action::NodeUpdate)?;
    nodes::ops::status_set_in(tx, &grant, node, DONE).await?;
    let complete = NewEvent::new(
        TraceKind::ExecutionComplete,
        json!({ "summary": args.summary }),
    );
    Ok(Outcome {
        change: Change::Complete,
        ..Outcome::told(json!({ "completed": true })).with_evidence(complete)
    })
}
