//! What of a conversation is sent to a model that can't read all of it.
//!
//! The journal keeps everything; a model has a window. So what is sent is the
//! conversation with its oldest results replaced by short references, and, when that is
//! not enough, without its oldest rounds. The task, the system prompt and people's words
//! are always sent, and so are the last messages.
//!
//! It is a function of the conversation alone: a worker that takes an execution over
//! sends the same. Room is made in large steps instead of at every call, because
//! providers keep what they have read for as long as its beginning does not change.

use std::collections::HashMap;

use serde_json::json;

use crate::platform::llm::{ChatAnswer, ChatRequest, Message, ToolCall, ToolSpec, Usage};

/// The largest result that is told whole, in bytes; of a larger one head and tail.
const MAX_RESULT: usize = 64 << 10;
/// What is kept of it at its end, where sums and errors stand.
const TAIL: usize = 16 << 10;
/// What the words between the two take at most, so that a result which was shortened is not
/// shortened again.
const NOTE: usize = 128;
/// The last messages, which stay as they are.
const LAST: usize = 4;
/// What a reference takes, about; results smaller than that are not replaced.
const REFERENCE: usize = 512;
/// Characters of a result that its reference keeps.
const SUMMARY: usize = 200;
/// What a message takes besides its text.
const FRAME: usize = 24;
/// Bytes of a token, about: measured on English and JSON. Other scripts take more tokens,
/// and a model that says so is asked again with half the room.
const TOKEN: usize = 4;
/// Tokens kept for the answer when nothing says how many it may have.
const ANSWER: u64 = 8_192;

/// The conversation does not fit, whatever is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The task and the last steps take about {needed} tokens, and the model can read {room}: use a \
     model with a larger window, or shorten the node's description or the inputs."
)]
pub struct TooLong {
    needed: u64,
    room: u64,
}

/// The tokens for the conversation in a window of `window`: what the answer and the
/// tools take is not there for it.
pub fn room(window: u64, answer: Option<u32>, tools: &[ToolSpec]) -> u64 {
    let answer = answer.map_or(ANSWER, u64::from).min(window / 2);
    let tool = |tool: &ToolSpec| {
        tool.name.len() + tool.description.len() + tool.parameters.to_string().len()
    };
    let tools = tokens(tools.iter().map(tool).sum());
    window.saturating_sub(answer).saturating_sub(tools)
}

/// What of `messages` is sent when there is room for `room` tokens. `entries` has the
/// journal's number of each result, by its call's id.
///
/// # Errors
/// [`TooLong`] when the parts that are always sent take more.
pub fn fit(
    messages: &[Message],
    entries: &HashMap<String, i64>,
    room: u64,
) -> Result<Vec<Message>, TooLong> {
    let cut = Cut::of(messages, room);
    let needed = tokens(cut.total);
    if needed > room {
        return Err(TooLong { needed, room });
    }
    let mut sent = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        if at == cut.head && cut.rounds > 0 {
            sent.push(note(cut.rounds));
        }
        if at < cut.dropped && is_of_a_round(message) {
            continue;
        }
        sent.push(told(message, entries, at < cut.replaced));
    }
    Ok(sent)
}

/// How far things are left out: a simulation of the conversation as it grew, so that a
/// cut that was once made stays where it is.
struct Cut {
    /// The first message after system prompt and task.
    head: usize,
    /// Results before this one are replaced.
    replaced: usize,
    /// Rounds before this one are left out.
    dropped: usize,
    rounds: usize,
    /// Bytes of what is sent.
    total: usize,
}

impl Cut {
    fn of(messages: &[Message], room: u64) -> Self {
        let task = |m: &Message| matches!(m, Message::User { .. });
        let head = messages.iter().position(task).map_or(0, |at| at + 1);
        let mut cut = Cut {
            head,
            replaced: head,
            dropped: head,
            rounds: 0,
            total: 0,
        };
        let bytes = usize::try_from(room)
            .unwrap_or(usize::MAX)
            .saturating_mul(TOKEN);
        for (at, message) in messages.iter().enumerate() {
            cut.total += size(message);
            if cut.total > bytes {
                cut.make_room(messages, at, bytes / 5 * 3);
            }
        }
        cut
    }

    /// Leaves things out until `bytes` are not exceeded or nothing more may go; `newest`
    /// is the last message there is.
    fn make_room(&mut self, messages: &[Message], newest: usize, bytes: usize) {
        let end = (newest + 1).saturating_sub(LAST);
        while self.total > bytes && self.replaced < end {
            if let Some(message @ Message::Tool { .. }) = messages.get(self.replaced) {
                self.total -= size(message).saturating_sub(REFERENCE);
            }
            self.replaced += 1;
        }
        while self.total > bytes {
            let Some(next) = next_round(messages, self.dropped, end) else {
                break;
            };
            if self.rounds == 0 {
                self.total += REFERENCE;
            }
            for (at, message) in messages.iter().enumerate().take(next).skip(self.dropped) {
                if is_of_a_round(message) {
                    let shown = size(message);
                    let replaced = at < self.replaced && matches!(message, Message::Tool { .. });
                    let shown = if replaced {
                        shown.min(REFERENCE)
                    } else {
                        shown
                    };
                    self.total = self.total.saturating_sub(shown);
                    self.rounds += usize::from(matches!(message, Message::Assistant { .. }));
                }
            }
            self.dropped = next;
        }
    }
}

