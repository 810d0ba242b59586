//! Checks of single fields of settings. Each notes what is wrong under the field's whole
//! path, and none of them repeats a value: it might be a secret in the wrong place.

use std::collections::HashSet;

use serde_json::{Map, Value};
use url::Url;

use crate::kernel::{field::Fields, objects::whole_number};

/// Settings in JSON at most, in bytes.
const MAX_SETTINGS: usize = 64 << 10;
/// Characters of an address at most.
const MAX_URL: usize = 2000;
/// Models, and policies, at most.
const MAX_ENTRIES: usize = 100;
/// Models to fall back to, at most.
const MAX_FALLBACKS: usize = 10;
/// Tokens at most.
const MAX_TOKENS: u64 = 1_000_000_000_000_000;
/// US dollars at most.
const MAX_USD: f64 = 1e9;

/// Checks a user's own settings.
pub fn check_user_settings(fields: &mut Fields, settings: Value) -> Value {
    let mut settings = object(fields, settings);
    drop_null(&mut settings, "theme");
    drop_null(&mut settings, "notifications");
    text(fields, "settings.theme", settings.get("theme"), 50);
    let channels = settings.get("notifications");
    if let Some(channels) = nested(fields, "settings.notifications", channels) {
        for name in ["email", "inApp", "slack"] {
            flag(
                fields,
                &format!("settings.notifications.{name}"),
                channels.get(name),
            );
        }
    }
    refuse_secrets(fields, "settings", &settings);
    Value::Object(settings)
}

pub(super) fn object(fields: &mut Fields, value: Value) -> Map<String, Value> {
    let small = value.to_string().len() <= MAX_SETTINGS;
    fields.check(small, "settings", "must be at most 64 KiB of JSON");
    match value {
        Value::Object(map) => map,
        _ => {
            fields.bad("settings", "must be an object");
            Map::new()
        }
    }
}

/// For a field of ours, `null` is the same as not there, and is not read back.
pub(super) fn drop_null(map: &mut Map<String, Value>, name: &str) {
    if map.get(name).is_some_and(Value::is_null) {
        map.remove(name);
    }
}

pub(super) fn list<'a>(fields: &mut Fields, path: &str, value: &'a Value) -> Option<&'a [Value]> {
    let Value::Array(items) = value else {
        fields.bad(path, "must be a list");
        return None;
    };
    fields.check(
        items.len() <= MAX_ENTRIES,
        path,
        format!("must have at most {MAX_ENTRIES} entries"),
    );
    Some(items)
}

pub(super) fn nested<'a>(
    fields: &mut Fields,
    path: &str,
    value: Option<&'a Value>,
) -> Option<&'a Map<String, Value>> {
    let value = value?;
    if !value.is_object() {
        fields.bad(path, "must be an object");
    }
    value.as_object()
}

/// Checks the rules for agents. Names that no rule has are refused here, unlike elsewhere
/// in settings: a rule with a misspelt word would not forbid what it was meant to.
pub(super) fn check_policies(fields: &mut Fields, policies: Option<&Value>) {
    const KNOWN: &[&str] = &[
        "action",
        "allowed",
        "requiresApproval",
        "maxWithoutApproval",
        "when",
    ];
    let path = "settings.agentPolicies";
    let Some(policies) = policies.and_then(|policies| list(fields, path, policies)) else {
        return;
    };
    let mut seen = HashSet::new();
    for (n, policy) in policies.iter().enumerate() {
        let path = format!("{path}[{n}]");
        let Some(policy) = nested(fields, &path, Some(policy)) else {
            continue;
        };
        let action = required_text(fields, &format!("{path}.action"), policy.get("action"), 100);
        let conditions = policy.get("when").filter(|when| !when.is_null());
        // Of those that are about every call, two would say the same or contradict.
        if let (Some(action), None) = (action, conditions) {
            let new = seen.insert(action);
            fields.check(new, &format!("{path}.action"), "has another policy, too");
        }
        for name in ["allowed", "requiresApproval"] {
            flag(fields, &format!("{path}.{name}"), policy.get(name));
        }
        let most = policy
            .get("maxWithoutApproval")
            .filter(|most| !most.is_null());
        fields.check(
            most.is_none_or(|most| whole_number(most).is_some_and(|most| most <= 10_000)),
            &format!("{path}.maxWithoutApproval"),
            "must be a whole number from 0 to 10,000",
        );
        check_conditions(fields, &format!("{path}.when"), conditions);
        only_known(fields, &path, policy, KNOWN);
    }
}

fn check_conditions(fields: &mut Fields, path: &str, conditions: Option<&Value>) {
    const KNOWN: &[&str] = &["argument", "oneOf", "contains", "above"];
    let conditions = conditions.and_then(|conditions| list(fields, path, conditions));
    for (n, condition) in conditions.into_iter().flatten().enumerate() {
        let path = format!("{path}[{n}]");
        let Some(condition) = nested(fields, &path, Some(condition)) else {
            continue;
        };
        let argument = format!("{path}.argument");
        let pointer = required_text(fields, &argument, condition.get("argument"), 200);
        if let Some(pointer) = pointer {
            let rooted = pointer.starts_with('/');
            fields.check(rooted, &argument, "must be a JSON pointer, such as /title");
        }
        if let Some(values) = condition.get("oneOf").filter(|values| !values.is_null()) {
            list(fields, &format!("{path}.oneOf"), values);
        }
        text(
            fields,
            &format!("{path}.contains"),
            condition.get("contains"),
            500,
        );
        let above = condition.get("above").filter(|above| !above.is_null());
        let number = above.is_none_or(Value::is_number);
        fields.check(number, &format!("{path}.above"), "must be a number");
        only_known(fields, &path, condition, KNOWN);
    }
}

