//! Rate limits at the door: which requests are counted, in whose name, and what the
//! answers say of it.
//!
//! A request with a good token is counted for its user, after the token was verified and
//! before anything else is done. Where no token is asked for, the client's address
//! stands in: for development's tokens and for bad tokens.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER},
    },
    middleware::Next,
    web,
};
use serde_json::json;

use super::client_address;
use crate::{
    app::App,
    config::LimitsConfig,
    kernel::{Code, Error, Result, UserId},
    platform::limiter::{Quota, Verdict},
};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The limits there are. A request counts in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Everything that has no limit of its own.
    General,
    /// Searches.
    Search,
    /// Starts of executions.
    Executions,
    /// Uploads begun.
    Uploads,
}

impl Class {
    fn quota(self, config: &LimitsConfig) -> Quota {
        Quota::per_minute(match self {
            Class::General => config.general,
            Class::Search => config.search,
            Class::Executions => config.executions,
            Class::Uploads => config.uploads,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Class::General => "general",
            Class::Search => "search",
            Class::Executions => "executions",
            Class::Uploads => "uploads",
        }
    }
}

/// In whose name an operation is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The user's who asks.
    ByUser(Class),
    /// The client's address's.
    ByAddress(Class),
    /// Nobody's.
    Never,
}

/// How the route table counts an operation, by its method and its path's pattern.
#[derive(Debug, Clone, Copy)]
pub struct Counting(pub fn(&Method, &str) -> Counted);

/// Counts a request of `user`, and refuses it when it is one too many. The last step of
/// authentication.
pub async fn admit(request: &HttpRequest, app: &App, user: UserId) -> Result<()> {
    let Counted::ByUser(class) = counted(request) else {
        return Ok(());
    };
    let quota = class.quota(&app.config.limits);
    take(
        request,
        app,
        &format!("user:{user}:{}", class.name()),
        quota,
    )
    .await
}

/// Around the routes that ask for no token: counts their requests by address.
pub async fn by_address(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match admit_address(request.request()).await {
        Ok(()) => next.call(request).await,
        Err(error) => Ok(request.into_response(error.error_response())),
    }
}

/// Around every request: counts bad tokens, and writes what the answer says of limits.
pub async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let response = next.call(request).await?;
    if response.status() == StatusCode::UNAUTHORIZED
        && let Err(error) = count_bad_token(response.request()).await
    {
        let refused = response.into_response(error.error_response());
        return Ok(told(refused).map_into_right_body());
    }
    Ok(told(response).map_into_left_body())
}

async fn admit_address(request: &HttpRequest) -> Result<()> {
    let (Counted::ByAddress(class), Some(app)) = (counted(request), app(request)) else {
        return Ok(());
    };
    let quota = class.quota(&app.config.limits);
    let key = format!("address:{}:{}", address(request, app), class.name());
    take(request, app, &key, quota).await
}

/// Guessing tokens is hopeless; whoever does it all the same hears 429 soon. Those who
/// share the address and have good tokens notice nothing.
async fn count_bad_token(request: &HttpRequest) -> Result<()> {
    let Some(app) = app(request) else {
        return Ok(());
    };
    if !request.headers().contains_key(AUTHORIZATION) {
        return Ok(());
    }
    let quota = Quota::per_minute(app.config.limits.bad_tokens);
    let key = format!("address:{}:bad_tokens", address(request, app));
    take(request, app, &key, quota).await
}

fn app(request: &HttpRequest) -> Option<&App> {
    let app: &Arc<App> = request.app_data::<web::Data<Arc<App>>>()?;
    Some(app)
}

fn counted(request: &HttpRequest) -> Counted {
    match (request.app_data::<Counting>(), request.match_pattern()) {
        (Some(Counting(of)), Some(pattern)) => of(request.method(), &pattern),
        _ => Counted::Never,
    }
}

fn address(request: &HttpRequest, app: &App) -> String {
    let address = client_address(request, app.config.server.trusted_proxies);
    let address = address.map(|ip| ip.to_string());
    address.unwrap_or_else(|| "unknown".to_owned())
}

async fn take(request: &HttpRequest, app: &App, key: &str, quota: Quota) -> Result<()> {
    if !app.config.limits.enabled {
        return Ok(());
    }
    let verdict = app.limiter.take(key, quota).await;
    request.extensions_mut().insert(verdict);
    match verdict.retry_after {
        None => Ok(()),
        Some(wait) => Err(refusal(&verdict, wait)),
    }
}

fn refusal(verdict: &Verdict, wait: Duration) -> Error {
    let (limit, seconds) = (verdict.limit, seconds(wait));
    Error::new(
        Code::RateLimited,
        format!(
            "That is more than {limit} requests of this kind a minute. Try again in {seconds} s."
        ),
    )
    .with_details(json!({ "limit": limit, "retryAfterSeconds": seconds }))
}

/// The answer, with the verdict on its request, if there was one, in its headers.
fn told<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    let verdict = response.request().extensions().get::<Verdict>().copied();
    let Some(verdict) = verdict else {
        return response;
    };
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(verdict.limit));
    headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
    headers.insert(RESET, HeaderValue::from(seconds(verdict.reset)));
    if let Some(wait) = verdict.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    response
}

/// Whole seconds, rounded up: who waits so long has waited long enough.
fn seconds(time: Duration) -> u64 {
    time.as_micros()
        .div_ceil(1_000_000)
        .try_into()
        .unwrap_or(u64::MAX)
}
