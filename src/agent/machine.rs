//! The pure machine: what an execution's journal amounts to, and what comes next.
//!
//! `fold` and `next` do no I/O and read no clock, so a worker that takes an execution
//! over arrives where the last one was, and tests need neither model nor database.

mod fork;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    calls::{OpenCall, OpenCalls},
    context, prompt,
};
use crate::{
    executions::model::{
        CALL_BEGINS, ExecutionConfig, HumanInputRequest, Reply, TraceEvent, TraceKind,
    },
    kernel::{Timestamp, canonical},
    platform::llm::{ChatAnswer, Message, ToolCall},
};

/// The limits of one execution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Calls of the model.
    pub iterations: u32,
    /// Tokens, in and out.
    pub tokens: u64,
    /// Seconds of work; those in which it waited for people or for other runs don't count.
    pub seconds: u64,
    /// Millionths of a US dollar.
    pub cost_micros: Option<i64>,
}

impl Limits {
    /// The server's limits, which an execution's own may only tighten.
    pub fn of(server: &crate::config::AgentConfig, own: &ExecutionConfig) -> Self {
        let iterations = own.max_iterations.unwrap_or(server.max_iterations);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be below 10^9 when the execution was started"
        )]
        let cost_micros = own.budget_usd.map(|usd| (usd * 1e6) as i64);
        Limits {
            iterations: iterations.min(server.max_iterations),
            tokens: server.max_tokens,
            seconds: server.max_seconds,
            cost_micros,
        }
    }
}

/// What the first entry says, and all later ones stand on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// The model that was asked for.
    pub model: String,
    /// What the model is told about itself.
    pub system_prompt: String,
    /// What it is to do.
    pub task: String,
    /// The tools it has.
    pub tools: Vec<String>,
    /// The version of the node it began with.
    pub node_version: i32,
    /// What the organization's tool servers offered; absent without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_servers: Option<Value>,
}

/// Why a checkpoint is written that says what tool servers offer from now on.
pub const TOOLS_OFFERED: &str = "tools_offered";

/// What a journal amounts to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The first entry; `None` before it.
    pub opening: Option<Opening>,
    /// The conversation with the model so far.
    pub messages: Vec<Message>,
    /// Tool calls the model asked for and that have no result.
    pub calls: OpenCalls,
    /// The number of the last entry.
    pub sequence: i64,
    /// What people said, for the model to read once every call has its result: between a
    /// call and its result nothing else may stand.
    inbox: Vec<Message>,
    outputs_added: i32,
    /// How often each tool was called.
    used: BTreeMap<String, u32>,
    worked: TimeDelta,
    last_at: Option<Timestamp>,
    /// What tool servers offered when that was noted last.
    pub offered: Option<Value>,
    /// The number of each result's entry, by its call's id.
    pub entries: HashMap<String, i64>,
    iterations: u32,
    tokens: u64,
    /// `None` once a price was unknown.
    cost_micros: Option<i64>,
    nudged: bool,
    ended: bool,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Write the first entry.
    Begin,
    /// Ask the model.
    CallModel,
    /// Do what can be done for this tool call.
    RunTool(OpenCall),
    /// Wait: every open call waits for a person.
    AwaitInput,
    /// End as failed, with this sentence.
    Fail(String),
    /// Nothing: it has ended.
    Rest,
}

impl State {
    /// The state after a whole journal.
    pub fn fold(journal: &[TraceEvent]) -> Self {
        let mut state = State {
            cost_micros: Some(0),
            ..State::default()
        };
        journal.iter().for_each(|event| state.apply(event));
        state
    }

    /// The state after one more entry.
    pub fn apply(&mut self, event: &TraceEvent) {
        self.sequence = event.sequence_number;
        self.count_time(event);
        let data = &event.event_data;
        match event.event_type {
            TraceKind::ExecutionStart => self.open(data),
            TraceKind::LlmCall => self.answered(event),
            TraceKind::Decision => {
                // A reminder of ours to the model.
                self.nudged |= text(data, "reason") == NO_TOOL_CALL;
                let text = text(data, "message");
                self.inbox.push(Message::User { text });
            }
            TraceKind::ToolCall => self.ran(data),
            TraceKind::HumanInputRequested => {
                if let Ok(request) = serde_json::from_value::<HumanInputRequest>(data.clone()) {
                    self.calls.asked(request);
                }
            }
            TraceKind::HumanInputReceived => self.heard(data),
            TraceKind::ExecutionComplete | TraceKind::ExecutionCancelled | TraceKind::Error => {
                self.ended = true;
            }
            TraceKind::OutputAdded => self.outputs_added += 1,
            // Evidence of what a tool did; the tool's own entry told the model. Whether it
            // is paused is the row's to say.
            TraceKind::SubnodeCreated | TraceKind::ExecutionPaused | TraceKind::ExecutionResume => {
            }
            TraceKind::Checkpoint => self.note(data),
        }
        self.read_inbox();
    }

