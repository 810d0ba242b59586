//! Settings of organizations and users: checked field by field, keys taken out.
//!
//! A key (`apiKey` of a model, `key` of a tool server, `selfHostedKey`) is write-only. [`Draft::read`] takes the
//! keys out of what a client sent, before anything else sees it; what is stored in the
//! settings, and read back, is only `apiKeySet: true`. Clients send whole objects back,
//! so a model that comes without `apiKey` keeps the key it has, by its name.
//!
//! Fields that we don't know are kept as they are, unless their name says that they
//! hold a secret: in the open it would leak, dropped in silence it would be lost.

mod check;
mod servers;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::check::{
    address, amount, check_budget, check_fallbacks, check_policies, drop_null, list, nested,
    object, refuse_secrets, required_text, text,
};
use crate::kernel::field::Fields;

pub use self::check::check_user_settings;

/// Characters of a key at most; cloud tokens have thousands.
const MAX_KEY: usize = 8192;
/// Characters of a model's name at most.
const MAX_NAME: usize = 100;

/// Settings as a client sent them. They may hold keys, so they show nothing.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Unchecked(Value);

impl Unchecked {
    /// Settings that come from the program itself.
    pub fn new(value: Value) -> Self {
        Unchecked(value)
    }
}

impl fmt::Debug for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unchecked(…)")
    }
}

/// What a key of an organization is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyField {
    /// The organization's own endpoint.
    SelfHosted,
    /// The model of this name in its settings.
    Model(String),
    /// The tool server of this name.
    McpServer(String),
}

impl KeyField {
    /// The name under which the key is stored, and with which it is sealed.
    pub fn stored(&self) -> String {
        match self {
            KeyField::SelfHosted => "selfHostedKey".to_owned(),
            KeyField::Model(name) => format!("models/{name}"),
            KeyField::McpServer(name) => format!("mcpServers/{name}"),
        }
    }
}

/// What a client says of a key.
#[derive(Debug, Clone)]
enum KeyChange {
    Keep,
    Clear,
    Set(SecretString),
}

/// Settings whose keys were taken out.
#[derive(Debug)]
pub struct Draft {
    settings: Map<String, Value>,
    keys: BTreeMap<KeyField, KeyChange>,
}

/// Settings as they are stored, and what becomes of their keys.
#[derive(Debug, Default)]
pub struct Settled {
    /// The settings, without any key.
    pub settings: Value,
    /// Keys to seal.
    pub new: Vec<(KeyField, SecretString)>,
    /// Keys that stay; all others end.
    pub kept: Vec<KeyField>,
}

impl Settled {
    /// No settings, and so no keys.
    pub fn empty() -> Self {
        Settled {
            settings: json!({}),
            ..Settled::default()
        }
    }

    /// The names of keys that are new or other than before.
    pub fn new_keys(&self) -> Vec<String> {
        self.new.iter().map(|(field, _)| field.stored()).collect()
    }
}

impl Draft {
    /// Checks what a client sent and takes the keys out.
    pub fn read(fields: &mut Fields, sent: Unchecked) -> Self {
        let mut draft = Draft {
            settings: object(fields, sent.0),
            keys: BTreeMap::new(),
        };
        draft.take_own_key(fields);
        draft.read_models(fields);
        draft.read_servers(fields);
        let settings = &mut draft.settings;
        for name in [
            "selfHostedEndpoint",
            "defaultModel",
            "agentPolicies",
            "budget",
        ] {
            drop_null(settings, name);
        }
        address(
            fields,
            "settings.selfHostedEndpoint",
            settings.get("selfHostedEndpoint"),
        );
        text(
            fields,
            "settings.defaultModel",
            settings.get("defaultModel"),
            200,
        );
        check_policies(fields, settings.get("agentPolicies"));
        if let Some(budget) = nested(fields, "settings.budget", settings.get("budget")) {
            for name in ["monthlyUsd", "perExecutionUsd"] {
                amount(fields, &format!("settings.budget.{name}"), budget.get(name));
            }
            check_budget(fields, budget);
        }
        refuse_secrets(fields, "settings", &servers::without_tools(settings));
        draft
    }

    /// The settings to store in place of `before`. A key that is kept goes to the same
    /// address as before or not at all: otherwise whoever may change an address could
    /// have a key sent to them that they can't read.
    pub fn settle(mut self, fields: &mut Fields, before: &Value) -> Settled {
        let mut settled = Settled::default();
        for (field, change) in std::mem::take(&mut self.keys) {
            let Some((path, entry)) = self.entry(&field) else {
                continue;
            };
            let had = place_of(before, &field).filter(|place| place.has_key);
            let address = entry.get(field.address());
            match (change, had) {
                (KeyChange::Clear, _) | (KeyChange::Keep, None) => continue,
                (KeyChange::Set(key), _) => settled.new.push((field.clone(), key)),
                (KeyChange::Keep, Some(had)) if had.address.as_ref() == address => {
                    settled.kept.push(field.clone());
                }
                // The endpoint is gone, and its key with it.
                (KeyChange::Keep, Some(_))
                    if address.is_none() && field == KeyField::SelfHosted =>
                {
                    continue;
                }
                (KeyChange::Keep, Some(_)) => fields.bad(
                    &format!("{path}.{}", field.address()),
                    "changes where a stored key is sent; send that key again with it, or null",
                ),
            }
            entry.insert(field.marker().to_owned(), json!(true));
        }
        settled.settings = Value::Object(self.settings);
        settled
    }

    fn take_own_key(&mut self, fields: &mut Fields) {
        take_marker(
            fields,
            "settings",
            &mut self.settings,
            &KeyField::SelfHosted,
        );
        let sent = self.settings.remove("selfHostedKey");
        let change = key_change(fields, "settings.selfHostedKey", sent);
        self.keys.insert(KeyField::SelfHosted, change);
    }

