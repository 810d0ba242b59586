//! Executions and trace events as the program and its clients know them.

pub mod budget;
mod fork;
pub mod payload;
mod request;
pub mod terms;
mod tools;
mod usage;
mod verification;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use fork::{EditedAnswer, EditedCall, ExecutionFork, ForkEdit, ForkPoint, Origin};
pub use payload::{PayloadRef, PayloadRefs};
pub use tools::{CALL_BEGINS, TOOLS, Tool, is_tool};
pub use usage::{Usage, UsageBy, UsageGroup, UsageQuery, UsageSpan, UsageSum};
pub use verification::{ForkVerification, Verification};

use crate::{
    kernel::{
        ExecutionId, NodeId, OrgId, ProjectId, Result, Timestamp, TraceEventId, UserId, WorkerId,
        field::Fields, text::text_enum,
    },
    templates::model::AgentSettings,
};

pub use request::{Closing, HumanInputRequest, InputGiven, MessageGiven, Reply, RequestType};

text_enum! {
    /// Where an execution stands.
    pub enum Status {
        Pending = "pending",
        Running = "running",
        Paused = "paused",
        AwaitingInput = "awaiting_input",
        AwaitingSubnodes = "awaiting_subnodes",
        Complete = "complete",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether a worker has it or is to take it: then the run holds its node's lock.
    pub const fn is_working(self) -> bool {
        matches!(self, Status::Pending | Status::Running)
    }

    /// Whether nothing will happen any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Status::Complete | Status::Failed | Status::Cancelled)
    }
}

text_enum! {
    /// The kinds of trace event.
    pub enum TraceKind {
        ExecutionStart = "execution_start",
        LlmCall = "llm_call",
        ToolCall = "tool_call",
        Decision = "decision",
        HumanInputRequested = "human_input_requested",
        HumanInputReceived = "human_input_received",
        SubnodeCreated = "subnode_created",
        OutputAdded = "output_added",
        Checkpoint = "checkpoint",
        ExecutionPaused = "execution_paused",
        ExecutionResume = "execution_resume",
        ExecutionCancelled = "execution_cancelled",
        Error = "error",
        ExecutionComplete = "execution_complete",
    }
}

/// How an execution is run; what is not said comes from the node's
/// `metadata.agentConfig`, then from the server's configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionConfig {
    /// Tokens of one answer of the model at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max_tokens: Option<u32>,
    /// How freely the model writes, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    /// Replaces the first lines of what the model is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100_000)]
    pub system_prompt: Option<String>,
    /// The tools it may use; all when not said. Those of the organization's tool servers are
    /// named `<server>__<tool>`, or `<server>__*` all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Tool>>)]
    pub tools: Option<Vec<String>>,
    /// Calls of the model at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub max_iterations: Option<u32>,
    /// US dollars at most; an execution whose price is unknown is not bounded by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, exclusive_maximum = 1_000_000_000)]
    pub budget_usd: Option<f64>,
}

impl ExecutionConfig {
    /// Checks every field.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        let within = |value: Option<u32>, most| value.is_none_or(|v| (1..=most).contains(&v));
        fields.check(
            within(self.max_tokens, 1_000_000),
            "config.maxTokens",
            "must be 1 to 1,000,000",
        );
        fields.check(
            within(self.max_iterations, 10_000),
            "config.maxIterations",
            "must be 1 to 10,000",
        );
        fields.check(
            self.temperature.is_none_or(|t| (0.0..=2.0).contains(&t)),
            "config.temperature",
            "must be 0 to 2",
        );
        fields.check(
            self.budget_usd.is_none_or(|usd| (0.0..1e9).contains(&usd)),
            "config.budgetUsd",
            "must not be negative",
        );
        if let Some(prompt) = &self.system_prompt {
            fields.length("config.systemPrompt", prompt, 1, 100_000);
        }
        for tool in self.tools.iter().flatten() {
            fields.check(
                is_tool(tool),
                "config.tools",
                format!(
                    "there is no tool {tool:?}; there are: {}, and <server>__<tool>",
                    TOOLS.join(", ")
                ),
            );
        }
        fields.finish()
    }
}

