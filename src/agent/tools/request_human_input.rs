//! `request_human_input`: ask a person and wait.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, object};
use crate::{
    executions::model::{Change, HumanInputRequest, NewEvent, RequestType, TraceKind},
    kernel::{Result, field::Fields},
    platform::db::Tx,
};

pub const DESCRIPTION: &str =
    "Ask a person a question, or for an approval, and wait for the answer.";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Args {
    prompt: String,
    request_type: Option<RequestType>,
    options: Option<Vec<String>>,
}

pub type Ready = Args;

pub fn parameters() -> Value {
    object(
        json!({
            "prompt": { "type": "string", "minLength": 1, "maxLength": 10_000 },
            "requestType": { "type": "string", "enum": ["question", "approval"] },
            "options": { "type": "array", "maxItems": 20, "items": { "type": "string" } },
        }),
        &["prompt"],
    )
}

pub async fn prepare(args: Args, _: &Context<'_>) -> Result<Ready> {
    let mut fields = Fields::default();
    fields.length("prompt", &args.prompt, 1, 10_000);
    let options = args.options.as_ref().map_or(0, Vec::len);
    fields.check(options <= 20, "options", "must be at most 20");
    fields.finish()?;
    Ok(args)
}

pub async fn apply(args: Ready, _: &mut Tx, _: &Context<'_>) -> Result<Outcome> {
    let request = HumanInputRequest {
        request_type: args.request_type.unwrap_or(RequestType::Question),
        prompt: args.prompt,
        options: args.options,
        metadata: None,
    };
    let asked = NewEvent::new(TraceKind::HumanInputRequested, json!(request));
    let told = Outcome::told(json!({ "asked": true })).with_evidence(asked);
    Ok(Outcome {
        change: Change::AwaitInput(request),
        ..told
    })
}
