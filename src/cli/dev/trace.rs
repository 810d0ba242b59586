//! One line of the terminal for each entry of an execution's journal: when, what kind,
//! what, tokens, cost.

use chrono::Local;
use console::{Style, measure_text_width};
use serde_json::Value;

use super::{
    demo::is_scripted,
    show::{bold, cell, dim, plain, right},
};
use crate::executions::model::{TraceEvent, TraceKind};

const TIME: usize = 12;
const KIND: usize = 15;
const TOKENS: usize = 12;
const COST: usize = 9;
/// Two blanks between columns.
const GAPS: usize = 8;
/// What is told is never narrower, even if the line is then wider than the terminal.
const LEAST: usize = 20;

/// What stands where a number is not known.
const UNKNOWN: &str = "—";

/// The line of `event` for a terminal of `width` columns.
pub fn line(event: &TraceEvent, width: usize) -> String {
    let room = width
        .saturating_sub(TIME + KIND + TOKENS + COST + GAPS)
        .max(LEAST);
    let time = event.timestamp.with_timezone(&Local).format("%H:%M:%S%.3f");
    let (name, style) = kind(event.event_type);
    let cells = [
        dim().apply_to(time.to_string()).to_string(),
        style.apply_to(cell(name, KIND)).to_string(),
        cell(&what(event), room),
        right(&tokens(event), TOKENS),
        right(&cost(event), COST),
    ];
    cells.join("  ").trim_end().to_owned()
}

/// The names of the columns, in the same places.
pub fn header(width: usize) -> String {
    let room = width
        .saturating_sub(TIME + KIND + TOKENS + COST + GAPS)
        .max(LEAST);
    let cells = [
        cell("time", TIME),
        cell("kind", KIND),
        cell("what", room),
        right("tokens", TOKENS),
        right("cost", COST),
    ];
    dim().apply_to(cells.join("  ")).to_string()
}

/// The short name of a kind and its colour. Listed in full, so that a new kind is not
/// forgotten here.
fn kind(kind: TraceKind) -> (&'static str, Style) {
    let plain = Style::new;
    match kind {
        TraceKind::ExecutionStart => ("start", bold()),
        TraceKind::LlmCall => ("llm_call", plain().cyan()),
        TraceKind::ToolCall => ("tool_call", plain().blue()),
        TraceKind::Decision => ("decision", plain()),
        TraceKind::HumanInputRequested => ("human_asked", plain().yellow()),
        TraceKind::HumanInputReceived => ("human_answered", plain().yellow()),
        TraceKind::SubnodeCreated => ("subnode_created", plain().magenta()),
        TraceKind::OutputAdded => ("output_added", plain().green()),
        TraceKind::Checkpoint => ("checkpoint", dim()),
        TraceKind::ExecutionPaused => ("paused", plain().yellow()),
        TraceKind::ExecutionResume => ("resume", plain().yellow()),
        TraceKind::ExecutionCancelled => ("cancelled", plain().red()),
        TraceKind::Error => ("error", plain().red().bold()),
        TraceKind::ExecutionComplete => ("complete", plain().green().bold()),
    }
}

fn what(event: &TraceEvent) -> String {
    let data = &event.event_data;
    let text = match event.event_type {
        TraceKind::LlmCall => said(data),
        TraceKind::ToolCall => used(data),
        TraceKind::OutputAdded => output(data),
        TraceKind::ExecutionStart => begun(field(data, "model")),
        _ => ["summary", "message", "prompt", "title", "label", "reason"]
            .iter()
            .map(|name| field(data, name))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned(),
    };
    plain(&text)
}

fn begun(model: &str) -> String {
    if is_scripted(model) {
        format!("runs on {model}, a scripted stand-in")
    } else {
        format!("runs on {model}")
    }
}

/// The model's words, and the tools it asks for.
fn said(data: &Value) -> String {
    let calls = data.get("toolCalls").and_then(Value::as_array);
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for call in calls.into_iter().flatten() {
        let name = field(call, "name");
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let calls: Vec<String> = counts
        .into_iter()
        .map(|(name, count)| match count {
            1 => format!("→ {name}"),
            _ => format!("→ {name} ×{count}"),
        })
        .collect();
    // The calls come first: the words are what may be cut.
    let mut parts = calls;
    parts.push(field(data, "text").to_owned());
    parts.join(" ")
}

/// The tool, what it was given in short, and why it failed, if it did.
fn used(data: &Value) -> String {
    let tool = field(data, "tool");
    let arguments: Value = match data.get("arguments") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(value) => value.clone(),
        None => Value::Null,
    };
    let page = arguments.get("page").and_then(Value::as_u64);
    let offset = arguments.get("offset").and_then(Value::as_u64);
    let words = ["label", "title", "summary", "prompt"]
        .iter()
        .map(|name| field(&arguments, name))
        .find(|text| !text.is_empty());
    let given = match (page, offset, words) {
        (Some(page), _, _) => format!(" p. {page}"),
        (None, Some(offset), _) if offset > 0 => format!(" from {offset}"),
        (_, _, Some(words)) => format!(" “{words}”"),
        _ => String::new(),
    };
    let failed = data
        .get("result")
        .map(|result| field(result, "error"))
        .filter(|why| !why.is_empty());
    match failed {
        Some(why) => format!("{tool}{given} ✗ {why}"),
        None => format!("{tool}{given}"),
    }
}

