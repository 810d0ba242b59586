//! Leave to ask the model once more: the run may go on, under which rules, and what the call
//! may cost at most is reserved.
//!
//! Where the model is asked next, the transaction that ends a step takes this leave, too, so
//! that a step is one transaction. Leave that is not used is given back.

use serde_json::json;

use super::Driver;
use crate::{
    agent::{
        context, leave,
        machine::{Next, State},
        policy::Policy,
    },
    executions::{
        self,
        model::{
            Change, TraceEvent, TraceKind,
            budget::{Answer, Need},
        },
        ops::Budgets,
    },
    kernel::{Code, Error, Result},
    platform::{
        db::Tx,
        llm::{ChatRequest, Usage},
    },
    tenants::model::Found,
};

/// Tokens of an answer at most, where a budget must bound it and nothing else does.
const LONGEST_ANSWER: u32 = 8192;

/// Leave for one call.
pub(super) struct Permit {
    /// What is asked; where there is a budget, the answer's length has a bound.
    pub request: ChatRequest,
    /// The rules for what the answer asks for.
    pub policy: Policy,
    /// The name of the model that is asked.
    by: String,
    /// The number of the entry after which it is asked.
    after: i64,
}

/// What a run may do and spend now.
struct Terms {
    policy: Policy,
    budgets: Budgets,
}

impl Driver {
    /// Takes leave in a transaction of its own.
    ///
    /// # Errors
    /// [`Code::Forbidden`] when the run may not go on; [`Code::BudgetExceeded`], with
    /// `details.pause`.
    pub(super) async fn permit(&self, request: ChatRequest, by: &Found) -> Result<Permit> {
        let after = self.state.sequence;
        let terms = async |tx: &Tx| {
            let budgets = executions::ops::budgets_in(tx, &self.lease);
            self.terms_in(tx, budgets).await
        };
        let reserve =
            async |tx: &mut Tx, terms| self.permit_in(tx, terms, request, by, after).await;
        self.app.db.tx_after(self.scope(), terms, reserve).await
    }

    /// Takes leave for the call that comes next in `state`, if one does and nothing speaks
    /// against it. What does is found out, and told, when the call's turn has come.
    pub(super) async fn permit_next(
        &self,
        tx: &mut Tx,
        state: &State,
        written: &[TraceEvent],
        change: &Change,
    ) -> Result<Option<Permit>> {
        if *change != Change::Continue
            || state.next(&self.limits, tx.now()) != Next::CallModel
            || self.has_other_tools()
        {
            return Ok(None);
        }
        let Some(by) = self.choice.first_known() else {
            return Ok(None);
        };
        let Ok(request) = self.request(state, &by) else {
            return Ok(None);
        };
        let taken = async {
            let terms = if written.iter().any(is_answer) {
                let budgets = executions::ops::settled_budgets_in(tx, &self.lease);
                self.terms_in(tx, budgets).await?
            } else {
                self.terms_in(tx, executions::ops::budgets_in(tx, &self.lease))
                    .await?
            };
            self.permit_in(tx, terms, request, &by, state.sequence)
                .await
        };
        match taken.await {
            Ok(permit) => Ok(Some(permit)),
            Err(error) if is_of_the_run(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The leave that was taken, if it is for what comes now; else it is given back.
    pub(super) async fn still_good(
        &self,
        permit: Option<Permit>,
        by: &Found,
    ) -> Result<Option<Permit>> {
        let Some(permit) = permit else {
            return Ok(None);
        };
        if permit.by == by.name && permit.after == self.state.sequence {
            return Ok(Some(permit));
        }
        self.release().await?;
        Ok(None)
    }

    /// Gives back leave that was taken and not used.
    pub(super) async fn give_back(&mut self) -> Result<()> {
        match self.permit.take() {
            Some(_) => self.release().await,
            None => Ok(()),
        }
    }

    /// Frees what is reserved: the call was not made, or cost nothing.
    pub(super) async fn release(&self) -> Result<()> {
        let release = async |tx: &mut Tx| executions::ops::release_in(tx, &self.lease).await;
        self.app.db.tx(self.scope(), release).await
    }

    async fn terms_in(
        &self,
        tx: &Tx,
        budgets: impl Future<Output = Result<Budgets>>,
    ) -> Result<Terms> {
        let rules = leave::rules_in(tx, &self.caller, &self.lease);
        let (policy, budgets) = tokio::try_join!(biased; rules, budgets)?;
        Ok(Terms { policy, budgets })
    }

    /// Reserves what the call may cost at most under the budgets that cover the run.
    async fn permit_in(
        &self,
        tx: &mut Tx,
        terms: Terms,
        request: ChatRequest,
        by: &Found,
        after: i64,
    ) -> Result<Permit> {
        let longest = request.max_tokens.unwrap_or(LONGEST_ANSWER);
        let need = self.need(&request, longest, by);
        let Terms { policy, budgets } = terms;
        let max_tokens = match executions::ops::reserve_in(tx, &self.lease, budgets, need).await? {
            Answer::Free => request.max_tokens,
            Answer::Reserved => Some(longest),
            Answer::Exceeded { why, pause } => {
                let error = Error::new(Code::BudgetExceeded, why);
                return Err(error.with_details(json!({ "pause": pause })));
            }
        };
        Ok(Permit {
            request: ChatRequest {
                max_tokens,
                ..request
            },
            policy,
            by: by.name.clone(),
            after,
        })
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
}

/// An answer's entry settles its call.
fn is_answer(entry: &TraceEvent) -> bool {
    entry.event_type == TraceKind::LlmCall
}

/// Whether an error says something of the run and its settings, rather than that a statement
/// failed, and with it the transaction.
fn is_of_the_run(error: &Error) -> bool {
    !error.retryable() && error.code() != Code::Internal
}
