//! How to go on: the address of the API's documents, a token, calls to paste.

use secrecy::ExposeSecret;

use super::show::{Screen, dim};
use crate::{cli::seed::Seeded, kernel::ExecutionId, server::API};

/// Shows it, with calls about `execution`, if there is one. The token is the owner's
/// and good for a day.
pub fn show(screen: &Screen, base_url: &str, seeded: &Seeded, execution: Option<ExecutionId>) {
    screen.heading("Go on");
    screen.line(&format!("The API's documents are at {base_url}/docs"));
    screen.line("Paste this into a shell (the token is Ada's, good for a day):");
    screen.line("");
    screen.line(&format!("TOKEN='{}'", seeded.owner.token.expose_secret()));
    for (path, what) in calls(seeded, execution) {
        let call = format!(
            "curl -sS -w '\\n' -H \"Authorization: Bearer $TOKEN\" '{base_url}{API}{path}'"
        );
        screen.line(&format!("{call}  {}", dim().apply_to(format!("# {what}"))));
    }
}

fn calls(seeded: &Seeded, execution: Option<ExecutionId>) -> [(String, &'static str); 3] {
    let nodes = (
        format!("/projects/{}/nodes", seeded.project),
        "the nodes of the project",
    );
    match execution {
        Some(execution) => [
            nodes,
            (
                format!("/executions/{execution}/trace"),
                "all the agent did, in order",
            ),
            (
                format!("/executions/{execution}/verify"),
                "its hash chain, checked",
            ),
        ],
        None => [
            nodes,
            (
                format!("/orgs/{}/projects", seeded.org),
                "the projects of the organization",
            ),
            ("/users/me".to_owned(), "who you are"),
        ],
    }
}
