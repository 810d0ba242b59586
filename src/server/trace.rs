//! Around every request: its id, its trace, its span, its figures, one line when it is done.
//!
//! The line names the path but not the query string, which may hold a signature.

use std::sync::Arc;

use actix_web::{
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tracing::Instrument;

use super::metrics::Watched;
use crate::{
    app::App,
    kernel::clock,
    web::{REQUEST_ID, RequestId, TRACEPARENT, TraceParent, named_trace},
};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Serves one request within its span.
pub async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| RequestId::from_client(value.to_str().ok()?))
        .unwrap_or_else(|| RequestId::ours(&clock::System));
    let parent = trace_of(request.headers());
    let span = tracing::info_span!("request", id = id.as_str(), trace = parent.trace());
    let quiet = request.path().starts_with("/health");
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let header = HeaderValue::from_str(id.as_str());
    let app = request.app_data::<web::Data<Arc<App>>>().cloned();
    let serve = async move {
        let begun = app.as_ref().map(|app| app.db.now());
        let watched = Watched::begin(&request);
        let mut response = match next.call(request).await {
            Ok(response) => response,
            Err(error) => {
                watched.answered(error.as_response_error().status_code());
                return Err(error);
            }
        };
        watched.answered(response.status());
        if let Ok(header) = header {
            response.headers_mut().insert(HEADER, header);
        }
        if let Ok(parent) = HeaderValue::from_str(&parent.to_string()) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(TRACEPARENT), parent);
        }
        if app.as_ref().is_some_and(|app| app.draining.is_cancelled()) {
            // Or the client would send its next request here, and hold the end up.
            let head = response.response_mut().head_mut();
            head.set_connection_type(ConnectionType::Close);
        }
        if let Some((app, begun)) = app.zip(begun)
            && !quiet
        {
            let ms = (app.db.now() - begun).num_milliseconds();
            tracing::info!(%method, path, status = response.status().as_u16(), ms, "request");
        }
        Ok(response)
    };
    REQUEST_ID.scope(id, serve.instrument(span)).await
}

/// The trace that the client names, or a new one.
fn trace_of(headers: &HeaderMap) -> TraceParent {
    TraceParent::continued(named_trace(headers), &clock::System)
}