/// What starts an execution.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionStart {
    /// The model, `provider/name`; when not said, that of the node's
    /// `metadata.agentConfig`, else the server's default.
    #[schema(format = "model", max_length = 200, example = "demo/analyst")]
    pub model: Option<String>,
    /// How it is run.
    pub config: Option<ExecutionConfig>,
}

impl ExecutionStart {
    /// Checks every field.
    pub fn check(&self) -> Result<()> {
        if let Some(config) = &self.config {
            config.check()?;
        }
        let mut fields = Fields::default();
        if let Some(model) = &self.model {
            fields.length("model", model, 0, 200);
        }
        fields.finish()
    }

    /// The same, with what it does not say taken from a node's own settings.
    #[must_use]
    pub fn or(self, settings: AgentSettings) -> Self {
        let config = self.config.unwrap_or_default();
        ExecutionStart {
            model: self.model.or(settings.model),
            config: Some(ExecutionConfig {
                max_tokens: config.max_tokens.or(settings.max_tokens),
                temperature: config.temperature.or(settings.temperature),
                system_prompt: config.system_prompt.or(settings.system_prompt),
                tools: config.tools.or(settings.tools),
                ..config
            }),
        }
    }
}

/// A run of an agent on a node.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its id.
    pub id: ExecutionId,
    /// The node it works on.
    pub node_id: NodeId,
    /// Where it stands.
    pub status: Status,
    /// The run that started it, when an agent did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parent_execution_id: Option<ExecutionId>,
    /// The model that was asked for.
    pub model_id: String,
    /// A name for the conversation with the model.
    pub thread_id: String,
    /// The same, for older clients.
    pub langgraph_thread_id: String,
    /// The last steps in brief, once it has ended.
    #[schema(value_type = Vec<Object>)]
    pub trace_summary: Value,
    /// The oldest of what it asked and nobody answered yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub human_input_request: Option<HumanInputRequest>,
    /// All of them, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub human_input_requests: Vec<HumanInputRequest>,
    /// What it was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub human_input_response: Option<Value>,
    /// When a worker first took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub completed_at: Option<DateTime<Utc>>,
    /// Why it failed, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error_message: Option<String>,
    /// Tokens the model read.
    pub total_tokens_in: i64,
    /// Tokens the model wrote.
    pub total_tokens_out: i64,
    /// US dollars; absent when a price is unknown, which is not zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub estimated_cost_usd: Option<f64>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// The entry of another execution that it goes on from, when it is a fork.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub forked_from: Option<ForkPoint>,
}

/// One entry of an execution's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceEvent {
    /// Its id.
    pub id: TraceEventId,
    /// Whose journal.
    pub execution_id: ExecutionId,
    /// 1, 2, 3 … without gaps.
    pub sequence_number: i64,
    /// What happened.
    pub event_type: TraceKind,
    /// What there is to know about it.
    #[schema(value_type = Object)]
    pub event_data: Value,
    /// Fields of it that are too large to be shown here: it has their first 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payload_refs: Option<PayloadRefs>,
    /// SHA-256 of the whole data; absent in entries from before payloads had a hash of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub data_hash: Option<String>,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub duration_ms: Option<i64>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub model: Option<String>,
    /// Tokens it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tokens_in: Option<i64>,
    /// Tokens it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tokens_out: Option<i64>,
    /// US dollars, in millionths; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cost_micros: Option<i64>,
    /// SHA-256 over this entry and the hash before; `docs/TECHNICAL.md` says how.
    pub hash: String,
    /// The hash of the entry before; empty for the first.
    pub prev_hash: String,
}

impl TraceEvent {
    /// A few words on what it is about: the tool's name, the reason, the title.
    pub fn what(&self) -> String {
        let word = ["tool", "title", "label", "message", "summary", "model"]
            .iter()
            .find_map(|key| self.event_data.get(key).and_then(Value::as_str));
        match word {
            Some(word) => {
                let word: String = word.chars().take(120).collect();
                format!("{}: {word}", self.event_type)
            }
            None => self.event_type.to_string(),
        }
    }
}

