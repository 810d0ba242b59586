//! `demo/analyst`: a scripted, deterministic stand-in for a language model, so that
//! GlassBox can be tried and tested without a key or a network.
//!
//! It says what it is in everything it writes. It works through the same tools as
//! any model, decides only from the conversation (see [`conversation`]), and the
//! same conversation always gets the same answer. Its script:
//!
//! 1. list the inputs;
//! 2. read the text inputs, which are the instruction, then every page of the
//!    others, a few at a time;
//! 3. create a sub-node that lists the passages found (see [`relevance`]);
//! 4. add an output that quotes them, each with its page;
//! 5. mark the node complete.
//!
//! A tool that fails is not called again with the same arguments: an input that
//! can't be read is left out, and the brief says so. A tool that is not offered is
//! skipped.

mod brief;
mod conversation;
mod relevance;
mod sentences;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde_json::{Value, json};

use self::brief::Brief;
use self::conversation::{Conversation, Input, Part, Reading, tool};
use self::relevance::Page;
use super::{
    ChatAnswer, ChatRequest, Delta, Finish, Message, Model, ModelError, ModelErrorKind, ToolCall,
    Usage,
};

/// The one model of this provider.
const NAME: &str = "demo/analyst";

/// The most tools it calls in one turn.
const CALLS_PER_TURN: usize = 4;

/// The most pages, or parts of unpaged texts, that it reads in all.
const MAX_PAGES: usize = 40;

/// The most parts that it reads of the instruction.
const MAX_INSTRUCTION_PARTS: usize = 10;

/// Characters in a token, roughly, for English text.
const CHARS_PER_TOKEN: u64 = 4;

/// The demo model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demo;

#[async_trait]
impl Model for Demo {
    async fn chat(
        &self,
        request: &ChatRequest,
        delta: Delta<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        if request.model.rsplit('/').next() != NAME.rsplit('/').next() {
            return Err(ModelError::new(
                ModelErrorKind::BadRequest,
                format!("The only demo model is {NAME}."),
            ));
        }
        let conversation = Conversation::new(request);
        let turn = next_turn(&conversation);
        let answer = answer(request, &conversation, turn);
        for word in answer.text.split_inclusive(' ') {
            delta(word);
            // A whole text at once would not look, or be cancelled, like a stream.
            tokio::task::yield_now().await;
        }
        Ok(answer)
    }
}

