//! Which model a name means.
//!
//! Names are written as LiteLLM does: `provider/model`. The part before the first
//! `/` chooses the implementation; a bare name goes to the default provider. What
//! the provider's server knows of, only the server can say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Model;
use super::connect::Connector;
use crate::kernel::{Code, Error, Result};

/// The models that this process can reach, by provider. Cheap to clone.
#[derive(Clone, Default)]
pub struct Models {
    providers: Arc<BTreeMap<String, Arc<dyn Model>>>,
    default: Option<String>,
    connector: Option<Connector>,
}

/// Builds [`Models`].
#[derive(Default)]
pub struct ModelsBuilder {
    providers: BTreeMap<String, Arc<dyn Model>>,
    default: Option<String>,
    connector: Option<Connector>,
}

impl Models {
    /// A registry with no provider yet.
    pub fn builder() -> ModelsBuilder {
        ModelsBuilder::default()
    }

    /// The model that answers requests for `name`.
    ///
    /// # Errors
    /// [`Code::ModelUnavailable`] when the provider is not configured, or the name
    /// has none and there is no default.
    pub fn resolve(&self, name: &str) -> Result<Arc<dyn Model>> {
        let provider = match name.split_once('/') {
            Some((provider, rest)) if !rest.is_empty() => Some(provider),
            Some(_) => None,
            None if name.is_empty() => None,
            None => self.default.as_deref(),
        };
        provider
            .and_then(|provider| self.providers.get(provider))
            .cloned()
            .ok_or_else(|| self.unknown(name))
    }

    /// The names of the configured providers, sorted.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    /// What makes models of addresses and keys that organizations gave, when there is
    /// such a thing here.
    pub fn connector(&self) -> Option<&Connector> {
        self.connector.as_ref()
    }

    /// That there is no such model, in words for whoever named it.
    pub fn unknown(&self, name: &str) -> Error {
        let name: String = name.chars().take(100).collect();
        let known: Vec<_> = self.providers().collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        Error::new(
            Code::ModelUnavailable,
            format!("There is no model {name:?} here; the configured providers are: {known}."),
        )
    }
}

impl ModelsBuilder {
    /// Adds a provider; the last one of a name wins.
    pub fn with(mut self, provider: &str, model: impl Model + 'static) -> Self {
        self.providers.insert(provider.to_owned(), Arc::new(model));
        self
    }

    /// Names the provider of names that have none.
    pub fn default_provider(mut self, provider: &str) -> Self {
        self.default = Some(provider.to_owned());
        self
    }

    /// Says what makes models of addresses and keys that organizations gave.
    pub fn connector(mut self, connector: Connector) -> Self {
        self.connector = Some(connector);
        self
    }

    /// The registry.
    pub fn build(self) -> Models {
        Models {
            providers: Arc::new(self.providers),
            default: self.default,
            connector: self.connector,
        }
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models")
            .field("providers", &self.providers.keys())
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::llm::demo::Demo;

    #[test]
    fn the_prefix_chooses_the_provider_and_a_bare_name_the_default() {
        let models = Models::builder().with("demo", Demo).build();
        assert!(models.resolve("demo/analyst").is_ok());
        for unknown in ["", "demo", "demo/", "/analyst", "openai/gpt-4o"] {
            let error = models.resolve(unknown).err().unwrap();
            assert_eq!(error.code(), Code::ModelUnavailable, "{unknown}");
        }
        let models = Models::builder()
            .with("demo", Demo)
            .default_provider("demo")
            .build();
        assert!(models.resolve("analyst").is_ok());
    }
}