fn output(data: &Value) -> String {
    let sources = data.get("sources").and_then(Value::as_array);
    let sources = sources.map(Vec::as_slice).unwrap_or_default();
    let verified = sources
        .iter()
        .filter(|source| source.get("verified") == Some(&Value::Bool(true)))
        .count();
    let label = field(data, "label");
    format!("{verified} of {} quotes verified: “{label}”", sources.len())
}

fn field<'a>(data: &'a Value, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Tokens read and written, for a call of a model.
fn tokens(event: &TraceEvent) -> String {
    match (event.tokens_in, event.tokens_out) {
        (Some(read), Some(written)) => format!("{read}→{written}"),
        _ => String::new(),
    }
}

fn cost(event: &TraceEvent) -> String {
    if event.model.is_none() {
        return String::new();
    }
    event
        .cost_micros
        .map_or_else(|| UNKNOWN.to_owned(), |micros| dollars(micros as f64 / 1e6))
}

/// An amount for a person: "$0.0042".
pub fn dollars(amount: f64) -> String {
    format!("${amount:.4}")
}

/// The end of a text that is still being written, in `width` columns.
pub fn tail(text: &str, width: usize) -> String {
    let text = plain(text);
    let mut room = width;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        let columns = measure_text_width(c.encode_utf8(&mut [0; 4]));
        let Some(left) = room.checked_sub(columns) else {
            break;
        };
        (room, start) = (left, at);
    }
    text.get(start..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{ExecutionId, TraceEventId, text::TextEnum};
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    fn event(event_type: TraceKind, event_data: Value) -> TraceEvent {
        TraceEvent {
            id: TraceEventId::from_uuid(Uuid::from_u128(1)),
            execution_id: ExecutionId::from_uuid(Uuid::from_u128(2)),
            sequence_number: 1,
            event_type,
            event_data,
            payload_refs: None,
            data_hash: None,
            timestamp: DateTime::UNIX_EPOCH,
            duration_ms: None,
            model: None,
            tokens_in: None,
            tokens_out: None,
            cost_micros: None,
            hash: String::new(),
            prev_hash: String::new(),
        }
    }

    fn tool(tool: &str, arguments: Value, result: Value) -> String {
        let arguments = arguments.to_string();
        let data = json!({ "tool": tool, "arguments": arguments, "result": result });
        what(&event(TraceKind::ToolCall, data))
    }

    #[test]
    fn a_tool_call_is_told_with_its_short_argument() {
        let read = json!({ "inputId": "x", "page": 3 });
        assert_eq!(tool("read_input", read, json!({})), "read_input p. 3");
        let refused = json!({ "error": "No such input.", "code": "NOT_FOUND" });
        assert_eq!(
            tool("list_inputs", json!({}), refused),
            "list_inputs ✗ No such input."
        );
        let summary = json!({ "summary": "Done\nat last" });
        assert_eq!(
            tool("mark_complete", summary, json!({})),
            "mark_complete “Done at last”"
        );
    }

    #[test]
    fn a_model_call_shows_tools_words_tokens_and_cost() {
        let calls = json!([{ "name": "read_input" }, { "name": "read_input" }]);
        let mut call = event(
            TraceKind::LlmCall,
            json!({ "text": "I read on.", "toolCalls": calls }),
        );
        call.model = Some("demo/analyst".into());
        (call.tokens_in, call.tokens_out) = (Some(1200), Some(34));
        assert_eq!(what(&call), "→ read_input ×2 I read on.");
        assert_eq!((tokens(&call), cost(&call)), ("1200→34".into(), "—".into()));
        call.cost_micros = Some(4_200);
        assert_eq!(cost(&call), "$0.0042");
    }

    #[test]
    fn every_line_is_as_wide_as_the_terminal_at_most() {
        let data = json!({ "message": "word ".repeat(100), "text": "日本語".repeat(40) });
        for kind in TraceKind::ALL {
            let line = line(&event(*kind, data.clone()), 90);
            assert!(measure_text_width(&line) <= 90, "{line}");
        }
    }

    #[test]
    fn of_a_text_being_written_the_end_is_seen() {
        assert_eq!(tail("one two three", 5), "three");
        assert_eq!(tail("日本語", 4), "本語");
        assert_eq!(tail("", 4), "");
    }
}
