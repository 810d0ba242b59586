//! Whether a run may go on at all, and under which rules. It acts for a person; they may have left the
//! organization since it began, and what they may no longer do, it may not either.

use serde_json::{Value, json};

use super::policy::Policy;
use crate::{
    access::{self, Action, Caller, Target},
    app::App,
    executions::{
        self, journal,
        model::{Change, Lease, NewEvent, TraceKind},
    },
    kernel::{Code, Result, Scope},
    nodes,
    platform::db::Tx,
    templates::model::AGENT_CONFIG,
    tenants,
};

/// What a run fails with that may not go on.
pub const REFUSED: &str =
    "The person on whose behalf this ran has no access to the node any more, or it was deleted.";

/// The rules under which the run may go on; `None` when `caller` may not even see its node
/// any more. Tools ask for each thing they touch; this is asked before a model is called,
/// which costs money too.
pub async fn rules(app: &App, caller: &Caller, lease: &Lease) -> Result<Option<Policy>> {
    let scope = Scope::Org {
        org: lease.org,
        user: lease.started_by,
    };
    let target = Target::Node(lease.node);
    let asked = app
        .db
        .tx(scope, async |tx| {
            access::authorise(tx, caller, Action::NodeRead, target).await?;
            rules_in(tx, lease).await
        })
        .await;
    match asked {
        Ok(policy) => Ok(Some(policy)),
        Err(error) if matches!(error.code(), Code::NotFound | Code::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The rules of the organization, of the run's node, and of the nodes of the runs that started
/// it: else a run could escape its node's rules by starting another.
async fn rules_in(tx: &mut Tx, lease: &Lease) -> Result<Policy> {
    let organization = tenants::ops::agent_policies_in(tx, lease.org).await?;
    let mut nodes = executions::ops::nodes_above_in(tx, lease).await?;
    nodes.push(lease.node);
    let mut own = Vec::with_capacity(nodes.len());
    for node in nodes {
        let node = nodes::ops::node_outline_in(tx, node).await?;
        own.extend(node.and_then(|mut node| {
            let config = node.metadata.get_mut(AGENT_CONFIG)?;
            config.get_mut("policies").map(Value::take)
        }));
    }
    let own = own.iter().map(|list| ("node", Some(list)));
    Ok(Policy::of(
        std::iter::once(("organization", Some(&organization))).chain(own),
    ))
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
