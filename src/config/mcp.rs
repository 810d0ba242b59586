//! `[mcp]`: tool servers that organizations may have this program start.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;

use super::oidc::words;
use crate::kernel::field::Fields;

/// Tool servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpConfig {
    /// Programs that organizations may use as tool servers, by the name they use. What runs
    /// here is the operator's choice, so an organization names one and says no more.
    pub commands: BTreeMap<String, McpCommand>,
}

/// A program that is a tool server over its standard input and output.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpCommand {
    /// The program: a path, or a name on the search path.
    pub program: String,
    /// Its arguments.
    #[serde(default, deserialize_with = "words")]
    pub args: Vec<String>,
    /// Its environment, beside the search path.
    #[serde(default)]
    pub env: BTreeMap<String, SecretString>,
}

impl McpConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        for (name, command) in &self.commands {
            let path = format!("mcp.commands.{name}");
            fields.check(
                is_name(name),
                &path,
                "must be called by 1 to 32 lower-case letters, digits, - or _",
            );
            let named = !command.program.trim().is_empty();
            fields.check(named, &format!("{path}.program"), "must not be empty");
        }
    }
}

/// Whether a command may be called so: 1 to 32 lower-case letters, digits, `-` or `_`.
fn is_name(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}
