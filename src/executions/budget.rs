//! Budgets: what runs may spend, in US dollars and tokens.
//!
//! A limit stands in the settings of an organization (a month), of a project, of a node (all
//! that is run below it), or of an execution (with all that it starts). Before each call of a
//! model the most that it can cost is reserved under every limit that covers the run, in one
//! transaction and whole or not at all; the call's entry settles it. So runs side by side
//! never pass a limit together that each of them keeps. A call that is lost with its worker
//! is counted as what the model was given to read, which its provider bills at least; one that
//! the provider refused costs nothing.
//!
//! What a model costs whose price is unknown is unknown: dollars don't bound it, tokens do.

use super::{
    model::{
        Lease, Totals,
        budget::{Account, Answer, Need, Source, limits},
    },
    store::{self, Head, budget::Used},
};
use crate::{
    kernel::{ExecutionId, Result},
    platform::db::Tx,
    tenants::{
        self,
        model::{Notice, NotificationType, Subject},
    },
};

/// What may limit a run.
#[derive(Debug)]
pub struct Budgets(Vec<Source>);

/// Reads them, for [`reserve_in`] in the same transaction. What the run had reserved before is
/// a call that was lost.
pub async fn budgets_in(tx: &Tx, lease: &Lease) -> Result<Budgets> {
    let lost = store::budget::settle(tx, lease.execution, Used::Lost);
    let (_, budgets) = tokio::try_join!(biased; lost, settled_budgets_in(tx, lease))?;
    Ok(budgets)
}

/// The same where the transaction has settled the run's last call already.
pub async fn settled_budgets_in(tx: &Tx, lease: &Lease) -> Result<Budgets> {
    store::budget::sources(tx, lease).await.map(Budgets)
}

/// Reserves what a call may use at most.
pub async fn reserve_in(
    tx: &mut Tx,
    lease: &Lease,
    Budgets(sources): Budgets,
    need: Need,
) -> Result<Answer> {
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
    store::budget::reserve(tx, lease, ids, need);
    Ok(Answer::Reserved)
}

/// Frees what was reserved for a call that its server did not take, or that was not made, and
/// which costs nothing.
pub async fn release_in(tx: &mut Tx, lease: &Lease) -> Result<()> {
    store::budget::settle(tx, lease.execution, Used::Known(0, 0)).await?;
    Ok(())
}

/// Settles the run's call, if what is written ends one: what was reserved for it gives way to
/// what it used. Without `used` it was lost or dropped. Answers the budgets of which people
/// may have to be told.
pub(super) async fn settle_in(
    tx: &Tx,
    run: ExecutionId,
    used: Option<&Totals>,
    ends: bool,
) -> Result<Vec<Account>> {
    let Some(used) = used else {
        if ends {
            store::budget::settle(tx, run, Used::Lost).await?;
        }
        return Ok(Vec::new());
    };
    // An unknown cost was not bounded, and is not counted.
    let micros = used.cost_micros.unwrap_or(0);
    let tokens = used.tokens_in + used.tokens_out;
    store::budget::settle(tx, run, Used::Known(micros, tokens)).await
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
