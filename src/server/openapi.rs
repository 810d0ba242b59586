//! The OpenAPI document, made from the handlers themselves, and its page.
//!
//! `/openapi.json` and `/docs` need no network: the page is part of the binary.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use serde_json::json;
use utoipa::{
    OpenApi,
    openapi::{
        self, PathItem, RefOr, Required,
        extensions::Extensions,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    examples::Examples,
    problems,
    routes::{API, Access, ApiDoc, ROOT, RootDoc, Route, TABLE},
};
use crate::{
    access::{self, required},
    kernel::{Code, text::TextEnum},
    web::Problem,
};

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
    let mut components = document.components.take().unwrap_or_default();
    let mut examples = Examples::kept();
    for (prefix, row) in rows() {
        let path = format!("{prefix}{}", plain(row.path));
        let item = document.paths.paths.get_mut(&path);
        if let Some(operation) = item.and_then(|item| operation(item, row.method)) {
            add_access(operation, row.access);
            add_idempotency_key(operation, row);
            add_lock_epoch(operation, row.access);
            problems::add(operation, row, &mut components);
            examples.add(operation);
        }
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token of ours, or of the identity provider that is configured; in development \
             `POST /auth/dev-token` gives one.",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    document.components = Some(components);
    document
}

fn rows() -> impl Iterator<Item = (&'static str, &'static Route)> {
    let root = ROOT.iter().map(|row| ("", row));
    root.chain(TABLE.iter().map(|row| (API, row)))
}

/// A path without the patterns of its placeholders: `{rest:.*}` is `{rest}`.
fn plain(path: &str) -> String {
    path.replace(":.*}", "}")
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "get" => item.get.as_mut(),
        "put" => item.put.as_mut(),
        "post" => item.post.as_mut(),
        "patch" => item.patch.as_mut(),
        "delete" => item.delete.as_mut(),
        _ => None,
    }
}

/// Tells people, and programs under `x-access`, who may call the operation.
fn add_access(operation: &mut Operation, access: Access) {
    let (name, sentence) = match access {
        Access::Open => ("open", "Needs no token.".to_owned()),
        Access::Signed => (
            "signed",
            "Needs no token: the address itself is signed.".to_owned(),
        ),
        Access::Bearer => ("bearer", "Needs a token.".to_owned()),
        Access::Own => ("own", "Needs a token that was not narrowed.".to_owned()),
        Access::Needs(action) => (action.as_str(), sentence(required(action))),
    };
    let text = operation.description.take();
    let text = text.filter(|text| !text.is_empty());
    operation.description = Some(match text {
        Some(text) => format!("{text}\n\n{sentence}"),
        None => sentence,
    });
    // One extension and not two: utoipa writes several in an order of chance.
    let mut facts = json!({ "action": name });
    if let (Access::Needs(action), Some(facts)) = (access, facts.as_object_mut()) {
        let least = required(action);
        facts.insert("organization".to_owned(), json!(least.org.as_str()));
        if let Some(role) = least.project {
            facts.insert("project".to_owned(), json!(role.as_str()));
        }
    }
    let extensions = Extensions::builder().add("x-access", facts).build();
    operation
        .extensions
        .get_or_insert_default()
        .merge(extensions);
}

/// Every POST on somebody's behalf can be sent again under its key.
fn add_idempotency_key(operation: &mut Operation, row: &Route) {
    if row.method == "post" && matches!(row.access, Access::Bearer | Access::Own | Access::Needs(_))
    {
        let key = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(200))
            .pattern(Some("^[!-~]+$"));
        let text = "A name for this very request. Sent again within 24 hours with the same \
                    body, it is not done again: the first answer comes back, marked \
                    `Idempotency-Replayed: true`. With another body it is refused (409 \
                    `IDEMPOTENCY_KEY_REUSED`).";
        add_header(operation, "Idempotency-Key", text, key);
    }
}

/// Every operation that writes a node's content takes the header, because it is looked at
/// where the node's row is locked for writing.
fn add_lock_epoch(operation: &mut Operation, access: Access) {
    if problems::writes_content(access) {
        let epoch = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
        let text = "The `epoch` of the lock under which this is written. Once that lock has \
                    ended, the write is refused (409 `LOCK_LOST`), whether or not somebody \
                    else holds it now.";
        add_header(operation, "X-Lock-Epoch", text, epoch);
    }
}

fn add_header(operation: &mut Operation, name: &str, text: &str, schema: ObjectBuilder) {
    let header = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema))
        .build();
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(RefOr::T(header));
}

fn sentence(required: access::Required) -> String {
    let org = required.org.as_str();
    match required.project {
        None => format!("Needs the role {org} in the organization."),
        Some(project) => format!(
            "Needs the role {org} in the organization, or {} in the project.",
            project.as_str()
        ),
    }
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
