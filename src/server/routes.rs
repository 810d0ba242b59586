//! Every operation on one page, and who may call it. The table makes the routes and
//! the list of operations of the OpenAPI document, which tells each one's access; a test
//! compares the two paths of each row, another calls every row as everybody.

use std::collections::BTreeMap;

use actix_web::{Scope, http::Method, middleware::from_fn, web};

use super::{
    deadline, health,
    metrics::{Named, named},
};
use crate::{
    access::Action,
    executions, files, nodes, projects, realtime, search, templates, tenants, tokens,
    web::{
        limits::{self, Class, Counted},
        settle_caller,
    },
};

/// What stands before the paths of the API.
pub const API: &str = "/api/v1";

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody.
    Open,
    /// Whoever holds an address that we signed.
    Signed,
    /// Anybody with a good token, narrowed or not: what comes of it is as narrow.
    Bearer,
    /// Anybody with a good token: what it shows and changes is the caller's own.
    Own,
    /// Whoever may do this; the operation asks for it by this very action.
    Needs(Action),
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
}

macro_rules! access {
    (open) => {
        Access::Open
    };
    (signed) => {
        Access::Signed
    };
    (bearer) => {
        Access::Bearer
    };
    (own) => {
        Access::Own
    };
    ($action:ident) => {
        Access::Needs(Action::$action)
    };
}

macro_rules! routes {
    ($doc:ident, $configure:ident, $table:ident:
     $($method:ident $access:ident $path:literal $($handler:ident)::+;)+) => {
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($($handler)::+),+))]
        pub(super) struct $doc;

        pub(super) const $table: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            access: access!($access),
        }),+];

        fn $configure() -> Vec<(&'static str, actix_web::Route)> {
            vec![$((
                $path,
                around(web::$method().to($($handler)::+), access!($access)),
            )),+]
        }
    };
}

routes! { RootDoc, root, ROOT:
    get    open             "/health"                                     health::health;
    get    open             "/health/live"                                health::live;
    get    open             "/health/ready"                               health::ready;
}