/// Where the round after the one at `from` begins, if that is before `end`: a call
/// without its result, or the reverse, is refused by every server.
fn next_round(messages: &[Message], from: usize, end: usize) -> Option<usize> {
    let is_answer = |at: &usize| matches!(messages.get(*at), Some(Message::Assistant { .. }));
    let first = (from..end).find(is_answer)?;
    (first + 1..end).find(is_answer)
}

fn is_of_a_round(message: &Message) -> bool {
    matches!(message, Message::Assistant { .. } | Message::Tool { .. })
}

/// The bytes that a message takes when it is told whole, or as whole as any is.
fn size(message: &Message) -> usize {
    FRAME
        + match message {
            Message::System { text } | Message::User { text } => text.len(),
            Message::Assistant { text, tool_calls } => {
                let call = |call: &ToolCall| FRAME + call.name.len() + call.arguments.len();
                text.len() + tool_calls.iter().map(call).sum::<usize>()
            }
            Message::Tool { content, .. } => content.len().min(MAX_RESULT + REFERENCE),
        }
}

/// What a call used, about, when its server does not say: a limit of tokens that counts
/// such calls as nothing would be none.
pub fn estimate(request: &ChatRequest, answer: &ChatAnswer) -> Usage {
    let written = Message::Assistant {
        text: answer.text.clone(),
        tool_calls: answer.tool_calls.clone(),
    };
    Usage {
        input_tokens: tokens(request.messages.iter().map(size).sum()),
        output_tokens: tokens(size(&written)),
        estimated: true,
        ..Usage::default()
    }
}

/// Tokens that a model may count in `request`, more than it will: what is reserved for it
/// must not turn out too little.
pub fn at_most(request: &ChatRequest) -> u64 {
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| tool.description.len() + tool.parameters.to_string().len() + FRAME)
        .sum();
    let messages: usize = request.messages.iter().map(size).sum();
    u64::try_from((messages + tools).div_ceil(2)).unwrap_or(u64::MAX)
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(TOKEN)).unwrap_or(u64::MAX)
}

fn told(message: &Message, entries: &HashMap<String, i64>, replaced: bool) -> Message {
    let Message::Tool {
        call_id,
        name,
        content,
    } = message
    else {
        return message.clone();
    };
    let entry = entries.get(call_id).copied();
    let content = if replaced && size(message) > REFERENCE {
        reference(content, entry)
    } else if content.len() > MAX_RESULT {
        shortened(content, entry)
    } else {
        content.clone()
    };
    Message::Tool {
        call_id: call_id.clone(),
        name: name.clone(),
        content,
    }
}

fn reference(content: &str, entry: Option<i64>) -> String {
    let summary: String = content.chars().take(SUMMARY).collect();
    json!({
        "omitted": true,
        "bytes": content.len(),
        "sequenceNumber": entry,
        "summary": summary,
    })
    .to_string()
}

/// What is told of a result, which is entry `entry`, at most: the conversation need not have
/// more of it.
pub fn bounded(content: String, entry: i64) -> String {
    if content.len() <= MAX_RESULT {
        return content;
    }
    shortened(&content, Some(entry))
}

fn shortened(content: &str, entry: Option<i64>) -> String {
    let head = content.floor_char_boundary(MAX_RESULT - TAIL - NOTE);
    let tail = content.ceil_char_boundary(content.len().saturating_sub(TAIL));
    let (start, end) = (content.get(..head), content.get(tail..));
    let entry = entry.map_or_else(String::new, |n| format!("; the whole is entry {n}"));
    format!(
        "{}\n[{} of {} bytes are left out here{entry}]\n{}",
        start.unwrap_or_default(),
        tail.saturating_sub(head),
        content.len(),
        end.unwrap_or_default(),
    )
}

