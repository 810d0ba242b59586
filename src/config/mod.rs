//! Configuration: read once at the start, checked as a whole, then only passed on.
//!
//! Defaults (`config/default.toml`, part of the binary) → `config/<env>.toml` → the
//! `OPENAI_*` and `ANTHROPIC_*` variables that other programs read, too → `GLASSBOX_*`. Each section is
//! a file here; `config/default.toml` documents every key, and a test compares the
//! two. Nothing else in the program reads settings from the environment.

mod agent;
mod auth;
mod bus;
mod contradictions;
mod database;
mod embedder;
mod ingest;
mod limits;
mod live;
mod log;
mod mcp;
mod models;
mod nodes;
mod oidc;
mod queue;
mod reranker;
mod search;
mod server;
mod storage;
mod telemetry;
mod vault;
mod weak;

use std::{collections::HashMap, path::Path};

use ::config::{Environment, File, FileFormat};
use serde::Deserialize;

use crate::kernel::{Code, Error, Result, field::Fields};

pub use self::{
    agent::AgentConfig,
    auth::AuthConfig,
    bus::BusConfig,
    database::{DatabaseConfig, Plans},
    embedder::EmbedderConfig,
    ingest::IngestConfig,
    limits::LimitsConfig,
    live::LiveConfig,
    log::{LogConfig, LogFormat},
    mcp::{McpCommand, McpConfig},
    models::ModelsConfig,
    nodes::NodesConfig,
    oidc::{OidcConfig, SigningAlgorithm},
    queue::{QueueConfig, QueueKind},
    reranker::RerankerConfig,
    search::SearchConfig,
    server::ServerConfig,
    storage::{Encryption, StorageConfig, StorageKind},
    telemetry::TelemetryConfig,
    vault::VaultConfig,
};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// News between processes.
    pub bus: BusConfig,
    /// Work for workers.
    pub queue: QueueConfig,
    /// Tokens.
    pub auth: AuthConfig,
    /// The identity provider.
    pub oidc: OidcConfig,
    /// Rate limits.
    pub limits: LimitsConfig,
    /// Sockets and streams of those who watch.
    pub live: LiveConfig,
    /// Files.
    pub storage: StorageConfig,
    /// Keys that seal.
    pub vault: VaultConfig,
    /// Language models.
    pub models: ModelsConfig,
    /// Tool servers.
    pub mcp: McpConfig,
    /// Nodes.
    pub nodes: NodesConfig,
    /// Executions.
    pub agent: AgentConfig,
    /// Reading files.
    pub ingest: IngestConfig,
    /// Vectors for search.
    pub embedder: EmbedderConfig,
    /// The order of what is found.
    pub reranker: RerankerConfig,
    /// Search by vectors.
    pub search: SearchConfig,
    /// Logs.
    pub log: LogConfig,
    /// Spans.
    pub telemetry: TelemetryConfig,
}

/// The environments in which secrets may be public. Any other name is held to what
/// production is held to: a misspelt one must not open the door.
const RELAXED: [&str; 3] = ["dev", "test", "staging"];

/// A setting that a command overrides: its path and its value as text.
pub type Override = (&'static str, String);

/// Reads the settings of environment `env` ("dev", "production"), with the command's
/// own `overrides` above all. Every command that opens a database or a port reads them
/// here, so none of them starts in production with what production refuses.
pub fn load(env: &str, overrides: &[Override]) -> Result<Config> {
    // A variable that is not UTF-8 is none of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let config = read(env, variables, overrides)?;
    config.check_production(env)?;
    Ok(config)
}

/// Variables with our prefix that are no settings: the command line takes them, and the
/// last ones are for the tests alone, whose programs see them, too.
const NOT_SETTINGS: [&str; 5] = [
    "GLASSBOX_ENV",
    "GLASSBOX_PG_BIN",
    "GLASSBOX_TEST_BUS",
    "GLASSBOX_SOAK",
    "GLASSBOX_SOAK_SEED",
];

/// Variables by which other programs know the services of models, and the settings
/// that they stand for here.
const USUAL: [(&str, &str); 5] = [
    ("ANTHROPIC_API_KEY", "models__anthropic_api_key"),
    ("ANTHROPIC_BASE_URL", "models__anthropic_base_url"),
    ("OPENAI_API_KEY", "models__openai_api_key"),
    ("OPENAI_BASE_URL", "models__openai_base_url"),
    ("OPENAI_MODEL", "models__openai_model"),
];

/// The settings that those variables make; an empty one counts as not set,
/// since that is how people switch it off for one command.
fn usual(variables: &HashMap<String, String>) -> Environment {
    let settings = USUAL
        .iter()
        .filter_map(|(name, key)| Some(((*key).to_owned(), variables.get(*name)?.clone())))
        .collect();
    Environment::default()
        .separator("__")
        .ignore_empty(true)
        .source(Some(settings))
}

/// Values stay text until a setting's own type reads them: a key of digits alone must
/// not become a number on the way.
fn glassbox(mut variables: HashMap<String, String>) -> Environment {
    variables.retain(|name, _| !NOT_SETTINGS.contains(&name.as_str()));
    Environment::with_prefix("GLASSBOX")
        .prefix_separator("_")
        .separator("__")
        .source(Some(variables))
}

fn read(env: &str, variables: HashMap<String, String>, overrides: &[Override]) -> Result<Config> {
    let file = Path::new("config").join(env);
    let mut builder = ::config::Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from(file).format(FileFormat::Toml).required(false))
        .add_source(usual(&variables))
        .add_source(glassbox(variables));
    for (path, value) in overrides {
        builder = builder
            .set_override(path, value.as_str())
            .map_err(unreadable)?;
    }
    let config: Config = builder
        .build()
        .and_then(::config::Config::try_deserialize)
        .map_err(unreadable)?;
    config.validate()?;
    Ok(config)
}