routes! { ApiDoc, api, TABLE:
    // Who is asking
    post   open             "/auth/dev-token"                             tenants::api::dev_token;
    post   bearer           "/auth/ws-token"                              realtime::api::ws_token;
    get    own              "/users/me"                                   tenants::api::me_get;
    patch  own              "/users/me"                                   tenants::api::me_update;
    get    own              "/users/me/notifications"                     tenants::api::notifications::notification_list;
    post   own              "/users/me/notifications/read-all"            tenants::api::notifications::notification_read_all;
    post   own              "/users/me/notifications/{notificationId}/read" tenants::api::notifications::notification_read;

    // Live
    get    signed           "/ws"                                         realtime::api::ws_open;

    // Organizations
    get    own              "/orgs"                                       tenants::api::org_list;
    post   own              "/orgs"                                       tenants::api::org_create;
    get    OrgRead          "/orgs/{orgId}"                               tenants::api::org_get;
    patch  OrgUpdate        "/orgs/{orgId}"                               tenants::api::org_update;
    delete OrgDelete        "/orgs/{orgId}"                               tenants::api::org_delete;
    get    MemberRead       "/orgs/{orgId}/members"                       tenants::api::members::member_list;
    post   MemberAdd        "/orgs/{orgId}/members"                       tenants::api::members::member_add;
    patch  MemberUpdate     "/orgs/{orgId}/members/{userId}"              tenants::api::members::member_update;
    delete MemberRemove     "/orgs/{orgId}/members/{userId}"              tenants::api::members::member_remove;
    get    AuditRead        "/orgs/{orgId}/audit"                         tenants::api::audit::audit_list;
    get    UsageRead        "/orgs/{orgId}/usage"                         executions::api::usage::usage_get;

    // Tokens
    get    TokenManage      "/orgs/{orgId}/tokens"                        tokens::api::token_list;
    post   TokenManage      "/orgs/{orgId}/tokens"                        tokens::api::token_create;
    delete TokenManage      "/orgs/{orgId}/tokens/{tokenId}"              tokens::api::token_revoke;

    // Projects
    get    ProjectRead      "/orgs/{orgId}/projects"                      projects::api::project_list;
    post   ProjectCreate    "/orgs/{orgId}/projects"                      projects::api::project_create;
    get    ProjectRead      "/projects/{projectId}/events"                realtime::api::project_events;
    get    ProjectRead      "/projects/{projectId}"                       projects::api::project_get;
    patch  ProjectUpdate    "/projects/{projectId}"                       projects::api::project_update;
    delete ProjectDelete    "/projects/{projectId}"                       projects::api::project_delete;
    get    ProjectMemberRead   "/projects/{projectId}/members"            projects::api::members::project_member_list;
    post   ProjectMemberManage "/projects/{projectId}/members"            projects::api::members::project_member_add;
    patch  ProjectMemberManage "/projects/{projectId}/members/{userId}"   projects::api::members::project_member_update;
    delete ProjectMemberManage "/projects/{projectId}/members/{userId}"   projects::api::members::project_member_remove;

    // Nodes
    get    NodeRead         "/projects/{projectId}/nodes"                 nodes::api::node_list;
    post   NodeCreate       "/projects/{projectId}/nodes"                 nodes::api::node_create;
    get    NodeRead         "/nodes/{nodeId}"                             nodes::api::node_get;
    patch  NodeUpdate       "/nodes/{nodeId}"                             nodes::api::node_update;
    delete NodeDelete       "/nodes/{nodeId}"                             nodes::api::node_delete;
    get    NodeRead         "/nodes/{nodeId}/children"                    nodes::api::graph::node_children;
    get    NodeRead         "/nodes/{nodeId}/dependencies"                nodes::api::graph::node_dependencies;
    get    NodeRead         "/nodes/{nodeId}/versions"                    nodes::api::version::version_list;
    get    NodeRead         "/nodes/{nodeId}/versions/{version}"          nodes::api::version::version_get;
    get    NodeRead         "/nodes/{nodeId}/versions/{from}/diff/{to}"   nodes::api::version::version_diff;
    post   NodeUpdate       "/nodes/{nodeId}/rollback/{version}"          nodes::api::version::node_rollback;
    post   InputAdd         "/nodes/{nodeId}/inputs"                      nodes::api::input_add;
    delete InputRemove      "/nodes/{nodeId}/inputs/{inputId}"            nodes::api::input_remove;
    post   OutputAdd        "/nodes/{nodeId}/outputs"                     nodes::api::output_add;
    delete OutputRemove     "/nodes/{nodeId}/outputs/{outputId}"          nodes::api::output_remove;
    post   NodeLock         "/nodes/{nodeId}/lock"                        nodes::api::lock::lock_acquire;
    delete NodeLock         "/nodes/{nodeId}/lock"                        nodes::api::lock::lock_release;

    // Templates
    get    own              "/templates"                                  templates::api::template_list;
    post   TemplateWrite    "/templates"                                  templates::api::template_create;
    get    TemplateRead     "/templates/{templateId}"                     templates::api::template_get;
    patch  TemplateWrite    "/templates/{templateId}"                     templates::api::template_update;
    delete TemplateWrite    "/templates/{templateId}"                     templates::api::template_delete;
    post   NodeCreate       "/templates/{templateId}/apply"               templates::api::template_apply;

    // Files
    post   FileCreate       "/orgs/{orgId}/files/upload"                  files::api::file_upload;
    get    FileRead         "/orgs/{orgId}/files"                         files::api::file_list;
    post   FileCreate       "/files/{fileId}/confirm"                     files::api::file_confirm;
    post   FileReprocess    "/files/{fileId}/reprocess"                   files::api::file_reprocess;
    get    FileRead         "/files/{fileId}"                             files::api::file_get;
    get    FileRead         "/files/{fileId}/text"                        files::api::file_text;
    delete FileDelete       "/files/{fileId}"                             files::api::file_delete;
    put    signed           "/blobs/{key:.*}"                             files::api::blob_put;
    get    signed           "/blobs/{key:.*}"                             files::api::blob_get;

    // Search
    post   Search           "/orgs/{orgId}/search"                        search::api::search;
    post   Search           "/orgs/{orgId}/search/semantic"               search::api::semantic;
    get    NodeRead         "/nodes/{nodeId}/context"                     search::api::node_context;
    get    NodeRead         "/outputs/{outputId}/citations"               search::api::output_citations;

    // Executions
    post   ExecutionStart   "/nodes/{nodeId}/execute"                     executions::api::execution_start;
    get    ExecutionRead    "/nodes/{nodeId}/execution"                   executions::api::execution_current;
    get    ExecutionRead    "/nodes/{nodeId}/executions"                  executions::api::execution_list;
    post   ExecutionControl "/nodes/{nodeId}/execution/pause"             executions::api::execution_pause;
    post   ExecutionControl "/nodes/{nodeId}/execution/resume"            executions::api::execution_resume;
    post   ExecutionControl "/nodes/{nodeId}/execution/cancel"            executions::api::execution_cancel;
    get    ExecutionRead    "/executions/{executionId}"                   executions::api::execution_get;
    post   ExecutionInput   "/executions/{executionId}/input"             executions::api::execution_input;
    post   ExecutionInput   "/executions/{executionId}/messages"          executions::api::execution_message;
    get    ExecutionRead    "/executions/{executionId}/trace"             executions::api::execution_trace;
    get    ExecutionRead    "/executions/{executionId}/stream"            executions::api::execution_stream;
    get    ExecutionRead    "/executions/{executionId}/verify"            executions::api::execution_verify;
    post   ExecutionFork    "/executions/{executionId}/fork"              executions::api::fork::execution_fork;
}

