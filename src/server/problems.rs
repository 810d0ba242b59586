//! Which codes each operation can fail with, as the document tells them.
//!
//! Most follow from what an operation is: whether it needs a token, reads a body, changes
//! something, writes a node's content. [`PECULIAR`] has the rest. The client of the tests
//! refuses every failure whose code is not told, so that the list can't fall behind.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{
    Components, Content, Ref, RefOr, Response, ResponseBuilder,
    content::ContentBuilder,
    path::Operation,
    schema::{AllOfBuilder, ObjectBuilder, Schema, Type},
};

use super::routes::{Access, Route};
use crate::{
    access::Action,
    kernel::{Code, error::Kind},
};

const JSON: &str = "application/json";

/// What single operations can fail with, beside what follows from their nature.
const PECULIAR: &[(&str, &[Code])] = &[
    ("dev_token", &[Code::RouteNotFound]),
    (
        "ws_open",
        &[
            Code::Unauthenticated,
            Code::TokenInvalid,
            Code::TokenExpired,
        ],
    ),
    ("org_create", &[Code::SlugTaken]),
    ("org_update", &[Code::SlugTaken]),
    ("member_add", &[Code::AlreadyMember, Code::UserUnknown]),
    ("member_update", &[Code::LastOwner]),
    ("member_remove", &[Code::LastOwner]),
    (
        "project_member_add",
        &[Code::AlreadyMember, Code::UserUnknown],
    ),
    ("project_update", &[Code::Unprocessable]),
    ("project_delete", &[Code::Conflict]),
    ("node_create", &[Code::Unprocessable]),
    ("node_update", &[Code::TreeCycle, Code::Unprocessable]),
    ("input_add", &[Code::DependencyCycle]),
    (
        "node_rollback",
        &[Code::TreeCycle, Code::DependencyCycle, Code::Unprocessable],
    ),
    ("lock_acquire", &[Code::NodeLocked, Code::LockLost]),
    ("lock_release", &[Code::NodeLocked, Code::LockLost]),
    ("template_list", &[Code::NotFound]),
    ("template_create", &[Code::Unprocessable]),
    (
        "template_update",
        &[Code::DependencyCycle, Code::Unprocessable],
    ),
    (
        "template_apply",
        &[Code::DependencyCycle, Code::Unprocessable],
    ),
    ("file_upload", &[Code::QuotaExceeded]),
    (
        "file_confirm",
        &[
            Code::UploadMissing,
            Code::Unprocessable,
            Code::QuotaExceeded,
        ],
    ),
    ("file_reprocess", &[Code::Conflict]),
    ("file_delete", &[Code::Conflict]),
    ("file_text", &[Code::Conflict, Code::Unprocessable]),
    ("blob_put", &[Code::Conflict]),
    (
        "execution_start",
        &[
            Code::ExecutionActive,
            Code::NodeLocked,
            Code::Unprocessable,
            Code::ModelUnavailable,
        ],
    ),
    ("execution_cancel", &[Code::ExecutionState]),
    ("execution_pause", &[Code::ExecutionState]),
    ("execution_resume", &[Code::ExecutionState]),
    ("execution_input", &[Code::ExecutionState, Code::Conflict]),
    ("execution_message", &[Code::ExecutionState]),
    (
        "execution_fork",
        &[Code::ExecutionActive, Code::NodeLocked, Code::Unprocessable],
    ),
    ("search", &[Code::EmbeddingsUnavailable]),
    ("semantic", &[Code::EmbeddingsUnavailable]),
];

/// Says in `operation` what it can fail with. Answers that several operations share
/// stand in `components` once.
pub(super) fn add(operation: &mut Operation, row: &Route, components: &mut Components) {
    for codes in by_status(&codes(operation, row)).values() {
        let Some(first) = codes.first() else { continue };
        let status = first.kind().status().to_string();
        let responses = &mut operation.responses.responses;
        if let Some(RefOr::T(response)) = responses.get_mut(&status) {
            // The handler says itself what this means; how it looks is the same for all.
            response.content = [(JSON.to_owned(), RefOr::T(content(codes)))].into();
            continue;
        }
        if responses.contains_key(&status) {
            continue;
        }
        let name = codes.iter().map(|code| code.as_str()).collect::<Vec<_>>();
        let name = name.join(".");
        let shared = components.responses.entry(name.clone());
        shared.or_insert_with(|| RefOr::T(response(first.kind(), codes)));
        responses.insert(status, RefOr::Ref(Ref::from_response_name(name)));
    }
}

