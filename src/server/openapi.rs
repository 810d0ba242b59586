//! The OpenAPI document, made from the handlers themselves, and its page.
//!
//! `/openapi.json` and `/docs` need no network: the page is part of the binary.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use utoipa::{
    OpenApi,
    openapi::{
        self, PathItem, Ref, RefOr, Response, ResponseBuilder,
        content::ContentBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::routes::{API, ApiDoc, RootDoc};
use crate::{kernel::Code, web::Problem};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "GlassBox",
        description = "People and AI agents work on nodes; everything an agent does is evidence \
                       anyone can follow. Errors have one shape, [Problem](#model-Problem), with a \
                       published code.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem)),
    security(("bearer" = [])),
)]
struct Base;

static DOCUMENT: LazyLock<openapi::OpenApi> = LazyLock::new(make);

/// The document of this very program.
pub fn document() -> &'static openapi::OpenApi {
    &DOCUMENT
}

fn make() -> openapi::OpenApi {
    let mut document = Base::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.merge(RootDoc::openapi());
    document = document.nest(API, ApiDoc::openapi());
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            add_problems(operation);
        }
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token of ours; `POST /auth/dev-token` gives one in development.",
        ))
        .build();
    if let Some(components) = &mut document.components {
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
    document
}

fn operations(item: &mut PathItem) -> Vec<&mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every operation may answer with these; saying so by hand at each would be forgotten.
fn add_problems(operation: &mut Operation) {
    for (status, description) in [
        (
            "400",
            "Malformed or invalid; `details.fields` names what is wrong.",
        ),
        ("401", "No token, or one that is not good."),
        ("403", "Known to you, but not allowed."),
        ("404", "Not there, or not yours to know of."),
        ("409", "At odds with the present state."),
        ("413", "The body is too large."),
        ("415", "The body is not JSON."),
        ("422", "Understood, but impossible in this state."),
        (
            "429",
            "Too many requests; `Retry-After` says when to come back.",
        ),
        ("500", "Something failed on our side."),
        ("503", "A backend that this needs does not answer."),
    ] {
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(problem(description)));
    }
}

fn problem(description: &str) -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}

/// `/openapi.json` and `/docs`.
pub fn pages(config: &mut web::ServiceConfig) {
    config
        .route("/openapi.json", web::get().to(json))
        .route(
            "/docs",
            web::get().to(|| async {
                HttpResponse::PermanentRedirect()
                    .insert_header(("Location", "/docs/"))
                    .finish()
            }),
        )
        .service(
            utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}")
                .config(utoipa_swagger_ui::Config::new(["/openapi.json"])),
        );
}

async fn json() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

/// The codes that `docs/ERRORS.md` is written from.
pub fn error_table() -> String {
    let rows = Code::ALL.iter().map(|code| {
        format!(
            "| {} | `{code}` | {} |\n",
            code.kind().status(),
            code.meaning()
        )
    });
    format!(
        "| status | code | when |\n| --- | --- | --- |\n{}",
        rows.collect::<String>()
    )
}
