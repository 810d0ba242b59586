//! Whether a run may go on at all, and under which rules. It acts for a person; they may
//! have left the organization since it began, and what they may no longer do, it may not
//! either.

use serde_json::json;

use super::policy::Policy;
use crate::{
    access::{Action, Caller, Standing},
    app::App,
    executions::{
        journal,
        model::{Change, Lease, NewEvent, TraceKind, terms::Terms},
    },
    kernel::{Code, Error, Result, Scope, text::TextEnum},
};

/// What a run fails with that may not go on.
const REFUSED: &str =
    "The person on whose behalf this ran has no access to the node any more, or it was deleted.";

/// The rules under which the run may go on. Tools ask for each thing they touch; this is asked
/// before a model is called, too, which costs money.
///
/// # Errors
/// [`Code::Forbidden`] when `caller`, whose `standing` is that at the run's node, may not even
/// see it any more.
pub fn rules(standing: &Standing, caller: &Caller, terms: &Terms) -> Result<Policy> {
    match standing.grant(caller, Action::NodeRead) {
        Ok(_) => Ok(Policy::of(
            terms
                .policies
                .iter()
                .map(|(whose, list)| (whose.as_str(), Some(list))),
        )),
        Err(error) if matches!(error.code(), Code::NotFound | Code::Forbidden) => {
            Err(Error::new(Code::Forbidden, REFUSED))
        }
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
            journal::end(tx, lease, event, &change).await
        })
        .await
}
