//! Routes of one's own notifications.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::super::{
    model::{Notification, NotificationQuery},
    ops,
};
use crate::{
    app::Ctx,
    kernel::{
        NotificationId, Result,
        page::{Page, PageQuery},
    },
    web::{Query, ok},
};

/// That one was read.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadAnswer {
    /// Always true.
    success: bool,
    /// It, with the time it was read.
    notification: Notification,
}

/// That all were read.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadAllAnswer {
    /// Always true.
    success: bool,
    /// How many were not read before.
    count: usize,
}

/// List the caller's notifications
///
/// Over all organizations that the caller belongs to.
#[utoipa::path(get, path = "/users/me/notifications", operation_id = "notification_list", tag = "Users",
    params(NotificationQuery, PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<Notification>)))]
pub async fn notification_list(
    ctx: Ctx,
    Query(filter): Query<NotificationQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    let list = ops::notification_list(&ctx, filter.unread, page.parse()?).await?;
    Ok(ok(list))
}

/// Mark a notification as read
#[utoipa::path(post, path = "/users/me/notifications/{notificationId}/read", operation_id = "notification_read", tag = "Users",
    params(("notificationId" = NotificationId, Path, description = "The notification.")),
    responses((status = 200, description = "It is read.", body = ReadAnswer)))]
pub async fn notification_read(ctx: Ctx, id: web::Path<NotificationId>) -> Result<HttpResponse> {
    let notification = ops::notification_read(&ctx, *id).await?;
    Ok(ok(ReadAnswer {
        success: true,
        notification,
    }))
}

/// Mark all notifications as read
#[utoipa::path(post, path = "/users/me/notifications/read-all", operation_id = "notification_read_all", tag = "Users",
    responses((status = 200, description = "All are read.", body = ReadAllAnswer)))]
pub async fn notification_read_all(ctx: Ctx) -> Result<HttpResponse> {
    let count = ops::notification_read_all(&ctx).await?;
    Ok(ok(ReadAllAnswer {
        success: true,
        count,
    }))
}
