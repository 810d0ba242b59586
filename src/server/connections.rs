//! How connections are taken in: as the framework does it, but each as a [`Wire`], which a
//! socket may take over.

use std::{fmt, net::TcpListener, time::Duration};

use actix_http::{HttpService, Protocol, Request};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{AppConfig, Response, Server, fn_service},
    rt::net::TcpStream,
};

use crate::web::Wire;

/// How long a connection may be idle: longer than the minute for which load balancers keep
/// theirs, or a request that they send at that moment is lost. A drain does not wait for it.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may go on sending after an answer that ends its connection.
const LINGER: Duration = Duration::from_secs(1);

/// What connections may expect.
pub(super) struct Manners {
    /// Threads that serve.
    pub workers: usize,
    /// How long a drain waits for requests in flight.
    pub grace: Duration,
    /// How long the head of the first request may take.
    pub for_a_head: Duration,
    /// How long a client may leave unread what was sent to it.
    pub unread: Duration,
}

/// Serves on `listener` what `one` makes for each thread.
pub(super) fn serve<F, A, S, B>(
    listener: TcpListener,
    manners: &Manners,
    one: F,
) -> std::io::Result<Server>
where
    F: Fn() -> A + Send + Clone + 'static,
    A: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::Response: Into<Response<B>> + 'static,
    S::InitError: fmt::Debug,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let builder = Server::build()
        .workers(manners.workers)
        .shutdown_timeout(manners.grace.as_secs())
        .disable_signals();
    let stop = builder.graceful_shutdown_signal();
    let Manners {
        for_a_head, unread, ..
    } = *manners;
    let service = move || {
        let stop = stop.clone();
        let app = one().into_factory();
        let app = app.map_err(|error: Error| error.as_response_error().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stop = stop.clone();
                async move { stop.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(for_a_head)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|wire: &Wire, data| {
                data.insert(wire.upgraded());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| async move {
            // A small piece of news must not wait for the receipt of the one before it.
            let _ = stream.set_nodelay(true);
            bound_the_unread(&stream, unread);
            let peer = stream.peer_addr().ok();
            Ok((Wire::of(stream), Protocol::Http1, peer))
        })
        .and_then(http)
    };
    Ok(builder.listen("http", listener, service)?.run())
}

/// Bounds how long a client may leave what was sent to it unread: else one that has stopped
/// reading keeps its connection, with all that waits in it, for as long as it likes.
#[cfg(target_os = "linux")]
fn bound_the_unread(stream: &TcpStream, patience: Duration) {
    let milliseconds = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, milliseconds) {
        tracing::debug!(%error, "a connection has no bound for what is unread");
    }
}

/// Elsewhere the system's own bound holds.
#[cfg(not(target_os = "linux"))]
fn bound_the_unread(_: &TcpStream, _: Duration) {}
