//! The HTTP server: the route table, what surrounds every request, the documents.
//!
//! [`build`] makes the application without a socket or a database connection, so
//! tests and the OpenAPI document use the very one that serves.

mod connections;
mod cors;
mod deadline;
mod encoding;
mod examples;
mod head;
mod health;
pub mod metrics;
mod openapi;
mod problems;
mod retries;
mod routes;
mod trace;

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App as ActixApp, HttpRequest, HttpResponse, Responder,
    body::MessageBody,
    dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    http::Method,
    middleware::{Compress, from_fn},
    web,
};
use tokio_util::sync::CancellationToken;

use self::metrics::RequestFigures;
use crate::{
    app::App,
    kernel::{Code, Error, Result},
    realtime::Hub,
    web::{limits, method_not_allowed, methods_allowed, on_path_error, route_not_found},
};

pub use health::Readiness;
pub use openapi::{document, error_table};
pub use routes::API;

/// The application: everything that [`serve`] serves.
pub fn build(
    app: Arc<App>,
    readiness: Readiness,
    hub: Arc<Hub>,
) -> ActixApp<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let cors = cors::layer(&app.config.server);
    let figures = app.db.metrics().of::<RequestFigures>();
    ActixApp::new()
        .app_data(web::Data::from(figures))
        .app_data(web::Data::new(app))
        .app_data(web::Data::new(readiness))
        .app_data(web::Data::new(hub))
        .app_data(web::PathConfig::default().error_handler(on_path_error))
        .app_data(limits::Counting(routes::counted))
        .wrap(from_fn(retries::around))
        .wrap(from_fn(limits::around))
        .wrap(from_fn(encoding::choose))
        .wrap(Compress::default())
        .wrap(from_fn(encoding::finish))
        .wrap(from_fn(head::around))
        .wrap(cors)
        .wrap(from_fn(trace::around))
        .configure(openapi::pages)
        .configure(routes::configure)
        .default_service(web::to(unknown))
}

/// Opens the listening socket; a port in use and the like are said in one sentence.
pub fn listen(host: &str, port: u16) -> Result<TcpListener> {
    listen_as_set_by("--port", host, port)
}

/// As [`listen`], where the port is chosen `by` something that the sentence names.
fn listen_as_set_by(by: &str, host: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => format!(
                "Port {port} is in use by another program. Stop that one, or choose another port with {by}."
            ),
            std::io::ErrorKind::PermissionDenied => {
                format!("Port {port} needs more rights than we have. Choose one above 1023 with {by}.")
            }
            _ => format!("Can't listen on {host}:{port}: {error}."),
        };
        Error::new(Code::Unavailable, why)
    })
}

/// The longest that the head of a connection's first request may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(20);

/// Serves on `listener` until `stop`, then lets requests in flight end.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken) -> Result<()> {
    let readiness = Readiness::default();
    let grace = app.config.server.shutdown_seconds;
    let for_a_head = Duration::from_secs(app.config.server.request_seconds).min(HEAD_PATIENCE);
    let draining = app.draining.clone();
    let patience = app.config.live.silence();
    let workers = match app.config.server.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => workers,
    };
    let for_workers = readiness.clone();
    let hub = Hub::start(&app)?;
    let apps = apps_of_threads(&app, workers)?;
    let next = AtomicUsize::new(0);
    listener.set_nonblocking(true).map_err(Error::internal)?;
    let next_app = move || {
        let at = next.fetch_add(1, Ordering::Relaxed) % apps.len();
        Arc::clone(apps.get(at).unwrap_or(&app))
    };
    let next_app = Arc::new(next_app);
    let for_sockets = Arc::clone(&hub);
    let manners = connections::Manners {
        workers,
        grace: Duration::from_secs(grace),
        for_a_head,
        unread: patience,
    };
    let one = move || build(next_app(), for_workers.clone(), Arc::clone(&hub));
    let server = connections::serve(listener, &manners, one).map_err(Error::internal)?;
    readiness.set_ready(true);
    let handle: ServerHandle = server.handle();
    let waiter = async {
        stop.cancelled().await;
        readiness.set_ready(false);
        draining.cancel();
        // They are none of the server's connections any more.
        let ended = for_sockets.sockets_ended();
        let _ = tokio::time::timeout(Duration::from_secs(grace), ended).await;
        handle.stop(true).await;
    };
    let (served, ()) = tokio::join!(server, waiter);
    served.map_err(Error::internal)
}

/// The program's parts for each thread that serves: all share them but for the database's
/// connections.
fn apps_of_threads(app: &App, threads: usize) -> Result<Vec<Arc<App>>> {
    let dbs = app.db.for_threads(&app.config.database, threads)?;
    let with = |db| Arc::new(App { db, ..app.clone() });
    Ok(dbs.into_iter().map(with).collect())
}

/// Nothing has this path, or not with this method.
async fn unknown(request: HttpRequest) -> HttpResponse {
    let allowed = routes::methods_of(request.path());
    if allowed.is_empty() {
        let error: actix_web::Error = route_not_found().into();
        error.error_response()
    } else if request.method() == Method::OPTIONS {
        methods_allowed(&allowed)
    } else {
        method_not_allowed(&allowed).respond_to(&request)
    }
}
