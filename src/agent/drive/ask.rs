//! Asking for the next answer: the model that was chosen, and those after it when it
//! does not answer.
//!
//! An answer that breaks off is asked for again: nothing of it is in the journal, and
//! its words were only shown. What was shown is told to be void by the `attempt` that
//! the next words carry.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Driver, permit::Permit};
use crate::{
    agent::{context, machine::State, policy::Policy},
    executions::model::budget::Allowance,
    kernel::{
        Code, Error, Result,
        event::{Channel, EventKind},
    },
    platform::{
        bus::Message,
        llm::{ChatAnswer, ChatRequest, Model, ModelError, ModelErrorKind},
    },
    tenants::model::Found,
};

/// How often an answer that broke off is asked for again, by model.
const TRIES_AFTER_BREAKS: u32 = 2;

/// The wait before that; a server that restarts is there again soon.
const PAUSE: Duration = Duration::from_millis(500);

/// An answer, and which model it is from.
pub(super) struct Answered {
    pub answer: ChatAnswer,
    /// The rules for what it asks for.
    pub policy: Policy,
    /// What the run holds under its budgets, what the answer used included.
    pub allowance: Allowance,
    pub by: Found,
    /// The models that were asked before, and why they did not answer.
    pub passed_over: Vec<PassedOver>,
}

/// A model that did not answer.
pub(super) struct PassedOver {
    model: String,
    error: ModelError,
}

impl Answered {
    /// What the journal says of the models that were passed over.
    pub fn fallback_from(&self) -> Option<Value> {
        let tell = |passed: &PassedOver| {
            json!({
                "model": passed.model,
                "kind": passed.error.kind.as_str(),
                "message": passed.error.message,
            })
        };
        let told: Vec<_> = self.passed_over.iter().map(tell).collect();
        (!told.is_empty()).then(|| told.into())
    }
}

/// Why no model answered, for a person.
pub(super) fn no_answer(passed_over: &[PassedOver]) -> String {
    let tell = |passed: &PassedOver| {
        let message = &passed.error.message;
        format!("The model {} did not answer: {message}", passed.model)
    };
    let told: Vec<_> = passed_over.iter().map(tell).collect();
    told.join(" ")
}

impl Driver {
    /// The next answer, from the first model that gives one; else why none did. Several
    /// slow models together get no more time than the execution has.
    pub(super) async fn ask(
        &self,
        permit: Option<Permit>,
    ) -> Result<std::result::Result<Answered, Vec<PassedOver>>> {
        let seconds = self.limits.seconds;
        let taken = self.state.worked(self.app.db.now()).to_std();
        let left = Duration::from_secs(seconds).saturating_sub(taken.unwrap_or_default());
        match tokio::time::timeout(left, self.ask_in_order(permit)).await {
            Ok(asked) => asked,
            Err(_) => {
                let message = format!("The execution reached its limit of {seconds} seconds.");
                Ok(Err(vec![PassedOver {
                    model: self.lease.model.clone(),
                    error: ModelError::new(ModelErrorKind::Timeout, message),
                }]))
            }
        }
    }

    async fn ask_in_order(
        &self,
        mut permit: Option<Permit>,
    ) -> Result<std::result::Result<Answered, Vec<PassedOver>>> {
        let mut passed_over = Vec::new();
        let mut attempt = 0;
        for by in self.choice.candidates().await? {
            let error = match self.ask_one(&by, &mut permit, &mut attempt).await? {
                Ok((answer, permit)) => {
                    return Ok(Ok(Answered {
                        answer,
                        policy: permit.policy,
                        allowance: permit.allowance,
                        by,
                        passed_over,
                    }));
                }
                Err(error) => error,
            };
            let is_last = !error.another_may_answer();
            passed_over.push(PassedOver {
                model: by.name,
                error,
            });
            if is_last {
                break;
            }
        }
        Ok(Err(passed_over))
    }

