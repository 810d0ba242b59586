//! The time that a request may take, its body included.
//!
//! What runs out of it is dropped where it stands, which rolls its transaction back. It
//! ends with the head of the answer: streams and downloads may take as long as they like.
//! Uploads are not limited either, see [`limited`].

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, Route,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    web,
};

use super::routes::Access;
use crate::{
    app::App,
    kernel::{Code, Error, Result},
};

/// `route`, under the limit unless bytes of files go through it: how long those take is
/// the client's line's business.
///
/// Around the single route, and not around all: further out the request is given away,
/// and without it there is no answer.
pub(super) fn limited(route: Route, access: Access) -> Route {
    match access {
        Access::Signed => route,
        Access::Open | Access::Bearer | Access::Own | Access::Needs(_) => {
            route.wrap(from_fn(around))
        }
    }
}

async fn around(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let kept = request.request().clone();
    match tokio::time::timeout(limit(&kept), next.call(request)).await {
        Ok(served) => served,
        Err(_) => Ok(ServiceResponse::from_err(too_long(), kept)),
    }
}

/// Runs `work` under the limit of `request`s.
pub async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(too_long()))
}

/// The time that `request` may take.
pub fn limit(request: &HttpRequest) -> Duration {
    let app = request.app_data::<web::Data<Arc<App>>>();
    app.map_or(Duration::MAX, |app| {
        Duration::from_secs(app.config.server.request_seconds)
    })
}

fn too_long() -> Error {
    // A commit that was under way may have been made all the same.
    Error::new(
        Code::Timeout,
        "The request took too long, or its body was too slow to come. What it had begun was \
         almost certainly undone: look before you try again, or send an Idempotency-Key.",
    )
}
