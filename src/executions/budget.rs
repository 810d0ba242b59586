//! Budgets: what runs may spend, in US dollars and tokens.
//!
//! A limit stands in the settings of an organization (a month), of a project, of a node (all
//! that is run below it), or of an execution (with all that it starts). Before each call of a
//! model the most that it can cost is reserved under every limit that covers the run, in one
//! transaction and whole or not at all; the call's entry settles it. So runs side by side
//! never pass a limit together that each of them keeps. A call that is lost with its worker
//! is counted as what the model was given to read, which its provider bills at least.
//!
//! What a model costs whose price is unknown is unknown: dollars don't bound it, tokens do.

use super::{
    model::{
        Lease, Totals,
        budget::{Account, Answer, Need, limits},
    },
    store::{self, Head},
};
use crate::{
    kernel::{ExecutionId, Result},
    platform::db::Tx,
    tenants::{
        self,
        model::{Notice, NotificationType, Subject},
    },
};

/// Reserves what a call may use at most. What the run had reserved before is a call that was
/// lost.
pub async fn reserve_in(tx: &mut Tx, lease: &Lease, need: Need) -> Result<Answer> {
    lost_in(tx, lease.execution).await?;
    let sources = store::budget::sources(tx, lease).await?;
    let pause = sources.iter().any(|source| source.written.on_exceeded);
    let limits = limits(&sources, tx.now());
    if limits.is_empty() {
        return Ok(Answer::Free);
    }
    let accounts = store::budget::open(tx, lease.org, &limits).await?;
    if let Some(why) = accounts.iter().find_map(|account| account.refuses(&need)) {
        return Ok(Answer::Exceeded { why, pause });
    }
    let ids = accounts.iter().map(|account| account.id).collect();
    store::budget::reserve(tx, lease, ids, need).await?;
    Ok(Answer::Reserved)
}

/// Settles the call whose entry is written: what was reserved for it gives way to what it
/// used.
pub(super) async fn settle_in(tx: &mut Tx, head: &Head, used: &Totals) -> Result<()> {
    let Some(reserved) = store::budget::take_reservation(tx, head.id).await? else {
        return Ok(());
    };
    // An unknown cost was not bounded, and is not counted.
    let micros = used.cost_micros.unwrap_or(0);
    let tokens = used.tokens_in + used.tokens_out;
    let accounts = store::budget::settle(tx, &reserved, micros, tokens).await?;
    for account in &accounts {
        tell_of(tx, head, account).await?;
    }
    Ok(())
}

/// Settles a call that was lost or dropped, if the run was making one.
pub(super) async fn lost_in(tx: &mut Tx, run: ExecutionId) -> Result<()> {
    if let Some(reserved) = store::budget::take_reservation(tx, run).await? {
        let (micros, tokens) = (reserved.lost_micros, reserved.lost_tokens);
        store::budget::settle(tx, &reserved, micros, tokens).await?;
    }
    Ok(())
}

/// The parts of a limit, in percent, at which people are told.
const STEPS: [i64; 3] = [100, 80, 50];

/// Tells the organization's administrators and who started the run when a step is passed,
/// once for each step.
async fn tell_of(tx: &mut Tx, head: &Head, account: &Account) -> Result<()> {
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
