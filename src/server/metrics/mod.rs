//! `/metrics`, on an address of its own and nothing else there: every role has it, and what
//! clients reach of the API does not lead to it.
//!
//! Most figures are counted where things happen, each process its own: they are summed over
//! processes. What is read from the database and the queue ([`readings`]) is of the whole
//! installation, the same whoever reads it; only processes that serve tell it, and where
//! there are several of them, the greatest counts and not the sum.

mod readings;
mod requests;

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App as ActixApp, HttpResponse, HttpServer, ResponseError, http::header::CONTENT_TYPE,
    middleware::Compress, web,
};
use tokio_util::sync::CancellationToken;

use self::readings::Readings;
use super::listen_as_set_by;
use crate::{
    app::App,
    config::TelemetryConfig,
    kernel::{Error, Result},
    platform::metrics::{self, Metrics},
};

pub(super) use requests::{Named, RequestFigures, Watched, named};

/// How long a scraper may take to say what it wants.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// Seconds that an answer may still take when the process stops.
const GRACE: u64 = 1;

/// Of what a process tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Of itself.
    Process,
    /// Of itself, and of what all of them share: queues, outbox, executions.
    Installation,
}

/// Opens the socket that the settings name, if they name one.
///
/// # Errors
/// One sentence that says why it can't be had, and which setting to change.
pub fn listen(config: &TelemetryConfig) -> Result<Option<TcpListener>> {
    let Some(address) = config.metrics_address() else {
        return Ok(None);
    };
    let (host, port) = (address.ip().to_string(), address.port());
    listen_as_set_by("telemetry.metrics_listen", &host, port).map(Some)
}

/// Tells whoever asks on `listener`, until `stop`.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    reach: Reach,
    stop: CancellationToken,
) -> Result<()> {
    let address = listener.local_addr().map_err(Error::internal)?;
    let readings = match reach {
        Reach::Process => None,
        Reach::Installation => Some(Readings::of(&app)),
    };
    let told = web::Data::new(Told {
        metrics: app.db.metrics().clone(),
        readings,
    });
    listener.set_nonblocking(true).map_err(Error::internal)?;
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(told.clone())
            .wrap(Compress::default())
            .route("/metrics", web::get().to(scrape))
    })
    // One thread is plenty: a scraper comes every few seconds.
    .workers(1)
    .shutdown_timeout(GRACE)
    .client_request_timeout(HEAD_PATIENCE)
    .disable_signals()
    .listen(listener)
    .map_err(Error::internal)?
    .run();
    tracing::info!(%address, "metrics are told");
    let handle = server.handle();
    let waiter = async {
        stop.cancelled().await;
        handle.stop(true).await;
    };
    let (served, ()) = tokio::join!(server, waiter);
    served.map_err(Error::internal)
}

/// What is told.
struct Told {
    metrics: Metrics,
    readings: Option<Readings>,
}

async fn scrape(told: web::Data<Told>) -> HttpResponse {
    if let Some(readings) = &told.readings {
        readings.refresh().await;
    }
    match told.metrics.text() {
        Ok(text) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, metrics::CONTENT_TYPE))
            .body(text),
        Err(error) => error.error_response(),
    }
}
