//! How each operation is called: one line for each. What it is called with comes from
//! [`Things`]; its method, path and access come from the document.

use serde_json::{Value, json};

use super::world::Things;

/// What an operation is about: whose roles decide, and what a refused caller may know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Nothing of a tenant's.
    Nothing,
    /// Something of one person's, which to all others is not there.
    Personal,
    /// An organization, or something that lies directly in it.
    Org,
    /// As [`About::Org`], but a list that guests see what is theirs of.
    ListForGuests,
    /// A project, or something in it.
    Project,
    Node,
    File,
    Execution,
    Template,
}

/// One operation.
pub struct Line {
    pub operation: &'static str,
    pub about: About,
    /// The body it is called with, good enough to get past every check.
    pub body: fn(&Things) -> Value,
}

const fn line(operation: &'static str, about: About, body: fn(&Things) -> Value) -> Line {
    Line {
        operation,
        about,
        body,
    }
}

fn none(_: &Things) -> Value {
    Value::Null
}

/// THE table. A new route needs a line here, and what its path names in [`Things`].
pub const LINES: &[Line] = &[
    line("health", About::Nothing, none),
    line("health_live", About::Nothing, none),
    line("health_ready", About::Nothing, none),
    line(
        "dev_token",
        About::Nothing,
        |_| json!({ "userId": "new", "email": "new@example.com" }),
    ),
    line("ws_token", About::Nothing, none),
    line("ws_open", About::Nothing, none),
    line("me_get", About::Nothing, none),
    line("me_update", About::Nothing, |_| json!({ "name": "Me" })),
    line("notification_list", About::Nothing, none),
    line("notification_read_all", About::Nothing, none),
    line("notification_read", About::Personal, none),
    line("org_list", About::Nothing, none),
    line(
        "org_create",
        About::Nothing,
        |t| json!({ "name": "New", "slug": format!("new-{}", t.number) }),
    ),
    line("org_get", About::Org, none),
    line("org_update", About::Org, |_| json!({ "name": "Other" })),
    line("org_delete", About::Org, none),
    line("member_list", About::Org, none),
    line(
        "member_add",
        About::Org,
        |_| json!({ "email": "stranger@example.com", "role": "member" }),
    ),
    line("member_update", About::Org, |_| json!({ "role": "guest" })),
    line("member_remove", About::Org, none),
    line("audit_list", About::Org, none),
    line("usage_get", About::Org, none),
    line("token_list", About::Org, none),
    line(
        "token_create",
        About::Org,
        |_| json!({ "name": "CI", "rights": ["node.read"] }),
    ),
    line("token_revoke", About::Org, none),
    line("project_list", About::ListForGuests, none),
    line("project_create", About::Org, |_| json!({ "name": "Other" })),
    line("project_events", About::Project, none),
    line("project_get", About::Project, none),
    line(
        "project_update",
        About::Project,
        |_| json!({ "name": "Other" }),
    ),
    line("project_delete", About::Project, none),
    line("project_member_list", About::Project, none),
    line(
        "project_member_add",
        About::Project,
        |t| json!({ "userId": t.user(), "role": "viewer" }),
    ),
    line(
        "project_member_update",
        About::Project,
        |_| json!({ "role": "editor" }),
    ),
    line("project_member_remove", About::Project, none),
    line("node_list", About::Project, none),
    line("node_create", About::Project, |_| json!({ "title": "New" })),
    line("node_get", About::Node, none),
    line("node_update", About::Node, |_| json!({ "title": "Other" })),
    line("node_delete", About::Node, none),
    line("node_children", About::Node, none),
    line("node_dependencies", About::Node, none),
    line("version_list", About::Node, none),
    line("version_get", About::Node, none),
    line("version_diff", About::Node, none),
    line("node_rollback", About::Node, none),
    line("lock_acquire", About::Node, none),
    line("lock_release", About::Node, none),
    line(
        "input_add",
        About::Node,
        |_| json!({ "inputType": "text", "textContent": "a" }),
    ),
    line("input_remove", About::Node, none),
    line(
        "output_add",
        About::Node,
        |_| json!({ "outputType": "text", "textContent": "a" }),
    ),
    line("output_remove", About::Node, none),
    line("template_list", About::Nothing, none),
    line(
        "template_create",
        About::Org,
        |t| json!({ "orgId": t.org(), "name": "New" }),
    ),
    line("template_get", About::Template, none),
    line(
        "template_update",
        About::Template,
        |_| json!({ "name": "Other" }),
    ),
    line("template_delete", About::Template, none),
    // The project decides, and the template must be one that all of them may read.
    line(
        "template_apply",
        About::Project,
        |t| json!({ "projectId": t.project() }),
    ),
    line(
        "file_upload",
        About::Org,
        |_| json!({ "filename": "a.txt", "contentType": "text/plain" }),
    ),
    line("file_list", About::ListForGuests, none),
    line("file_confirm", About::File, none),
    line("file_reprocess", About::File, none),
    line("file_get", About::File, none),
    line("file_text", About::File, none),
    line("file_delete", About::File, none),
    line(
        "search",
        About::ListForGuests,
        |_| json!({ "query": "anything" }),
    ),
    line(
        "semantic",
        About::ListForGuests,
        |_| json!({ "query": "anything" }),
    ),
    line("node_context", About::Node, none),
    line("output_citations", About::Node, none),
    line("blob_put", About::Nothing, none),
    line("blob_get", About::Nothing, none),
    line("execution_start", About::Node, none),
    line("execution_current", About::Node, none),
    line("execution_list", About::Node, none),
    line("execution_pause", About::Node, none),
    line("execution_resume", About::Node, none),
    line("execution_cancel", About::Node, none),
    line(
        "execution_input",
        About::Execution,
        |_| json!({ "input": { "answer": "yes" } }),
    ),
    line(
        "execution_message",
        About::Execution,
        |_| json!({ "text": "Mind the gap." }),
    ),
    line("execution_get", About::Execution, none),
    line("execution_trace", About::Execution, none),
    line("execution_stream", About::Execution, none),
    line("execution_verify", About::Execution, none),
    line(
        "execution_fork",
        About::Execution,
        |_| json!({ "afterSequence": 1 }),
    ),
];
