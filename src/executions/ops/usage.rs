//! What an organization's executions used.

use super::super::{
    model::{Usage, UsageSpan},
    store,
};
use crate::{
    access::{Action, Target},
    app::Ctx,
    kernel::{OrgId, Result},
};

/// Sums up the calls of models of `org`.
pub async fn usage_get(ctx: &Ctx, org: OrgId, span: UsageSpan) -> Result<Usage> {
    ctx.tx(Action::UsageRead, Target::Org(org), async move |tx, _| {
        store::usage::usage(tx, org, &span).await
    })
    .await
}
