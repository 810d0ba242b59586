//! SQL that reads the audit log.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::super::model::{AuditActor, AuditEntry, AuditFilter};
use crate::{
    kernel::{
        AuditId, ExecutionId, OrgId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{Tx, schema::audit_log},
};

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = audit_log)]
struct EntryRow {
    id: AuditId,
    org_id: OrgId,
    actor_user_id: Option<UserId>,
    actor_email: Option<String>,
    execution_id: Option<ExecutionId>,
    action: String,
    resource_type: String,
    resource_id: Option<Uuid>,
    before: Option<Value>,
    after: Option<Value>,
    request_id: Option<String>,
    ip: Option<String>,
    created_at: Timestamp,
}

impl From<EntryRow> for AuditEntry {
    fn from(row: EntryRow) -> Self {
        let email = row.actor_email;
        AuditEntry {
            id: row.id,
            org_id: row.org_id,
            actor: row.actor_user_id.map(|id| AuditActor { id, email }),
            execution_id: row.execution_id,
            action: row.action,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            before: row.before,
            after: row.after,
            request_id: row.request_id,
            ip: row.ip,
            created_at: row.created_at,
        }
    }
}

/// The entries of `org` that match, newest first.
pub(in super::super) async fn list(
    tx: &mut Tx,
    org: OrgId,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    let total: i64 = matching(org, filter).count().get_result(tx.conn()).await?;
    let mut query = matching(org, filter)
        .select(EntryRow::as_select())
        .order((audit_log::created_at.desc(), audit_log::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let id = AuditId::from_uuid(id);
        let same_time = audit_log::created_at.eq(at).and(audit_log::id.lt(id));
        query = query.filter(audit_log::created_at.lt(at).or(same_time));
    }
    let rows: Vec<EntryRow> = query.load(tx.conn()).await?;
    let entries = rows.into_iter().map(AuditEntry::from).collect();
    Ok(Page::new(entries, total, page, |entry: &AuditEntry| {
        Cursor::new(entry.created_at, entry.id)
    }))
}

fn matching<'a>(org: OrgId, filter: &'a AuditFilter) -> audit_log::BoxedQuery<'a, diesel::pg::Pg> {
    let mut query = audit_log::table
        .filter(audit_log::org_id.eq(org))
        .into_boxed();
    if let Some(actor) = filter.actor {
        query = query.filter(audit_log::actor_user_id.eq(actor));
    }
    if let Some(action) = &filter.action {
        query = query.filter(audit_log::action.eq(action));
    }
    if let Some(kind) = &filter.resource_type {
        query = query.filter(audit_log::resource_type.eq(kind));
    }
    if let Some(id) = filter.resource_id {
        query = query.filter(audit_log::resource_id.eq(id));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit_log::created_at.ge(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_log::created_at.lt(until));
    }
    query
}
