//! Errors as clients see them: one shape for all, the cause left in the log.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    error::PathError,
    http::{Method, StatusCode, header},
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::request::current_request_id;
use crate::kernel::{Code, Error, error::Kind, field::invalid};

/// The body of every error.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A sentence for a person.
    error: String,
    /// The same sentence, for older clients.
    message: String,
    /// The published code; `docs/ERRORS.md` lists them.
    #[schema(example = "NODE_LOCKED")]
    code: String,
    /// What a program may want to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    details: Option<Value>,
    /// The request's id, which finds it in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<String>,
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code().kind().status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        match self.code().kind() {
            Kind::Internal => tracing::error!(error = %self.chain(), "request failed"),
            Kind::Unavailable => tracing::warn!(error = %self.chain(), "request failed"),
            _ => tracing::debug!(error = %self.chain(), "request refused"),
        }
        let mut response = HttpResponse::build(self.status_code());
        if self.code().kind() == Kind::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(Problem {
            error: self.message().to_owned(),
            message: self.message().to_owned(),
            code: self.code().as_str().to_owned(),
            details: self.details().cloned(),
            request_id: current_request_id(),
        })
    }
}

/// A part of the path that is not of its type.
pub fn on_path_error(error: PathError, request: &HttpRequest) -> actix_web::Error {
    // The error does not tell which part it is about. A part is a UUID where its name ends
    // in `Id`; else it is a number, or any text, which is never wrong.
    for (name, value) in request.match_info().iter() {
        if !name.ends_with("Id") {
            if value.parse::<i32>().is_err() {
                return invalid(name, "must be a whole number of 32 bits").into();
            }
        } else if value.parse::<Uuid>().is_err() {
            return invalid(name, "must be a UUID").into();
        }
    }
    // The library says twice that it was reading a path.
    let why = match error {
        PathError::Deserialize(why) => why.to_string(),
        other => other.to_string(),
    };
    invalid("path", format!("can't be read: {why}")).into()
}

/// No operation has this path.
pub fn route_not_found() -> Error {
    Error::new(
        Code::RouteNotFound,
        "No operation has this path; GET /openapi.json lists them.",
    )
}

/// The path has operations, but none with this method.
pub fn method_not_allowed(allowed: &[Method]) -> HttpResponse {
    let error = Error::new(
        Code::MethodNotAllowed,
        format!("This path answers to {} only.", listed(allowed)),
    );
    with_allow(error.error_response(), allowed)
}

/// Answers OPTIONS with the methods of the path.
pub fn methods_allowed(allowed: &[Method]) -> HttpResponse {
    with_allow(HttpResponse::NoContent().finish(), allowed)
}

fn with_allow(mut response: HttpResponse, allowed: &[Method]) -> HttpResponse {
    if let Ok(value) = header::HeaderValue::from_str(&listed(allowed)) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

fn listed(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    names.join(", ")
}
