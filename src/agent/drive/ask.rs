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

use super::Driver;
use crate::{
    agent::{context, leave, policy::Policy},
    executions::{
        self,
        model::budget::{Answer, Need},
    },
    kernel::{
        Code, Error, Result,
        event::{Channel, EventKind},
    },
    platform::{
        bus::Message,
        db::Tx,
        llm::{ChatAnswer, ChatRequest, Model, ModelError, ModelErrorKind, Usage},
    },
    tenants::model::Found,
};

/// How often an answer that broke off is asked for again, by model.
const TRIES_AFTER_BREAKS: u32 = 2;

/// Tokens of an answer at most, where a budget must bound it and nothing else does.
const LONGEST_ANSWER: u32 = 8192;

/// The wait before that; a server that restarts is there again soon.
const PAUSE: Duration = Duration::from_millis(500);

/// An answer, and which model it is from.
pub(super) struct Answered {
    pub answer: ChatAnswer,
    /// The rules for what it asks for.
    pub policy: Policy,
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
    pub(super) async fn ask(&self) -> Result<std::result::Result<Answered, Vec<PassedOver>>> {
        let seconds = self.limits.seconds;
        let taken = self.state.worked(self.app.db.now()).to_std();
        let left = Duration::from_secs(seconds).saturating_sub(taken.unwrap_or_default());
        match tokio::time::timeout(left, self.ask_in_order()).await {
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

    async fn ask_in_order(&self) -> Result<std::result::Result<Answered, Vec<PassedOver>>> {
        let mut passed_over = Vec::new();
        let mut attempt = 0;
        for by in self.choice.candidates().await? {
            let error = match self.ask_one(&by, &mut attempt).await? {
                Ok((answer, policy)) => {
                    return Ok(Ok(Answered {
                        answer,
                        policy,
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
        attempt: &mut u32,
    ) -> Result<std::result::Result<(ChatAnswer, Policy), ModelError>> {
        let model = match self.choice.open(by).await {
            Ok(model) => model,
            // The database may come back; what is wrong with the model's settings won't.
            Err(error) if error.retryable() && !is_of_the_model(&error) => return Err(error),
            Err(error) => return Ok(Err(unusable(&error))),
        };
        let mut breaks = 0;
        loop {
            let request = match self.request(by) {
                Ok(request) => request,
                Err(error) => return Ok(Err(error)),
            };
            let (request, policy) = self.permit(request, by).await?;
            *attempt += 1;
            let error = match self.call(&model, &request, *attempt).await {
                Ok(mut answer) => {
                    let used = answer.usage;
                    answer.usage = used.or_else(|| Some(context::estimate(&request, &answer)));
                    return Ok(Ok((answer, policy)));
                }
                Err(error) => error,
            };
            if error.is_free() {
                let release =
                    async |tx: &mut Tx| executions::ops::release_in(tx, &self.lease).await;
                self.app.db.tx(self.scope(), release).await?;
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
    fn request(&self, by: &Found) -> std::result::Result<ChatRequest, ModelError> {
        let config = &self.lease.config;
        let tools = self.tool_specs();
        let room = context::room(self.choice.window(by), config.max_tokens, &tools);
        let messages = context::fit(&self.state.messages, &self.state.entries, room);
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

    /// Asks whether the run may go on and under which rules, and reserves what the call may
    /// cost at most under the budgets that cover the run. Where there is one, the answer's
    /// length has a bound.
    ///
    /// # Errors
    /// [`Code::Forbidden`] when the run may not go on; [`Code::BudgetExceeded`], with
    /// `details.pause`.
    async fn permit(&self, request: ChatRequest, by: &Found) -> Result<(ChatRequest, Policy)> {
        let longest = request.max_tokens.unwrap_or(LONGEST_ANSWER);
        let need = self.need(&request, longest, by);
        let ask = async |tx: &Tx| {
            let rules = leave::rules_in(tx, &self.caller, &self.lease);
            tokio::try_join!(biased; rules, executions::ops::budgets_in(tx, &self.lease))
        };
        let reserve = async |tx: &mut Tx, (policy, budgets)| {
            let answer = executions::ops::reserve_in(tx, &self.lease, budgets, need).await?;
            Ok((policy, answer))
        };
        let (policy, answer) = self.app.db.tx_after(self.scope(), ask, reserve).await?;
        match answer {
            Answer::Free => Ok((request, policy)),
            Answer::Reserved => {
                let max_tokens = Some(longest);
                Ok((
                    ChatRequest {
                        max_tokens,
                        ..request
                    },
                    policy,
                ))
            }
            Answer::Exceeded { why, pause } => {
                let error = Error::new(Code::BudgetExceeded, why);
                Err(error.with_details(json!({ "pause": pause })))
            }
        }
    }

    /// The most that a call can use whose answer has `longest` tokens at most.
    fn need(&self, request: &ChatRequest, longest: u32, by: &Found) -> Need {
        let read = context::at_most(request);
        let cost = |input_tokens, output_tokens| {
            let usage = Usage {
                input_tokens,
                output_tokens,
                ..Usage::default()
            };
            let now = self.app.db.now();
            self.app
                .prices
                .cost_micros(&by.served, &usage, now)
                .unwrap_or(0)
        };
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX / 4);
        Need {
            micros: cost(read, u64::from(longest)),
            tokens: count(read) + i64::from(longest),
            read_micros: cost(read, 0),
            read_tokens: count(read),
        }
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
