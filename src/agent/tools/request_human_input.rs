//! `request_human_input`: ask a person. The call stays open until somebody answers, and the
//! answer is its result.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, object};
use crate::{
    executions::model::{Change, HumanInputRequest, NewEvent, RequestType, TraceKind},
    kernel::{Error, RequestId, Result, field::Fields},
    platform::db::Tx,
};

pub const DESCRIPTION: &str =
    "Ask a person a question, or for an approval, and wait for the answer.";

#[derive(Debug, Clone, Deserialize)]
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

pub async fn prepare(args: Args, _: &Task<'_>) -> Result<Ready> {
    let mut fields = Fields::default();
    fields.length("prompt", &args.prompt, 1, 10_000);
    let options = args.options.as_ref().map_or(0, Vec::len);
    fields.check(options <= 20, "options", "must be at most 20");
    fields.finish()?;
    Ok(args)
}

pub async fn apply(args: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let request = HumanInputRequest {
        request_id: RequestId::new(tx.ids()),
        call_id: cx.call.id.clone(),
        request_type: args.request_type.unwrap_or(RequestType::Question),
        prompt: args.prompt,
        options: args.options,
        metadata: None,
        call_hash: None,
        created_at: tx.now(),
        expires_at: cx.app.config.agent.request_ends(tx.now()),
    };
    let data = serde_json::to_value(request).map_err(Error::internal)?;
    let asked = NewEvent::new(TraceKind::HumanInputRequested, data);
    Ok(Outcome::waits(Change::Continue).with_evidence(asked))
}
