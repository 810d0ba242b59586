//! Whether we live, are ready, and can reach what we need.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::{app::App, kernel::Result};

/// Whether the process takes requests: false while it starts and while it drains.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says so.
    pub fn set_ready(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What the program needs, and whether it answers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `healthy`; `degraded` when only the bus fails, without which everything works
    /// but news between processes and shared limits; `unhealthy` when another check failed.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Always `glassbox-api`.
    #[schema(example = "glassbox-api")]
    service: &'static str,
    /// The program's version.
    version: &'static str,
    /// Each backend: `ok`, or `failing` or `timeout`; a bus that fails is told as
    /// `degraded: ` and what is worse without it.
    checks: BTreeMap<&'static str, &'static str>,
}

/// What a good check says.
const OK: &str = "ok";
/// What is worse without the bus: news come late to those whom another process serves,
/// and limits are counted by each process alone.
const WITHOUT_BUS: &str = "degraded: realtime, shared limits";

/// A backend that does not answer within this time is down.
const PATIENCE: Duration = Duration::from_secs(3);

/// Checks every backend
///
/// 200 when all answer that we can't do without; 503 names the ones that don't. The bus
/// is one we can do without.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "Health", security(()),
    responses(
        (status = 200, description = "Every backend that we can't do without answers; `status` is `degraded` when the bus does not.", body = Health),
        (status = 503, description = "A backend that we can't do without does not answer; `checks` names it.", body = Health)))]
pub async fn health(app: web::Data<Arc<App>>) -> HttpResponse {
    let (database, bus, queue, storage) = tokio::join!(
        check(app.db.ping()),
        check(app.bus.ping()),
        check(app.queue.ping()),
        check(app.blobs.ping()),
    );
    let healthy = [database, queue, storage].iter().all(|state| *state == OK);
    let status = match (healthy, bus == OK) {
        (true, true) => "healthy",
        (true, false) => "degraded",
        (false, _) => "unhealthy",
    };
    let checks = BTreeMap::from([
        ("database", database),
        ("bus", if bus == OK { OK } else { WITHOUT_BUS }),
        ("queue", queue),
        ("storage", storage),
    ]);
    let body = Health {
        status,
        service: "glassbox-api",
        version: env!("CARGO_PKG_VERSION"),
        checks,
    };
    if healthy {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}

async fn check(ping: impl Future<Output = Result<()>>) -> &'static str {
    match tokio::time::timeout(PATIENCE, ping).await {
        Ok(Ok(())) => OK,
        Ok(Err(error)) => {
            tracing::warn!(error = %error.chain(), "a backend does not answer");
            "failing"
        }
        Err(_) => "timeout",
    }
}

/// Whether the process lives
#[utoipa::path(get, path = "/health/live", operation_id = "health_live", tag = "Health", security(()),
    responses((status = 200, description = "It does.")))]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "live" }))
}

/// Whether the process takes requests
#[utoipa::path(get, path = "/health/ready", operation_id = "health_ready", tag = "Health", security(()),
    responses(
        (status = 200, description = "It does."),
        (status = 503, description = "It is starting or draining.")))]
pub async fn ready(readiness: web::Data<Readiness>) -> HttpResponse {
    if readiness.is_ready() {
        HttpResponse::Ok().json(serde_json::json!({ "status": "ready" }))
    } else {
        HttpResponse::ServiceUnavailable().json(serde_json::json!({ "status": "not ready" }))
    }
}
