//! SQL of access: where a thing lives and what a user is there; whether a token stands;
//! the user of a subject; the audit log.

use diesel::{
    ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    QueryableByName,
    dsl::{exists, select, sql},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::{
    OrgRole, ProjectRole,
    audit::Entry,
    authorise::{Grant, Target},
};
use crate::{
    kernel::{AuditId, Error, NodeId, OrgId, ProjectId, Result, TokenId, UserId, text::TextEnum},
    platform::db::{
        Cacheable, Tx,
        schema::{audit_log, org_members, tokens, users},
        types::sql_text,
    },
};

sql_text!(OrgRole);
sql_text!(ProjectRole);

/// Where a thing lives and what the transaction's user is there.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub org: OrgId,
    pub project: Option<ProjectId>,
    pub node: Option<NodeId>,
    pub org_role: OrgRole,
    pub project_role: Option<ProjectRole>,
}

/// A call of `app.enter`. A query of its own, because diesel prepares `sql_query` anew
/// each time, and this one stands before all others.
#[derive(QueryId)]
struct Enter {
    kind: &'static str,
    thing: Uuid,
}

/// The same at the beginning of a transaction, which it tells for whom it acts: a statement
/// less. Arguments are evaluated before the call, so the function finds the user set.
#[derive(QueryId)]
struct EnterAs {
    enter: Enter,
    user: String,
}

impl QueryFragment<Pg> for EnterAs {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select org_id, project_id, node_id, org_role, project_role from app.enter(");
        out.push_sql("case when set_config('app.user_id', ");
        out.push_bind_param::<Text, _>(&self.user)?;
        out.push_sql(", true) <> '' then ");
        out.push_bind_param::<Text, _>(self.enter.kind)?;
        out.push_sql(" end, ");
        out.push_bind_param::<SqlUuid, _>(&self.enter.thing)?;
        out.push_sql(")");
        Ok(())
    }
}

impl Query for EnterAs {
    type SqlType = <Enter as Query>::SqlType;
}

impl QueryFragment<Pg> for Enter {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select org_id, project_id, node_id, org_role, project_role from app.enter(");
        out.push_bind_param::<Text, _>(self.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.thing)?;
        out.push_sql(")");
        Ok(())
    }
}

impl Query for Enter {
    type SqlType = (
        SqlUuid,
        Nullable<SqlUuid>,
        Nullable<SqlUuid>,
        Text,
        Nullable<Text>,
    );
}

#[derive(diesel::Queryable)]
struct EnterRow {
    org_id: OrgId,
    project_id: Option<ProjectId>,
    node_id: Option<NodeId>,
    org_role: String,
    project_role: Option<String>,
}

/// Finds `target` with the rights of the transaction's user and narrows the
/// transaction to its organization; `None` when that user can't see it.
pub(super) async fn enter(tx: &Tx, target: Target) -> Result<Option<Standing>> {
    let (kind, id) = match target {
        Target::Org(id) => ("organization", id.uuid()),
        Target::Project(id) => ("project", id.uuid()),
        Target::Node(id) => ("node", id.uuid()),
        Target::Execution(id) => ("execution", id.uuid()),
        Target::Output(id) => ("output", id.uuid()),
        Target::File(id) => ("file", id.uuid()),
    };
    let enter = Enter { kind, thing: id };
    let row: QueryResult<EnterRow> = match tx.take_user() {
        Some(user) => {
            let user = user.to_string();
            EnterAs { enter, user }.get_result(&mut tx.pipe()).await
        }
        None => enter.get_result(&mut tx.pipe()).await,
    };
    let row = row.optional()?;
    row.map(Standing::try_from).transpose()
}

impl TryFrom<EnterRow> for Standing {
    type Error = Error;

    fn try_from(row: EnterRow) -> Result<Self> {
        let unknown = |role: &str| Error::internal(format!("unknown role {role:?}"));
        Ok(Standing {
            org: row.org_id,
            project: row.project_id,
            node: row.node_id,
            org_role: OrgRole::parse(&row.org_role).ok_or_else(|| unknown(&row.org_role))?,
            project_role: row
                .project_role
                .map(|role| ProjectRole::parse(&role).ok_or_else(|| unknown(&role)))
                .transpose()?,
        })
    }
}

