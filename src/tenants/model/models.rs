//! Which model a name means to an organization. Pure: it says where to go and with
//! which key; whoever calls the model opens the key and goes there.

use serde::Deserialize;
use serde_json::Value;

use super::KeyField;

/// The provider of models at the organization's own endpoint.
const SELF_HOSTED: &str = "self_hosted";

/// What an organization's settings say of models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrgModels {
    entries: Vec<Entry>,
    endpoint: Option<String>,
    default: Option<String>,
}

/// One of `settings.models`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    litellm_model: String,
    api_base: Option<String>,
    #[serde(default)]
    api_key_set: bool,
    fallbacks: Option<Vec<String>>,
}

/// A model that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is called here, and in the journal.
    pub name: String,
    /// What it is called at its service, `provider/model`; prices go by it.
    pub served: String,
    /// Where it is.
    pub place: Place,
}

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The server offers it to all, with its own key.
    Offered,
    /// At the address that the operator configured for its provider, with a key of the
    /// organization's.
    Provider(KeyField),
    /// At an address that the organization gave, with its key when it has one.
    Address(String, KeyField),
}

impl Found {
    /// The part of the name that chooses the dialect.
    pub fn provider(&self) -> &str {
        self.served
            .split_once('/')
            .map_or("", |(provider, _)| provider)
    }
}

impl OrgModels {
    /// Reads stored settings. What is not of its form is passed over: it was checked
    /// when it was stored, perhaps by an earlier program.
    pub fn of_settings(settings: &Value) -> Self {
        let text = |name: &str| Some(settings.get(name)?.as_str()?.to_owned());
        let entries = settings.get("models").and_then(Value::as_array);
        let entries = entries.into_iter().flatten();
        OrgModels {
            entries: entries
                .filter_map(|entry| Entry::deserialize(entry).ok())
                .collect(),
            endpoint: text("selfHostedEndpoint"),
            default: text("defaultModel"),
        }
    }

