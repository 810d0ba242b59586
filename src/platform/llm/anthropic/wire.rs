//! The format on the wire: what is sent, and the parts of what comes that we use.
//!
//! A conversation is turns of the user and the assistant, one after the other, each a
//! list of blocks. Results of tools are blocks of the user's turn, before its text, and
//! every call has one, or the server refuses the whole.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::platform::llm::{
    ChatRequest, Message, ModelError, ModelErrorKind, ToolCall, ToolSpec, Usage, history,
};

/// The limit of tokens of a question that names none: the server insists on one, and
/// every model that is offered today can write as much.
const MAX_TOKENS: u32 = 8_192;

/// One event of a stream, or an answer that came whole: the fields of all of them.
#[derive(Debug, Default, Deserialize)]
pub struct Event {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub message: Option<Started>,
    pub index: Option<u64>,
    pub content_block: Option<Block>,
    pub delta: Option<DeltaPart>,
    pub usage: Option<WireUsage>,
    pub error: Option<Value>,
    /// Of a whole answer.
    pub content: Option<Vec<Block>>,
    pub stop_reason: Option<String>,
    pub model: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Started {
    pub model: Option<String>,
    pub usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
pub struct Block {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub text: Option<String>,
    pub id: Option<String>,
    pub name: Option<String>,
    pub input: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub struct DeltaPart {
    pub text: Option<String>,
    pub partial_json: Option<String>,
    pub stop_reason: Option<String>,
}

/// Counts so far; each event that has one says the newest.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

impl WireUsage {
    /// What is known, with what a later event says of it.
    pub fn then(self, later: WireUsage) -> Self {
        WireUsage {
            input_tokens: later.input_tokens.or(self.input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            cache_creation_input_tokens: later
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later
                .cache_read_input_tokens
                .or(self.cache_read_input_tokens),
        }
    }

    /// Nothing, unless both counts are there. The server counts tokens of its cache
    /// apart from the input; ours are part of it.
    pub fn read(self) -> Option<Usage> {
        let cache_read_tokens = self.cache_read_input_tokens.unwrap_or(0);
        let cache_write_tokens = self.cache_creation_input_tokens.unwrap_or(0);
        let input_tokens = self
            .input_tokens?
            .saturating_add(cache_read_tokens)
            .saturating_add(cache_write_tokens);
        Some(Usage {
            input_tokens,
            output_tokens: self.output_tokens?,
            cache_read_tokens,
            cache_write_tokens,
            estimated: false,
        })
    }
}

/// Reads one event's data.
pub fn event(data: &str) -> Result<Event, ModelError> {
    // The reader's own message could quote the answer, so it is not passed on.
    serde_json::from_str(data).map_err(|_| {
        ModelError::new(
            ModelErrorKind::Malformed,
            "The model's server sent something that is not a message.",
        )
    })
}

/// The body of a request.
pub fn request(request: &ChatRequest) -> Value {
    let mut body = Map::new();
    let served = request.model.split_once('/').map(|(_, rest)| rest);
    body.insert("model".into(), served.unwrap_or(&request.model).into());
    let most = request.max_tokens.unwrap_or(MAX_TOKENS);
    body.insert("max_tokens".into(), most.into());
    let system = system(&request.messages);
    if !system.is_empty() {
        body.insert("system".into(), system.into());
    }
    body.insert("messages".into(), turns(&request.messages).into());
    body.insert("stream".into(), true.into());
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    Value::Object(body)
}

fn system(messages: &[Message]) -> String {
    let texts: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            Message::System { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join("\n\n")
}

/// One turn, and the calls in it.
struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
    calls: Vec<String>,
}

fn turns(messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<Turn> = Vec::new();
    for message in history::results_first(messages) {
        let (role, blocks, calls) = match message {
            Message::System { .. } => continue,
            Message::User { text } => ("user", text_block(text), Vec::new()),
            Message::Assistant { text, tool_calls } => {
                let mut blocks = text_block(text);
                blocks.extend(tool_calls.iter().map(tool_use));
                let calls = tool_calls.iter().map(|call| plain(&call.id)).collect();
                ("assistant", blocks, calls)
            }
            Message::Tool {
                call_id, content, ..
            } => (
                "user",
                vec![tool_result(&plain(call_id), content)],
                Vec::new(),
            ),
        };
        match turns.last_mut().filter(|turn| turn.role == role) {
            // An answer of nothing at all is no turn; its neighbours are then one.
            _ if blocks.is_empty() => {}
            Some(turn) => {
                turn.blocks.extend(blocks);
                turn.calls.extend(calls);
            }
            None => turns.push(Turn {
                role,
                blocks,
                calls,
            }),
        }
    }
    answer_all(&mut turns);
    turns
        .into_iter()
        .map(|turn| json!({ "role": turn.role, "content": turn.blocks }))
        .collect()
}

/// Gives a result to each call that has none, and lets results come first in their
/// turn. A run never asks with a call open; one that was cut in two by hand may.
fn answer_all(turns: &mut Vec<Turn>) {
    let mut at = 0;
    while let Some(calls) = turns
        .get_mut(at)
        .map(|turn| std::mem::take(&mut turn.calls))
    {
        at += 1;
        if calls.is_empty() {
            continue;
        }
        if turns.get(at).is_none() {
            turns.push(Turn {
                role: "user",
                blocks: Vec::new(),
                calls: Vec::new(),
            });
        }
        if let Some(next) = turns.get_mut(at) {
            let told: HashSet<String> = next.blocks.iter().filter_map(answers).collect();
            let missing = calls.into_iter().filter(|id| !told.contains(id));
            let missing = missing.map(|id| tool_result(&id, "There is no result."));
            next.blocks.splice(0..0, missing);
        }
    }
}

/// The call that a block answers.
fn answers(block: &Value) -> Option<String> {
    Some(block.get("tool_use_id")?.as_str()?.to_owned())
}

/// Blank texts are refused by the server.
fn text_block(text: &str) -> Vec<Value> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    vec![json!({ "type": "text", "text": text.trim_end() })]
}

fn tool_use(call: &ToolCall) -> Value {
    json!({
        "type": "tool_use",
        "id": plain(&call.id),
        "name": plain(&call.name),
        "input": history::arguments(call),
    })
}

fn tool_result(call_id: &str, content: &str) -> Value {
    json!({ "type": "tool_result", "tool_use_id": call_id, "content": content })
}

/// Ids and names in the letters that the server takes: another model that answered
/// before, or this one, may have written others.
fn plain(name: &str) -> String {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = name
        .chars()
        .take(128)
        .map(|c| if letter(c) { c } else { '_' })
        .collect();
    if plain.is_empty() {
        "_".to_owned()
    } else {
        plain
    }
}

fn tool(tool: &ToolSpec) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    })
}