/// The codes by status, each once, in the order of the published list.
fn by_status(codes: &[Code]) -> BTreeMap<u16, Vec<Code>> {
    let mut statuses: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL.iter().filter(|code| codes.contains(code)) {
        statuses
            .entry(code.kind().status())
            .or_default()
            .push(*code);
    }
    statuses
}

fn codes(operation: &Operation, row: &Route) -> Vec<Code> {
    let mut codes = vec![
        Code::ValidationFailed,
        Code::MalformedRequest,
        Code::Unavailable,
        Code::Timeout,
        Code::Internal,
    ];
    let changes = row.method != "get";
    if row.access != Access::Open {
        codes.extend([Code::Forbidden, Code::RateLimited]);
    }
    match row.access {
        Access::Open => {}
        Access::Signed => codes.extend([Code::SignatureInvalid, Code::NotFound]),
        Access::Bearer | Access::Own | Access::Needs(_) => {
            codes.extend([
                Code::Unauthenticated,
                Code::TokenInvalid,
                Code::TokenExpired,
            ]);
            if row.method == "post" {
                codes.extend([Code::Conflict, Code::IdempotencyKeyReused]);
            }
        }
    }
    if row.path.contains('{') || matches!(row.access, Access::Needs(_)) {
        codes.push(Code::NotFound);
    }
    if changes {
        codes.extend([Code::BodyTooLarge, Code::RateLimited]);
    }
    if operation.request_body.is_some() {
        codes.extend([Code::MalformedJson, Code::UnsupportedMediaType]);
    }
    if writes_content(row.access) {
        codes.extend([Code::NodeLocked, Code::LockLost]);
    }
    if operation.responses.responses.contains_key("412") {
        codes.push(Code::VersionMismatch);
    }
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let peculiar = PECULIAR.iter().filter(|(operation, _)| *operation == id);
    codes.extend(peculiar.flat_map(|(_, codes)| codes.iter()));
    codes
}

/// Whether the operation writes what a node's lock protects.
pub(super) fn writes_content(access: Access) -> bool {
    matches!(
        access,
        Access::Needs(
            Action::NodeUpdate
                | Action::NodeDelete
                | Action::InputAdd
                | Action::InputRemove
                | Action::OutputAdd
                | Action::OutputRemove
        )
    )
}

fn response(kind: Kind, codes: &[Code]) -> Response {
    let mut response = ResponseBuilder::new()
        .description(description(kind))
        .build();
    response.content = [(JSON.to_owned(), RefOr::T(content(codes)))].into();
    response
}

fn content(codes: &[Code]) -> Content {
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes.iter().map(|code| code.as_str())));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().property("code", code))
        .build();
    ContentBuilder::new()
        .schema(Some(RefOr::T(Schema::AllOf(schema))))
        .example(codes.first().map(|code| example(*code)))
        .build()
}

fn example(code: Code) -> Value {
    let sentence = code.meaning();
    json!({
        "error": sentence,
        "message": sentence,
        "code": code.as_str(),
        "requestId": "01c0de00-0000-7000-8000-000000000000",
    })
}

const fn description(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "Malformed or invalid; `details.fields` names what is wrong.",
        Kind::Unauthenticated => "No token, or one that is not good.",
        Kind::Forbidden => "Known to you, but not allowed.",
        Kind::NotFound => "Not there, or not yours to know of.",
        Kind::MethodNotAllowed => "There is no such operation on this path.",
        Kind::Conflict => "At odds with the present state.",
        Kind::Precondition => "It is at another version.",
        Kind::TooLarge => "The body is too large.",
        Kind::UnsupportedMedia => "The body is not JSON.",
        Kind::Impossible => "Understood, but impossible in this state.",
        Kind::RateLimited => "Too many requests; `Retry-After` says when to come back.",
        Kind::Unavailable => "A backend that this needs does not answer, or not in time.",
        Kind::Internal => "Something failed on our side.",
    }
}