/// A route with what surrounds it, and not every request. Here actix has matched the path
/// already; further out that would be done a second time.
fn around(route: actix_web::Route, access: Access) -> actix_web::Route {
    let route = match access {
        Access::Open => route.wrap(from_fn(limits::by_address)),
        Access::Signed => route,
        Access::Bearer | Access::Own | Access::Needs(_) => route.wrap(from_fn(settle_caller)),
    };
    // Outside of it, since asking who it is may take time, too.
    deadline::limited(route, access)
}

/// Adds every route. Those of the API stand in a scope for the first segment of their
/// paths: actix tries one after the other, and what begins otherwise is then passed over by
/// a comparison instead of a regular expression for each row.
pub fn configure(config: &mut web::ServiceConfig) {
    for (path, route) in root() {
        config.route(path, named(route, Named { prefix: "", path }));
    }
    let mut scopes: BTreeMap<&str, Scope> = BTreeMap::new();
    for (path, route) in api() {
        let (first, rest) = split(path);
        let route = named(route, Named { prefix: API, path });
        let scope = scopes.remove(first).unwrap_or_else(|| web::scope(first));
        scopes.insert(first, scope.route(rest, route));
    }
    let api = scopes.into_values().fold(web::scope(API), Scope::service);
    config.service(api);
}

/// A path's first segment, its slash included, and the rest.
fn split(path: &str) -> (&str, &str) {
    let second = path.match_indices('/').nth(1);
    path.split_at(second.map_or(path.len(), |(at, _)| at))
}

/// The methods that `path` answers to; empty when no operation has it.
pub fn methods_of(path: &str) -> Vec<Method> {
    let rows = match path.strip_prefix(API) {
        Some(rest) => TABLE.iter().map(|row| (row, rest)).collect::<Vec<_>>(),
        None => ROOT.iter().map(|row| (row, path)).collect(),
    };
    rows.into_iter()
        .filter(|(row, path)| matches(row.path, path))
        .filter_map(|(row, _)| row.method.to_uppercase().parse().ok())
        .flat_map(|method| match method {
            // `head` serves it.
            Method::GET => vec![Method::GET, Method::HEAD],
            other => vec![other],
        })
        .collect()
}

