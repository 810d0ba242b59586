//! Routes of those who watch: tickets, the upgrade to a socket, streams.

use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, http::header, web};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{
    guard::Guard,
    hub::Hub,
    metrics::Kind,
    outlet::{Outflow, Outlet},
    socket::Socket,
    stream, ticket,
};
use crate::{
    access::Origin,
    app::{App, Ctx},
    config::ServerConfig,
    kernel::{Code, Error, ProjectId, Result, event::Channel, field::invalid},
    web::{Handover, Query, Upgraded, client_address, current_request_id, ok},
};

/// Bytes of a message from a client at most.
pub(super) const MAX_MESSAGE: usize = 8 * 1024;

/// A token for a socket.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketAnswer {
    /// What goes into the socket's address, as `token`.
    token: String,
    /// When it ends. It is good once.
    expires_at: DateTime<Utc>,
}

/// Get a token for a socket
///
/// It opens one socket, within five minutes, and is good for nothing else. The socket may do
/// what the token may that this is asked for with, and ends with it.
#[utoipa::path(post, path = "/auth/ws-token", operation_id = "ws_token", tag = "Live",
    responses((status = 200, description = "The token.", body = TicketAnswer)))]
pub async fn ws_token(ctx: Ctx) -> Result<HttpResponse> {
    let (token, expires_at) = ticket::issue(&ctx).await?;
    Ok(ok(TicketAnswer {
        token: token.expose_secret().to_owned(),
        expires_at,
    }))
}

/// What a socket's address says.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SocketQuery {
    /// From `POST /auth/ws-token`.
    #[param(required = true, nullable = false)]
    token: Option<String>,
}

/// Open a socket
///
/// A WebSocket; `docs/REALTIME.md` has its messages. A token that is used, expired or none is
/// refused before the upgrade.
#[utoipa::path(get, path = "/ws", operation_id = "ws_open", tag = "Live", security(()),
    params(SocketQuery),
    responses((status = 101, description = "The connection is a WebSocket from here on.")))]
pub async fn ws_open(
    request: HttpRequest,
    body: web::Payload,
    Query(query): Query<SocketQuery>,
    app: web::Data<Arc<App>>,
    hub: web::Data<Arc<Hub>>,
) -> Result<HttpResponse> {
    check_origin(&request, &app.config.server, &app.base_url)?;
    let text = query.token.as_deref().filter(|text| ticket::has_form(text));
    let text = text.ok_or_else(|| {
        let why = "A socket needs a token: /ws?token=<token>, from POST /auth/ws-token.";
        Error::new(Code::Unauthenticated, why)
    })?;
    let connection = Upgraded::of(&request)
        .ok_or_else(|| Error::internal("a socket's request came by no wire".to_owned()))?;
    let before = body.into_inner();
    let mut guarded = Guard::over(before, connection.clone(), MAX_MESSAGE as u64);
    let body = web::Payload::from_request(&request, &mut guarded).await;
    let upgraded = actix_ws::handle(
        &request,
        body.map_err(|error| Error::internal(error.to_string()))?,
    );
    let (response, _, inbox) =
        upgraded.map_err(|error| invalid("Upgrade", format!("is not right: {error}")))?;
    let origin = Origin {
        request_id: current_request_id(),
        ip: client_address(&request, app.config.server.trusted_proxies).map(|ip| ip.to_string()),
        ..Origin::default()
    };
    let caller = ticket::redeem(&app.db, &app.keyring, text, origin).await?;
    let place = hub.admit(caller.user(), Kind::Socket)?;
    let ctx = Ctx {
        app: Arc::clone(&app),
        caller,
        attempt: None,
    };
    let inbox = inbox
        .max_frame_size(MAX_MESSAGE)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE);
    let outlet = Outlet::new(hub.config.queue);
    let (response, replaced) = response.into_parts();
    let outflow = Outflow::of(Arc::clone(&outlet), replaced);
    let (hub, tasks) = (Arc::clone(hub.get_ref()), hub.sockets.clone());
    let socket = Box::pin(Socket::open(hub, ctx, place, outlet, inbox)).await?;
    let handover = Handover(connection.clone());
    let all = tasks.clone();
    actix_web::rt::spawn(tasks.track_future(async move {
        if connection.taken().await {
            // A task of its own, or each event would wake both.
            actix_web::rt::spawn(all.track_future(socket.run()));
            outflow.run(&connection).await;
        }
    }));
    Ok(response.set_body(handover).map_into_boxed_body())
}

/// A browser says which page opens a socket, and lets any page do so: it is for us to refuse.
fn check_origin(request: &HttpRequest, config: &ServerConfig, own: &str) -> Result<()> {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        // Not a browser.
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let is_ours = config.allows_any_origin()
        || config.cors_origins.iter().any(|allowed| allowed == origin)
        || own
            .strip_prefix(origin)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_ours {
        return Ok(());
    }
    Err(Error::new(
        Code::Forbidden,
        "Pages of this origin may not open sockets here.",
    ))
}

/// One event of a stream, as Server-Sent Events write it: a line for each field.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProjectStreamEvent {
    /// The project's number of the event; what is stored nowhere has none.
    #[schema(nullable = false)]
    id: Option<String>,
    /// The kind, as sockets name it, or `resync_required`.
    #[schema(nullable = false)]
    event: Option<String>,
    /// The payload in JSON.
    data: String,
}

/// Follow a project
///
/// Server-Sent Events: what the project's channel says, with its numbers as ids; after
/// `Last-Event-ID`, what was missed first. `resync_required` says that this is not kept.
#[utoipa::path(get, path = "/projects/{projectId}/events", operation_id = "project_events", tag = "Live",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        ("Last-Event-ID" = Option<i64>, Header, nullable = false, minimum = 0, description = "The last event that was received.")),
    responses((status = 200, description = "A stream of events.", content_type = "text/event-stream", body = ProjectStreamEvent)))]
pub async fn project_events(
    ctx: Ctx,
    id: web::Path<ProjectId>,
    request: HttpRequest,
    hub: web::Data<Arc<Hub>>,
) -> Result<HttpResponse> {
    let since = last_event(&request)?;
    let hub = Arc::clone(hub.get_ref());
    let frames = stream::follow(hub, ctx, Channel::Project(*id), since).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(frames))
}

fn last_event(request: &HttpRequest) -> Result<Option<i64>> {
    let Some(value) = request.headers().get("Last-Event-ID") else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    let number = number.filter(|number: &i64| *number >= 0);
    number
        .map(Some)
        .ok_or_else(|| invalid("Last-Event-ID", "must be the id of an event of this stream"))
}
