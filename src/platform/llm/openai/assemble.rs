//! Putting a streamed answer together.
//!
//! Tool calls come in pieces, and servers differ in how they say which call a
//! piece belongs to: OpenAI numbers them; some leave the number out, some give
//! every call number 0, some repeat the id with each piece, some send it once, and
//! some none at all. So a piece belongs, in this order, to the call with its
//! number, else to the one with its id, else to the one last seen at its place in
//! the event; and it opens a new call where it contradicts the one it was found
//! for (see [`Slot::contradicts`]).

use super::wire;
use crate::platform::llm::exchange::Reading;
use crate::platform::llm::{
    ChatAnswer, ChatRequest, Delta, Finish, ModelError, ModelErrorKind, ToolCall, Usage, failure,
};

/// The most calls an answer may make: a bound on memory, far above any use.
const MAX_CALLS: usize = 128;

/// An answer on its way.
pub struct Assembly<'a> {
    delta: Delta<'a>,
    /// The length of the conversation, which makes the ids given here unique in it.
    turn: usize,
    model: String,
    text: String,
    slots: Vec<Slot>,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

/// A tool call on its way.
struct Slot {
    index: Option<u64>,
    position: usize,
    id: String,
    name: String,
    arguments: String,
}

impl<'a> Assembly<'a> {
    pub fn new(request: &ChatRequest, delta: Delta<'a>) -> Self {
        Assembly {
            delta,
            turn: request.messages.len(),
            model: request.model.clone(),
            text: String::new(),
            slots: Vec::new(),
            finish: None,
            usage: None,
        }
    }

    /// Takes the next event.
    fn take_chunk(&mut self, chunk: wire::Chunk) -> Result<(), ModelError> {
        if let Some(error) = &chunk.error {
            return Err(failure::of_event(error));
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        if let Some(usage) = chunk.usage.and_then(wire::WireUsage::read) {
            self.usage = Some(usage);
        }
        // We ask for one choice; the event with the usage has none.
        let Some(choice) = chunk.choices.into_iter().flatten().next() else {
            return Ok(());
        };
        if let Some(delta) = choice.delta {
            self.take_delta(delta)?;
        }
        if let Some(reason) = choice.finish_reason {
            self.finish = Some(finish(&reason));
        }
        Ok(())
    }

    fn take_delta(&mut self, delta: wire::DeltaPart) -> Result<(), ModelError> {
        if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
            (self.delta)(&text);
            self.text.push_str(&text);
        }
        for (position, part) in delta.tool_calls.into_iter().flatten().enumerate() {
            self.take_call(position, part)?;
        }
        Ok(())
    }

    fn take_call(&mut self, position: usize, part: wire::ToolCallPart) -> Result<(), ModelError> {
        let function = part.function.unwrap_or_default();
        let id = part.id.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        if self.slots.len() > MAX_CALLS {
            return Err(malformed("The model calls too many tools at once."));
        }
        let found = self
            .slots
            .iter()
            .rposition(|slot| slot.is_meant(part.index, &id, position))
            .and_then(|at| self.slots.get_mut(at))
            .filter(|slot| !slot.contradicts(&id, &name));
        let slot = match found {
            Some(slot) => slot,
            None => self.slots.push_mut(Slot::new(part.index, position)),
        };
        if slot.id.is_empty() {
            slot.id = id;
        }
        if slot.name.is_empty() {
            slot.name = name;
        }
        match function.arguments {
            None | Some(serde_json::Value::Null) => {}
            Some(serde_json::Value::String(piece)) => slot.arguments.push_str(&piece),
            Some(whole) => slot.arguments.push_str(&whole.to_string()),
        }
        Ok(())
    }
}

impl Reading for Assembly<'_> {
    fn take(&mut self, data: &str) -> Result<bool, ModelError> {
        if data == "[DONE]" {
            return Ok(true);
        }
        self.take_chunk(wire::chunk(data)?)?;
        Ok(false)
    }

    /// A few servers never say why they stopped; their word that it was the end is
    /// enough. Without either, what came is only a part and must not pass for the
    /// whole.
    fn finish(self, ended: bool) -> Result<ChatAnswer, ModelError> {
        let finish = self.finish.or(ended.then_some(Finish::Stop));
        let finish = finish.ok_or_else(failure::cut_off)?;
        let turn = self.turn;
        let tool_calls = self
            .slots
            .into_iter()
            .enumerate()
            .map(|(n, slot)| slot.into_call(turn, n))
            .collect::<Result<Vec<_>, _>>()?;
        // Several servers say "stop" though they called tools.
        let finish = match finish {
            Finish::Stop if !tool_calls.is_empty() => Finish::ToolCalls,
            finish => finish,
        };
        Ok(ChatAnswer {
            text: self.text,
            tool_calls,
            finish,
            usage: self.usage,
            model: self.model,
        })
    }
}

impl Slot {
    fn new(index: Option<u64>, position: usize) -> Self {
        Slot {
            index,
            position,
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        }
    }

    fn is_meant(&self, index: Option<u64>, id: &str, position: usize) -> bool {
        match index {
            Some(_) => self.index == index,
            None if !id.is_empty() => self.id == id,
            None => self.position == position,
        }
    }

    /// Whether a piece names another call than this one. An id alone is not enough,
    /// since some servers make up a new one for each piece; a new name is, and so
    /// is a name that comes again with another id or, without ids, after
    /// the arguments have begun.
    fn contradicts(&self, id: &str, name: &str) -> bool {
        if name.is_empty() || self.name.is_empty() {
            return false;
        }
        if self.name != name {
            return true;
        }
        if id.is_empty() || self.id.is_empty() {
            return self.id.is_empty() && is_complete(&self.arguments);
        }
        self.id != id
    }

    fn into_call(self, turn: usize, n: usize) -> Result<ToolCall, ModelError> {
        if self.name.is_empty() {
            return Err(malformed("The model calls a tool without naming it."));
        }
        let id = if self.id.is_empty() {
            format!("call_{turn}_{n}")
        } else {
            self.id
        };
        let arguments = if self.arguments.trim().is_empty() {
            "{}".to_owned()
        } else {
            self.arguments
        };
        Ok(ToolCall {
            id,
            name: self.name,
            arguments,
        })
    }
}

/// Whether a call's arguments are a whole JSON object already, so that more text
/// can't belong to them.
fn is_complete(arguments: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_ok()
}

fn finish(reason: &str) -> Finish {
    match reason {
        "stop" => Finish::Stop,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "length" => Finish::Length,
        _ => Finish::Other,
    }
}

fn malformed(message: &str) -> ModelError {
    ModelError::new(ModelErrorKind::Malformed, message)
}
