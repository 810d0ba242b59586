//! Telling people what concerns them, and what they do with it.

use super::super::{
    model::{Notice, Notification},
    store,
};
use crate::{
    app::Ctx,
    kernel::{
        Error, NotificationId, OrgId, Result, UserId,
        event::{Channel, Event, EventKind},
        page::{Page, PageRequest},
    },
    outbox,
    platform::db::Tx,
};

/// Tells each of `users` who is a member of `org` and did not turn this off: a row, and
/// an event to their own connections. The transaction acts for `org`.
pub async fn notify_in(tx: &mut Tx, org: OrgId, users: &[UserId], notice: &Notice) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    for user in store::notifications::listeners(tx, org, users).await? {
        let id = NotificationId::new(tx.ids());
        let notification = notice.to(id, org, user, tx.now());
        store::notifications::insert(tx, &notification).await?;
        let event = Event {
            kind: EventKind::Notification,
            org,
            channels: vec![Channel::User(user)],
            payload: notice.payload(&notification),
        };
        outbox::emit(tx, &event).await?;
    }
    Ok(())
}

/// The caller's notifications from organizations they belong to, newest first.
pub async fn notification_list(
    ctx: &Ctx,
    unread: Option<bool>,
    page: PageRequest,
) -> Result<Page<Notification>> {
    let user = ctx.caller.user();
    ctx.own_tx(async move |tx| store::notifications::list(tx, user, unread, &page).await)
        .await
}

/// Marks one of the caller's notifications as read; the time of the first reading stays.
pub async fn notification_read(ctx: &Ctx, id: NotificationId) -> Result<Notification> {
    let user = ctx.caller.user();
    ctx.own_tx(async move |tx| {
        let read = store::notifications::read(tx, user, id).await?;
        read.ok_or_else(|| Error::not_found("notification"))
    })
    .await
}

/// Marks all of the caller's notifications as read; answers how many were not.
pub async fn notification_read_all(ctx: &Ctx) -> Result<usize> {
    let user = ctx.caller.user();
    ctx.own_tx(async move |tx| store::notifications::read_all(tx, user).await)
        .await
}
