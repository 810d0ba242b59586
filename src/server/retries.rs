//! `Idempotency-Key`: a POST that is sent again under its key gets its first answer.
//!
//! What the key means for the transaction is the business of [`crate::idempotency`]; here the
//! request's body is read to tell repeats from other requests, and the answer is put into
//! the record or taken from it.

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpResponse,
    body::{self, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{CACHE_CONTROL, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use serde_json::Value;

use super::deadline;
use crate::{
    app::App,
    idempotency::{Answer, Attempt, Parked, Progress},
    kernel::{Error, Result, field::invalid},
    web::read_body,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The largest answer that is recorded. Ours are far smaller; a larger one is sent all
/// the same, and a repeat runs anew.
const MAX_ANSWER: usize = 1 << 20;

/// Serves one request, keyed or not.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next
            .call(request)
            .await
            .map(ServiceResponse::map_into_boxed_body);
    }
    let limit = deadline::limit(request.request());
    let attempt = match deadline::within(limit, begin(&mut request)).await {
        Ok(attempt) => attempt,
        Err(error) => return Ok(request.error_response(error).map_into_boxed_body()),
    };
    request.extensions_mut().insert(attempt.clone());
    let response = next.call(request).await?.map_into_boxed_body();
    let (request, response) = response.into_parts();
    let response = finish(&attempt, response).await;
    Ok(ServiceResponse::new(request, response))
}

/// Reads the request's body and puts it back.
async fn begin(request: &mut ServiceRequest) -> Result<Attempt> {
    let key = request.headers().get(KEY).map(HeaderValue::to_str);
    let Some(Ok(key)) = key else {
        return Err(invalid(
            "Idempotency-Key",
            "must be visible ASCII characters",
        ));
    };
    let key = key.to_owned();
    let limit = request
        .app_data::<web::Data<Arc<App>>>()
        .map_or(1 << 20, |app| app.config.server.body_limit_bytes);
    let body = read_body(request.take_payload(), limit).await?.freeze();
    let target = request.uri().to_string();
    let parts: [&[u8]; 3] = [
        request.method().as_str().as_bytes(),
        target.as_bytes(),
        &body,
    ];
    let attempt = Attempt::new(&key, &parts)?;
    request.set_payload(Payload::from(body));
    Ok(attempt)
}

async fn finish(attempt: &Attempt, response: HttpResponse) -> HttpResponse {
    match attempt.take() {
        Progress::Begun => response,
        Progress::Done(answer) => replay(answer),
        Progress::Parked(parked) if !is_recorded(&response) => match parked.commit().await {
            Ok(()) => response,
            Err(error) => HttpResponse::from_error(error),
        },
        Progress::Parked(parked) => keep(*parked, response)
            .await
            .unwrap_or_else(HttpResponse::from_error),
    }
}

/// Whether a repeat is to get this answer.
fn is_recorded(response: &HttpResponse) -> bool {
    let secret = response
        .headers()
        .get(CACHE_CONTROL)
        .is_some_and(|value| value == "no-store");
    response.status().is_success() && !secret
}

/// Records the answer with the change, and commits both; only then is it sent.
async fn keep(parked: Parked, response: HttpResponse) -> Result<HttpResponse> {
    let (head, body) = response.into_parts();
    let bytes = match body::to_bytes_limited(body, MAX_ANSWER).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(Error::internal(error.to_string())),
        Err(_) => {
            return Err(Error::internal(
                "a keyed answer is too large to be recorded",
            ));
        }
    };
    let json: Option<Value> = if bytes.is_empty() {
        None
    } else {
        Some(serde_json::from_slice(&bytes).map_err(Error::internal)?)
    };
    let answer = Answer {
        status: head.status().as_u16(),
        headers: own_headers(&head),
        body: json,
    };
    parked.record(&answer).await?;
    Ok(head.set_body(BoxBody::new(bytes)))
}

/// The headers that the operation itself gave its answer. Those that surround every answer,
/// such as the request's id and the limits, are added further out, to a repeat too.
fn own_headers(head: &HttpResponse<()>) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    head.headers().iter().filter_map(text).collect()
}

fn replay(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.append_header(header);
    }
    response.insert_header((REPLAYED, "true"));
    match answer.body {
        Some(body) => response.json(body),
        None => response.finish(),
    }
}