    fn read_models(&mut self, fields: &mut Fields) {
        drop_null(&mut self.settings, "models");
        let Some(models) = self.settings.get_mut("models") else {
            return;
        };
        list(fields, "settings.models", models);
        let Value::Array(models) = models else {
            return;
        };
        for (n, model) in models.iter_mut().enumerate() {
            let path = format!("settings.models[{n}]");
            let Value::Object(model) = model else {
                fields.bad(&path, "must be an object");
                continue;
            };
            take_marker(fields, &path, model, &KeyField::Model(String::new()));
            let sent = model.remove("apiKey");
            let change = key_change(fields, &format!("{path}.apiKey"), sent);
            drop_null(model, "apiBase");
            address(fields, &format!("{path}.apiBase"), model.get("apiBase"));
            required_text(
                fields,
                &format!("{path}.litellmModel"),
                model.get("litellmModel"),
                200,
            );
            drop_null(model, "fallbacks");
            check_fallbacks(fields, &path, model.get("fallbacks"));
            let name = required_text(fields, &format!("{path}.name"), model.get("name"), MAX_NAME);
            if let Some(name) = name
                && self.keys.insert(KeyField::Model(name), change).is_some()
            {
                fields.bad(&format!("{path}.name"), "is the name of another model, too");
            }
        }
    }

    fn read_servers(&mut self, fields: &mut Fields) {
        drop_null(&mut self.settings, "mcpServers");
        let Some(entries) = self.settings.get_mut("mcpServers") else {
            return;
        };
        list(fields, "settings.mcpServers", entries);
        servers::check_number(fields, "settings.mcpServers", entries);
        let Value::Array(entries) = entries else {
            return;
        };
        for (n, server) in entries.iter_mut().enumerate() {
            let path = format!("settings.mcpServers[{n}]");
            let Value::Object(server) = server else {
                fields.bad(&path, "must be an object");
                continue;
            };
            take_marker(fields, &path, server, &KeyField::McpServer(String::new()));
            let change = key_change(fields, &format!("{path}.key"), server.remove("key"));
            let sets_key = matches!(change, KeyChange::Set(_));
            let name = servers::check_server(fields, &path, server, sets_key);
            if let Some(name) = name
                && self
                    .keys
                    .insert(KeyField::McpServer(name), change)
                    .is_some()
            {
                let message = "is the name of another server, too";
                fields.bad(&format!("{path}.name"), message);
            }
        }
    }

    /// The object that a key belongs to, and its path.
    fn entry(&mut self, field: &KeyField) -> Option<(String, &mut Map<String, Value>)> {
        let Some((list, name)) = field.listed() else {
            return Some(("settings".to_owned(), &mut self.settings));
        };
        let entries = self.settings.get_mut(list)?.as_array_mut()?;
        entries
            .iter_mut()
            .enumerate()
            .filter_map(|(n, entry)| Some((n, entry.as_object_mut()?)))
            .find(|(_, entry)| entry.get("name").and_then(Value::as_str) == Some(name))
            .map(|(n, entry)| (format!("settings.{list}[{n}]"), entry))
    }
}

impl KeyField {
    /// The field that says, where a key was, that there is one.
    fn marker(&self) -> &'static str {
        match self {
            KeyField::SelfHosted => "selfHostedKeySet",
            KeyField::Model(_) => "apiKeySet",
            KeyField::McpServer(_) => "keySet",
        }
    }

    /// The field that says where the key is sent.
    fn address(&self) -> &'static str {
        match self {
            KeyField::SelfHosted => "selfHostedEndpoint",
            KeyField::Model(_) => "apiBase",
            KeyField::McpServer(_) => "url",
        }
    }

    /// The list whose entry of a name the key belongs to, and that name.
    fn listed(&self) -> Option<(&'static str, &str)> {
        match self {
            KeyField::SelfHosted => None,
            KeyField::Model(name) => Some(("models", name)),
            KeyField::McpServer(name) => Some(("mcpServers", name)),
        }
    }
}

/// Takes out what a client sends back of a key's marker: it changes nothing, and must be
/// of its type all the same.
fn take_marker(fields: &mut Fields, path: &str, entry: &mut Map<String, Value>, field: &KeyField) {
    let marker = field.marker();
    let sent = entry.remove(marker);
    let good = sent.is_none_or(|sent| sent.is_boolean() || sent.is_null());
    fields.check(good, &format!("{path}.{marker}"), "must be true or false");
}

/// What stored settings say of a key.
struct KeyPlace {
    has_key: bool,
    address: Option<Value>,
}

fn place_of(settings: &Value, field: &KeyField) -> Option<KeyPlace> {
    let entry = match field.listed() {
        None => settings,
        Some((list, name)) => settings
            .get(list)?
            .as_array()?
            .iter()
            .find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))?,
    };
    Some(KeyPlace {
        has_key: entry.get(field.marker()) == Some(&json!(true)),
        address: entry.get(field.address()).cloned(),
    })
}

fn key_change(fields: &mut Fields, path: &str, sent: Option<Value>) -> KeyChange {
    match sent {
        None => KeyChange::Keep,
        Some(Value::Null) => KeyChange::Clear,
        Some(Value::String(key)) => {
            fields.length(path, &key, 1, MAX_KEY);
            // It will stand in a header; and what has blanks was copied badly.
            let plain = key.bytes().all(|c| c.is_ascii_graphic());
            fields.check(plain, path, "must have no blanks and only ASCII characters");
            KeyChange::Set(key.into())
        }
        Some(_) => {
            fields.bad(path, "must be a text, or null to clear it");
            KeyChange::Keep
        }
    }
}
