//! What every dialect asks of a conversation that is sent.
//!
//! The journal's order is that of events: a person's word may stand between a call and
//! its result. Servers want results right after the calls, and arguments that parse,
//! though a model once wrote ones that didn't.

use serde_json::{Map, Value, json};

use super::{Message, ToolCall};

/// The messages, with results before everything else that came after an answer. The
/// order is otherwise kept.
pub fn results_first(messages: &[Message]) -> Vec<&Message> {
    let mut ordered = Vec::with_capacity(messages.len());
    for part in messages.split_inclusive(|m| matches!(m, Message::Assistant { .. })) {
        let (results, rest): (Vec<_>, Vec<_>) =
            part.iter().partition(|m| matches!(m, Message::Tool { .. }));
        ordered.extend(results);
        ordered.extend(rest);
    }
    ordered
}

/// The arguments of a call as an object. What the model wrote that is none is kept as
/// its one text, so that the model sees what it did.
pub fn arguments(call: &ToolCall) -> Map<String, Value> {
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(arguments)) => arguments,
        _ => Map::from_iter([("unreadableArguments".to_owned(), json!(call.arguments))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Message {
        Message::User { text: text.into() }
    }

    fn result(id: &str) -> Message {
        Message::Tool {
            call_id: id.into(),
            name: "f".into(),
            content: "{}".into(),
        }
    }

    fn answer() -> Message {
        Message::Assistant {
            text: "a".into(),
            tool_calls: vec![],
        }
    }

    #[test]
    fn a_word_between_call_and_result_comes_after_the_result() {
        let messages = [
            user("task"),
            answer(),
            result("1"),
            user("wait"),
            result("2"),
            answer(),
            result("3"),
        ];
        let order: Vec<_> = results_first(&messages).into_iter().cloned().collect();
        let expected = [
            user("task"),
            answer(),
            result("1"),
            result("2"),
            user("wait"),
            answer(),
            result("3"),
        ];
        assert_eq!(order, expected);
    }
}
