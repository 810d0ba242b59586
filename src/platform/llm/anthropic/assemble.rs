//! Putting a streamed answer together: numbered blocks, each begun, continued and
//! ended by events. Blocks that are neither words nor calls (hidden reasoning, the
//! server's own tools) are passed over.

use std::collections::BTreeMap;

use super::wire::{self, Block, Event, WireUsage};
use crate::platform::llm::exchange::Reading;
use crate::platform::llm::{
    ChatAnswer, ChatRequest, Delta, Finish, ModelError, ModelErrorKind, ToolCall, failure,
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
    /// By the number of their block.
    calls: BTreeMap<u64, ToolCall>,
    finish: Option<Finish>,
    usage: WireUsage,
}

impl<'a> Assembly<'a> {
    pub fn new(request: &ChatRequest, delta: Delta<'a>) -> Self {
        Assembly {
            delta,
            turn: request.messages.len(),
            model: request.model.clone(),
            text: String::new(),
            calls: BTreeMap::new(),
            finish: None,
            usage: WireUsage::default(),
        }
    }

    fn take_event(&mut self, event: Event) -> Result<(), ModelError> {
        if let Some(error) = &event.error {
            return Err(failure::of_event(error));
        }
        let (model, usage) = match event.message {
            Some(started) => (started.model, started.usage),
            None => (event.model, event.usage),
        };
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        self.usage = self.usage.then(usage.unwrap_or_default());
        for (index, block) in event.content.into_iter().flatten().enumerate() {
            self.begin(u64::try_from(index).unwrap_or(u64::MAX), block)?;
        }
        if let Some(block) = event.content_block {
            self.begin(event.index.unwrap_or(0), block)?;
        }
        let mut reason = event.stop_reason;
        if let Some(delta) = event.delta {
            self.say(delta.text.as_deref().unwrap_or_default());
            if let Some(piece) = delta.partial_json {
                self.go_on(event.index.unwrap_or(0), &piece);
            }
            reason = reason.or(delta.stop_reason);
        }
        if let Some(reason) = reason {
            self.finish = Some(finish(&reason));
        }
        Ok(())
    }

    fn begin(&mut self, index: u64, block: Block) -> Result<(), ModelError> {
        match block.kind.as_deref() {
            Some("text") => self.say(block.text.as_deref().unwrap_or_default()),
            Some("tool_use") => {
                if self.calls.len() >= MAX_CALLS {
                    return Err(malformed("The model calls too many tools at once."));
                }
                let name = block.name.filter(|name| !name.is_empty());
                let name =
                    name.ok_or_else(|| malformed("The model calls a tool without naming it."))?;
                let id = block.id.filter(|id| !id.is_empty());
                let id = id.unwrap_or_else(|| format!("call_{}_{index}", self.turn));
                // Empty in a stream, where the pieces follow; all there is otherwise.
                let input = block.input.filter(|input| input != &serde_json::json!({}));
                let call = ToolCall {
                    id,
                    name,
                    arguments: input.map(|input| input.to_string()).unwrap_or_default(),
                };
                self.calls.insert(index, call);
            }
            _ => {}
        }
        Ok(())
    }

    /// A piece of a block that was passed over is passed over, too.
    fn go_on(&mut self, index: u64, piece: &str) {
        if let Some(call) = self.calls.get_mut(&index) {
            call.arguments.push_str(piece);
        }
    }

    fn say(&mut self, text: &str) {
        if !text.is_empty() {
            (self.delta)(text);
            self.text.push_str(text);
        }
    }
}

impl Reading for Assembly<'_> {
    fn take(&mut self, data: &str) -> Result<bool, ModelError> {
        let event = wire::event(data)?;
        let ended = event.kind.as_deref() == Some("message_stop");
        self.take_event(event)?;
        Ok(ended)
    }

    /// Without a reason to stop, and without a word that it was the end, what came is
    /// only a part and must not pass for the whole.
    fn finish(self, ended: bool) -> Result<ChatAnswer, ModelError> {
        let finish = self.finish.or(ended.then_some(Finish::Stop));
        let finish = finish.ok_or_else(failure::cut_off)?;
        let tool_calls: Vec<ToolCall> = self.calls.into_values().map(whole).collect();
        let finish = match finish {
            Finish::Stop if !tool_calls.is_empty() => Finish::ToolCalls,
            finish => finish,
        };
        Ok(ChatAnswer {
            text: self.text,
            tool_calls,
            finish,
            usage: self.usage.read(),
            model: self.model,
        })
    }
}

fn whole(mut call: ToolCall) -> ToolCall {
    if call.arguments.trim().is_empty() {
        call.arguments = "{}".to_owned();
    }
    call
}

fn finish(reason: &str) -> Finish {
    match reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "tool_use" => Finish::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        _ => Finish::Other,
    }
}

fn malformed(message: &str) -> ModelError {
    ModelError::new(ModelErrorKind::Malformed, message)
}