fn note(rounds: usize) -> Message {
    let text = format!(
        "[{rounds} earlier steps of yours are left out here, because they don't fit. They are done \
         and recorded; look at the node and its outputs for what came of them.]"
    );
    Message::User { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Message {
        Message::User { text: text.into() }
    }

    /// A conversation of a task and `rounds` rounds, each with one result of `bytes`.
    fn conversation(rounds: usize, bytes: usize) -> (Vec<Message>, HashMap<String, i64>) {
        let system = Message::System {
            text: "system".into(),
        };
        let mut messages = vec![system, user("task")];
        let mut entries = HashMap::new();
        for n in 0..rounds {
            let id = format!("c{n}");
            messages.push(Message::Assistant {
                text: String::new(),
                tool_calls: vec![ToolCall {
                    id: id.clone(),
                    name: "read_input".into(),
                    arguments: "{}".into(),
                }],
            });
            entries.insert(id.clone(), i64::try_from(n).unwrap() * 2 + 3);
            messages.push(Message::Tool {
                call_id: id,
                name: "read_input".into(),
                content: format!("{n:04}{}", "x".repeat(bytes - 4)),
            });
        }
        (messages, entries)
    }

    fn bytes(messages: &[Message]) -> usize {
        messages.iter().map(size).sum()
    }

    fn contents(messages: &[Message]) -> Vec<&str> {
        messages
            .iter()
            .filter_map(|message| match message {
                Message::Tool { content, .. } => Some(content.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn what_fits_is_sent_as_it_is() {
        let (messages, entries) = conversation(5, 1_000);
        assert_eq!(fit(&messages, &entries, 10_000).unwrap(), messages);
    }

    #[test]
    fn the_oldest_results_become_references_and_the_last_messages_stay() {
        let (messages, entries) = conversation(20, 4_000);
        let sent = fit(&messages, &entries, 10_000).unwrap();
        assert_eq!(sent.len(), messages.len());
        assert_eq!(sent[..2], messages[..2]);
        assert_eq!(sent[sent.len() - 4..], messages[messages.len() - 4..]);
        assert!(bytes(&sent) <= 10_000 * TOKEN, "{}", bytes(&sent));
        let first: serde_json::Value = serde_json::from_str(contents(&sent)[0]).unwrap();
        assert_eq!(first["omitted"], true);
        assert_eq!(
            (&first["bytes"], &first["sequenceNumber"]),
            (&4_000.into(), &3.into())
        );
        assert_eq!(first["summary"].as_str().unwrap().len(), SUMMARY);
    }

    #[test]
    fn rounds_go_when_references_are_not_enough_and_people_are_not_forgotten() {
        let (mut messages, entries) = conversation(400, 2_000);
        messages.insert(6, user("Only look at 2024."));
        let sent = fit(&messages, &entries, 5_000).unwrap();
        assert!(bytes(&sent) <= 5_000 * TOKEN, "{}", bytes(&sent));
        assert_eq!(sent[..2], messages[..2]);
        let Message::User { text } = &sent[2] else {
            panic!("{:?}", sent[2])
        };
        assert!(text.contains("earlier steps"), "{text}");
        assert!(sent.contains(&user("Only look at 2024.")));
        // Each call has its result, and each result its call.
        let mut open = Vec::new();
        for message in &sent {
            match message {
                Message::Assistant { tool_calls, .. } => {
                    assert!(open.is_empty());
                    open.extend(tool_calls.iter().map(|call| call.id.clone()));
                }
                Message::Tool { call_id, .. } => assert_eq!(open.pop().as_ref(), Some(call_id)),
                _ => {}
            }
        }
    }

    #[test]
    fn the_beginning_stays_the_same_over_many_calls() {
        let (messages, entries) = conversation(200, 2_000);
        let mut beginnings = 0;
        let mut before: Vec<Message> = Vec::new();
        for rounds in 1..=200 {
            let sent = fit(&messages[..2 + 2 * rounds], &entries, 10_000).unwrap();
            beginnings += usize::from(!sent.starts_with(&before));
            before = sent;
        }
        assert!(beginnings < 40, "{beginnings} of 200 calls began anew");
    }

    #[test]
    fn a_huge_result_keeps_its_head_and_its_tail() {
        let (mut messages, mut entries) = conversation(1, 4);
        let text = format!("BEGIN{}END", "ä".repeat(1_000_000));
        messages.push(Message::Tool {
            call_id: "c9".into(),
            name: "f".into(),
            content: text.clone(),
        });
        entries.insert("c9".into(), 9);
        let sent = fit(&messages, &entries, 100_000).unwrap();
        let told = *contents(&sent).last().unwrap();
        assert!(told.starts_with("BEGINä") && told.ends_with("äEND"));
        assert!(told.contains("entry 9") && told.len() <= MAX_RESULT + REFERENCE);
    }

    #[test]
    fn what_can_not_fit_is_told_with_both_numbers() {
        let messages = [user(&"x".repeat(40_000))];
        let error = fit(&messages, &HashMap::new(), 5_000).unwrap_err();
        assert_eq!((error.needed, error.room), (10_006, 5_000));
        let text = error.to_string();
        assert!(text.contains("10006") && text.contains("5000"), "{text}");
    }

    #[test]
    fn answer_and_tools_take_their_part_of_the_window() {
        let tool = ToolSpec {
            name: "n".repeat(10),
            description: "d".repeat(388),
            parameters: json!({}),
        };
        assert_eq!(room(100_000, Some(10_000), &[tool]), 100_000 - 10_000 - 100);
        assert_eq!(room(100_000, None, &[]), 100_000 - 8_192);
        assert_eq!(room(10_000, Some(50_000), &[]), 5_000);
    }
}
