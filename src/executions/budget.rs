//! Budgets: what runs may spend, in US dollars and tokens.
//!
//! A limit stands in the settings of an organization (a month), of a project, of a node (all
//! that is run below it), or of an execution (with all that it starts). Before each call of a
//! model the most that it can cost is reserved under every limit that covers the run, in one
//! transaction and whole or not at all. So runs side by side never pass a limit together that
//! each of them keeps. A call that is lost with its worker is counted as what the model was
//! given to read, which its provider bills at least; one that the provider refused costs nothing.
//!
//! While half of every limit is free, a run reserves for several calls, and what it used is
//! counted once for all of them: the rows of budgets are everybody's, and a transaction that
//! changes one keeps the others waiting until it has committed. Beyond half, where people are
//! told of what is spent, each call is reserved and settled by itself.
//!
//! What a model costs whose price is unknown is unknown: dollars don't bound it, tokens do.

use super::{
    model::{
        Lease,
        budget::{Account, Allowance, Answer, Need, Settle, limits},
        terms::Terms,
    },
    store::{
        self, Head,
        budget::{Call, Open},
    },
};
use crate::{
    kernel::{ExecutionId, Result},
    platform::db::Tx,
    tenants::{
        self,
        model::{Notice, NotificationType, Subject},
    },
};

/// What a run may hold when it asks for another call.
#[derive(Debug)]
pub enum Before {
    /// Nothing: what it had was settled by this transaction.
    Nothing,
    /// This, which no other worker had meanwhile.
    Allowance(Allowance),
    /// What another worker left, or an earlier call: that call was lost.
    Unknown,
}

/// Reserves what a call may use at most that follows the entry `after`.
pub async fn reserve_in(
    tx: &mut Tx,
    lease: &Lease,
    terms: &Terms,
    before: Before,
    need: Need,
    after: i64,
) -> Result<Answer> {
    let limits = limits(&terms.sources, tx.now());
    let call = Call { after, need };
    if let Before::Allowance(held) = &before
        && held.covers(&limits, &need)
        && (limits.is_empty() || store::budget::goes_on(tx, lease.execution, call).await?)
    {
        return Ok(Answer::Reserved(held.clone()));
    }
    let open = match before {
        Before::Nothing => None,
        // Its last call was answered; the next is not made under it.
        Before::Allowance(_) => Some(Open::Free),
        Before::Unknown => Some(Open::Lost),
    };
    if let Some(open) = open {
        store::budget::settle(tx, lease.execution, open).await?;
    }
    if limits.is_empty() {
        return Ok(Answer::Reserved(Allowance::unlimited()));
    }
    let accounts = store::budget::open(tx, lease.org, &limits).await?;
    if let Some(why) = accounts.iter().find_map(|account| account.refuses(&need)) {
        let pause = terms
            .sources
            .iter()
            .any(|source| source.written.on_exceeded);
        return Ok(Answer::Exceeded { why, pause });
    }
    let allowance = Allowance::of(&accounts, &need);
    let ids = accounts.iter().map(|account| account.id).collect();
    store::budget::reserve(tx, lease, ids, &allowance, call);
    Ok(Answer::Reserved(allowance))
}

/// Frees what is reserved: the call that was noted last was not made, or its server did not
/// take it, and it costs nothing.
pub async fn release_in(tx: &mut Tx, lease: &Lease) -> Result<()> {
    store::budget::settle(tx, lease.execution, Open::Free).await?;
    Ok(())
}

/// Counts what the run has used, where it is time: with an answer, as `settle` has it, and when
/// the run rests. A call of which no entry tells then was lost or dropped. Answers the budgets
/// of which people may have to be told.
pub(super) async fn settle_in(
    tx: &Tx,
    run: ExecutionId,
    answered: bool,
    settle: Settle,
    rests: bool,
) -> Result<Vec<Account>> {
    if rests || (answered && settle == Settle::EachCall) {
        return store::budget::settle(tx, run, Open::Lost).await;
    }
    Ok(Vec::new())
}

/// The parts of a limit, in percent, at which people are told.
const STEPS: [i64; 3] = [100, 80, 50];

/// Tells the organization's administrators and who started the run when a step is passed,
/// once for each step.
pub(super) async fn tell_of(tx: &mut Tx, head: &Head, account: &Account) -> Result<()> {
    let percent = account.percent();
    let Some(step) = STEPS.into_iter().find(|step| percent >= *step) else {
        return Ok(());
    };
    if !store::budget::tell_once(tx, account.id, step).await? {
        return Ok(());
    }
    let mut users = tenants::ops::admins_in(tx, head.org).await?;
    users.extend(head.started_by);
    users.sort_unstable();
    users.dedup();
    let notice = Notice {
        kind: NotificationType::BudgetAlert,
        title: format!("{step} % of a budget is used ({})", account.limit.cover),
        body: None,
        subject: Subject::Execution(head.id),
        node: head.node,
        project: head.project,
    };
    tenants::ops::notify_in(tx, head.org, &users, &notice).await
}
