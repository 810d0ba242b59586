//! SQL of organizations, users and memberships.

pub(super) mod audit;
pub(super) mod keys;
pub(super) mod members;
pub(super) mod notifications;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl,
    SelectableHelper, result::Error as SqlError,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::model::{EventSourcingLevel, Org, User};
use crate::{
    access::OrgRole,
    kernel::{
        Code, Error, MemberId, OrgId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Tx,
        schema::{org_members, organizations, users},
        types::sql_text,
        violates,
    },
};

sql_text!(EventSourcingLevel);

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = organizations)]
struct OrgRow {
    id: OrgId,
    name: String,
    slug: String,
    settings: Value,
    event_sourcing_level: EventSourcingLevel,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl OrgRow {
    fn seen_by(self, role: OrgRole) -> Org {
        Org {
            id: self.id,
            name: self.name,
            slug: self.slug,
            settings: self.settings,
            event_sourcing_level: self.event_sourcing_level,
            role,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// A taken slug is the client's to mend; everything else is ours.
fn slug_taken(error: SqlError) -> Error {
    if violates(&error, "organizations_slug_key") {
        Error::new(
            Code::SlugTaken,
            "Another organization has this slug. Choose another one.",
        )
    } else {
        error.into()
    }
}

pub(super) async fn insert_org(tx: &mut Tx, org: &Org) -> Result<()> {
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(org.id),
            organizations::name.eq(&org.name),
            organizations::slug.eq(&org.slug),
            organizations::settings.eq(&org.settings),
            organizations::event_sourcing_level.eq(org.event_sourcing_level),
            organizations::created_at.eq(org.created_at),
            organizations::updated_at.eq(org.updated_at),
        ))
        .execute(tx.conn())
        .await
        .map_err(slug_taken)?;
    Ok(())
}

pub(super) async fn update_org(tx: &mut Tx, org: &Org) -> Result<()> {
    diesel::update(organizations::table.find(org.id))
        .set((
            organizations::name.eq(&org.name),
            organizations::slug.eq(&org.slug),
            organizations::settings.eq(&org.settings),
            organizations::event_sourcing_level.eq(org.event_sourcing_level),
            organizations::updated_at.eq(org.updated_at),
        ))
        .execute(tx.conn())
        .await
        .map_err(slug_taken)?;
    Ok(())
}

/// The organization with its row locked against other changes. Not `for update`: rows
/// of the organization point at its id, which never changes, and need not wait.
pub(super) async fn lock_org(tx: &mut Tx, id: OrgId, role: OrgRole) -> Result<Org> {
    let row: OrgRow = organizations::table
        .find(id)
        .select(OrgRow::as_select())
        .for_no_key_update()
        .first(tx.conn())
        .await?;
    Ok(row.seen_by(role))
}

pub(super) async fn get_org(tx: &mut Tx, id: OrgId, role: OrgRole) -> Result<Org> {
    let row: OrgRow = organizations::table
        .find(id)
        .select(OrgRow::as_select())
        .first(tx.conn())
        .await?;
    Ok(row.seen_by(role))
}

/// The settings of an organization.
pub(super) async fn settings_of(tx: &mut Tx, id: OrgId) -> Result<Value> {
    Ok(organizations::table
        .find(id)
        .select(organizations::settings)
        .first(tx.conn())
        .await?)
}

/// The same; `null` when it is gone.
pub(super) async fn settings_if_any(tx: &Tx, id: OrgId) -> Result<Value> {
    let settings: Option<Value> = organizations::table
        .find(id)
        .select(organizations::settings)
        .first(&mut tx.pipe())
        .await
        .optional()?;
    Ok(settings.unwrap_or_default())
}

/// Deletes an organization and, by their keys, all of its rows.
pub(super) async fn delete_org(tx: &mut Tx, id: OrgId) -> Result<()> {
    // Whoever works in the organization holds rows like these and then needs that of the
    // organization, for an event. Taken in their order, we wait for them and they for
    // us, but never each for the other. What comes after us finds nothing.
    for table in ["projects", "nodes", "agent_executions", "files"] {
        let sql =
            format!("select count(*) from (select from {table} where org_id = $1 for update) held");
        diesel::sql_query(sql)
            .bind::<diesel::sql_types::Uuid, _>(id)
            .execute(tx.conn())
            .await?;
    }
    // An input keeps its file and its source from being deleted. Here all of them go,
    // in an order that the database chooses, so that is checked at the end.
    diesel::sql_query("set constraints all deferred")
        .execute(tx.conn())
        .await?;
    diesel::delete(organizations::table.find(id))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The organizations of `user`, newest first.
pub(super) async fn list_orgs(tx: &mut Tx, user: UserId, page: &PageRequest) -> Result<Page<Org>> {
    let mine = || {
        organizations::table
            .inner_join(org_members::table.on(org_members::org_id.eq(organizations::id)))
            .filter(org_members::user_id.eq(user))
    };
    let total: i64 = mine().count().get_result(tx.conn()).await?;
    let mut query = mine()
        .select((OrgRow::as_select(), org_members::role))
        .order((organizations::created_at.desc(), organizations::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset)
        .into_boxed();
    if let Some(Cursor { at, id }) = page.after {
        query = query.filter(
            organizations::created_at
                .lt(at)
                .or(organizations::created_at
                    .eq(at)
                    .and(organizations::id.lt(OrgId::from_uuid(id)))),
        );
    }
    let rows: Vec<(OrgRow, OrgRole)> = query.load(tx.conn()).await?;
    let orgs = rows
        .into_iter()
        .map(|(row, role)| row.seen_by(role))
        .collect();
    Ok(Page::new(orgs, total, page, |org: &Org| {
        Cursor::new(org.created_at, org.id)
    }))
}

/// Makes `user` a member; `false` when they are one, and then the role stays.
pub(super) async fn insert_member(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
    role: OrgRole,
) -> Result<bool> {
    let id = MemberId::new(tx.ids());
    let now = tx.now();
    let inserted = diesel::insert_into(org_members::table)
        .values((
            org_members::id.eq(id),
            org_members::org_id.eq(org),
            org_members::user_id.eq(user),
            org_members::role.eq(role),
            org_members::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await
        .map_err(|error| {
            if violates(&error, "org_members_user_id_fkey") {
                user_gone()
            } else {
                error.into()
            }
        })?;
    Ok(inserted == 1)
}

/// A good token of a user that was deleted since.
pub(super) fn user_gone() -> Error {
    Error::new(
        Code::TokenInvalid,
        "The user of this token no longer exists.",
    )
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    id: UserId,
    cognito_sub: String,
    email: String,
    name: Option<String>,
    avatar_url: Option<String>,
    settings: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        User {
            id: row.id,
            cognito_sub: row.cognito_sub,
            email: row.email,
            name: row.name,
            avatar_url: row.avatar_url,
            settings: row.settings,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn get_user(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    let row: Option<UserRow> = users::table
        .find(id)
        .select(UserRow::as_select())
        .first(tx.conn())
        .await
        .optional()?;
    Ok(row.map(User::from))
}

pub(super) async fn update_user(tx: &mut Tx, user: &User) -> Result<()> {
    diesel::update(users::table.find(user.id))
        .set((
            users::name.eq(&user.name),
            users::avatar_url.eq(&user.avatar_url),
            users::settings.eq(&user.settings),
            users::updated_at.eq(user.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