/// Checks what a budget has besides amounts.
pub(super) fn check_budget(fields: &mut Fields, budget: &Map<String, Value>) {
    for name in ["monthlyTokens", "perExecutionTokens"] {
        let tokens = budget.get(name).filter(|tokens| !tokens.is_null());
        let whole =
            tokens.is_none_or(|tokens| whole_number(tokens).is_some_and(|n| n <= MAX_TOKENS));
        let path = format!("settings.budget.{name}");
        fields.check(whole, &path, "must be a whole number from 0 to 10^15");
    }
    let word = budget.get("onExceeded").filter(|word| !word.is_null());
    let known = word.is_none_or(|word| word == "fail" || word == "pause");
    fields.check(known, "settings.budget.onExceeded", "must be fail or pause");
}

pub(super) fn only_known(
    fields: &mut Fields,
    path: &str,
    map: &Map<String, Value>,
    known: &[&str],
) {
    for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
        let message = format!("is not known here; there are: {}", known.join(", "));
        fields.bad(&format!("{path}.{name}"), &message);
    }
}

/// Names of models, which need not be there yet: the order in which models are added is
/// the organization's own affair.
pub(super) fn check_fallbacks(fields: &mut Fields, path: &str, names: Option<&Value>) {
    let path = format!("{path}.fallbacks");
    let names = names.filter(|names| !names.is_null());
    let Some(names) = names.and_then(|names| list(fields, &path, names)) else {
        return;
    };
    let few = names.len() <= MAX_FALLBACKS;
    fields.check(
        few,
        &path,
        format!("must have at most {MAX_FALLBACKS} entries"),
    );
    for (n, name) in names.iter().enumerate() {
        required_text(fields, &format!("{path}[{n}]"), Some(name), 200);
    }
}

pub(super) fn text(
    fields: &mut Fields,
    path: &str,
    value: Option<&Value>,
    max: usize,
) -> Option<String> {
    let value = value.filter(|value| !value.is_null())?;
    let Some(text) = value.as_str() else {
        fields.bad(path, "must be a text");
        return None;
    };
    fields.length(path, text, 1, max);
    fields.not_blank(path, text);
    Some(text.to_owned())
}

pub(super) fn required_text(
    fields: &mut Fields,
    path: &str,
    value: Option<&Value>,
    max: usize,
) -> Option<String> {
    if value.is_none_or(Value::is_null) {
        fields.bad(path, "is required");
    }
    text(fields, path, value, max)
}

pub(super) fn flag(fields: &mut Fields, path: &str, value: Option<&Value>) {
    let good = value.is_none_or(|value| value.is_boolean() || value.is_null());
    fields.check(good, path, "must be true or false");
}

pub(super) fn amount(fields: &mut Fields, path: &str, value: Option<&Value>) {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return;
    };
    let good = value
        .as_f64()
        .is_some_and(|usd| (0.0..MAX_USD).contains(&usd));
    fields.check(good, path, "must be a number of US dollars, not negative");
}

/// An http or https address. A name and password in it would be a secret in the open.
pub(super) fn address(fields: &mut Fields, path: &str, value: Option<&Value>) {
    let Some(text) = text(fields, path, value, MAX_URL) else {
        return;
    };
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let url = Url::parse(&text).ok().filter(|_| !text.contains(odd));
    let web = url
        .as_ref()
        .is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    fields.check(web, path, "must be an http or https address");
    let login = url.is_some_and(|url| !url.username().is_empty() || url.password().is_some());
    fields.check(!login, path, "must not hold a user name or password");
}

/// Refuses what is called like a secret, wherever it is, and holds more than a flag or
/// a number.
pub(super) fn refuse_secrets(fields: &mut Fields, path: &str, map: &Map<String, Value>) {
    for (name, value) in map {
        let path = format!("{path}.{name}");
        let is_empty = value.is_null() || value.is_boolean() || value.is_number();
        if names_a_secret(name) && !is_empty {
            fields.bad(
                &path,
                "looks like a secret; settings keep only apiKey, selfHostedKey and a tool server's key",
            );
        } else {
            refuse_secrets_in(fields, &path, value);
        }
    }
}

fn refuse_secrets_in(fields: &mut Fields, path: &str, value: &Value) {
    match value {
        Value::Object(map) => refuse_secrets(fields, path, map),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                refuse_secrets_in(fields, &format!("{path}[{n}]"), item);
            }
        }
        _ => {}
    }
}

/// Whether a field's name ends as names of secrets do: `openaiApiKey`, `client_secret`.
fn names_a_secret(name: &str) -> bool {
    const ENDS: &[&str] = &[
        "key",
        "keys",
        "secret",
        "secrets",
        "token",
        "password",
        "passwd",
        "passphrase",
        "credential",
        "credentials",
        "authorization",
    ];
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    ENDS.iter().any(|end| plain.ends_with(end))
}
