//! Every operation on one page. The table makes the routes and the list of
//! operations of the OpenAPI document; a test compares the two paths of each row.

use actix_web::{http::Method, web};

use super::health;
use crate::{executions, files, nodes, projects, tenants};

/// What stands before the paths of the API.
pub const API: &str = "/api/v1";

macro_rules! routes {
    ($doc:ident, $configure:ident, $table:ident: $($method:ident $path:literal $($handler:ident)::+;)+) => {
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($($handler)::+),+))]
        pub(super) struct $doc;

        pub(super) const $table: &[(&str, &str)] = &[$((stringify!($method), $path)),+];

        fn $configure(config: &mut web::ServiceConfig) {
            $(config.route($path, web::$method().to($($handler)::+));)+
        }
    };
}

routes! { RootDoc, root, ROOT:
    get "/health"       health::health;
    get "/health/live"  health::live;
    get "/health/ready" health::ready;
}

routes! { ApiDoc, api, TABLE:
    // Who is asking
    post   "/auth/dev-token"                        tenants::api::dev_token;
    get    "/users/me"                              tenants::api::me_get;
    patch  "/users/me"                              tenants::api::me_update;

    // Organizations
    get    "/orgs"                                  tenants::api::org_list;
    post   "/orgs"                                  tenants::api::org_create;
    get    "/orgs/{orgId}"                          tenants::api::org_get;
    patch  "/orgs/{orgId}"                          tenants::api::org_update;
    delete "/orgs/{orgId}"                          tenants::api::org_delete;

    // Projects
    get    "/orgs/{orgId}/projects"                 projects::api::project_list;
    post   "/orgs/{orgId}/projects"                 projects::api::project_create;
    get    "/projects/{projectId}"                  projects::api::project_get;
    patch  "/projects/{projectId}"                  projects::api::project_update;
    delete "/projects/{projectId}"                  projects::api::project_delete;

    // Nodes
    get    "/projects/{projectId}/nodes"            nodes::api::node_list;
    post   "/projects/{projectId}/nodes"            nodes::api::node_create;
    get    "/nodes/{nodeId}"                        nodes::api::node_get;
    patch  "/nodes/{nodeId}"                        nodes::api::node_update;
    delete "/nodes/{nodeId}"                        nodes::api::node_delete;
    post   "/nodes/{nodeId}/inputs"                 nodes::api::input_add;
    delete "/nodes/{nodeId}/inputs/{inputId}"       nodes::api::input_remove;
    post   "/nodes/{nodeId}/outputs"                nodes::api::output_add;
    delete "/nodes/{nodeId}/outputs/{outputId}"     nodes::api::output_remove;

    // Files
    post   "/orgs/{orgId}/files/upload"             files::api::file_upload;
    get    "/orgs/{orgId}/files"                    files::api::file_list;
    post   "/files/{fileId}/confirm"                files::api::file_confirm;
    get    "/files/{fileId}"                        files::api::file_get;
    get    "/files/{fileId}/text"                   files::api::file_text;
    delete "/files/{fileId}"                        files::api::file_delete;
    put    "/blobs/{key:.*}"                        files::api::blob_put;
    get    "/blobs/{key:.*}"                        files::api::blob_get;

    // Executions
    post   "/nodes/{nodeId}/execute"                executions::api::execution_start;
    get    "/nodes/{nodeId}/execution"              executions::api::execution_current;
    get    "/nodes/{nodeId}/executions"             executions::api::execution_list;
    post   "/nodes/{nodeId}/execution/cancel"       executions::api::execution_cancel;
    get    "/executions/{executionId}"              executions::api::execution_get;
    get    "/executions/{executionId}/trace"        executions::api::execution_trace;
    get    "/executions/{executionId}/stream"       executions::api::execution_stream;
    get    "/executions/{executionId}/verify"       executions::api::execution_verify;
}

/// Adds every route.
pub fn configure(config: &mut web::ServiceConfig) {
    root(config);
    config.service(web::scope(API).configure(api));
}

/// The methods that `path` answers to; empty when no operation has it.
pub fn methods_of(path: &str) -> Vec<Method> {
    let rows = match path.strip_prefix(API) {
        Some(rest) => TABLE.iter().map(|row| (row, rest)).collect::<Vec<_>>(),
        None => ROOT.iter().map(|row| (row, path)).collect(),
    };
    rows.into_iter()
        .filter(|((_, pattern), path)| matches(pattern, path))
        .filter_map(|((method, _), _)| method.to_uppercase().parse().ok())
        .collect()
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
    fn the_methods_of_a_path_are_found() {
        assert_eq!(methods_of("/api/v1/orgs"), [Method::GET, Method::POST]);
        assert_eq!(methods_of("/health"), [Method::GET]);
        assert!(methods_of("/api/v1/orgs/").is_empty());
        assert!(methods_of("/api/v1/nothing").is_empty());
        assert_eq!(methods_of("/api/v1/blobs/a/b"), [Method::PUT, Method::GET]);
    }
}
