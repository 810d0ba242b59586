//! From a bearer token to a [`Ctx`]: an operation that takes one can't be reached
//! without a good token, ours or the identity provider's.
//!
//! Who asks is settled before what they ask is looked at. The extractors of a handler run
//! at once and the first failure is the answer, so an extractor that asked the provider or
//! the limiter itself would be overtaken by one that finds a bad path, query or body: a
//! stranger would be told about their body, and a request of a wrong form not be counted.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::AUTHORIZATION,
    middleware::Next,
    web,
};

use super::{client_address, named_span, request::current_request_id};
use crate::{
    access::{Caller, Origin},
    app::{App, Ctx},
    idempotency::Attempt,
    kernel::{Code, Error, Result, field::invalid},
};

/// Around every operation that needs a token.
pub async fn settle_caller(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match caller(request.request()).await {
        Ok(ctx) => {
            request.extensions_mut().insert(ctx);
            next.call(request).await
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

impl FromRequest for Ctx {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let settled = request.extensions_mut().remove::<Ctx>();
        ready(settled.ok_or_else(|| {
            Error::internal("the table of routes asks for no token where the handler does")
        }))
    }
}

async fn caller(request: &HttpRequest) -> Result<Ctx> {
    let app = request
        .app_data::<web::Data<Arc<App>>>()
        .ok_or_else(|| Error::internal("the server was built without its App"))?;
    let origin = Origin {
        request_id: current_request_id(),
        ip: client_address(request, app.config.server.trusted_proxies).map(|ip| ip.to_string()),
        lock_epoch: lock_epoch(request)?,
        span: named_span(request.headers()),
    };
    let text = bearer(request)?;
    let caller = if is_jwt(text) {
        vouched(app, text, origin).await?
    } else {
        Caller::new(app.keyring.verify(text, app.db.now())?, origin)
    };
    super::limits::admit(request, app, caller.user()).await?;
    let attempt = request.extensions().get::<Attempt>().cloned();
    Ok(Ctx {
        app: Arc::clone(app),
        attempt: attempt.map(|attempt| match caller.part() {
            Some(part) => attempt.of_part(part),
            None => attempt,
        }),
        caller,
    })
}

/// The header that names the lock under which a client writes.
const LOCK_EPOCH: &str = "x-lock-epoch";

/// The lock that the request claims to hold. A header that can't be read is refused: to
/// ignore it would let through what it was sent to hold back.
fn lock_epoch(request: &HttpRequest) -> Result<Option<i64>> {
    let mut lines = request.headers().get_all(LOCK_EPOCH);
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let epoch = line.to_str().ok().and_then(|text| text.trim().parse().ok());
    match (epoch, lines.next()) {
        (Some(epoch), None) => Ok(Some(epoch)),
        _ => Err(invalid(
            "X-Lock-Epoch",
            "must be one whole number, the `epoch` of a lock",
        )),
    }
}

/// The token that the request carries.
fn bearer(request: &HttpRequest) -> Result<&str> {
    let header = request.headers().get(AUTHORIZATION).ok_or_else(|| {
        Error::new(
            Code::Unauthenticated,
            "This needs a token: send Authorization: Bearer <token>.",
        )
    })?;
    header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            Error::new(
                Code::Unauthenticated,
                "The Authorization header must be of the form: Bearer <token>.",
            )
        })
}

/// A JSON Web Token is three parts between dots, and our tokens have no dot.
fn is_jwt(text: &str) -> bool {
    text.contains('.')
}

async fn vouched(app: &App, text: &str, origin: Origin) -> Result<Caller> {
    let provider = app.provider.as_ref().ok_or_else(|| {
        Error::new(Code::TokenInvalid, "The token is not valid.")
            .because("a JSON Web Token, and no identity provider is configured")
    })?;
    let (user, expires_at) = provider.sign_in(text).await?;
    Ok(Caller::vouched(user, expires_at, origin))
}