/// A run that another one started.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// The run.
    pub execution_id: ExecutionId,
    /// Its node.
    pub node_id: NodeId,
    /// Where it stands.
    pub status: Status,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// What a few entries add to an execution's totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Tokens the model read.
    pub tokens_in: i64,
    /// Tokens it wrote.
    pub tokens_out: i64,
    /// US dollars in millionths; `None` when the price of any call is unknown.
    pub cost_micros: Option<i64>,
}

impl Totals {
    /// The sum over the calls of a model among `events`.
    pub fn of(events: &[TraceEvent]) -> Self {
        let calls = || events.iter().filter(|event| event.model.is_some());
        Totals {
            tokens_in: calls().filter_map(|call| call.tokens_in).sum(),
            tokens_out: calls().filter_map(|call| call.tokens_out).sum(),
            cost_micros: calls().map(|call| call.cost_micros).sum(),
        }
    }
}

/// An entry that is about to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub kind: TraceKind,
    /// What there is to know about it.
    pub data: Value,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// For a call of a model.
    pub call: Option<ModelCall>,
}

/// What a call of a model used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCall {
    /// The model as its server names it.
    pub model: String,
    /// Tokens it read.
    pub tokens_in: i64,
    /// Tokens it wrote.
    pub tokens_out: i64,
    /// US dollars in millionths; `None` when the price is unknown.
    pub cost_micros: Option<i64>,
}

impl NewEvent {
    /// An entry without a duration or a model.
    pub fn new(kind: TraceKind, data: Value) -> Self {
        NewEvent {
            kind,
            data,
            duration_ms: None,
            call: None,
        }
    }

    /// Says how long it took.
    pub fn lasting(mut self, milliseconds: i64) -> Self {
        self.duration_ms = Some(milliseconds);
        self
    }
}

/// The right to append to an execution, until somebody else takes it. Every append
/// carries the epoch; the row refuses an old one.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The execution.
    pub execution: ExecutionId,
    /// Its organization.
    pub org: OrgId,
    /// Its project.
    pub project: ProjectId,
    /// Its node.
    pub node: NodeId,
    /// The run that started it, if one did.
    pub parent: Option<ExecutionId>,
    /// The fence.
    pub epoch: i64,
    /// Who holds it.
    pub worker: WorkerId,
    /// How long the node's lock lasts without being renewed.
    pub lock_life: TimeDelta,
    /// On whose behalf it runs; `None` when that user was deleted.
    pub started_by: Option<UserId>,
    /// The model that was asked for.
    pub model: String,
    /// How it is run.
    pub config: ExecutionConfig,
    /// When a worker first took it.
    pub started_at: Timestamp,
    /// The client's span that asked for it: trace and span with a dash between them.
    pub started_by_span: Option<String>,
}

/// What becomes of an execution with an append.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It goes on, or stays where it is.
    Continue,
    /// It waits for people: nothing is left that it could do without them.
    AwaitInput,
    /// It waits for the runs that it started.
    AwaitSubnodes,
    /// Somebody paused it.
    Pause,
    /// It needs a worker: it was resumed, or got what it waited for.
    Wake,
    /// It ended well.
    Complete,
    /// It ended badly; why, in a sentence.
    Fail(String),
    /// It was ended from outside.
    Cancel,
}

impl Change {
    /// Whether it ends the run from outside or as failed, for which it needs no lock: a run
    /// that lost its lock must be able to end.
    pub const fn needs_no_lock(&self) -> bool {
        matches!(self, Change::Fail(_) | Change::Cancel | Change::Pause)
    }

    /// The status after it, for a run that is `now`.
    pub const fn status(&self, now: Status) -> Status {
        match self {
            Change::Continue => now,
            Change::AwaitInput => Status::AwaitingInput,
            Change::AwaitSubnodes => Status::AwaitingSubnodes,
            Change::Pause => Status::Paused,
            Change::Wake => Status::Pending,
            Change::Complete => Status::Complete,
            Change::Fail(_) => Status::Failed,
            Change::Cancel => Status::Cancelled,
        }
    }
}
