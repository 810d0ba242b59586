//! The names of tools that an execution may be given.

use utoipa::openapi::{
    RefOr,
    schema::{AnyOfBuilder, Schema},
};

use crate::{kernel::form::text, tenants::model::is_server_name};

/// The tools of our own, by name.
pub const TOOLS: &[&str] = &[
    "list_inputs",
    "read_input",
    "search",
    "access_node",
    "create_subnode",
    "await_subnodes",
    "add_output",
    "request_human_input",
    "mark_complete",
];

/// Why a checkpoint is written that says what is about to be sent to a server outside.
pub const CALL_BEGINS: &str = "call_begins";

/// Characters of a tool's name at most: what services of models take.
pub const MAX_TOOL: usize = 64;

/// What [`is_tool`] takes for the name of an outside tool.
const OUTSIDE: &str = r"^[a-z0-9-]+(_[a-z0-9-]+)*__([A-Za-z0-9_-]+|\*)$";

/// Whether a name may be a tool's: one of ours, or one of a tool server, `<server>__<tool>`,
/// or `<server>__*` for all of that server. Which servers there are is only known where the
/// execution runs.
pub fn is_tool(name: &str) -> bool {
    if TOOLS.contains(&name) {
        return true;
    }
    let Some((server, tool)) = name.split_once("__") else {
        return false;
    };
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    let named = tool == "*" || (!tool.is_empty() && tool.bytes().all(plain));
    name.len() <= MAX_TOOL && is_server_name(server) && named
}

/// The name of a tool, for the OpenAPI document.
#[derive(Debug)]
pub struct Tool;

impl utoipa::PartialSchema for Tool {
    fn schema() -> RefOr<Schema> {
        let ours = text().enum_values(Some(TOOLS.iter().copied()));
        let outside = text().pattern(Some(OUTSIDE)).max_length(Some(MAX_TOOL));
        let either = AnyOfBuilder::new().item(ours).item(outside);
        either.into()
    }
}

impl utoipa::ToSchema for Tool {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_ours_or_names_its_server() {
        for good in ["read_input", "crm__pay", "a_b__c__d", "crm___x", "crm__*"] {
            assert!(is_tool(good), "{good}");
        }
        for bad in [
            "rm",
            "crm__",
            "__pay",
            "Crm__pay",
            "crm__p.y",
            "crm__**",
            &format!("crm__{}", "x".repeat(60)),
        ] {
            assert!(!is_tool(bad), "{bad}");
        }
    }
}
