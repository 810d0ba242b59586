//! An execution as OpenTelemetry spans, made from the entries of its journal.
//!
//! They follow the GenAI conventions of semantic-conventions 1.41.0: `invoke_agent` for the
//! execution, and below it `chat` for each call of a model and `execute_tool` for each call
//! of a tool. The trace's id is the execution's and a span's is half of its entry's, so the
//! spans of two workers that drove one execution meet, and one that is told twice is one.
//! What was said is not in them; the journal has it.

use serde_json::{Value, json};

use crate::{
    executions::model::{Lease, TraceEvent, TraceKind},
    kernel::{ExecutionId, Timestamp},
    platform::otlp::{Span, SpanKind, SpanRef, Spans},
};

/// Tells a collector, if there is one, of what was just written down.
pub(super) fn tell(spans: &Spans, lease: &Lease, written: &[TraceEvent]) {
    if spans.are_wanted() {
        let run = Spanned { lease };
        spans.tell(written.iter().filter_map(|event| run.span(event)).collect());
    }
}

/// An execution whose spans are made.
struct Spanned<'a> {
    lease: &'a Lease,
}

impl Spanned<'_> {
    fn span(&self, event: &TraceEvent) -> Option<Span> {
        match event.event_type {
            TraceKind::LlmCall => Some(self.chat(event)),
            TraceKind::ToolCall => Some(self.tool(event)),
            TraceKind::ExecutionComplete | TraceKind::ExecutionCancelled | TraceKind::Error => {
                Some(self.agent(event))
            }
            _ => None,
        }
    }

    /// The whole execution, told of at its end.
    fn agent(&self, event: &TraceEvent) -> Span {
        let failed = (event.event_type == TraceKind::Error).then(|| text(event, "message"));
        let mut attributes = vec![
            ("gen_ai.operation.name", json!("invoke_agent")),
            ("gen_ai.provider.name", json!(provider(&self.lease.model))),
            ("gen_ai.request.model", json!(name(&self.lease.model))),
            ("gen_ai.agent.name", json!("glassbox")),
            ("gen_ai.conversation.id", json!(event.execution_id)),
            ("glassbox.node.id", json!(self.lease.node)),
            ("glassbox.project.id", json!(self.lease.project)),
        ];
        if failed.is_some() {
            attributes.push(("error.type", json!("execution_failed")));
        }
        Span {
            id: SpanRef {
                trace: trace(event.execution_id),
                span: root(event.execution_id),
            },
            parent: None,
            name: "invoke_agent glassbox".to_owned(),
            kind: SpanKind::Internal,
            begun: self.lease.started_at,
            ended: event.timestamp,
            attributes,
            failed,
            link: self.asked_by(),
        }
    }

    /// The client's span, which is in a trace of its own.
    fn asked_by(&self) -> Option<SpanRef> {
        let (trace, span) = self.lease.started_by_span.as_deref()?.split_once('-')?;
        Some(SpanRef {
            trace: trace.to_owned(),
            span: span.to_owned(),
        })
    }

    fn chat(&self, event: &TraceEvent) -> Span {
        let model = event.model.as_deref().unwrap_or(&self.lease.model);
        let mut attributes = vec![
            ("gen_ai.operation.name", json!("chat")),
            ("gen_ai.provider.name", json!(provider(model))),
            ("gen_ai.request.model", json!(name(model))),
            ("gen_ai.response.model", json!(text(event, "model"))),
            (
                "gen_ai.response.finish_reasons",
                json!([text(event, "finish")]),
            ),
            ("gen_ai.conversation.id", json!(event.execution_id)),
            ("glassbox.sequence_number", json!(event.sequence_number)),
        ];
        let usage = [
            ("gen_ai.usage.input_tokens", event.tokens_in),
            ("gen_ai.usage.output_tokens", event.tokens_out),
        ];
        let known = usage
            .into_iter()
            .filter_map(|(key, n)| Some((key, json!(n?))));
        attributes.extend(known);
        part(
            event,
            format!("chat {}", name(model)),
            SpanKind::Client,
            attributes,
        )
    }

    fn tool(&self, event: &TraceEvent) -> Span {
        let tool = text(event, "tool");
        let mut attributes = vec![
            ("gen_ai.operation.name", json!("execute_tool")),
            ("gen_ai.tool.name", json!(tool)),
            ("gen_ai.tool.type", json!("function")),
            ("gen_ai.tool.call.id", json!(text(event, "callId"))),
            ("gen_ai.conversation.id", json!(event.execution_id)),
            ("glassbox.sequence_number", json!(event.sequence_number)),
        ];
        // Tools of ours tell of an error and its code; those outside of an error with both.
        let either = |paths: [&str; 2]| {
            let mut found = paths.iter().map(|path| event.event_data.pointer(path));
            found.find_map(|value| value.and_then(Value::as_str))
        };
        let code = either(["/result/code", "/result/error/code"]);
        let refused = either(["/result/error", "/result/error/message"]);
        if refused.is_some() {
            attributes.push(("error.type", json!(code.unwrap_or("_OTHER"))));
        }
        let mut span = part(
            event,
            format!("execute_tool {tool}"),
            SpanKind::Internal,
            attributes,
        );
        span.failed = refused.map(str::to_owned);
        span
    }
}

/// A span below the execution's.
fn part(
    event: &TraceEvent,
    name: String,
    kind: SpanKind,
    attributes: Vec<(&'static str, Value)>,
) -> Span {
    Span {
        id: SpanRef {
            trace: trace(event.execution_id),
            span: half(event.id.uuid().as_u64_pair().1),
        },
        parent: Some(root(event.execution_id)),
        name,
        kind,
        begun: begun(event),
        ended: event.timestamp,
        attributes,
        failed: None,
        link: None,
    }
}

fn begun(event: &TraceEvent) -> Timestamp {
    let took = chrono::TimeDelta::try_milliseconds(event.duration_ms.unwrap_or(0));
    event.timestamp - took.unwrap_or_default()
}

/// The trace of an execution: 16 bytes, as its id.
fn trace(id: ExecutionId) -> String {
    id.uuid().simple().to_string()
}

/// The span of the execution itself.
fn root(id: ExecutionId) -> String {
    half(id.uuid().as_u64_pair().1)
}

/// The second half of an id is the random one, and never zero: it holds the variant.
fn half(low: u64) -> String {
    format!("{low:016x}")
}

/// Who serves a model, by the name that LiteLLM gives it: `openai/gpt-4o`.
fn provider(model: &str) -> &str {
    model
        .split_once('/')
        .map_or("_OTHER", |(provider, _)| provider)
}

fn name(model: &str) -> &str {
    model.split_once('/').map_or(model, |(_, name)| name)
}

fn text(event: &TraceEvent, key: &str) -> String {
    let value = event.event_data.get(key).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
