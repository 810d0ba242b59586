//! The words of the sockets: what clients may ask, and the text of what they are told.
//! `docs/REALTIME.md` shows each with an example.

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::outlet::{self, Opcode};
use crate::{
    kernel::{
        Error, NodeId, Timestamp,
        event::{Channel, EventKind},
        text::{TextEnum, text_enum},
    },
    platform::bus::Message,
};

text_enum! {
    /// What somebody does with a node.
    pub(super) enum Doing {
        Editing = "editing",
        Viewing = "viewing",
        Idle = "idle",
        Left = "left",
    }
}

/// What a client asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Ask {
    Subscribe {
        channel: String,
        since: Option<i64>,
    },
    Unsubscribe {
        channel: String,
    },
    Presence {
        node: NodeId,
        doing: Doing,
        cursor: Option<Value>,
    },
    LockAcquire {
        node: NodeId,
    },
    LockRelease {
        node: NodeId,
    },
    Ping,
}

/// Why a message of a client was not done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
    details: Option<Value>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Refusal {
            code,
            message: message.into(),
            details: None,
        }
    }

    /// The refusal of an operation that is there over HTTP as well.
    pub(super) fn of(error: &Error) -> Self {
        let code = match error.code() {
            crate::kernel::Code::NodeLocked => "LOCK_HELD",
            code => code.as_str(),
        };
        Refusal {
            code,
            message: error.message().to_owned(),
            details: error.details().cloned(),
        }
    }

    fn payload(&self) -> Value {
        let mut payload = json!({ "code": self.code, "message": self.message });
        if let (Some(Value::Object(details)), Some(fields)) =
            (&self.details, payload.as_object_mut())
        {
            for (name, value) in details {
                fields.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        payload
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    r#type: String,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    request_id: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscribePayload {
    channel: String,
    #[serde(default)]
    since: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PresencePayload {
    node_id: NodeId,
    action: Doing,
    #[serde(default)]
    cursor_position: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodePayload {
    node_id: NodeId,
}

/// Characters of a request's id at most: it is sent back.
const MAX_REQUEST_ID: usize = 128;

/// Reads a message; the client's own id of it goes with the answer, whatever that is.
pub(super) fn read(text: &str) -> (Option<Value>, Result<Ask, Refusal>) {
    let Ok(envelope) = serde_json::from_str::<Envelope>(text) else {
        let why = "A message is a JSON object with a type.";
        return (None, Err(Refusal::new("PARSE_ERROR", why)));
    };
    let id = envelope.request_id.filter(|id| match id {
        Value::String(text) => text.len() <= MAX_REQUEST_ID,
        other => other.is_number(),
    });
    (id, ask(&envelope.r#type, envelope.payload))
}

fn ask(kind: &str, payload: Value) -> Result<Ask, Refusal> {
    Ok(match kind {
        "subscribe" => {
            let SubscribePayload { channel, since } = parse(payload)?;
            if since.is_some_and(|since| since < 0) {
                return Err(invalid("`since` is a number of the channel, 0 or more."));
            }
            Ask::Subscribe { channel, since }
        }
        "unsubscribe" => {
            let SubscribePayload { channel, .. } = parse(payload)?;
            Ask::Unsubscribe { channel }
        }
        "presence" => {
            let payload: PresencePayload = parse(payload)?;
            Ask::Presence {
                node: payload.node_id,
                doing: payload.action,
                cursor: payload.cursor_position,
            }
        }
        "lock_acquire" => {
            let NodePayload { node_id } = parse(payload)?;
            Ask::LockAcquire { node: node_id }
        }
        "lock_release" => {
            let NodePayload { node_id } = parse(payload)?;
            Ask::LockRelease { node: node_id }
        }
        "ping" => Ask::Ping,
        _ => {
            return Err(Refusal::new(
                "UNKNOWN_TYPE",
                "The type is subscribe, unsubscribe, presence, lock_acquire, lock_release or ping.",
            ));
        }
    })
}

fn parse<T: serde::de::DeserializeOwned>(payload: Value) -> Result<T, Refusal> {
    serde_json::from_value(payload).map_err(|error| invalid(format!("The payload: {error}.")))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("INVALID_PAYLOAD", message)
}

/// The text of an event, made once for all who hear it. The payload comes last in it.
#[derive(Debug)]
pub(super) struct Frame {
    pub channel: Channel,
    pub kind: EventKind,
    /// The channel's number of it; none for what is stored nowhere.
    pub seq: Option<i64>,
    /// The whole frame, with the text in it.
    pub wire: Bytes,
    text: ByteString,
    /// Where the payload begins in `text`.
    payload: usize,
}

#[derive(Serialize)]
struct Head<'a> {
    r#type: &'static str,
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<crate::kernel::OutboxId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
}

impl Frame {
    /// The frame of a message of `channel`.
    pub(super) fn of(channel: Channel, message: &Message) -> Self {
        let head = Head {
            r#type: message.kind.as_str(),
            channel: &channel.to_string(),
            seq: message.told.map(|told| told.seq),
            id: message.told.map(|told| told.id),
            timestamp: message.told.map(|told| told.at),
        };
        // Neither has keys that are no text, nor a serializer that could fail.
        let mut text = serde_json::to_string(&head).unwrap_or_default();
        text.pop();
        text.push_str(",\"payload\":");
        let payload = text.len();
        text.push_str(&message.payload.to_string());
        text.push('}');
        let (wire, start) = outlet::frame(Opcode::Text, text.as_bytes());
        Frame {
            channel,
            kind: message.kind,
            seq: head.seq,
            // The same bytes, so it is the text that it was.
            text: ByteString::try_from(wire.slice(start..)).unwrap_or_default(),
            wire,
            payload,
        }
    }

    /// The payload alone.
    pub(super) fn payload(&self) -> &str {
        let end = self.text.len().saturating_sub(1);
        self.text.get(self.payload..end).unwrap_or_default()
    }
}

/// The text of an answer to one client.
pub(super) fn answer(kind: &str, payload: &Value, request_id: Option<&Value>) -> String {
    let mut message = json!({ "type": kind, "payload": payload });
    if let (Some(id), Some(fields)) = (request_id, message.as_object_mut()) {
        fields.insert("requestId".to_owned(), id.clone());
    }
    message.to_string()
}

/// The text of a refusal.
pub(super) fn refusal(refusal: &Refusal, request_id: Option<&Value>) -> String {
    answer("error", &refusal.payload(), request_id)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::kernel::ProjectId;

    fn code(text: &str) -> &'static str {
        read(text).1.unwrap_err().code
    }

    #[test]
    fn messages_are_read_and_bad_ones_are_refused_by_their_own_codes() {
        let (id, ask) = read(
            r#"{"type":"subscribe","payload":{"channel":"node:x","since":4},"requestId":"a"}"#,
        );
        assert_eq!(id, Some(json!("a")));
        let channel = "node:x".to_owned();
        let since = Some(4);
        assert_eq!(ask, Ok(Ask::Subscribe { channel, since }));
        assert_eq!(read(r#"{"type":"ping"}"#).1, Ok(Ask::Ping));
        for text in ["", "[]", "7", "{}", "{\"type\":7}", "nonsense"] {
            assert_eq!(code(text), "PARSE_ERROR", "{text}");
        }
        assert_eq!(code(r#"{"type":"dance"}"#), "UNKNOWN_TYPE");
        for text in [
            r#"{"type":"subscribe"}"#,
            r#"{"type":"subscribe","payload":{"channel":7}}"#,
            r#"{"type":"subscribe","payload":{"channel":"a","since":-1}}"#,
            r#"{"type":"presence","payload":{"nodeId":"x","action":"viewing"}}"#,
            r#"{"type":"lock_acquire","payload":null}"#,
        ] {
            assert_eq!(code(text), "INVALID_PAYLOAD", "{text}");
        }
    }

    #[test]
    fn a_frame_is_one_object_whose_payload_can_be_taken_out() {
        let channel = Channel::Project(ProjectId::from_uuid(Uuid::from_u128(3)));
        let payload = json!({ "title": "a \"b\" {c}" });
        let message = Message {
            kind: EventKind::NodeUpdated,
            payload: Arc::new(payload.clone()),
            told: None,
        };
        let frame = Frame::of(channel, &message);
        let whole: Value = serde_json::from_str(&frame.text).unwrap();
        assert_eq!(whole["type"], "node_updated");
        assert_eq!(whole["channel"], channel.to_string());
        assert_eq!(whole["payload"], payload);
        let alone: Value = serde_json::from_str(frame.payload()).unwrap();
        assert_eq!(alone, payload);
    }
}
