//! Whether executions are as they must be, on a live database. Changes nothing.

use super::{
    super::store::{self, doctor},
    verify::{check_contents, verify_in},
};
use crate::{
    config::AgentConfig,
    kernel::{ExecutionId, Finding, OrgId, Result, Scope},
    platform::{blobs::Blobs, db::Db},
};

/// Executions read at a time.
const PAGE: i64 = 200;

/// Looks at every run's owner, and at the journals and totals of the newest `sample` runs;
/// of all when it is `None`. Large payloads are looked at where `blobs` has them.
pub async fn doctor(
    db: &Db,
    blobs: Option<&dyn Blobs>,
    agent: &AgentConfig,
    sample: Option<usize>,
) -> Result<Vec<Finding>> {
    let mut findings = owners(db, agent).await?;
    findings.extend(journals(db, blobs, sample).await?);
    Ok(findings)
}

async fn owners(db: &Db, agent: &AgentConfig) -> Result<Vec<Finding>> {
    db.tx(Scope::System, async |tx| {
        let dead_before = tx.now() - agent.lease();
        let untouched_since = tx.now() - agent.lease() - doctor::PATIENCE;
        let unattended = doctor::unattended(tx, dead_before, untouched_since).await?;
        let held = doctor::held_at_rest(tx).await?;
        let halfway = doctor::ended_halfway(tx).await?;
        let found = [
            Finding::of_some(
                "run_without_worker",
                "Executions wait for a worker, and none has taken them.",
                unattended,
                "See that an agent worker runs, reaches the database and has hands free \
                 (agent.concurrency); it takes them over by itself.",
            ),
            Finding::of_some(
                "run_never_woken",
                "Executions wait for runs that have all ended, or for a person who was not asked.",
                doctor::never_woken(tx, untouched_since).await?,
                "See that an agent worker runs; it wakes the first by itself. Pause and resume \
                 the others.",
            ),
            Finding::of_some(
                "budget_held",
                "Something is reserved under budgets for executions that make no call.",
                doctor::idle_reservations(tx).await?,
                "Report this with the executions' traces; raise the budget meanwhile.",
            ),
            Finding::of_some(
                "budget_differs",
                "Under budgets something else is reserved than executions hold.",
                doctor::unequal_budgets(tx).await?,
                "Report this; set budgets.reserved_micros and reserved_tokens to the sums of the \
                 budget_reservations that name the budget.",
            ),
            Finding::of_some(
                "run_held_at_rest",
                "Executions that rest or have ended are still some worker's.",
                held,
                "Report this with the executions' traces; it holds nothing up.",
            ),
            Finding::of_some(
                "run_ended_halfway",
                "Executions have ended without a time, or have a time of ending and go on.",
                halfway,
                "Somebody changed their rows past the program; restore them from a backup.",
            ),
        ];
        Ok(found.into_iter().flatten().collect())
    })
    .await
}

async fn journals(
    db: &Db,
    blobs: Option<&dyn Blobs>,
    sample: Option<usize>,
) -> Result<Vec<Finding>> {
    let (mut broken, mut unequal) = (Vec::new(), Vec::new());
    let (mut looked_at, mut after) = (0, None);
    loop {
        let page = db
            .tx(Scope::System, async |tx| {
                doctor::page(tx, after, PAGE).await
            })
            .await?;
        let Some((_, last)) = page.last() else { break };
        after = Some(*last);
        for (org, id) in page {
            if sample.is_some_and(|most| looked_at >= most) {
                return Ok(tell(broken, unequal));
            }
            looked_at += 1;
            look(db, blobs, (org, id), &mut broken, &mut unequal).await?;
        }
    }
    Ok(tell(broken, unequal))
}

async fn look(
    db: &Db,
    blobs: Option<&dyn Blobs>,
    (org, id): (OrgId, ExecutionId),
    broken: &mut Vec<String>,
    unequal: &mut Vec<String>,
) -> Result<()> {
    let scope = Scope::Org { org, user: None };
    let looked = db
        .tx(scope, async |tx| {
            // It may be gone by now.
            if store::evidence::org_of(tx, id).await?.is_none() {
                return Ok(None);
            }
            let found = verify_in(tx, id).await?;
            Ok(Some((found, doctor::totals_differ(tx, id).await?)))
        })
        .await?;
    let Some(((mut found, apart), differ)) = looked else {
        return Ok(());
    };
    if let Some(blobs) = blobs {
        check_contents(db, blobs, (org, id), apart, &mut found).await?;
    }
    if !found.valid {
        broken.push(match found.broken_at {
            Some(entry) => format!("{id} entry {entry}"),
            None => format!("{id} in what it was forked from"),
        });
    }
    if differ {
        unequal.push(id.to_string());
    }
    Ok(())
}

fn tell(broken: Vec<String>, unequal: Vec<String>) -> Vec<Finding> {
    let found = [
        Finding::of_some(
            "broken_chain",
            "Journals are not what was written.",
            broken,
            "Compare with a backup or an exported trace to see what was changed, and find out \
             who can write to the database past the application's role.",
        ),
        Finding::of_some(
            "totals_differ",
            "Tokens or cost of executions are not the sums of their entries.",
            unequal,
            "The entries are the record: correct the rows from them, and report this.",
        ),
    ];
    found.into_iter().flatten().collect()
}