    /// Asks one model until it answers or fails for good.
    async fn ask_one(
        &self,
        by: &Found,
        permit: &mut Option<Permit>,
        attempt: &mut u32,
    ) -> Result<std::result::Result<(ChatAnswer, Permit), ModelError>> {
        let model = match self.choice.open(by).await {
            Ok(model) => model,
            // The database may come back; what is wrong with the model's settings won't.
            Err(error) if error.retryable() && !is_of_the_model(&error) => return Err(error),
            Err(error) => return Ok(Err(unusable(&error))),
        };
        let mut breaks = 0;
        loop {
            let permit = match self.still_good(permit.take(), by).await? {
                Some(permit) => permit,
                None => match self.request(&self.state, by) {
                    Ok(request) => self.permit(request, by).await?,
                    Err(error) => return Ok(Err(error)),
                },
            };
            *attempt += 1;
            let error = match self.call(&model, &permit.request, *attempt).await {
                Ok(mut answer) => {
                    let used = answer.usage;
                    let estimate = || context::estimate(&permit.request, &answer);
                    answer.usage = used.or_else(|| Some(estimate()));
                    return Ok(Ok((answer, permit)));
                }
                Err(error) => error,
            };
            if error.is_free() {
                self.release().await?;
            }
            if error.kind == ModelErrorKind::ContextTooLong && self.choice.narrow(by) {
                continue;
            }
            if !(error.begun && error.retryable()) || breaks == TRIES_AFTER_BREAKS {
                return Ok(Err(error));
            }
            breaks += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What of the conversation the model can read.
    pub(super) fn request(
        &self,
        state: &State,
        by: &Found,
    ) -> std::result::Result<ChatRequest, ModelError> {
        let config = &self.lease.config;
        let tools = self.tool_specs();
        let room = context::room(self.choice.window(by), config.max_tokens, &tools);
        let messages = context::fit(&state.messages, &state.entries, room);
        let messages = messages
            .map_err(|error| ModelError::new(ModelErrorKind::ContextTooLong, error.to_string()))?;
        Ok(ChatRequest {
            model: by.served.clone(),
            messages,
            tools,
            max_tokens: config.max_tokens,
            temperature: config.temperature,
        })
    }

    /// One call, telling those who watch of its words as they come.
    async fn call(
        &self,
        model: &Arc<dyn Model>,
        request: &ChatRequest,
        attempt: u32,
    ) -> std::result::Result<ChatAnswer, ModelError> {
        let (words, mut spoken) = mpsc::unbounded_channel::<String>();
        let delta = move |text: &str| {
            let _ = words.send(text.to_owned());
        };
        let mut call = pin!(model.chat(request, &delta));
        loop {
            tokio::select! {
                biased;
                Some(text) = spoken.recv() => self.speak(&text, attempt).await,
                answer = &mut call => {
                    while let Ok(text) = spoken.try_recv() {
                        self.speak(&text, attempt).await;
                    }
                    return answer;
                }
            }
        }
    }

    /// Words on their way are stored nowhere; those who miss them read the entry.
    async fn speak(&self, text: &str, attempt: u32) {
        let payload = json!({
            "executionId": self.lease.execution,
            "nodeId": self.lease.node,
            "sequenceNumber": self.state.sequence + 1,
            "attempt": attempt,
            "text": text,
        });
        let message = Message {
            kind: EventKind::LlmDelta,
            payload: Arc::new(payload),
            told: None,
        };
        for channel in [
            Channel::Node(self.lease.node),
            Channel::Execution(self.lease.execution),
        ] {
            if let Err(error) = self.app.bus.publish(channel, message.clone()).await {
                tracing::debug!(error = %error.chain(), "words were not passed on");
            }
        }
    }
}

/// Whether a model can't be opened for a reason of its own, such as a key that the vault
/// does not open.
fn is_of_the_model(error: &Error) -> bool {
    matches!(error.code(), Code::ModelUnavailable)
}

/// A model that could not even be asked.
fn unusable(error: &Error) -> ModelError {
    let message = match error.code() {
        Code::ValidationFailed => format!("Its settings can't be used: {}", error.message()),
        _ => error.message().to_owned(),
    };
    ModelError::new(ModelErrorKind::Refused, message)
}
