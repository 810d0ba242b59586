//! SQL of memberships, and of what a member leaves behind.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    PgTextExpressionMethods, QueryDsl, SelectableHelper, pg::Pg,
};
use diesel_async::RunQueryDsl;

use super::super::model::{Member, MemberFilter, Person};
use crate::{
    access::OrgRole,
    kernel::{
        ExecutionId, MemberId, NodeId, OrgId, ProjectId, Result, Scope, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Tx, containing,
        schema::{nodes, org_members, organizations, users},
    },
};

diesel::define_sql_function! {
    /// Postgres' own `lower`, so that both sides of a comparison are of one mind.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// All members of an organization.
pub(in super::super) async fn everybody(tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>> {
    Ok(org_members::table
        .filter(org_members::org_id.eq(org))
        .select(org_members::user_id)
        .load(tx.conn())
        .await?)
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = users)]
struct PersonRow {
    id: UserId,
    email: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Self {
        Person {
            id: row.id,
            email: row.email,
            name: row.name,
            avatar_url: row.avatar_url,
        }
    }
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = org_members)]
struct MemberRow {
    id: MemberId,
    org_id: OrgId,
    user_id: UserId,
    role: OrgRole,
    created_at: Timestamp,
}

fn member((row, person): (MemberRow, PersonRow)) -> Member {
    Member {
        id: row.id,
        org_id: row.org_id,
        user_id: row.user_id,
        role: row.role,
        user: person.into(),
        created_at: row.created_at,
    }
}

/// Holds the organization's row until the transaction ends. Not `for update`: rows of
/// the organization point at it by its id, which never changes, and need not wait.
pub(in super::super) async fn hold_org(tx: &mut Tx, org: OrgId) -> Result<()> {
    organizations::table
        .find(org)
        .select(organizations::id)
        .for_no_key_update()
        .first::<OrgId>(tx.conn())
        .await?;
    Ok(())
}

pub(in super::super) async fn role_of(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
) -> Result<Option<OrgRole>> {
    Ok(org_members::table
        .filter(org_members::org_id.eq(org))
        .filter(org_members::user_id.eq(user))
        .select(org_members::role)
        .first(tx.conn())
        .await
        .optional()?)
}

pub(in super::super) async fn get(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<Member>> {
    let row = org_members::table
        .inner_join(users::table)
        .filter(org_members::org_id.eq(org))
        .filter(org_members::user_id.eq(user))
        .select((MemberRow::as_select(), PersonRow::as_select()))
        .first(tx.conn())
        .await
        .optional()?;
    Ok(row.map(member))
}

/// The users of one address, over all organizations; two at most, which is enough to
/// know that there are several. The transaction acts for `back` again afterwards.
pub(in super::super) async fn users_of_address(
    tx: &mut Tx,
    address: &str,
    back: &Scope,
) -> Result<Vec<UserId>> {
    tx.rescope(&Scope::Email(address.to_owned()));
    // The policy alone would do, since it shows the rows of that address and no others;
    // but policies are tried on every row, and this finds the index.
    let found = users::table
        .filter(users::email_key.eq(lower(address)))
        .select(users::id)
        .limit(2)
        .load(tx.conn())
        .await?;
    tx.rescope(back);
    Ok(found)
}

/// Whether somebody else than `user` is an owner.
pub(in super::super) async fn has_another_owner(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
) -> Result<bool> {
    let others = org_members::table
        .filter(org_members::org_id.eq(org))
        .filter(org_members::role.eq(OrgRole::Owner))
        .filter(org_members::user_id.ne(user));
    Ok(diesel::select(diesel::dsl::exists(others))
        .get_result(tx.conn())
        .await?)
}

/// Who may change the organization.
pub(in super::super) async fn admins(tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>> {
    Ok(org_members::table
        .filter(org_members::org_id.eq(org))
        .filter(org_members::role.eq_any([OrgRole::Owner, OrgRole::Admin].map(|r| r.to_string())))
        .select(org_members::user_id)
        .load(tx.conn())
        .await?)
}

pub(in super::super) async fn set_role(tx: &mut Tx, id: MemberId, role: OrgRole) -> Result<()> {
    diesel::update(org_members::table.find(id))
        .set(org_members::role.eq(role))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Removes a membership; those in projects go with it by their key.
pub(in super::super) async fn remove(tx: &mut Tx, id: MemberId) -> Result<()> {
    diesel::delete(org_members::table.find(id))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The members of `org` that match, newest first.
pub(in super::super) async fn list(
    tx: &mut Tx,
    org: OrgId,
    filter: &MemberFilter,
    page: &PageRequest,
) -> Result<Page<Member>> {
    let total: i64 = matching(org, filter).count().get_result(tx.conn()).await?;
    let mut query = matching(org, filter)
        .select((MemberRow::as_select(), PersonRow::as_select()))
        .order((org_members::created_at.desc(), org_members::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let id = MemberId::from_uuid(id);
        let same_time = org_members::created_at.eq(at).and(org_members::id.lt(id));
        query = query.filter(org_members::created_at.lt(at).or(same_time));
    }
    let rows: Vec<(MemberRow, PersonRow)> = query.load(tx.conn()).await?;
    let members = rows.into_iter().map(member).collect();
    Ok(Page::new(members, total, page, |member: &Member| {
        Cursor::new(member.created_at, member.id)
    }))
}

type People<'a> =
    diesel::dsl::IntoBoxed<'a, diesel::dsl::InnerJoin<org_members::table, users::table>, Pg>;

fn matching<'a>(org: OrgId, filter: &MemberFilter) -> People<'a> {
    let mut query = org_members::table
        .inner_join(users::table)
        .into_boxed()
        .filter(org_members::org_id.eq(org));
    if let Some(role) = filter.role {
        query = query.filter(org_members::role.eq(role));
    }
    if let Some(text) = &filter.text {
        let pattern = containing(text);
        let address = users::email.ilike(pattern.clone());
        query = query.filter(address.nullable().or(users::name.ilike(pattern)));
    }
    query
}

/// Ends the locks that `user` holds, in one project or everywhere; answers their nodes.
pub(in super::super) async fn end_locks(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
    project: Option<ProjectId>,
) -> Result<Vec<(NodeId, ProjectId)>> {
    let mut held = diesel::update(nodes::table)
        .filter(nodes::org_id.eq(org))
        .filter(nodes::locked_by.eq(user))
        .into_boxed();
    if let Some(project) = project {
        held = held.filter(nodes::project_id.eq(project));
    }
    Ok(held
        .set((
            nodes::locked_by.eq(None::<UserId>),
            nodes::locked_by_execution.eq(None::<ExecutionId>),
            nodes::locked_at.eq(None::<Timestamp>),
            nodes::lock_expires_at.eq(None::<Timestamp>),
            nodes::lock_epoch.eq(nodes::lock_epoch + 1),
        ))
        .returning((nodes::id, nodes::project_id))
        .get_results(tx.conn())
        .await?)
}