/// How requests of an operation are counted against the rate limits, by its method and
/// its path's pattern. What the root serves is for machines that watch us.
pub fn counted(method: &Method, pattern: &str) -> Counted {
    let row = pattern.strip_prefix(API).and_then(|path| {
        let is_it =
            |row: &&Route| row.path == path && row.method.eq_ignore_ascii_case(method.as_str());
        TABLE.iter().find(is_it)
    });
    match row.map(|row| (row.access, row.path)) {
        None | Some((Access::Signed, _)) => Counted::Never,
        Some((Access::Open, _)) => Counted::ByAddress(Class::General),
        Some((Access::Needs(Action::Search), _)) => Counted::ByUser(Class::Search),
        Some((Access::Needs(Action::ExecutionStart | Action::ExecutionFork), _)) => {
            Counted::ByUser(Class::Executions)
        }
        // Confirming an upload needs the same right and is no further upload.
        Some((Access::Needs(Action::FileCreate), path)) if path.ends_with("/upload") => {
            Counted::ByUser(Class::Uploads)
        }
        Some((Access::Bearer | Access::Own | Access::Needs(_), _)) => {
            Counted::ByUser(Class::General)
        }
    }
}

/// Whether `path` is a signed address, which the bytes of files go through.
pub fn is_signed(path: &str) -> bool {
    path.strip_prefix(API).is_some_and(|rest| {
        TABLE
            .iter()
            .any(|row| row.access == Access::Signed && matches(row.path, rest))
    })
}

/// Whether `path` has the form of `pattern`, in which `{name}` is one segment and
/// `{name:.*}` is the rest.
fn matches(pattern: &str, path: &str) -> bool {
    let mut given = path.split('/');
    for expected in pattern.split('/') {
        if expected.ends_with(":.*}") {
            return given.next().is_some_and(|part| !part.is_empty());
        }
        match given.next() {
            Some(part) if expected.starts_with('{') && !part.is_empty() => {}
            Some(part) if part == expected => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_by_what_they_need() {
        let of = |method: Method, path: &str| counted(&method, &format!("{API}{path}"));
        let by_user = |class| Counted::ByUser(class);
        assert_eq!(of(Method::GET, "/orgs"), by_user(Class::General));
        assert_eq!(
            of(Method::POST, "/nodes/{nodeId}/execute"),
            by_user(Class::Executions)
        );
        assert_eq!(
            of(Method::POST, "/orgs/{orgId}/files/upload"),
            by_user(Class::Uploads)
        );
        assert_eq!(
            of(Method::POST, "/files/{fileId}/confirm"),
            by_user(Class::General)
        );
        assert_eq!(
            of(Method::POST, "/auth/dev-token"),
            Counted::ByAddress(Class::General)
        );
        assert_eq!(of(Method::PUT, "/blobs/{key:.*}"), Counted::Never);
        assert_eq!(counted(&Method::GET, "/health"), Counted::Never);
    }

    #[test]
    fn the_methods_of_a_path_are_found() {
        assert_eq!(
            methods_of("/api/v1/orgs"),
            [Method::GET, Method::HEAD, Method::POST]
        );
        assert_eq!(methods_of("/health"), [Method::GET, Method::HEAD]);
        assert!(methods_of("/api/v1/orgs/").is_empty());
        assert!(methods_of("/api/v1/nothing").is_empty());
        assert_eq!(
            methods_of("/api/v1/blobs/a/b"),
            [Method::PUT, Method::GET, Method::HEAD]
        );
        assert!(is_signed("/api/v1/blobs/a/b") && !is_signed("/api/v1/orgs"));
    }
}