    /// The model of an execution that names none.
    pub fn default_model(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// The model that `name` means: one of the organization's own by its name, else by
    /// what its service calls it; else one at its endpoint, when it says so or nobody
    /// else is known to have it; else one that the server offers.
    pub fn find(&self, name: &str, is_offered: impl Fn(&str) -> bool) -> Option<Found> {
        let by_name = self.entries.iter().find(|entry| entry.name == name);
        let entry = by_name.or_else(|| self.entries.iter().find(|e| e.litellm_model == name));
        if let Some(entry) = entry {
            return self.of_entry(entry, is_offered);
        }
        if is_offered(name) && !is_self_hosted(name) {
            return Some(found(name, name, Place::Offered));
        }
        self.at_endpoint(name, name)
    }

    fn of_entry(&self, entry: &Entry, is_offered: impl Fn(&str) -> bool) -> Option<Found> {
        let (name, served) = (&entry.name, &entry.litellm_model);
        let key = KeyField::Model(name.clone());
        if let Some(base) = &entry.api_base {
            return Some(found(name, served, Place::Address(base.clone(), key)));
        }
        if is_self_hosted(served) {
            return self.at_endpoint(name, served);
        }
        if entry.api_key_set {
            return Some(found(name, served, Place::Provider(key)));
        }
        if is_offered(served) {
            return Some(found(name, served, Place::Offered));
        }
        self.at_endpoint(name, served)
    }

    /// The endpoint knows a model by the whole of a name that is not marked as its own.
    fn at_endpoint(&self, name: &str, served: &str) -> Option<Found> {
        let endpoint = self.endpoint.clone()?;
        let served = if is_self_hosted(served) {
            served.to_owned()
        } else {
            format!("{SELF_HOSTED}/{served}")
        };
        let place = Place::Address(endpoint, KeyField::SelfHosted);
        Some(found(name, &served, place))
    }

    /// The names to try when `name` fails: what its entry says, else the models after
    /// it in the list, else, when it is none of the list, the whole list.
    pub fn after(&self, name: &str) -> Vec<&str> {
        let at = self.entries.iter().position(|entry| entry.name == name);
        let entry = at.and_then(|at| self.entries.get(at));
        if let Some(fallbacks) = entry.and_then(|entry| entry.fallbacks.as_ref()) {
            return fallbacks.iter().map(String::as_str).collect();
        }
        let from = at.map_or(0, |at| at + 1);
        let rest = self.entries.iter().skip(from);
        rest.map(|entry| entry.name.as_str()).collect()
    }
}

fn found(name: &str, served: &str, place: Place) -> Found {
    Found {
        name: name.to_owned(),
        served: served.to_owned(),
        place,
    }
}

fn is_self_hosted(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(provider, model)| provider == SELF_HOSTED && !model.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn models() -> OrgModels {
        OrgModels::of_settings(&json!({
            "models": [
                { "name": "fast", "litellmModel": "openai/gpt-4o-mini", "apiKeySet": true },
                { "name": "near", "litellmModel": "openai/q", "apiBase": "https://q.example/v1" },
                { "name": "house", "litellmModel": "self_hosted/meta/llama" },
                { "name": "plain", "litellmModel": "openai/gpt-4o", "fallbacks": ["fast", "demo/analyst"] },
                { "name": "spoilt" },
                7
            ],
            "selfHostedEndpoint": "https://own.example/v1",
            "defaultModel": "fast",
        }))
    }

    /// What is found, as the name at the service and the place.
    fn found_in(models: &OrgModels, name: &str) -> Option<(String, Place)> {
        let offered = |name: &str| ["openai/gpt-4o", "demo/analyst"].contains(&name);
        let found = models.find(name, offered)?;
        Some((found.served, found.place))
    }

    #[test]
    fn an_own_model_is_found_by_its_name_and_by_what_its_service_calls_it() {
        let models = models();
        let key = |name: &str| KeyField::Model(name.to_owned());
        let fast = Some(("openai/gpt-4o-mini".into(), Place::Provider(key("fast"))));
        assert_eq!(found_in(&models, "fast"), fast);
        assert_eq!(found_in(&models, "openai/gpt-4o-mini"), fast);
        let near = Place::Address("https://q.example/v1".into(), key("near"));
        assert_eq!(found_in(&models, "near"), Some(("openai/q".into(), near)));
        let plain = Some(("openai/gpt-4o".into(), Place::Offered));
        assert_eq!(found_in(&models, "plain"), plain);
    }

    #[test]
    fn the_endpoint_serves_what_is_marked_and_what_nobody_else_has() {
        let models = models();
        let own = |served: &str| {
            let place = Place::Address("https://own.example/v1".into(), KeyField::SelfHosted);
            Some((served.to_owned(), place))
        };
        assert_eq!(found_in(&models, "self_hosted/x"), own("self_hosted/x"));
        assert_eq!(found_in(&models, "house"), own("self_hosted/meta/llama"));
        assert_eq!(
            found_in(&models, "meta/llama"),
            own("self_hosted/meta/llama")
        );
        assert_eq!(found_in(&models, "qwen"), own("self_hosted/qwen"));
        let offered = Some(("demo/analyst".into(), Place::Offered));
        assert_eq!(found_in(&models, "demo/analyst"), offered);
        let bare = OrgModels::default();
        for unknown in ["self_hosted/x", "meta/llama", "spoilt", ""] {
            assert_eq!(found_in(&bare, unknown), None, "{unknown}");
        }
        assert_eq!(found_in(&bare, "demo/analyst"), offered);
    }

    #[test]
    fn the_next_ones_are_those_that_are_named_else_those_that_follow() {
        let models = models();
        assert_eq!(models.after("plain"), ["fast", "demo/analyst"]);
        assert_eq!(models.after("fast"), ["near", "house", "plain"]);
        assert_eq!(models.after("openai/gpt-4o").len(), 4);
        assert!(OrgModels::default().after("demo/analyst").is_empty());
    }
}
