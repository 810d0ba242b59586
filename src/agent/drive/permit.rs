//! Leave to ask the model once more: the run may go on, under which rules, and what the call
//! may cost at most is reserved.
//!
//! Where the model is asked next, the transaction that ends a step takes this leave, too, so
//! that a step is one transaction. Leave that is not used is given back.

use serde_json::json;

use super::Driver;
use crate::{
    access::{self, Standing, Target},
    agent::{
        context, leave,
        machine::{Next, State},
        policy::Policy,
    },
    executions::{
        model::{
            Change, TraceEvent, TraceKind,
            budget::{Allowance, Answer, Need, Settle},
            terms::Terms,
        },
        ops::{self as executions, Before},
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
    /// What the run holds under its budgets, this call included.
    pub allowance: Allowance,
    /// The name of the model that is asked.
    by: String,
    /// The number of the entry after which it is asked.
    after: i64,
}

/// The call for which leave is taken.
struct Wanted {
    request: ChatRequest,
    by: Found,
    after: i64,
}

/// What a step's transaction knows when it takes leave for the next call.
pub(super) struct Concluded<'a> {
    pub standing: &'a Standing,
    /// What the journal amounts to with the entries of the step.
    pub state: &'a State,
    pub written: &'a [TraceEvent],
    pub change: &'a Change,
    /// What the run holds after them; `None` when this process does not know.
    pub held: Option<&'a Allowance>,
}

impl Driver {
    /// Takes leave in a transaction of its own.
    ///
    /// # Errors
    /// [`Code::Forbidden`] when the run may not go on; [`Code::BudgetExceeded`], with
    /// `details.pause`.
    pub(super) async fn permit(&self, request: ChatRequest, by: &Found) -> Result<Permit> {
        let wanted = Wanted {
            request,
            by: by.clone(),
            after: self.state.sequence,
        };
        let found = async |tx: &Tx| self.standing_and_terms(tx).await;
        let reserve = async |tx: &mut Tx, (standing, terms): (Standing, Terms)| {
            let policy = leave::rules(&standing, &self.caller, &terms)?;
            self.permit_in(tx, &terms, policy, Before::Unknown, wanted)
                .await
        };
        self.app.db.tx_after(self.scope(), found, reserve).await
    }

    /// The rules as they are now.
    pub(super) async fn rules(&self) -> Result<Policy> {
        let read = async |tx: &mut Tx| {
            let (standing, terms) = self.standing_and_terms(tx).await?;
            leave::rules(&standing, &self.caller, &terms)
        };
        self.app.db.tx(self.scope(), read).await
    }

    async fn standing_and_terms(&self, tx: &Tx) -> Result<(Standing, Terms)> {
        let node = Target::Node(self.lease.node);
        let standing = access::standing(tx, &self.caller, node);
        let terms = executions::terms_in(tx, &self.lease);
        tokio::try_join!(biased; standing, terms)
    }

    /// Takes leave for the call that comes next, if one does and nothing speaks against it.
    /// What does is found out, and told, when the call's turn has come.
    pub(super) async fn permit_next(
        &self,
        tx: &mut Tx,
        now: Concluded<'_>,
    ) -> Result<Option<Permit>> {
        if *now.change != Change::Continue
            || now.state.next(&self.limits, tx.now()) != Next::CallModel
            || self.has_other_tools()
        {
            return Ok(None);
        }
        let Some(by) = self.choice.first_known() else {
            return Ok(None);
        };
        let Ok(request) = self.request(now.state, &by) else {
            return Ok(None);
        };
        let after = now.state.sequence;
        let wanted = Wanted { request, by, after };
        let before = match now.held {
            Some(held) if held.settle() == Settle::AtRest => Before::Allowance(held.clone()),
            _ if now.written.iter().any(is_answer) => Before::Nothing,
            _ => Before::Unknown,
        };
        let taken = async {
            let terms = executions::terms_in(tx, &self.lease).await?;
            let policy = leave::rules(now.standing, &self.caller, &terms)?;
            self.permit_in(tx, &terms, policy, before, wanted).await
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
        self.allowance = None;
        match self.permit.take() {
            Some(_) => self.release().await,
            None => Ok(()),
        }
    }

    /// Frees what is reserved: the call was not made, or cost nothing.
    pub(super) async fn release(&self) -> Result<()> {
        let release = async |tx: &mut Tx| executions::release_in(tx, &self.lease).await;
        self.app.db.tx(self.scope(), release).await
    }

    /// Reserves what the call may cost at most under the budgets that cover the run.
    async fn permit_in(
        &self,
        tx: &mut Tx,
        terms: &Terms,
        policy: Policy,
        before: Before,
        wanted: Wanted,
    ) -> Result<Permit> {
        let Wanted { request, by, after } = wanted;
        let longest = request.max_tokens.unwrap_or(LONGEST_ANSWER);
        let need = self.need(&request, longest, &by);
        let answer = executions::reserve_in(tx, &self.lease, terms, before, need, after).await?;
        let allowance = match answer {
            Answer::Reserved(allowance) => allowance,
            Answer::Exceeded { why, pause } => {
                let error = Error::new(Code::BudgetExceeded, why);
                return Err(error.with_details(json!({ "pause": pause })));
            }
        };
        let max_tokens = match request.max_tokens {
            None if allowance.is_limited() => Some(longest),
            as_asked => as_asked,
        };
        Ok(Permit {
            request: ChatRequest {
                max_tokens,
                ..request
            },
            policy,
            allowance,
            by: by.name,
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
