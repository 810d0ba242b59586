//! What an organization says of language models and of tool servers.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;

use super::{
    super::{
        model::{OrgModels, OrgServer},
        store,
    },
    keys::org_key_in,
};
use crate::{
    config::McpCommand,
    kernel::{OrgId, Result, field::Fields},
    platform::{db::Tx, vault::Vault},
};

/// The organization's models, endpoint and default, without any key. The transaction
/// acts for `org`, whoever its user is: they are needed to run, not shown.
pub async fn org_models_in(tx: &mut Tx, org: OrgId) -> Result<OrgModels> {
    let settings = store::settings_of(tx, org).await?;
    Ok(OrgModels::of_settings(&settings))
}

/// A tool server and its key, or why that does not open.
pub type KeyedServer = (OrgServer, Result<Option<SecretString>>);

/// The organization's tool servers. The transaction acts for `org`.
pub async fn tool_servers_in(tx: &mut Tx, vault: &Vault, org: OrgId) -> Result<Vec<KeyedServer>> {
    let settings = store::settings_if_any(tx, org).await?;
    let mut servers = Vec::new();
    for server in OrgServer::of_settings(&settings) {
        let key = match server.key() {
            Some(field) => org_key_in(tx, vault, org, &field).await,
            None => Ok(None),
        };
        servers.push((server, key));
    }
    Ok(servers)
}

/// Refuses commands that are not in this server's configuration.
pub(super) fn check_commands(settings: &Value, known: &BTreeMap<String, McpCommand>) -> Result<()> {
    let mut fields = Fields::default();
    let servers = settings.get("mcpServers").and_then(Value::as_array);
    for (n, server) in servers.into_iter().flatten().enumerate() {
        let command = server.get("command").and_then(Value::as_str);
        if command.is_none_or(|name| known.contains_key(name)) {
            continue;
        }
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let message = match names.as_slice() {
            [] => "there are no commands on this server".to_owned(),
            names => format!("must be one of: {}", names.join(", ")),
        };
        fields.bad(&format!("settings.mcpServers[{n}].command"), &message);
    }
    fields.finish()
}
