//! From an address and a key to a model: which dialect is spoken there, and through
//! which client it may be reached.
//!
//! The operator's addresses are called as they are. Those that users gave are called
//! through [`guard`](crate::platform::http::guard). Clients are made once, here, and
//! shared by all models, so a model costs nothing to make.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::anthropic::{Anthropic, AnthropicOptions};
use super::models::ModelsBuilder;
use super::openai::{OpenAi, OpenAiOptions, TokenLimit};
use super::retry::{RetryPolicy, Retrying};
use super::{Model, Models, demo::Demo};
use crate::config::ModelsConfig;
use crate::kernel::Result;
use crate::kernel::field::invalid;
use crate::platform::http::guard::{Allowed, Guarded};
use crate::platform::http::{self, Client, Timeouts};

/// How long a connection may take. Short, because a server that is there accepts
/// at once, and another attempt is cheap.
const CONNECT: Duration = Duration::from_secs(5);

/// The provider whose dialect is not OpenAI's.
const ANTHROPIC: &str = "anthropic";

/// OpenAI's own servers, whose reasoning models take only the newer name of the limit
/// of tokens. Servers that are merely compatible often know only the older one.
const OPENAI_HOST: &str = "api.openai.com";

/// Makes models of addresses and keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connector {
    trusted: Client,
    guarded: Guarded,
    retry: RetryPolicy,
    /// The operator's addresses, by provider.
    bases: [(&'static str, String); 3],
}

impl Connector {
    /// Makes the clients; nothing is sent.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when `models.allowed_hosts` can't be read.
    pub fn new(config: &ModelsConfig) -> Result<Self> {
        let timeouts = Timeouts {
            connect: CONNECT,
            read: Duration::from_secs(config.idle_seconds),
            total: Duration::from_secs(config.total_seconds),
        };
        let allowed = Allowed::parse(config.allowed_hosts.iter().map(String::as_str))?;
        Ok(Connector {
            trusted: http::client(timeouts)?,
            guarded: Guarded::new(timeouts, allowed)?,
            retry: RetryPolicy::default(),
            bases: [
                ("openai", config.openai_base_url.clone()),
                (ANTHROPIC, config.anthropic_base_url.clone()),
                ("ollama", config.ollama_base_url.clone()),
            ],
        })
    }

    /// The same with another patience.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The models that the operator offers to all: the scripted one, and each service
    /// that is configured.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when an address is none.
    pub fn offered(self, config: &ModelsConfig) -> Result<ModelsBuilder> {
        let mut models = Models::builder().with("demo", Demo);
        let keyed = [
            ("openai", &config.openai_api_key),
            (ANTHROPIC, &config.anthropic_api_key),
        ];
        for (provider, key) in keyed {
            if !key.expose_secret().is_empty() {
                let model = self.at_operators(provider, Some(key.clone()))?;
                models = models.with(provider, model);
            }
        }
        if !config.openai_api_key.expose_secret().is_empty() {
            models = models.default_provider("openai");
        }
        if !config.ollama_base_url.is_empty() {
            models = models.with("ollama", self.at_operators("ollama", None)?);
        }
        Ok(models.connector(self))
    }

    /// The provider's model at the address that the operator configured.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the operator configured none.
    pub fn at_operators(
        &self,
        provider: &str,
        key: Option<SecretString>,
    ) -> Result<Arc<dyn Model>> {
        let base = self.bases.iter().find(|(name, _)| *name == provider);
        let Some((_, base)) = base.filter(|(_, base)| !base.is_empty()) else {
            return Err(invalid("apiBase", "must say where the model is"));
        };
        self.make(provider, base, key, self.trusted.clone())
    }

    /// The provider's model at an address that a user gave.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when it may not be called.
    pub fn at_users(
        &self,
        provider: &str,
        base: &str,
        key: Option<SecretString>,
    ) -> Result<Arc<dyn Model>> {
        let url = Url::parse(base).map_err(|_| invalid("apiBase", "must be an address"))?;
        let client = self.guarded.client_for(&url)?;
        self.make(provider, base, key, client)
    }

    fn make(
        &self,
        provider: &str,
        base: &str,
        key: Option<SecretString>,
        client: Client,
    ) -> Result<Arc<dyn Model>> {
        if provider == ANTHROPIC {
            let options = AnthropicOptions {
                base_url: base.to_owned(),
                api_key: key,
            };
            let model = Anthropic::new(client, options)?;
            return Ok(Arc::new(Retrying::new(model, self.retry)));
        }
        let options = OpenAiOptions {
            base_url: base.to_owned(),
            api_key: key,
            include_usage: true,
            token_limit: token_limit(base),
        };
        let model = OpenAi::new(client, options)?;
        Ok(Arc::new(Retrying::new(model, self.retry)))
    }
}

fn token_limit(base: &str) -> TokenLimit {
    let host = Url::parse(base).ok();
    match host.as_ref().and_then(Url::host_str) {
        Some(OPENAI_HOST) => TokenLimit::MaxCompletionTokens,
        _ => TokenLimit::MaxTokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn config(overrides: &[(&'static str, &str)]) -> ModelsConfig {
        let cleared = [
            ("models.openai_api_key", ""),
            ("models.anthropic_api_key", ""),
        ];
        let all = cleared.iter().chain(overrides);
        let all: Vec<_> = all
            .map(|(path, value)| (*path, (*value).to_owned()))
            .collect();
        config::load("test", &all).unwrap().models
    }

    fn providers(overrides: &[(&'static str, &str)]) -> Vec<String> {
        let config = config(overrides);
        let connector = Connector::new(&config).unwrap();
        let models = connector.offered(&config).unwrap().build();
        models.providers().map(str::to_owned).collect()
    }

    #[test]
    fn a_service_without_a_key_is_not_offered() {
        assert_eq!(providers(&[]), ["demo"]);
        let all = [
            ("models.openai_api_key", "k"),
            ("models.anthropic_api_key", "k"),
            ("models.ollama_base_url", "http://127.0.0.1:11434/v1"),
        ];
        assert_eq!(providers(&all), ["anthropic", "demo", "ollama", "openai"]);
    }

    #[test]
    fn a_users_address_is_guarded_and_the_operators_is_not() {
        let inside = "http://127.0.0.1:11434/v1";
        let connector = Connector::new(&config(&[(
            "models.ollama_base_url",
            "http://127.0.0.1:11434/v1",
        )]))
        .unwrap();
        assert!(connector.at_users("ollama", inside, None).is_err());
        assert!(connector.at_operators("ollama", None).is_ok());
        assert!(connector.at_operators("elsewhere", None).is_err());
        let allowed = config(&[("models.allowed_hosts", "127.0.0.1")]);
        let connector = Connector::new(&allowed).unwrap();
        assert!(connector.at_users("ollama", inside, None).is_ok());
    }

    #[test]
    fn only_openais_own_servers_are_asked_with_the_newer_name() {
        let newer = token_limit("https://api.openai.com/v1");
        assert_eq!(newer, TokenLimit::MaxCompletionTokens);
        let older = token_limit("http://127.0.0.1:11434/v1");
        assert_eq!(older, TokenLimit::MaxTokens);
    }
}
