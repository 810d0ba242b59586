//! The format on the wire: what is sent, and the parts of what comes that we use.
//!
//! Reading is tolerant (an absent, null or unknown field is no error), because the
//! servers that call themselves compatible differ in just those.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::OpenAiOptions;
use crate::kernel::text::TextEnum;
use crate::platform::llm::{
    ChatRequest, Message, ModelError, ModelErrorKind, ToolCall, ToolSpec, Usage, history,
};

/// One event of a stream. An answer that comes whole is read as one, its `message`
/// as the only `delta`.
#[derive(Debug, Deserialize)]
pub struct Chunk {
    pub model: Option<String>,
    pub choices: Option<Vec<Choice>>,
    pub usage: Option<WireUsage>,
    pub error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub struct Choice {
    #[serde(alias = "message")]
    pub delta: Option<DeltaPart>,
    pub finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct DeltaPart {
    pub content: Option<String>,
    pub tool_calls: Option<Vec<ToolCallPart>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct ToolCallPart {
    pub index: Option<u64>,
    pub id: Option<String>,
    pub function: Option<FunctionPart>,
}

#[derive(Debug, Default, Deserialize)]
pub struct FunctionPart {
    pub name: Option<String>,
    /// A piece of JSON text; from some servers the parsed object.
    pub arguments: Option<Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PromptDetails {
    cached_tokens: Option<u64>,
}

impl WireUsage {
    /// Nothing, unless both counts are there: half a count would be priced as a
    /// whole one.
    pub fn read(self) -> Option<Usage> {
        let details = self.prompt_tokens_details;
        Some(Usage {
            input_tokens: self.prompt_tokens?,
            output_tokens: self.completion_tokens?,
            cache_read_tokens: details.and_then(|d| d.cached_tokens).unwrap_or(0),
            ..Usage::default()
        })
    }
}

/// Reads one event's data.
pub fn chunk(data: &str) -> Result<Chunk, ModelError> {
    // The reader's own message could quote the answer, so it is not passed on.
    serde_json::from_str(data).map_err(|_| {
        ModelError::new(
            ModelErrorKind::Malformed,
            "The model's server sent something that is not a chat completion.",
        )
    })
}

/// The body of a request.
pub fn request(request: &ChatRequest, options: &OpenAiOptions) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), served_name(&request.model).into());
    body.insert(
        "messages".into(),
        history::results_first(&request.messages)
            .into_iter()
            .map(message)
            .collect(),
    );
    body.insert("stream".into(), true.into());
    if options.include_usage {
        body.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    if !request.tools.is_empty() {
        // An empty list is refused by some servers.
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    if let Some(most) = request.max_tokens {
        body.insert(options.token_limit.as_str().into(), most.into());
    }
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    Value::Object(body)
}

/// The name without the provider: the server of `openrouter/meta/llama` knows the
/// model as `meta/llama`.
fn served_name(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, rest)| rest)
}

fn message(message: &Message) -> Value {
    match message {
        Message::System { text } => json!({ "role": "system", "content": text }),
        Message::User { text } => json!({ "role": "user", "content": text }),
        Message::Assistant { text, tool_calls } if tool_calls.is_empty() => {
            json!({ "role": "assistant", "content": text })
        }
        Message::Assistant { text, tool_calls } => {
            let content = (!text.is_empty()).then_some(text);
            let calls: Vec<_> = tool_calls.iter().map(tool_call).collect();
            json!({ "role": "assistant", "content": content, "tool_calls": calls })
        }
        Message::Tool {
            call_id, content, ..
        } => {
            json!({ "role": "tool", "tool_call_id": call_id, "content": content })
        }
    }
}

/// Arguments go back letter for letter, unless they are not an object: some servers
/// refuse a whole conversation over that.
fn tool_call(call: &ToolCall) -> Value {
    let is_object = serde_json::from_str::<Map<String, Value>>(&call.arguments).is_ok();
    let arguments = if is_object {
        call.arguments.clone()
    } else {
        Value::Object(history::arguments(call)).to_string()
    };
    json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    })
}

fn tool(tool: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    })
}
