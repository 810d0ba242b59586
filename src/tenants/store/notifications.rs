//! SQL of notifications.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl,
    SelectableHelper, dsl::sql, sql_types::Bool,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::model::{Notification, NotificationType};
use crate::{
    kernel::{
        NotificationId, OrgId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Cacheable, Tx,
        schema::{notifications, org_members, users},
        types::sql_text,
    },
};

sql_text!(NotificationType);

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = notifications)]
struct Row {
    id: NotificationId,
    user_id: UserId,
    org_id: OrgId,
    type_: NotificationType,
    title: String,
    body: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<Uuid>,
    read_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<Row> for Notification {
    fn from(row: Row) -> Self {
        Notification {
            id: row.id,
            user_id: row.user_id,
            org_id: row.org_id,
            kind: row.type_,
            title: row.title,
            body: row.body,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            read_at: row.read_at,
            created_at: row.created_at,
        }
    }
}

/// Those of `users` who are members of `org` and did not turn notifications off.
pub(in super::super) async fn listeners(
    tx: &mut Tx,
    org: OrgId,
    of: &[UserId],
) -> Result<Vec<UserId>> {
    let wanted =
        sql::<Bool>("coalesce(users.settings #> '{notifications,inApp}' <> 'false', true)");
    Ok(users::table
        .inner_join(org_members::table.on(org_members::user_id.eq(users::id)))
        .filter(org_members::org_id.eq(org))
        .filter(users::id.eq_any(of))
        .filter(wanted)
        .order(users::id)
        .select(users::id)
        .cached()
        .load(tx.conn())
        .await?)
}

/// Writes one. Nothing is read back: it is its addressee's to see, not the actor's.
pub(in super::super) async fn insert(tx: &mut Tx, new: &Notification) -> Result<()> {
    diesel::insert_into(notifications::table)
        .values((
            notifications::id.eq(new.id),
            notifications::org_id.eq(new.org_id),
            notifications::user_id.eq(new.user_id),
            notifications::type_.eq(new.kind),
            notifications::title.eq(&new.title),
            notifications::body.eq(&new.body),
            notifications::resource_type.eq(&new.resource_type),
            notifications::resource_id.eq(new.resource_id),
            notifications::created_at.eq(new.created_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The notifications of `user`, newest first. The policy leaves out organizations that
/// they have left.
pub(in super::super) async fn list(
    tx: &mut Tx,
    user: UserId,
    unread: Option<bool>,
    page: &PageRequest,
) -> Result<Page<Notification>> {
    let total: i64 = of(user, unread).count().get_result(tx.conn()).await?;
    let mut query = of(user, unread)
        .select(Row::as_select())
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let id = NotificationId::from_uuid(id);
        let same_time = notifications::created_at
            .eq(at)
            .and(notifications::id.lt(id));
        query = query.filter(notifications::created_at.lt(at).or(same_time));
    }
    let rows: Vec<Row> = query.load(tx.conn()).await?;
    let list = rows.into_iter().map(Notification::from).collect();
    Ok(Page::new(list, total, page, |row: &Notification| {
        Cursor::new(row.created_at, row.id)
    }))
}

fn of<'a>(user: UserId, unread: Option<bool>) -> notifications::BoxedQuery<'a, diesel::pg::Pg> {
    let query = notifications::table
        .filter(notifications::user_id.eq(user))
        .into_boxed();
    match unread {
        None => query,
        Some(true) => query.filter(notifications::read_at.is_null()),
        Some(false) => query.filter(notifications::read_at.is_not_null()),
    }
}

/// Marks one as read, unless it was read before; `None` when there is no such one.
pub(in super::super) async fn read(
    tx: &mut Tx,
    user: UserId,
    id: NotificationId,
) -> Result<Option<Notification>> {
    let now = tx.now();
    let mine = notifications::table
        .filter(notifications::id.eq(id))
        .filter(notifications::user_id.eq(user));
    diesel::update(mine.filter(notifications::read_at.is_null()))
        .set(notifications::read_at.eq(now))
        .execute(tx.conn())
        .await?;
    let row: Option<Row> = mine
        .select(Row::as_select())
        .first(tx.conn())
        .await
        .optional()?;
    Ok(row.map(Notification::from))
}

/// Marks all that are not read as read; answers how many.
pub(in super::super) async fn read_all(tx: &mut Tx, user: UserId) -> Result<usize> {
    let now = tx.now();
    Ok(diesel::update(notifications::table)
        .filter(notifications::user_id.eq(user))
        .filter(notifications::read_at.is_null())
        .set(notifications::read_at.eq(now))
        .execute(tx.conn())
        .await?)
}
