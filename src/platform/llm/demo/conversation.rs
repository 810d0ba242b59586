//! What has happened so far, read from the messages alone.
//!
//! The demo model keeps no state: everything it knows is in the conversation, as
//! it is for a real model. So an execution that is resumed, forked or replayed on
//! another worker goes on just where it was.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::relevance::Page;
use crate::platform::llm::{ChatRequest, Message, ToolCall};

/// The tools the demo model knows how to use.
pub mod tool {
    pub const LIST_INPUTS: &str = "list_inputs";
    pub const READ_INPUT: &str = "read_input";
    pub const CREATE_SUBNODE: &str = "create_subnode";
    pub const ADD_OUTPUT: &str = "add_output";
    pub const MARK_COMPLETE: &str = "mark_complete";
}

/// A tool call that was answered.
struct Done<'a> {
    name: &'a str,
    arguments: Value,
    /// `None` when the tool failed or its answer is not JSON.
    answer: Option<Value>,
}

/// The conversation, understood.
pub struct Conversation<'a> {
    request: &'a ChatRequest,
    done: Vec<Done<'a>>,
}

/// An input of the node, as `list_inputs` tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    label: Option<String>,
    filename: Option<String>,
    characters: Option<u64>,
    pages: Option<u64>,
}

impl Input {
    /// What people call it.
    pub fn name(&self) -> &str {
        self.label
            .as_deref()
            .or(self.filename.as_deref())
            .unwrap_or("unnamed input")
    }

    /// Whether it is part of the instruction rather than something to search.
    pub fn is_text(&self) -> bool {
        self.kind == "text"
    }

    /// Whether there is anything to read. A link has text only where somebody has
    /// fetched it, and then it says how much.
    fn is_readable(&self) -> bool {
        self.kind != "external_link" || self.characters.is_some_and(|n| n > 0)
    }
}

/// What is known of one input's text.
#[derive(Debug, Default)]
pub struct Reading {
    /// The texts read, by page, or by offset where there are no pages.
    parts: BTreeMap<u64, String>,
    /// How many pages it has; absent when it has none.
    pub pages: Option<u64>,
    /// Where an unpaged text goes on.
    next_offset: Option<u64>,
    /// Whether a reading failed: the rest is left alone.
    pub failed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadAnswer {
    page: Option<u64>,
    pages: Option<u64>,
    offset: Option<u64>,
    next_offset: Option<u64>,
    text: String,
}

/// One part of an input that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Page(u64),
    Offset(u64),
}

impl<'a> Conversation<'a> {
    pub fn new(request: &'a ChatRequest) -> Self {
        let mut calls: BTreeMap<&str, &ToolCall> = BTreeMap::new();
        let mut done = Vec::new();
        for message in &request.messages {
            match message {
                Message::Assistant { tool_calls, .. } => {
                    calls.extend(tool_calls.iter().map(|call| (call.id.as_str(), call)));
                }
                Message::Tool {
                    call_id,
                    name,
                    content,
                } => done.push(Done {
                    name,
                    arguments: calls
                        .get(call_id.as_str())
                        .and_then(|call| serde_json::from_str(&call.arguments).ok())
                        .unwrap_or_default(),
                    answer: serde_json::from_str(content)
                        .ok()
                        .filter(|answer: &Value| answer.get("error").is_none()),
                }),
                Message::System { .. } | Message::User { .. } => {}
            }
        }
        Conversation { request, done }
    }

    /// Whether the model may call this tool.
    pub fn has(&self, tool: &str) -> bool {
        self.request.tools.iter().any(|spec| spec.name == tool)
    }

    /// Whether this tool has been tried, with success or without.
    pub fn tried(&self, tool: &str) -> bool {
        self.done.iter().any(|done| done.name == tool)
    }

    /// Whether this tool has succeeded.
    pub fn succeeded(&self, tool: &str) -> bool {
        self.done
            .iter()
            .any(|done| done.name == tool && done.answer.is_some())
    }

    /// The inputs that can be read; none while they have not been listed. An entry
    /// of a form we don't know is left out.
    pub fn inputs(&self) -> Vec<Input> {
        let listed = self.done.iter().rev().find(|d| d.name == tool::LIST_INPUTS);
        listed
            .and_then(|done| done.answer.as_ref()?.get("inputs")?.as_array())
            .into_iter()
            .flatten()
            .filter_map(|input| serde_json::from_value(input.clone()).ok())
            .filter(Input::is_readable)
            .collect()
    }

    /// What has been read of `input`.
    pub fn reading(&self, input: &Input) -> Reading {
        let mut reading = Reading {
            pages: input.pages,
            ..Reading::default()
        };
        for done in &self.done {
            let of = done.arguments.get("inputId").and_then(Value::as_str);
            if done.name == tool::READ_INPUT && of == Some(&input.id) {
                reading.take(done.answer.as_ref());
            }
        }
        reading
    }

    /// What the node asks for where no text input says it: the first user message.
    pub fn task(&self) -> &str {
        self.request
            .messages
            .iter()
            .find_map(|message| match message {
                Message::User { text } => Some(text.as_str()),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// Ids for new calls, in none of which the conversation has: `call_<n>`, where
    /// `n` counts all calls so far.
    pub fn new_ids(&self) -> impl Iterator<Item = String> {
        let used: BTreeSet<&str> = self
            .request
            .messages
            .iter()
            .flat_map(|message| match message {
                Message::Assistant { tool_calls, .. } => tool_calls.as_slice(),
                _ => &[],
            })
            .map(|call| call.id.as_str())
            .collect();
        let count = used.len();
        (count + 1..)
            .map(|n| format!("call_{n}"))
            .filter(move |id| !used.contains(id.as_str()))
    }
}

impl Reading {
    fn take(&mut self, answer: Option<&Value>) {
        let read = answer.and_then(|answer| ReadAnswer::deserialize(answer).ok());
        let Some(read) = read else {
            self.failed = true;
            return;
        };
        self.pages = read.pages.or(self.pages);
        let at = match self.pages {
            Some(_) => read.page.unwrap_or(1),
            None => read.offset.unwrap_or(0),
        };
        // An offset that does not advance would have us read for ever.
        self.next_offset = read.next_offset.filter(|next| *next > at);
        self.parts.insert(at, read.text);
    }

    /// How many parts have been read.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// The parts to ask for next, at most `most`. Pages are independent; of a text
    /// without pages only the next part is known.
    pub fn missing(&self, most: usize) -> Vec<Part> {
        match self.pages {
            _ if self.failed => Vec::new(),
            Some(pages) => (1..=pages)
                .filter(|page| !self.parts.contains_key(page))
                .take(most)
                .map(Part::Page)
                .collect(),
            None if self.parts.is_empty() => vec![Part::Offset(0)],
            None => self.next_offset.map(Part::Offset).into_iter().collect(),
        }
    }

    /// The whole text, as far as it was read.
    pub fn text(&self) -> String {
        self.parts.values().map(String::as_str).collect()
    }

    /// The pages; a text without pages is one, so that a sentence that two parts
    /// share is whole.
    pub fn into_pages(self, input: &Input) -> Vec<Page> {
        let page = |number, text| Page {
            input_id: input.id.clone(),
            label: input.name().to_owned(),
            number,
            text,
        };
        if self.pages.is_none() {
            return vec![page(None, self.text())];
        }
        self.parts
            .into_iter()
            .map(|(number, text)| page(Some(number), text))
            .collect()
    }
}
