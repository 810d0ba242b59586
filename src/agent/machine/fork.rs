//! What becomes of the state where a fork begins: after the entries that it shares with
//! another run, before its own.

use chrono::TimeDelta;
use serde_json::Value;

use super::{State, text};
use crate::agent::calls::OpenCalls;
use crate::platform::llm::{Message, ToolCall};

/// Goes on from the shared entries as a run of its own, with what `edit` says is different.
///
/// What the other run used up, waited for or ended with is not this one's; calls that had
/// not run by then are.
pub(super) fn begin(state: &mut State, edit: Option<&Value>) {
    state.iterations = 0;
    state.tokens = 0;
    state.cost_micros = Some(0);
    state.worked = TimeDelta::zero();
    state.outputs_added = 0;
    state.used.clear();
    state.calls.ask_anew();
    state.ended = false;
    state.nudged = false;
    let Some(edit) = edit else { return };
    if let Some(answer) = edit.get("answer") {
        replace_answer(state, answer);
    }
    replace_opening(state, edit);
    if let Some(message) = edit.get("message").and_then(Value::as_str) {
        let text = message.to_owned();
        state.inbox.push(Message::User { text });
        state.read_inbox();
    }
}

/// Puts other words and calls in the place of the model's last answer.
fn replace_answer(state: &mut State, answer: &Value) {
    let is_answer = |message: &Message| matches!(message, Message::Assistant { .. });
    if state.messages.last().is_some_and(is_answer) {
        state.messages.pop();
    }
    let calls: Vec<ToolCall> = answer
        .get("toolCalls")
        .and_then(|calls| serde_json::from_value(calls.clone()).ok())
        .unwrap_or_default();
    state.calls = OpenCalls::default();
    state.calls.extend(calls.iter().cloned());
    state.messages.push(Message::Assistant {
        text: text(answer, "text"),
        tool_calls: calls,
    });
}

/// Puts other words in the place of what the model was told first.
fn replace_opening(state: &mut State, edit: &Value) {
    let Some(opening) = &mut state.opening else {
        return;
    };
    if let Some(prompt) = edit.get("systemPrompt").and_then(Value::as_str) {
        prompt.clone_into(&mut opening.system_prompt);
    }
    if let Some(task) = edit.get("task").and_then(Value::as_str) {
        task.clone_into(&mut opening.task);
    }
    let texts = [&opening.system_prompt, &opening.task];
    for (message, words) in state.messages.iter_mut().zip(texts) {
        if let Message::System { text } | Message::User { text } = message {
            words.clone_into(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{
            Next,
            tests::{LIMITS, at, calls, journal, opening, ran},
        },
        *,
    };
    use crate::executions::model::{TraceEvent, TraceKind};

    /// A run that asked for two tools, of which one has run, and a fork of it.
    fn forked(shared: usize, edit: Value) -> State {
        let other = journal(&[opening(), calls(&["a", "b"]), ran("a"), ran("b")]);
        let data = json!({ "forkedFrom": {}, "edit": edit });
        let own = journal(&[(TraceKind::ExecutionStart, data)]);
        let whole: Vec<TraceEvent> = other.into_iter().take(shared).chain(own).collect();
        State::fold(&whole)
    }

    fn next(state: &State) -> Next {
        state.next(&LIMITS, at())
    }

    #[test]
    fn calls_that_had_not_run_are_run_and_the_count_begins_anew() {
        let state = forked(3, Value::Null);
        assert_eq!(state.sequence, 1);
        assert_eq!(
            (state.iterations, state.tokens, state.cost_micros),
            (0, 0, Some(0))
        );
        assert!(matches!(next(&state), Next::RunTool(open) if open.call.id == "b"));
        assert_eq!(next(&forked(4, Value::Null)), Next::CallModel);
    }

    #[test]
    fn an_edited_answer_replaces_the_last_one_and_its_calls() {
        let calls = json!([{ "id": "c", "name": "read_input", "arguments": "{}" }]);
        let state = forked(
            2,
            json!({ "answer": { "text": "No.", "toolCalls": calls } }),
        );
        assert!(matches!(next(&state), Next::RunTool(open) if open.call.id == "c"));
        let answers: Vec<_> = state
            .messages
            .iter()
            .filter_map(|message| match message {
                Message::Assistant { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(answers, ["No."]);
    }

    #[test]
    fn a_message_waits_for_the_results_of_open_calls() {
        let mut state = forked(3, json!({ "message": "Hurry." }));
        let hurry = Message::User {
            text: "Hurry.".into(),
        };
        assert_ne!(state.messages.last(), Some(&hurry));
        let mut result = journal(&[ran("b")]);
        result.iter_mut().for_each(|event| state.apply(event));
        assert_eq!(state.messages.last(), Some(&hurry));
        let state = forked(4, json!({ "message": "Hurry." }));
        assert_eq!(state.messages.last(), Some(&hurry));
    }

    #[test]
    fn edited_prompts_stand_where_the_old_ones_stood() {
        let state = forked(4, json!({ "systemPrompt": "S", "task": "T" }));
        let system = Message::System { text: "S".into() };
        let task = Message::User { text: "T".into() };
        assert_eq!(state.messages[..2], [system, task]);
        assert_eq!(state.opening.unwrap().task, "T");
    }
}
