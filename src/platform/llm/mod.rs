//! Language models: one trait, and the registry that finds the model of a name.
//!
//! A model answers one request; it keeps no conversation and runs no tool. What it
//! says is untrusted text. Implementations never log a prompt, an answer or a key,
//! and put none of them into an error; dropping the future of
//! [`Model::chat`] aborts the request.
//!
//! * [`openai`]: any server that speaks OpenAI's chat completions
//! * [`anthropic`]: a server that speaks Anthropic's messages
//! * [`demo`]: a deterministic, scripted stand-in that says that it is one
//! * [`connect`]: makes either of them of an address and a key
//! * [`retry`]: a wrapper that tries again, around any of them
//! * [`price`]: what the tokens cost

pub mod anthropic;
pub mod connect;
pub mod demo;
mod error;
pub(in crate::platform) mod exchange;
mod failure;
mod history;
#[cfg(test)]
mod misbehaviour;
mod models;
pub mod openai;
pub mod price;
pub mod retry;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use error::{ModelError, ModelErrorKind};
pub use models::{Models, ModelsBuilder};

/// One question to a model: the whole conversation so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatRequest {
    /// The full name as LiteLLM writes it, the provider first: `openai/gpt-4o`.
    pub model: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The tools that the model may call; empty when it may call none.
    pub tools: Vec<ToolSpec>,
    /// The most tokens the answer may have; the server's own limit when absent.
    pub max_tokens: Option<u32>,
    /// How freely the model chooses its words; the server's default when absent.
    pub temperature: Option<f64>,
}

/// One message of a conversation. The JSON form is stored as evidence, so its
/// spelling must not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "role",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum Message {
    /// What the model is told about its part, by us.
    System {
        /// The text.
        text: String,
    },
    /// The task, or a person's word.
    User {
        /// The text.
        text: String,
    },
    /// What the model answered.
    Assistant {
        /// Its words; may be empty when it only calls tools.
        text: String,
        /// The tools it called.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool answered.
    Tool {
        /// The [`ToolCall::id`] that this answers.
        call_id: String,
        /// The tool's name.
        name: String,
        /// The answer, usually JSON text.
        content: String,
    },
}

/// A model's wish to call a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within the conversation.
    pub id: String,
    /// The tool's name, as the model wrote it: it need not exist.
    pub name: String,
    /// The JSON text exactly as the model wrote it: it need not parse. `{}` when
    /// the model wrote nothing.
    pub arguments: String,
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// The name, `[a-z_]`.
    pub name: String,
    /// What it does and when to use it, for the model.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: serde_json::Value,
}

/// A model's answer, complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatAnswer {
    /// Its words.
    pub text: String,
    /// The tools it wants called, in its order.
    pub tool_calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: Finish,
    /// The tokens used; absent when the server does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The model as the server names it, which may be more exact than asked.
    pub model: String,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It had said all it wanted.
    Stop,
    /// It waits for the tools it called.
    ToolCalls,
    /// The limit of tokens cut it off; arguments of a tool may be incomplete.
    Length,
    /// Anything else, such as the provider's content filter.
    Other,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens read, those of the two kinds below included.
    pub input_tokens: u64,
    /// Tokens of them that the provider had kept from an earlier call.
    #[serde(default)]
    pub cache_read_tokens: u64,
    /// Tokens of them that the provider now keeps for later calls.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// Tokens written, those of hidden reasoning included.
    pub output_tokens: u64,
    /// Whether these are our estimate instead of the provider's count.
    #[serde(default)]
    pub estimated: bool,
}

/// Hears the answer's words as they come.
pub type Delta<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A language model.
#[async_trait]
pub trait Model: Send + Sync {
    /// Answers `request`, telling `delta` each piece of text as it comes. Dropping
    /// the future aborts the call.
    ///
    /// # Errors
    /// [`ModelError`]; its `begun` says whether `delta` may have heard something.
    async fn chat(&self, request: &ChatRequest, delta: Delta<'_>)
    -> Result<ChatAnswer, ModelError>;
}

#[async_trait]
impl<M: Model + ?Sized> Model for Arc<M> {
    async fn chat(
        &self,
        request: &ChatRequest,
        delta: Delta<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        (**self).chat(request, delta).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_keep_their_spelling_in_the_evidence() {
        let messages = vec![
            Message::User { text: "go".into() },
            Message::Assistant {
                text: String::new(),
                tool_calls: vec![ToolCall {
                    id: "call_1".into(),
                    name: "list_inputs".into(),
                    arguments: "{ }".into(),
                }],
            },
            Message::Tool {
                call_id: "call_1".into(),
                name: "list_inputs".into(),
                content: "{}".into(),
            },
        ];
        let stored = json!([
            {"role": "user", "text": "go"},
            {"role": "assistant", "text": "",
             "toolCalls": [{"id": "call_1", "name": "list_inputs", "arguments": "{ }"}]},
            {"role": "tool", "callId": "call_1", "name": "list_inputs", "content": "{}"},
        ]);
        assert_eq!(serde_json::to_value(&messages).unwrap(), stored);
        assert_eq!(
            serde_json::from_value::<Vec<Message>>(stored).unwrap(),
            messages
        );
    }
}
