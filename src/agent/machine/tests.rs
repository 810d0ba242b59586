//! Journals and what they amount to.

use super::*;
use crate::{
    kernel::{ExecutionId, TraceEventId},
    platform::llm::Finish,
};
use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

pub(super) const LIMITS: Limits = Limits {
    iterations: 3,
    tokens: 100,
    seconds: 60,
    cost_micros: None,
};

pub(super) fn at() -> Timestamp {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

pub(super) fn journal(entries: &[(TraceKind, Value)]) -> Vec<TraceEvent> {
    entries
        .iter()
        .zip(1..)
        .map(|((kind, data), sequence_number)| TraceEvent {
            id: TraceEventId::from_uuid(Uuid::nil()),
            execution_id: ExecutionId::from_uuid(Uuid::nil()),
            sequence_number,
            event_type: *kind,
            event_data: data.clone(),
            payload_refs: None,
            data_hash: None,
            timestamp: at(),
            duration_ms: None,
            model: None,
            tokens_in: (*kind == TraceKind::LlmCall).then_some(20),
            tokens_out: (*kind == TraceKind::LlmCall).then_some(10),
            cost_micros: (*kind == TraceKind::LlmCall).then_some(5),
            hash: String::new(),
            prev_hash: String::new(),
        })
        .collect()
}

pub(super) fn opening() -> (TraceKind, Value) {
    let data = json!({
        "model": "demo/analyst", "systemPrompt": "s", "task": "t", "tools": [], "nodeVersion": 1
    });
    (TraceKind::ExecutionStart, data)
}

pub(super) fn calls(ids: &[&str]) -> (TraceKind, Value) {
    let calls: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "id": id, "name": "list_inputs", "arguments": "{}" }))
        .collect();
    (
        TraceKind::LlmCall,
        json!({ "text": "", "toolCalls": calls }),
    )
}

pub(super) fn ran(id: &str) -> (TraceKind, Value) {
    (
        TraceKind::ToolCall,
        json!({ "callId": id, "tool": "list_inputs", "result": { "b": 1, "a": 2 } }),
    )
}

fn next(entries: &[(TraceKind, Value)]) -> Next {
    State::fold(&journal(entries)).next(&LIMITS, at())
}

#[test]
fn it_begins_asks_runs_each_tool_in_order_and_asks_again() {
    assert_eq!(next(&[]), Next::Begin);
    assert_eq!(next(&[opening()]), Next::CallModel);
    let two = [opening(), calls(&["1", "2"])];
    assert!(matches!(next(&two), Next::RunTool(open) if open.call.id == "1"));
    let one = [opening(), calls(&["1", "2"]), ran("1")];
    assert!(matches!(next(&one), Next::RunTool(open) if open.call.id == "2"));
    let none = [opening(), calls(&["1", "2"]), ran("1"), ran("2")];
    assert_eq!(next(&none), Next::CallModel);
}

#[test]
fn the_model_reads_a_result_in_one_spelling() {
    let state = State::fold(&journal(&[opening(), calls(&["1"]), ran("1")]));
    let Some(Message::Tool { content, .. }) = state.messages.last() else {
        panic!("{:?}", state.messages)
    };
    assert_eq!(content, r#"{"a":2,"b":1}"#);
}

#[test]
fn each_limit_ends_it_with_a_sentence_of_its_own() {
    let round = |n: &str| [calls(&[n]), ran(n)];
    let three: Vec<_> = [opening()]
        .into_iter()
        .chain(round("1"))
        .chain(round("2"))
        .chain(round("3"))
        .collect();
    assert!(matches!(next(&three), Next::Fail(why) if why.contains("3 model calls")));
    let state = State::fold(&journal(&three[..5]));
    let tight = |limits| state.next(&limits, at());
    let tokens = Limits {
        tokens: 60,
        ..LIMITS
    };
    assert!(matches!(tight(tokens), Next::Fail(why) if why.contains("60 tokens")));
    let cost = Limits {
        cost_micros: Some(10),
        ..LIMITS
    };
    assert!(matches!(tight(cost), Next::Fail(why) if why.contains("budget")));
    let late = state.next(&LIMITS, at() + TimeDelta::seconds(60));
    assert!(matches!(late, Next::Fail(why) if why.contains("60 seconds")));
}

#[test]
fn a_silent_model_is_reminded_once() {
    let silent = (
        TraceKind::LlmCall,
        json!({ "text": "done?", "toolCalls": [] }),
    );
    let first = State::fold(&journal(&[opening(), silent.clone()]));
    assert!(matches!(first.on_silence(), Silence::Remind(_)));
    let reminder = json!({ "message": "go on", "reason": NO_TOOL_CALL });
    let nudge = (TraceKind::Decision, reminder);
    let second = State::fold(&journal(&[
        opening(),
        silent.clone(),
        nudge.clone(),
        silent,
    ]));
    assert_eq!(second.on_silence(), Silence::Accept);
    let acted = State::fold(&journal(&[opening(), nudge, calls(&["1"])]));
    assert!(matches!(acted.on_silence(), Silence::Remind(_)));
}

#[test]
fn an_ended_execution_rests() {
    for kind in [
        TraceKind::ExecutionComplete,
        TraceKind::ExecutionCancelled,
        TraceKind::Error,
    ] {
        assert_eq!(next(&[opening(), (kind, json!({}))]), Next::Rest, "{kind}");
    }
}

#[test]
fn empty_and_repeated_call_ids_are_made_unique() {
    let state = State::fold(&journal(&[opening(), calls(&["a"])]));
    let call = |id: &str| ToolCall {
        id: id.into(),
        name: "x".into(),
        arguments: "{}".into(),
    };
    let answer = ChatAnswer {
        text: String::new(),
        tool_calls: vec![call("a"), call(""), call("b"), call("b")],
        finish: Finish::ToolCalls,
        usage: None,
        model: "m".into(),
    };
    let unique = state.with_unique_ids(answer);
    let ids: HashSet<_> = unique.tool_calls.iter().map(|call| &call.id).collect();
    assert_eq!(ids.len(), 4);
    assert!(!ids.contains(&"a".to_owned()) && ids.contains(&"b".to_owned()));
}

#[test]
fn to_be_told_of_too_many_calls_is_no_reminder() {
    let told = json!({ "message": "too many", "reason": "too_many_calls" });
    let told = (TraceKind::Decision, told);
    let state = State::fold(&journal(&[opening(), calls(&["1"]), told, ran("1")]));
    assert!(matches!(state.on_silence(), Silence::Remind(_)));
    assert!(matches!(state.messages.last(), Some(Message::User { .. })));
}
