//! The tool calls of the model's last answer that have no result yet, and how far each
//! has come.
//!
//! Each call goes its own way: while one waits for a person the others run, and an
//! answer reaches the call that asked for it, whatever came first.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    executions::model::{Closing, HumanInputRequest, Reply},
    platform::llm::ToolCall,
    tenants::model::ToolEffect,
};

/// A call without a result.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenCall {
    /// What the model wrote.
    pub call: ToolCall,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a call has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Nothing was done for it yet, or what was asked is void.
    Ready,
    /// A person was asked.
    Asked(Box<HumanInputRequest>),
    /// The request came to its end.
    Replied(Box<HumanInputRequest>, Box<Reply>),
    /// It was about to be sent to a server outside, and perhaps was; before that it was at
    /// the other stage.
    Begun(Box<Intent>, Box<Stage>),
}

/// What is about to be sent to a server outside. It is committed before anything is sent, so
/// that whoever goes on after a crash knows what may have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// [`CALL_BEGINS`](crate::executions::model::CALL_BEGINS).
    pub reason: String,
    /// The call.
    pub call_id: String,
    /// What its tool is called here.
    pub tool: String,
    /// The tool's server.
    pub server: String,
    /// What the tool is called there.
    pub server_tool: String,
    /// What it was taken for.
    pub effect: ToolEffect,
    /// What is sent with the call, and with its repetition if there is one.
    pub idempotency_key: String,
}

/// Open calls in the order in which the model wrote them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OpenCalls(Vec<OpenCall>);

impl OpenCalls {
    /// Adds the calls of an answer.
    pub fn extend(&mut self, calls: impl IntoIterator<Item = ToolCall>) {
        let open = |call| OpenCall {
            call,
            stage: Stage::Ready,
        };
        self.0.extend(calls.into_iter().map(open));
    }

    /// Whether every call has its result.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first call for which something can be done now.
    pub fn runnable(&self) -> Option<&OpenCall> {
        self.0
            .iter()
            .find(|open| !matches!(open.stage, Stage::Asked(_)))
    }

    /// Takes every question back that nobody answered, and every approval: those were given
    /// to another run, as was the word that a call is sent. Answers to questions stay.
    pub fn ask_anew(&mut self) {
        for open in &mut self.0 {
            let keeps =
                matches!(&open.stage, Stage::Replied(request, _) if request.call_hash.is_none());
            if !keeps {
                open.stage = Stage::Ready;
            }
        }
    }

    /// The call got its result.
    pub fn close(&mut self, call_id: &str) {
        self.0.retain(|open| open.call.id != call_id);
    }

    /// Whether a call has no result yet.
    pub fn is_open(&self, call_id: &str) -> bool {
        self.0.iter().any(|open| open.call.id == call_id)
    }

    /// A call is about to be sent outside.
    pub fn begun(&mut self, intent: Intent) {
        if let Some(open) = self.find(&intent.call_id) {
            let before = std::mem::replace(&mut open.stage, Stage::Ready);
            open.stage = Stage::Begun(Box::new(intent), Box::new(before));
        }
    }

    /// Whether a call was about to be sent outside.
    pub fn has_begun(&self, call_id: &str) -> bool {
        let is =
            |open: &OpenCall| open.call.id == call_id && matches!(open.stage, Stage::Begun(..));
        self.0.iter().any(is)
    }

    /// A person was asked for a call.
    pub fn asked(&mut self, request: HumanInputRequest) {
        if let Some(open) = self.find(&request.call_id) {
            open.stage = Stage::Asked(Box::new(request));
        }
    }

    /// A request came to its end. One that is void leaves its call as it was before.
    pub fn replied(&mut self, reply: Reply) {
        let Some(open) = self.find(&reply.call_id) else {
            return;
        };
        let (Stage::Asked(request) | Stage::Replied(request, _)) = &open.stage else {
            return;
        };
        if request.request_id != reply.request_id {
            return;
        }
        open.stage = match reply.closing {
            Closing::Void => Stage::Ready,
            Closing::Answered | Closing::Expired => {
                Stage::Replied(request.clone(), Box::new(reply))
            }
        };
    }

    fn find(&mut self, call_id: &str) -> Option<&mut OpenCall> {
        self.0.iter_mut().find(|open| open.call.id == call_id)
    }
}

/// What a person decided about a call that needed their approval.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It may be made, with these arguments if they were edited.
    Approved(Option<Value>),
    /// It may not, for this reason.
    Refused(String),
}

impl Decision {
    /// What `reply` says.
    pub fn of(reply: &Reply) -> Self {
        if reply.closing == Closing::Expired {
            return Decision::Refused("Nobody answered in time.".to_owned());
        }
        let approved = reply.input.get("approved").and_then(Value::as_bool);
        if approved == Some(true) {
            return Decision::Approved(reply.input.get("arguments").cloned());
        }
        let comment = reply.input.get("comment").and_then(Value::as_str);
        Decision::Refused(match comment {
            Some(comment) => format!("A person refused this call: {comment}"),
            None => "A person refused this call.".to_owned(),
        })
    }
}