/// A user's organizations, and what they are there.
pub(super) async fn memberships(tx: &mut Tx, user: UserId) -> Result<Vec<(OrgId, OrgRole)>> {
    Ok(org_members::table
        .filter(org_members::user_id.eq(user))
        .select((org_members::org_id, org_members::role))
        .load(tx.conn())
        .await?)
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: NodeId,
}

/// The node and all of its ancestors; empty for no node.
pub(super) async fn lineage(tx: &Tx, node: Option<NodeId>) -> Result<Vec<NodeId>> {
    let Some(node) = node else {
        return Ok(Vec::new());
    };
    // `union` rather than `union all`: should a cycle ever slip in, this still ends.
    let rows: Vec<IdRow> = diesel::sql_query(
        "with recursive up(id, parent_id) as ( \
           select n.id, n.parent_id from nodes n where n.id = $1 \
           union \
           select p.id, p.parent_id from nodes p join up on p.id = up.parent_id) \
         select id from up",
    )
    .bind::<SqlUuid, _>(node)
    .cached()
    .load(&mut tx.pipe())
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Whether there is such a token of an organization that the transaction sees, and it was
/// not revoked.
pub(super) async fn token_stands(tx: &Tx, id: TokenId) -> Result<bool> {
    let standing = tokens::table
        .filter(tokens::id.eq(id))
        .filter(tokens::revoked_at.is_null());
    Ok(select(exists(standing)).get_result(&mut tx.pipe()).await?)
}

/// The user of a subject, with the address that is stored for them.
pub(super) async fn find_subject(tx: &mut Tx, subject: &str) -> Result<Option<(UserId, String)>> {
    Ok(users::table
        .filter(users::cognito_sub.eq(subject))
        .select((users::id, users::email))
        .first(tx.conn())
        .await
        .optional()?)
}

/// Makes the user of a subject, or gives the one there is this address. Two first
/// requests of one person may both come here; the unique subject makes them one user.
pub(super) async fn upsert_subject(tx: &mut Tx, subject: &str, email: &str) -> Result<UserId> {
    let id = UserId::new(tx.ids());
    let now = tx.now();
    let new = (
        users::id.eq(id),
        users::cognito_sub.eq(subject),
        users::email.eq(email),
        users::settings.eq(json!({})),
        users::created_at.eq(now),
        users::updated_at.eq(now),
    );
    // Nothing is also an answer: a token that tells no address must not erase the one that
    // another request stored meanwhile.
    let address = sql::<Text>("coalesce(nullif(excluded.email, ''), users.email)");
    Ok(diesel::insert_into(users::table)
        .values(new)
        .on_conflict(users::cognito_sub)
        .do_update()
        .set(users::email.eq(address))
        .returning(users::id)
        .get_result(tx.conn())
        .await?)
}

pub(super) fn insert_audit(tx: &Tx, grant: &Grant, entry: Entry<'_>) {
    let id = AuditId::new(tx.ids());
    let now = tx.now();
    let actor = &grant.actor;
    tx.later(
        diesel::insert_into(audit_log::table).values((
            audit_log::id.eq(id),
            audit_log::org_id.eq(grant.org),
            audit_log::actor_user_id.eq(actor.user),
            audit_log::actor_email.eq(users::table
                .find(actor.user)
                .select(users::email.nullable())
                .single_value()),
            audit_log::execution_id.eq(actor.execution),
            audit_log::token_id.eq(actor.token),
            audit_log::action.eq(grant.action.as_str()),
            audit_log::resource_type.eq(entry.resource.to_owned()),
            audit_log::resource_id.eq(entry.id),
            audit_log::before.eq(entry.before),
            audit_log::after.eq(entry.after),
            audit_log::request_id.eq(actor.origin.request_id.clone()),
            audit_log::ip.eq(actor.origin.ip.clone()),
            audit_log::created_at.eq(now),
        )),
    );
}