/// What to say and which tools to call.
struct Turn {
    text: String,
    calls: Vec<(&'static str, Value)>,
}

impl Turn {
    fn one(text: &str, tool: &'static str, arguments: Value) -> Self {
        Turn {
            text: text.to_owned(),
            calls: vec![(tool, arguments)],
        }
    }
}

/// The script.
fn next_turn(conversation: &Conversation<'_>) -> Turn {
    if conversation.has(tool::LIST_INPUTS) && !conversation.tried(tool::LIST_INPUTS) {
        return Turn::one(
            "I am the demo model, which follows a script. First I list the inputs of this node.",
            tool::LIST_INPUTS,
            json!({}),
        );
    }
    let inputs = conversation.inputs();
    if conversation.has(tool::READ_INPUT)
        && let Some(turn) = read_more(conversation, &inputs)
    {
        return turn;
    }
    conclude(conversation, &inputs)
}

/// Reads the instruction first, then the rest; `None` when all is read.
fn read_more(conversation: &Conversation<'_>, inputs: &[Input]) -> Option<Turn> {
    let unread = |text: bool, most: usize| {
        let readings: Vec<(&Input, Reading)> = inputs
            .iter()
            .filter(|input| input.is_text() == text)
            .map(|input| (input, conversation.reading(input)))
            .collect();
        let read: usize = readings.iter().map(|(_, reading)| reading.count()).sum();
        let room = most.saturating_sub(read).min(CALLS_PER_TURN);
        readings
            .iter()
            .flat_map(|(input, reading)| {
                let parts = reading.missing(room);
                parts.into_iter().map(|part| read_call(input, part))
            })
            .take(room)
            .collect::<Vec<_>>()
    };
    let mut calls = unread(true, MAX_INSTRUCTION_PARTS);
    let mut text = "The demo model reads the instruction.";
    if calls.is_empty() {
        calls = unread(false, MAX_PAGES);
        text = "The demo model reads on.";
    }
    (!calls.is_empty()).then(|| Turn {
        text: text.to_owned(),
        calls,
    })
}

fn read_call(input: &Input, part: Part) -> (&'static str, Value) {
    let arguments = match part {
        Part::Page(page) => json!({ "inputId": input.id, "page": page }),
        Part::Offset(offset) => json!({ "inputId": input.id, "offset": offset }),
    };
    (tool::READ_INPUT, arguments)
}

/// Everything is read: the sub-node, the output, the end.
fn conclude(conversation: &Conversation<'_>, inputs: &[Input]) -> Turn {
    let untried = |tool| conversation.has(tool) && !conversation.tried(tool);
    let material = Material::gather(conversation, inputs);
    let quotes = relevance::choose(&material.instruction, &material.pages);
    let brief = Brief {
        instruction: &material.instruction,
        quotes: &quotes,
        coverage: material.coverage,
    };
    if untried(tool::CREATE_SUBNODE) && !quotes.is_empty() {
        let text = "The demo model keeps the passages it found in a sub-node.";
        return Turn::one(text, tool::CREATE_SUBNODE, brief.subnode());
    }
    if untried(tool::ADD_OUTPUT) {
        let text = "The demo model writes its brief from these passages.";
        return Turn::one(text, tool::ADD_OUTPUT, brief.output());
    }
    let summary = summary(quotes.len(), conversation.succeeded(tool::ADD_OUTPUT));
    if untried(tool::MARK_COMPLETE) {
        return Turn::one(&summary, tool::MARK_COMPLETE, json!({ "summary": summary }));
    }
    Turn {
        text: summary,
        calls: Vec::new(),
    }
}

fn summary(quotes: usize, kept: bool) -> String {
    let quoted = match quotes {
        0 => "found no passage to quote".to_owned(),
        1 => "quoted one passage".to_owned(),
        n => format!("quoted {n} passages"),
    };
    let kept = if kept {
        "."
    } else {
        ", but could not add its output."
    };
    format!("The demo model {quoted}{kept}")
}

/// What was read, ready to be searched.
struct Material {
    instruction: String,
    pages: Vec<Page>,
    coverage: String,
}

impl Material {
    /// The text inputs are the instruction and the others are searched. When there
    /// are only text inputs, they are searched, and the task is the instruction.
    fn gather(conversation: &Conversation<'_>, inputs: &[Input]) -> Self {
        let (texts, documents): (Vec<&Input>, Vec<&Input>) =
            inputs.iter().partition(|input| input.is_text());
        let (told, searched) = if documents.is_empty() {
            (Vec::new(), texts)
        } else {
            (texts, documents)
        };
        let told: Vec<String> = told
            .into_iter()
            .map(|input| conversation.reading(input).text())
            .filter(|text| !text.trim().is_empty())
            .collect();
        let instruction = if told.is_empty() {
            conversation.task().to_owned()
        } else {
            told.join("\n\n")
        };
        let mut pages = Vec::new();
        let mut coverage = Coverage::default();
        for input in searched {
            let reading = conversation.reading(input);
            coverage.note(input, &reading);
            pages.extend(reading.into_pages(input));
        }
        Material {
            instruction,
            pages,
            coverage: coverage.sentences(),
        }
    }
}

/// What was read and what was not.
#[derive(Default)]
struct Coverage {
    read: Vec<String>,
    failed: Vec<String>,
    partly: bool,
}

impl Coverage {
    fn note(&mut self, input: &Input, reading: &Reading) {
        if reading.count() > 0 {
            self.read.push(match reading.pages {
                Some(pages) => format!("{} ({} of {pages} pages)", input.name(), reading.count()),
                None => input.name().to_owned(),
            });
        }
        if reading.failed {
            self.failed.push(input.name().to_owned());
        } else {
            self.partly |= !reading.missing(1).is_empty();
        }
    }

    fn sentences(&self) -> String {
        let mut out = if self.read.is_empty() && self.failed.is_empty() {
            "The node has no inputs to read.".to_owned()
        } else if self.read.is_empty() {
            "None of the inputs could be read.".to_owned()
        } else {
            format!("Read: {}.", self.read.join("; "))
        };
        if !self.failed.is_empty() {
            let failed = self.failed.join("; ");
            out.push_str(&format!(" Not or not wholly readable: {failed}."));
        }
        if self.partly {
            out.push_str(&format!(" The demo model reads at most {MAX_PAGES} pages."));
        }
        out
    }
}

fn answer(request: &ChatRequest, conversation: &Conversation<'_>, turn: Turn) -> ChatAnswer {
    let tool_calls: Vec<ToolCall> = conversation
        .new_ids()
        .zip(turn.calls)
        .map(|(id, (name, arguments))| ToolCall {
            id,
            name: name.to_owned(),
            arguments: arguments.to_string(),
        })
        .collect();
    let finish = if tool_calls.is_empty() {
        Finish::Stop
    } else {
        Finish::ToolCalls
    };
    let written: usize = tool_calls.iter().map(|call| chars(&call.arguments)).sum();
    let usage = Usage {
        input_tokens: tokens(request.messages.iter().map(message_chars).sum()),
        output_tokens: tokens(written + chars(&turn.text)),
        estimated: true,
        ..Usage::default()
    };
    ChatAnswer {
        text: turn.text,
        tool_calls,
        finish,
        usage: Some(usage),
        model: NAME.to_owned(),
    }
}

fn message_chars(message: &Message) -> usize {
    match message {
        Message::System { text } | Message::User { text } => chars(text),
        Message::Assistant { text, tool_calls } => {
            let calls: usize = tool_calls.iter().map(|call| chars(&call.arguments)).sum();
            chars(text) + calls
        }
        Message::Tool { content, .. } => chars(content),
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

fn tokens(chars: usize) -> u64 {
    u64::try_from(chars)
        .unwrap_or(u64::MAX)
        .div_ceil(CHARS_PER_TOKEN)
}
