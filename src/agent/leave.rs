//! Whether a run may go on at all. It acts for a person; they may have left the
//! organization since it began, and what they may no longer do, it may not either.

use serde_json::json;

use crate::{
    access::{self, Action, Caller, Target},
    app::App,
    executions::{
        journal,
        model::{Change, Lease, NewEvent, TraceKind},
    },
    kernel::{Code, Result, Scope},
};

/// What a run fails with that may not go on.
pub const REFUSED: &str =
    "The person on whose behalf this ran has no access to the node any more, or it was deleted.";

/// Whether `caller` may still see the node that the run works on. Tools ask for each
/// thing they touch; this is asked before a model is called, which costs money too.
pub async fn may_go_on(app: &App, caller: &Caller, lease: &Lease) -> Result<bool> {
    let scope = Scope::Org {
        org: lease.org,
        user: lease.started_by,
    };
    let target = Target::Node(lease.node);
    let asked = app
        .db
        .tx(scope, async |tx| {
            access::authorise(tx, caller, Action::NodeRead, target).await
        })
        .await;
    match asked {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.code(), Code::NotFound | Code::Forbidden) => Ok(false),
        Err(error) => Err(error),
    }
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
            journal::append(tx, lease, vec![event], &change).await
        })
        .await?;
    Ok(())
}
