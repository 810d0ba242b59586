//! Checks of `settings.mcpServers`. Names that no server has are refused, unlike elsewhere
//! in settings: a misspelt `tools` would allow what it was meant to forbid.

use serde_json::{Map, Value};

use super::super::servers::{MAX_SERVER_NAME, ToolEffect, is_server_name};
use super::check::{address, drop_null, flag, list, nested, only_known, required_text, text};
use crate::kernel::{field::Fields, objects::whole_number, text::TextEnum};

/// Tool servers at most.
const MAX_SERVERS: usize = 20;
/// Headers of one at most.
const MAX_HEADERS: usize = 20;
/// Characters of a header's value at most.
const MAX_VALUE: usize = 1000;
/// Characters of a tool's name at its server.
const MAX_TOOL: usize = 200;
/// Seconds that a call may take at most.
const MAX_SECONDS: u64 = 600;

const KNOWN: &[&str] = &[
    "name",
    "url",
    "command",
    "headers",
    "keyHeader",
    "tools",
    "effects",
    "trustHints",
    "timeoutSeconds",
];

/// Headers that the protocol or the connection sets.
const TAKEN: &[&str] = &[
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "transfer-encoding",
    "upgrade",
];

/// Notes when there are too many.
pub(super) fn check_number(fields: &mut Fields, path: &str, servers: &Value) {
    let few = servers
        .as_array()
        .is_none_or(|list| list.len() <= MAX_SERVERS);
    fields.check(
        few,
        path,
        format!("must have at most {MAX_SERVERS} entries"),
    );
}

/// Checks one server, whose key was taken out; answers its name.
pub(super) fn check_server(
    fields: &mut Fields,
    path: &str,
    server: &mut Map<String, Value>,
    sets_key: bool,
) -> Option<String> {
    for name in KNOWN {
        drop_null(server, name);
    }
    let at = |name: &str| format!("{path}.{name}");
    address(fields, &at("url"), server.get("url"));
    text(fields, &at("command"), server.get("command"), 32);
    let one = server.contains_key("url") != server.contains_key("command");
    fields.check(one, path, "must have either url or command");
    let is_http = server.contains_key("url");
    for name in ["headers", "keyHeader"] {
        let fits = is_http || !server.contains_key(name);
        fields.check(fits, &at(name), "is for a server with url only");
    }
    fields.check(
        is_http || !sets_key,
        &at("key"),
        "is for a server with url only",
    );
    check_headers(fields, path, server);
    check_tools(fields, path, server);
    flag(fields, &at("trustHints"), server.get("trustHints"));
    let seconds = server.get("timeoutSeconds");
    let fits = |n: &Value| whole_number(n).is_some_and(|n| (1..=MAX_SECONDS).contains(&n));
    let message = "must be a whole number from 1 to 600";
    fields.check(seconds.is_none_or(fits), &at("timeoutSeconds"), message);
    only_known(fields, path, server, KNOWN);
    let name = required_text(fields, &at("name"), server.get("name"), MAX_SERVER_NAME)?;
    fields.check(
        is_server_name(&name),
        &at("name"),
        "must have lower-case letters, digits and hyphens, and single underscores between them",
    );
    Some(name)
}

fn check_headers(fields: &mut Fields, path: &str, server: &Map<String, Value>) {
    let at = format!("{path}.keyHeader");
    if let Some(name) = text(fields, &at, server.get("keyHeader"), 100) {
        check_header_name(fields, &at, &name);
    }
    let path = format!("{path}.headers");
    let Some(headers) = nested(fields, &path, server.get("headers")) else {
        return;
    };
    let few = headers.len() <= MAX_HEADERS;
    fields.check(
        few,
        &path,
        format!("must have at most {MAX_HEADERS} entries"),
    );
    for (name, value) in headers {
        let path = format!("{path}.{name}");
        check_header_name(fields, &path, name);
        if let Some(value) = required_text(fields, &path, Some(value), MAX_VALUE) {
            let plain = value.bytes().all(|c| (b' '..=b'~').contains(&c));
            fields.check(plain, &path, "must have only printable ASCII characters");
        }
    }
}

fn check_header_name(fields: &mut Fields, path: &str, name: &str) {
    let odd = |c: char| !c.is_ascii_alphanumeric() && !"!#$%&'*+-.^_`|~".contains(c);
    let good = !name.is_empty() && name.len() <= 100 && !name.contains(odd);
    fields.check(good, path, "must be the name of a header");
    let plain = name.to_ascii_lowercase();
    let taken = TAKEN.contains(&plain.as_str()) || plain.starts_with("mcp-");
    fields.check(!taken, path, "is a header that the protocol sets itself");
}

fn check_tools(fields: &mut Fields, path: &str, server: &Map<String, Value>) {
    let tools = format!("{path}.tools");
    let names = server
        .get("tools")
        .and_then(|names| list(fields, &tools, names));
    for (n, name) in names.into_iter().flatten().enumerate() {
        required_text(fields, &format!("{tools}[{n}]"), Some(name), MAX_TOOL);
    }
    let path = format!("{path}.effects");
    let effects = nested(fields, &path, server.get("effects"));
    let few = effects.is_none_or(|effects| effects.len() <= 100);
    fields.check(few, &path, "must have at most 100 entries");
    for (tool, effect) in effects.into_iter().flatten() {
        let known = effect.as_str().and_then(ToolEffect::parse).is_some();
        let message = "must be read, idempotent or at_most_once";
        fields.check(known, &format!("{path}.{tool}"), message);
        let named = tool.chars().count() <= MAX_TOOL;
        fields.check(named, &path, "must have names of tools");
    }
}

/// The settings without what is named by tools, whose names are their server's own: one may
/// be called `get_token` without being a secret.
pub(super) fn without_tools(settings: &Map<String, Value>) -> Map<String, Value> {
    let mut settings = settings.clone();
    let servers = settings.get_mut("mcpServers").and_then(Value::as_array_mut);
    for server in servers.into_iter().flatten() {
        if let Some(server) = server.as_object_mut() {
            server.remove("effects");
        }
    }
    settings
}
