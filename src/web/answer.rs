//! The three ordinary answers.

use actix_web::HttpResponse;
use serde::Serialize;

/// 200 with a body.
pub fn ok(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

/// 201 with the object that was made.
pub fn created(body: impl Serialize) -> HttpResponse {
    HttpResponse::Created().json(body)
}

/// 204 with nothing.
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
