//! SQL of the members of projects.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, PgTextExpressionMethods, QueryDsl, SelectableHelper, pg::Pg,
};
use diesel_async::RunQueryDsl;

use super::super::model::{ProjectMember, ProjectMemberFilter, Whom};
use crate::{
    access::ProjectRole,
    kernel::{
        Error, MemberId, OrgId, ProjectId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Tx, containing,
        schema::{org_members, project_members, users},
    },
    tenants::model::Person,
};

diesel::define_sql_function! {
    /// Postgres' own `lower`, so that both sides of a comparison are of one mind.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = users)]
struct PersonRow {
    id: UserId,
    email: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = project_members)]
struct MemberRow {
    id: MemberId,
    org_id: OrgId,
    project_id: ProjectId,
    user_id: UserId,
    role: ProjectRole,
    created_at: Timestamp,
}

fn member((row, person): (MemberRow, PersonRow)) -> ProjectMember {
    ProjectMember {
        id: row.id,
        org_id: row.org_id,
        project_id: row.project_id,
        user_id: row.user_id,
        role: row.role,
        user: Person {
            id: person.id,
            email: person.email,
            name: person.name,
            avatar_url: person.avatar_url,
        },
        created_at: row.created_at,
    }
}

/// The members of the organization who are meant; two at most, which is enough to know
/// that there are several.
pub(in super::super) async fn find(tx: &mut Tx, org: OrgId, whom: &Whom) -> Result<Vec<UserId>> {
    let query = org_members::table
        .inner_join(users::table)
        .filter(org_members::org_id.eq(org))
        .select(users::id)
        .limit(2)
        .into_boxed();
    let query = match whom {
        Whom::User(user) => query.filter(users::id.eq(*user)),
        Whom::Address(address) => query.filter(users::email_key.eq(lower(address))),
    };
    Ok(query.load(tx.conn()).await?)
}

/// Makes a member of the organization one of the project; `false` when they are one.
pub(in super::super) async fn insert(
    tx: &mut Tx,
    org: OrgId,
    project: ProjectId,
    user: UserId,
    role: ProjectRole,
) -> Result<bool> {
    let id = MemberId::new(tx.ids());
    let now = tx.now();
    let inserted = diesel::insert_into(project_members::table)
        .values((
            project_members::id.eq(id),
            project_members::org_id.eq(org),
            project_members::project_id.eq(project),
            project_members::user_id.eq(user),
            project_members::role.eq(role),
            project_members::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(inserted == 1)
}

pub(in super::super) async fn get(
    tx: &mut Tx,
    project: ProjectId,
    user: UserId,
) -> Result<ProjectMember> {
    project_members::table
        .inner_join(users::table.on(users::id.eq(project_members::user_id)))
        .filter(project_members::project_id.eq(project))
        .filter(project_members::user_id.eq(user))
        .select((MemberRow::as_select(), PersonRow::as_select()))
        .first(tx.conn())
        .await
        .optional()?
        .map(member)
        .ok_or_else(|| Error::not_found("member of this project"))
}

pub(in super::super) async fn set_role(tx: &mut Tx, id: MemberId, role: ProjectRole) -> Result<()> {
    diesel::update(project_members::table.find(id))
        .set(project_members::role.eq(role))
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(in super::super) async fn remove(tx: &mut Tx, id: MemberId) -> Result<()> {
    diesel::delete(project_members::table.find(id))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The members of a project that match, newest first.
pub(in super::super) async fn list(
    tx: &mut Tx,
    project: ProjectId,
    filter: &ProjectMemberFilter,
    page: &PageRequest,
) -> Result<Page<ProjectMember>> {
    let total: i64 = matching(project, filter)
        .count()
        .get_result(tx.conn())
        .await?;
    let mut query = matching(project, filter)
        .select((MemberRow::as_select(), PersonRow::as_select()))
        .order((
            project_members::created_at.desc(),
            project_members::id.desc(),
        ))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let id = MemberId::from_uuid(id);
        let same_time = project_members::created_at
            .eq(at)
            .and(project_members::id.lt(id));
        query = query.filter(project_members::created_at.lt(at).or(same_time));
    }
    let rows: Vec<(MemberRow, PersonRow)> = query.load(tx.conn()).await?;
    let members = rows.into_iter().map(member).collect();
    Ok(Page::new(members, total, page, |member: &ProjectMember| {
        Cursor::new(member.created_at, member.id)
    }))
}

type People<'a> = diesel::dsl::IntoBoxed<
    'a,
    diesel::dsl::InnerJoinOn<
        project_members::table,
        users::table,
        diesel::dsl::Eq<users::id, project_members::user_id>,
    >,
    Pg,
>;

fn matching<'a>(project: ProjectId, filter: &ProjectMemberFilter) -> People<'a> {
    let mut query = project_members::table
        .inner_join(users::table.on(users::id.eq(project_members::user_id)))
        .into_boxed()
        .filter(project_members::project_id.eq(project));
    if let Some(role) = filter.role {
        query = query.filter(project_members::role.eq(role));
    }
    if let Some(text) = &filter.text {
        let pattern = containing(text);
        let address = users::email.ilike(pattern.clone());
        query = query.filter(address.nullable().or(users::name.ilike(pattern)));
    }
    query
}

/// The projects of `org` in which `user` has a role of their own.
pub(in super::super) async fn of_user(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
) -> Result<Vec<ProjectId>> {
    Ok(project_members::table
        .filter(project_members::org_id.eq(org))
        .filter(project_members::user_id.eq(user))
        .select(project_members::project_id)
        .load(tx.conn())
        .await?)
}
