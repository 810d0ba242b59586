//! Reading the audit log. Nothing here writes it, and nothing anywhere changes it.

use super::super::{
    model::{AuditEntry, AuditFilter},
    store,
};
use crate::{
    access::{Action, Target},
    app::Ctx,
    kernel::{
        OrgId, Result,
        page::{Page, PageRequest},
    },
};

/// The organization's entries that match, newest first.
pub async fn audit_list(
    ctx: &Ctx,
    org: OrgId,
    filter: AuditFilter,
    page: PageRequest,
) -> Result<Page<AuditEntry>> {
    ctx.tx(Action::AuditRead, Target::Org(org), async move |tx, _| {
        store::audit::list(tx, org, &filter, &page).await
    })
    .await
}