fn unreadable(error: ::config::ConfigError) -> Error {
    Error::new(
        Code::ValidationFailed,
        format!("The configuration can't be read: {error}."),
    )
}

impl Config {
    /// Checks every value by itself. What a role needs beyond that (a database, a
    /// key) is checked when that role starts.
    fn validate(&self) -> Result<()> {
        let mut fields = Fields::default();
        self.server.validate(&mut fields);
        self.database.validate(&mut fields);
        self.bus.validate(&mut fields);
        self.queue.validate(&mut fields);
        self.auth.validate(&mut fields);
        self.limits.validate(&mut fields);
        self.live.validate(&mut fields);
        self.oidc.validate(&mut fields);
        self.storage.validate(&mut fields);
        self.vault.validate(&mut fields);
        self.models.validate(&mut fields);
        self.mcp.validate(&mut fields);
        self.nodes.validate(&mut fields);
        self.agent.validate(&mut fields);
        self.ingest.validate(&mut fields);
        self.embedder.validate(&mut fields);
        self.reranker.validate(&mut fields);
        self.search.validate(&mut fields);
        self.telemetry.validate(&mut fields);
        fields.finish()
    }

    /// Refuses what must not happen in production: development tokens, addresses without TLS,
    /// and secrets that are public or were never secret. What is not set is another question; see
    /// [`Config::validate`].
    fn check_production(&self, env: &str) -> Result<()> {
        let mut fields = Fields::default();
        if !RELAXED.contains(&env) {
            self.auth.check_production(&mut fields);
            self.oidc.check_production(&mut fields);
            self.storage.check_production(&mut fields);
            self.database.check_production(&mut fields);
            self.vault.check_production(&mut fields);
            self.server.check_production(&mut fields);
        }
        fields.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    pub(super) fn from_env(pairs: &[(&str, &str)]) -> Result<Config> {
        let variables = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        read("none", variables, &[])
    }

    #[test]
    fn the_defaults_are_complete_and_valid() {
        from_env(&[]).unwrap();
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = from_env(&[("GLASSBOX_SERVER__PORT", "9000")]).unwrap();
        assert_eq!(config.server.port, 9000);
    }

    #[test]
    fn a_key_of_digits_alone_stays_as_it_is_written() {
        let digits = "07".repeat(32);
        let config = from_env(&[
            ("GLASSBOX_AUTH__SIGNING_KEY", &digits),
            ("GLASSBOX_AUTH__DEV_TOKENS", "true"),
        ])
        .unwrap();
        assert_eq!(config.auth.signing_key.expose_secret(), digits);
        assert!(config.auth.dev_tokens);
    }

    #[test]
    fn what_the_command_line_takes_from_the_environment_is_no_misspelt_key() {
        from_env(&[("GLASSBOX_ENV", "dev"), ("GLASSBOX_PG_BIN", "/pg/bin")]).unwrap();
    }

    #[test]
    fn the_usual_openai_variables_are_read_and_ours_win() {
        let key = |pairs| {
            let config = from_env(pairs).unwrap();
            config.models.openai_api_key.expose_secret().to_owned()
        };
        assert_eq!(key(&[("OPENAI_API_KEY", "usual")]), "usual");
        assert_eq!(key(&[("OPENAI_API_KEY", "007")]), "007");
        assert_eq!(
            key(&[
                ("OPENAI_API_KEY", "usual"),
                ("GLASSBOX_MODELS__OPENAI_API_KEY", "ours"),
            ]),
            "ours"
        );
        let config = from_env(&[
            ("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1"),
            ("OPENAI_MODEL", "openai/qwen3"),
        ])
        .unwrap();
        assert_eq!(config.models.openai_base_url, "http://127.0.0.1:11434/v1");
        assert_eq!(config.models.openai_model, "openai/qwen3");
    }

    #[test]
    fn an_empty_openai_variable_counts_as_not_set() {
        let config = from_env(&[("OPENAI_BASE_URL", ""), ("OPENAI_MODEL", "")]).unwrap();
        assert_eq!(config.models.openai_base_url, "https://api.openai.com/v1");
        assert_eq!(config.models.openai_model, "openai/gpt-4o-mini");
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = from_env(&[("GLASSBOX_SERVER__PROT", "9000")]).unwrap_err();
        assert!(error.message().contains("prot"), "{error}");
    }

    #[test]
    fn a_secret_never_shows() {
        let config = from_env(&[(
            "GLASSBOX_STORAGE__URL_SECRET",
            "correct horse battery staple 123456",
        )])
        .unwrap();
        assert!(!format!("{config:?}").contains("horse"));
    }
    /// The settings of a production system, with one of them changed.
    fn in_production(changed: Option<(&str, &str)>) -> Result<()> {
        let mut variables = HashMap::from([
            (
                "GLASSBOX_AUTH__SIGNING_KEY",
                "9f1c7be2054d8aa36e11f0c9427dd35b68e4019b7ac2f35d80146bfe93a7c85e",
            ),
            (
                "GLASSBOX_STORAGE__URL_SECRET",
                "3QmVt0b7cX9z1LkYpR8sWdGh5NfJuEa2oTiqBvMx",
            ),
            ("GLASSBOX_DATABASE__URL", "postgres://app:kX83nP1zQ@db/g"),
        ]);
        variables.extend(changed);
        let pairs: Vec<_> = variables.into_iter().collect();
        from_env(&pairs)?.check_production("production")
    }

    #[test]
    fn production_refuses_development_tokens_and_public_secrets_by_name() {
        in_production(None).unwrap();
        for (variable, value, key) in [
            ("GLASSBOX_AUTH__DEV_TOKENS", "true", "auth.dev_tokens"),
            (
                "GLASSBOX_AUTH__SIGNING_KEY",
                &*"de".repeat(32),
                "auth.signing_key",
            ),
            (
                "GLASSBOX_STORAGE__URL_SECRET",
                "development-only-url-secret-of-32-characters",
                "storage.url_secret",
            ),
            (
                "GLASSBOX_DATABASE__URL",
                "postgres://glassbox_app:development-only-app@db/glassbox",
                "database.url",
            ),
            (
                "GLASSBOX_DATABASE__OWNER_URL",
                "postgres://glassbox_owner:password@db/glassbox",
                "database.owner_url",
            ),
        ] {
            let error = in_production(Some((variable, value))).unwrap_err();
            assert_eq!(error.details().unwrap()["fields"][0]["field"], key);
            assert!(value == "true" || !error.chain().contains(value), "quoted");
        }
    }

    #[test]
    fn only_the_known_other_environments_take_them() {
        let config = from_env(&[
            ("GLASSBOX_AUTH__DEV_TOKENS", "true"),
            ("GLASSBOX_AUTH__SIGNING_KEY", &"de".repeat(32)),
        ])
        .unwrap();
        config.check_production("dev").unwrap();
        config.check_production("staging").unwrap();
        for misspelt in ["prod", "Production", ""] {
            assert!(config.check_production(misspelt).is_err(), "{misspelt:?}");
        }
    }

    #[test]
    fn a_provider_needs_clients_and_an_algorithm_that_is_asymmetric() {
        let issuer = ("GLASSBOX_OIDC__ISSUER", "https://id.example.com/pool");
        let clients = ("GLASSBOX_OIDC__CLIENT_IDS", "web, cli");
        let config = from_env(&[issuer, clients]).unwrap();
        assert_eq!(config.oidc.client_ids, ["web", "cli"]);
        assert_eq!(config.oidc.algorithms, [SigningAlgorithm::Rs256]);
        assert_eq!(
            config.oidc.keys_url(),
            "https://id.example.com/pool/.well-known/jwks.json"
        );
        assert!(from_env(&[issuer]).is_err());
        for algorithm in ["HS256", "none", ""] {
            let algorithms = ("GLASSBOX_OIDC__ALGORITHMS", algorithm);
            assert!(from_env(&[issuer, clients, algorithms]).is_err());
        }
    }

    #[test]
    fn production_takes_no_provider_without_encryption() {
        let oidc = [
            ("GLASSBOX_OIDC__ISSUER", "http://127.0.0.1:9000"),
            ("GLASSBOX_OIDC__CLIENT_IDS", "web"),
        ];
        let config = from_env(&oidc).unwrap();
        config.check_production("dev").unwrap();
        assert!(config.check_production("production").is_err());
    }

    #[test]
    fn earlier_keys_are_read_under_their_numbers() {
        let key = "ab".repeat(32);
        let read = |text: &str| {
            let config = from_env(&[("GLASSBOX_AUTH__EARLIER_KEYS", text)])?;
            Ok::<_, Error>(config.auth.earlier_keys().unwrap())
        };
        assert_eq!(read("").unwrap(), []);
        let both = read(&format!("1:{key}, 2:{key}")).unwrap();
        assert_eq!(both, [(1, key.clone()), (2, key.clone())]);
        for odd in [
            key.as_str(),
            "1:ab",
            &format!("x:{key}"),
            &format!("-1:{key}"),
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
