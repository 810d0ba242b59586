//! What a run asks people, and what they answer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::{RequestId, Result, field::Fields, text::text_enum};

/// Bytes of an answer at most, as JSON.
const MAX_INPUT: usize = 65_536;
/// Characters of a message at most.
const MAX_MESSAGE: usize = 20_000;

text_enum! {
    /// What kind of answer a human is asked for.
    pub enum RequestType {
        Question = "question",
        Approval = "approval",
    }
}

/// What a human is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HumanInputRequest {
    /// Its id, which an answer names.
    pub request_id: RequestId,
    /// The call of the model that waits for the answer.
    pub call_id: String,
    /// A question to answer, or an approval to give.
    pub request_type: RequestType,
    /// What is asked.
    pub prompt: String,
    /// Answers to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub options: Option<Vec<String>>,
    /// Of an approval: `tool`, `arguments` and `nodeVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub metadata: Option<Value>,
    /// Of an approval: SHA-256 over `metadata`, in hexadecimal. An answer that names it
    /// is refused when it is about another call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call_hash: Option<String>,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When nobody can answer it any more; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// How a request came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// A person answered.
    Answered,
    /// Nobody did in time.
    Expired,
    /// What it was about has changed since.
    Void,
}

/// The data of a `human_input_received` entry that closes a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// The request.
    pub request_id: RequestId,
    /// The call that waited for it.
    pub call_id: String,
    /// What kind of request it was.
    pub request_type: RequestType,
    /// How it ended.
    pub closing: Closing,
    /// What the person said; `null` unless one answered.
    #[serde(default)]
    pub input: Value,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<crate::kernel::UserId>,
}

impl Reply {
    /// The end of `request` without an answer.
    pub fn without_answer(request: &HumanInputRequest, closing: Closing) -> Self {
        Reply {
            request_id: request.request_id,
            call_id: request.call_id.clone(),
            request_type: request.request_type,
            closing,
            input: Value::Null,
            answered_by: None,
        }
    }
}

/// An answer to a run.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputGiven {
    /// What to tell the run. For an approval `approved`, true or false, and if need be
    /// `arguments`, an object to call the tool with instead.
    #[schema(value_type = Object)]
    pub input: Map<String, Value>,
    /// The request that is answered; needed when several wait.
    #[serde(default)]
    pub request_id: Option<RequestId>,
    /// The `callHash` of the request, to be certain what is approved.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub call_hash: Option<String>,
}

impl InputGiven {
    /// Checks what can be checked before the request is known.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        let size = serde_json::to_vec(&self.input).map_or(usize::MAX, |json| json.len());
        fields.check(
            size <= MAX_INPUT,
            "input",
            format!("must have at most {MAX_INPUT} bytes"),
        );
        fields.finish()
    }

    /// Checks the answer against the kind of request.
    pub fn check_for(&self, kind: RequestType) -> Result<()> {
        let mut fields = Fields::default();
        match kind {
            RequestType::Question => {
                fields.check(!self.input.is_empty(), "input", "must not be empty");
            }
            RequestType::Approval => {
                let approved = self.input.get("approved");
                fields.check(
                    approved.is_some_and(Value::is_boolean),
                    "input.approved",
                    "must be true or false",
                );
                let arguments = self.input.get("arguments");
                fields.check(
                    arguments.is_none_or(Value::is_object),
                    "input.arguments",
                    "must be an object",
                );
            }
        }
        fields.finish()
    }
}

/// A word to a run that goes on.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageGiven {
    /// What the model is told before its next answer.
    #[schema(min_length = 1, max_length = 20_000, pattern = "\\S")]
    pub text: String,
}

impl MessageGiven {
    /// Checks the text.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        fields.length("text", &self.text, 1, MAX_MESSAGE);
        fields.not_blank("text", &self.text);
        let nul = self.text.contains('\0');
        fields.check(!nul, "text", "must not contain the NUL character");
        fields.finish()
    }
}
