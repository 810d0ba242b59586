//! Whether a run may go on at all, and under which rules. It acts for a person; they may
//! have left the organization since it began, and what they may no longer do, it may not
//! either.

use serde_json::{Value, json};

use super::policy::Policy;
use crate::{
    access::{self, Action, Caller, Target},
    app::App,
    executions::{
        self, journal,
        model::{Change, Lease, NewEvent, TraceKind},
    },
    kernel::{Code, Error, Result, Scope},
    nodes::{self, model::Node},
    platform::db::Tx,
    templates::model::AGENT_CONFIG,
    tenants,
};

/// What a run fails with that may not go on.
const REFUSED: &str =
    "The person on whose behalf this ran has no access to the node any more, or it was deleted.";

/// The rules under which the run may go on. Tools ask for each thing they touch; this is asked
/// before a model is called, too, which costs money.
///
/// # Errors
/// [`Code::Forbidden`] when `caller` may not even see its node any more.
pub async fn rules_in(tx: &Tx, caller: &Caller, lease: &Lease) -> Result<Policy> {
    let (_, organization, node, above) = tokio::try_join!(
        biased;
        may_go_on(tx, caller, lease),
        tenants::ops::agent_policies_in(tx, lease.org),
        nodes::ops::node_outline_in(tx, lease.node),
        // Else a run could escape its node's rules by starting another.
        executions::ops::nodes_above_in(tx, lease),
    )?;
    let mut own = Vec::from_iter(node.and_then(policies));
    for node in above {
        own.extend(
            nodes::ops::node_outline_in(tx, node)
                .await?
                .and_then(policies),
        );
    }
    let own = own.iter().map(|list| ("node", Some(list)));
    Ok(Policy::of(
        std::iter::once(("organization", Some(&organization))).chain(own),
    ))
}

async fn may_go_on(tx: &Tx, caller: &Caller, lease: &Lease) -> Result<()> {
    let target = Target::Node(lease.node);
    match access::authorise(tx, caller, Action::NodeRead, target).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.code(), Code::NotFound | Code::Forbidden) => {
            Err(Error::new(Code::Forbidden, REFUSED))
        }
        Err(error) => Err(error),
    }
}

fn policies(mut node: Node) -> Option<Value> {
    let config = node.metadata.get_mut(AGENT_CONFIG)?;
    config.get_mut("policies").map(Value::take)
}

/// Fails a run that can't even be driven.
pub async fn end(app: &App, lease: &Lease, why: &str) -> Result<()> {
    let scope = Scope::Org {
        org: lease.org,
        user: None,
    };
    app.db
        .tx(scope, async |tx| {
            let event = NewEvent::new(TraceKind::Error, json!({ "message": why }));
            let change = Change::Fail(why.to_owned());
            journal::end(tx, lease, event, &change).await
        })
        .await
}