    /// What comes next at `now`.
    pub fn next(&self, limits: &Limits, now: Timestamp) -> Next {
        if self.ended {
            return Next::Rest;
        }
        if self.opening.is_none() {
            return Next::Begin;
        }
        if let Some(open) = self.calls.runnable() {
            return Next::RunTool(open.clone());
        }
        if !self.calls.is_empty() {
            return Next::AwaitInput;
        }
        match self.exhausted(limits, now) {
            Some(sentence) => Next::Fail(sentence),
            None => Next::CallModel,
        }
    }

    /// How long the run has worked by `now`, without the time in which it waited.
    pub fn worked(&self, now: Timestamp) -> TimeDelta {
        let since = self.last_at.map_or(TimeDelta::zero(), |at| now - at);
        self.worked + since
    }

    /// How many outputs the run added, each of which made a version of the node.
    pub fn outputs_added(&self) -> i32 {
        self.outputs_added
    }

    /// How often the tool was called so far.
    pub fn times_used(&self, tool: &str) -> u32 {
        self.used.get(tool).copied().unwrap_or(0)
    }

    /// Which limit another call of the model would pass, as a sentence.
    fn exhausted(&self, limits: &Limits, now: Timestamp) -> Option<String> {
        let seconds = self.worked(now).num_seconds();
        if u64::try_from(seconds).unwrap_or(0) >= limits.seconds {
            return Some(format!(
                "The execution reached its limit of {} seconds.",
                limits.seconds
            ));
        }
        if self.iterations >= limits.iterations {
            return Some(format!(
                "The execution reached its limit of {} model calls (maxIterations).",
                limits.iterations
            ));
        }
        if self.tokens >= limits.tokens {
            return Some(format!(
                "The execution reached its limit of {} tokens; it used {}.",
                limits.tokens, self.tokens
            ));
        }
        let (spent, budget) = (self.cost_micros?, limits.cost_micros?);
        (spent >= budget).then(|| "The execution used up its budget (budgetUsd).".to_owned())
    }

    /// What to append to the conversation when the model answers without a tool call:
    /// the first time a reminder, the second time its words are taken as the result.
    pub fn on_silence(&self) -> Silence {
        if self.nudged {
            Silence::Accept
        } else {
            Silence::Remind(prompt::REMINDER)
        }
    }

    /// An answer with call ids that are unique in this conversation: some servers
    /// leave them empty or repeat them, and results are matched by them.
    pub fn with_unique_ids(&self, mut answer: ChatAnswer) -> ChatAnswer {
        let mut seen: HashSet<String> = self
            .messages
            .iter()
            .filter_map(|message| match message {
                Message::Assistant { tool_calls, .. } => Some(tool_calls),
                _ => None,
            })
            .flatten()
            .map(|call| call.id.clone())
            .collect();
        for (i, call) in answer.tool_calls.iter_mut().enumerate() {
            // A fork counts its entries anew, so a name made of them may be taken too.
            let mut name = format!("call_{}_{i}", self.sequence + 1);
            while call.id.is_empty() || seen.contains(&call.id) {
                call.id.clone_from(&name);
                name.push('_');
            }
            seen.insert(call.id.clone());
        }
        answer
    }

    fn open(&mut self, data: &Value) {
        if data.get("forkedFrom").is_some() {
            return fork::begin(self, data.get("edit"));
        }
        if let Ok(opening) = serde_json::from_value::<Opening>(data.clone()) {
            self.messages = vec![
                Message::System {
                    text: opening.system_prompt.clone(),
                },
                Message::User {
                    text: opening.task.clone(),
                },
            ];
            self.offered.clone_from(&opening.tool_servers);
            self.opening = Some(opening);
        }
    }

