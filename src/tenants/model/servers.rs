//! The tool servers of an organization, as its settings have them. Pure: it says where a
//! server is and what its tools may be taken for; whoever calls it opens the key.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::KeyField;
use crate::kernel::{objects, text::text_enum};

/// Characters of a server's name at most.
pub const MAX_SERVER_NAME: usize = 32;

/// Seconds that a call may take where settings don't say.
const TIMEOUT_SECONDS: u64 = 60;

text_enum! {
    /// What a tool does outside our database, from the harmless to the grave.
    pub enum ToolEffect {
        Read = "read",
        Idempotent = "idempotent",
        AtMostOnce = "at_most_once",
    }
}

/// One of `settings.mcpServers`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgServer {
    /// What it is called here; its tools' names begin with it.
    pub name: String,
    /// Its address, unless it is a command.
    pub url: Option<String>,
    /// The operator's command that it is, unless it has an address.
    pub command: Option<String>,
    /// Headers that go with each request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The header that its key is the value of, when it is not `Authorization`.
    pub key_header: Option<String>,
    #[serde(default)]
    key_set: bool,
    tools: Option<Vec<String>>,
    #[serde(default)]
    effects: BTreeMap<String, ToolEffect>,
    #[serde(default)]
    trust_hints: bool,
    timeout_seconds: Option<u64>,
}

impl OrgServer {
    /// Reads stored settings. What is not of its form is passed over: it was checked when
    /// it was stored, perhaps by an earlier program.
    pub fn of_settings(settings: &Value) -> Vec<Self> {
        let entries = settings.get("mcpServers").and_then(Value::as_array);
        let entries = entries.into_iter().flatten();
        entries
            .filter_map(|entry| objects::read(entry.clone()).ok())
            .collect()
    }

    /// Where its key is kept, when it has one.
    pub fn key(&self) -> Option<KeyField> {
        self.key_set.then(|| KeyField::McpServer(self.name.clone()))
    }

    /// Whether agents may use its tool of this name.
    pub fn allows(&self, tool: &str) -> bool {
        let named = |tools: &Vec<String>| tools.iter().any(|name| name == tool);
        self.tools.as_ref().is_none_or(named)
    }

    /// What a tool is taken for: what the settings say, else what it says of itself where
    /// that is trusted, else the gravest.
    pub fn effect(&self, tool: &str, says_read_only: bool, says_idempotent: bool) -> ToolEffect {
        if let Some(effect) = self.effects.get(tool) {
            return *effect;
        }
        match (self.trust_hints, says_read_only, says_idempotent) {
            (true, true, _) => ToolEffect::Read,
            (true, false, true) => ToolEffect::Idempotent,
            _ => ToolEffect::AtMostOnce,
        }
    }

    /// How long a call may take, in seconds.
    pub fn timeout_seconds(&self) -> u64 {
        self.timeout_seconds.unwrap_or(TIMEOUT_SECONDS)
    }
}

/// Whether a server may be called so: lower-case letters, digits, hyphens, and single
/// underscores between them. Two underscores end the name where a tool is named by both.
pub fn is_server_name(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    text.len() <= MAX_SERVER_NAME
        && text
            .split('_')
            .all(|part| !part.is_empty() && part.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server(rest: Value) -> OrgServer {
        let mut server = json!({ "name": "crm", "url": "https://crm.example/mcp" });
        let rest = rest.as_object().unwrap().clone();
        server.as_object_mut().unwrap().extend(rest);
        let settings = json!({ "mcpServers": [server, 7, { "url": "https://nameless" }] });
        let mut servers = OrgServer::of_settings(&settings);
        assert_eq!(servers.len(), 1);
        servers.remove(0)
    }

    #[test]
    fn a_tool_is_taken_for_the_gravest_unless_somebody_of_the_organization_says_less() {
        use ToolEffect::{AtMostOnce, Idempotent, Read};
        let plain = server(json!({ "effects": { "look": "read" } }));
        assert_eq!(plain.effect("look", false, false), Read);
        assert_eq!(plain.effect("pay", true, true), AtMostOnce);
        let trusted = server(json!({ "trustHints": true, "effects": { "pay": "at_most_once" } }));
        assert_eq!(trusted.effect("look", true, false), Read);
        assert_eq!(trusted.effect("put", false, true), Idempotent);
        assert_eq!(trusted.effect("pay", true, true), AtMostOnce);
        assert_eq!(trusted.effect("other", false, false), AtMostOnce);
        assert!(Read < Idempotent && Idempotent < AtMostOnce);
    }

    #[test]
    fn only_named_tools_are_allowed_where_some_are_named() {
        assert!(server(json!({})).allows("anything"));
        let some = server(json!({ "tools": ["look"] }));
        assert!(some.allows("look") && !some.allows("pay"));
        assert!(!server(json!({ "tools": [] })).allows("look"));
    }

    #[test]
    fn a_name_can_not_reach_into_the_tools_part() {
        for good in ["crm", "a", "my-crm_2", "9"] {
            assert!(is_server_name(good), "{good}");
        }
        for bad in ["", "a__b", "_a", "a_", "Crm", "a.b", &"a".repeat(33)] {
            assert!(!is_server_name(bad), "{bad}");
        }
    }
}
