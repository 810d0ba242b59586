//! What goes on from another execution's journal, and from where.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kernel::{ExecutionId, Result, field::Fields};

/// Characters of an edited text at most.
const MAX_TEXT: usize = 100_000;
/// Characters of the arguments of an edited call at most.
const MAX_ARGUMENTS: usize = 1_000_000;
/// Calls in an edited answer at most.
const MAX_CALLS: usize = 64;

/// The entry of another execution that a fork goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForkPoint {
    /// That execution.
    pub execution_id: ExecutionId,
    /// The last entry that is shared.
    pub sequence_number: i64,
}

impl From<(ExecutionId, i64)> for ForkPoint {
    fn from((execution_id, sequence_number): (ExecutionId, i64)) -> Self {
        ForkPoint {
            execution_id,
            sequence_number,
        }
    }
}

/// What the first entry of a fork says of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The entry.
    #[serde(flatten)]
    pub point: ForkPoint,
    /// The hash that it had.
    pub hash: String,
}

/// What starts a fork.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionFork {
    /// The last entry that both have.
    #[schema(minimum = 1, example = 4)]
    pub after_sequence: i64,
    /// What is different from there on.
    #[serde(default)]
    pub edit: Option<ForkEdit>,
}

/// What is different in a fork.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForkEdit {
    /// Stands in the place of the model's answer in the last shared entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<EditedAnswer>,
    /// A word of a person to the model, read before its next answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100_000)]
    pub message: Option<String>,
    /// Replaces the first lines of what the model is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100_000)]
    pub system_prompt: Option<String>,
    /// Replaces what the model is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100_000)]
    pub task: Option<String>,
}

/// What the model is made to have answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditedAnswer {
    /// Its words.
    #[serde(default)]
    #[schema(max_length = 100_000)]
    pub text: String,
    /// The tools that it calls, in order.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub tool_calls: Vec<EditedCall>,
}

/// A call of a tool, as entries of the kind `llm_call` show it. It gets an id of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditedCall {
    /// The tool's name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The arguments as a text in JSON.
    #[schema(max_length = 1_000_000)]
    pub arguments: String,
}

impl ExecutionFork {
    /// Checks every field.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        fields.check(
            self.after_sequence >= 1,
            "afterSequence",
            "must be 1 or more",
        );
        if let Some(edit) = &self.edit {
            edit.check(&mut fields);
        }
        fields.finish()
    }
}

impl ForkEdit {
    /// The edit as the first entry of `fork` records it: each call with an id that no
    /// other call of the conversation has.
    pub fn recorded(&self, fork: ExecutionId) -> Value {
        let mut edit = json!(self);
        let calls = edit.pointer_mut("/answer/toolCalls");
        let calls = calls.and_then(Value::as_array_mut).into_iter().flatten();
        for (i, call) in calls.enumerate() {
            if let Some(call) = call.as_object_mut() {
                call.insert("id".to_owned(), json!(format!("fork_{fork}_{i}")));
            }
        }
        edit
    }

    fn check(&self, fields: &mut Fields) {
        let texts = [
            ("edit.message", &self.message),
            ("edit.systemPrompt", &self.system_prompt),
            ("edit.task", &self.task),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                fields.length(field, text, 1, MAX_TEXT);
            }
        }
        let Some(answer) = &self.answer else { return };
        fields.length("edit.answer.text", &answer.text, 0, MAX_TEXT);
        let calls = &answer.tool_calls;
        let few = calls.len() <= MAX_CALLS;
        fields.check(few, "edit.answer.toolCalls", "must be at most 64");
        for (i, call) in calls.iter().enumerate() {
            let field = |name: &str| format!("edit.answer.toolCalls[{i}].{name}");
            fields.length(&field("name"), &call.name, 1, 200);
            fields.length(&field("arguments"), &call.arguments, 0, MAX_ARGUMENTS);
        }
    }
}