    /// What the driver notes for whoever goes on.
    fn note(&mut self, data: &Value) {
        match text(data, "reason").as_str() {
            CALL_BEGINS => {
                if let Ok(intent) = serde_json::from_value(data.clone()) {
                    self.calls.begun(intent);
                }
            }
            TOOLS_OFFERED => {
                let offered = data.get("toolServers").filter(|offered| !offered.is_null());
                self.offered = offered.cloned();
            }
            _ => {}
        }
    }

    fn answered(&mut self, event: &TraceEvent) {
        let data = &event.event_data;
        let calls: Vec<ToolCall> = data
            .get("toolCalls")
            .and_then(|calls| serde_json::from_value(calls.clone()).ok())
            .unwrap_or_default();
        self.iterations += 1;
        let tokens = event.tokens_in.unwrap_or(0) + event.tokens_out.unwrap_or(0);
        self.tokens += u64::try_from(tokens).unwrap_or(0);
        self.cost_micros = self.cost_micros.zip(event.cost_micros).map(|(a, b)| a + b);
        self.nudged &= calls.is_empty();
        self.calls.extend(calls.iter().cloned());
        self.messages.push(Message::Assistant {
            text: text(data, "text"),
            tool_calls: calls,
        });
    }

    fn ran(&mut self, data: &Value) {
        let call_id = text(data, "callId");
        self.calls.close(&call_id);
        self.entries.insert(call_id.clone(), self.sequence);
        *self.used.entry(text(data, "tool")).or_default() += 1;
        // Canonical, so that the model reads the same before and after a take-over:
        // the database does not keep the order of keys.
        let content = canonical::text(data.get("result").unwrap_or(&Value::Null));
        let content = context::bounded(content, self.sequence);
        self.messages.push(Message::Tool {
            call_id,
            name: text(data, "tool"),
            content,
        });
    }

    /// Says what people said, unless a call has no result yet.
    fn read_inbox(&mut self) {
        if self.calls.is_empty() {
            self.messages.append(&mut self.inbox);
        }
    }

    /// A person's answer to a request, or a word that nobody asked for.
    fn heard(&mut self, data: &Value) {
        if let Ok(reply) = serde_json::from_value::<Reply>(data.clone()) {
            self.calls.replied(reply);
        } else {
            let text = prompt::message(&text(data, "message"));
            self.inbox.push(Message::User { text });
            self.nudged = false;
        }
    }

    /// Adds the time since the last entry, unless this entry ends a wait.
    fn count_time(&mut self, event: &TraceEvent) {
        let data = &event.event_data;
        let waited = match event.event_type {
            TraceKind::ExecutionResume => true,
            TraceKind::HumanInputReceived => data.get("requestId").is_some(),
            TraceKind::ToolCall => data.get("tool").is_some_and(|tool| tool == AWAIT),
            _ => false,
        };
        if let Some(last) = self.last_at.filter(|_| !waited) {
            self.worked += event.timestamp - last;
        }
        self.last_at = Some(event.timestamp);
    }
}

/// Why a model is reminded that called no tool.
pub const NO_TOOL_CALL: &str = "no_tool_call";

/// Calls of one answer that are made. Every call is a step, and limits are looked at between
/// answers, so an answer must not have thousands.
pub const MAX_CALLS: usize = 64;

/// Takes the calls off an answer that are too many; answers how many it had.
pub fn bound_calls(answer: &mut ChatAnswer) -> usize {
    let had = answer.tool_calls.len();
    answer.tool_calls.truncate(MAX_CALLS);
    had
}

/// The tool that waits for other runs.
const AWAIT: &str = "await_subnodes";

/// What to do with an answer that calls no tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Tell the model to go on or to complete.
    Remind(&'static str),
    /// Take its words as the result.
    Accept,
}

fn text(data: &Value, key: &str) -> String {
    data.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The data of a `llm_call` entry; `fallback_from` are the models that did not answer
/// before this one.
pub fn answer_data(answer: &ChatAnswer, fallback_from: Option<Value>) -> Value {
    let usage = answer.usage.as_ref();
    let mut data = json!({
        "text": answer.text,
        "toolCalls": answer.tool_calls,
        "finish": answer.finish,
        "model": answer.model,
        "usageEstimated": usage.map(|usage| usage.estimated),
    });
    let cached = usage.map_or(0, |usage| usage.cache_read_tokens);
    let cached = (cached > 0).then(|| json!(cached));
    for (name, value) in [("fallbackFrom", fallback_from), ("cachedTokensIn", cached)] {
        if let (Some(data), Some(value)) = (data.as_object_mut(), value) {
            data.insert(name.to_owned(), value);
        }
    }
    data
}
