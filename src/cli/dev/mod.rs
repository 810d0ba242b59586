//! `glassbox dev`: everything in one process, on a machine with nothing prepared.
//!
//! In this order: the port (the likeliest thing to be wrong is said first), the data
//! folder, the database, its schema, the roles of a [`Crew`], the seeded workspace, the
//! demo job. It stays up until Ctrl-C, and then stops everything, Postgres last.
//!
//! It is for trying and developing: it signs in anybody who asks. Nothing here is a
//! second way of doing things; it decides settings and starts what other commands
//! start, too.

mod client;
mod database;
mod demo;
mod folder;
mod follow;
mod go_on;
mod outputs;
mod secrets;
mod show;
mod trace;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use self::{
    client::Client,
    database::Database,
    demo::Job,
    folder::DataFolder,
    secrets::Secrets,
    show::{Screen, seconds, wrap},
};
use super::{
    compose,
    roles::{self, Crew},
    seed::{self, Seeded},
};
use crate::{
    app::App,
    config::{self, Config, LogConfig, LogFormat, ModelsConfig},
    kernel::{Code, Error, ExecutionId, NodeId, Result, clock::System},
    platform::{queue::DbQueue, workers},
    server::{
        self,
        metrics::{self, Reach},
    },
    telemetry,
};

/// Only this machine: anybody who reaches the port can sign in as anybody.
const HOST: &str = "127.0.0.1";
/// Which `config/<env>.toml` is read.
const ENVIRONMENT: &str = "dev";
/// How long the roles may take to hand over what they hold.
const PATIENCE: Duration = Duration::from_secs(10);

/// Arguments of `dev`.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Where the database, files and keys are kept.
    #[arg(long, value_name = "DIR", default_value = ".glassbox")]
    data_dir: PathBuf,
    /// Port to listen on; 0 lets the system choose.
    #[arg(long, env = "GLASSBOX_SERVER__PORT", default_value_t = 8080)]
    port: u16,
    /// Use this database (postgres://…, as its owner) and start no Postgres.
    #[arg(long, value_name = "URL", value_parser = secret)]
    database_url: Option<SecretString>,
    /// Remove all data of an earlier run first.
    #[arg(long)]
    reset: bool,
    /// Start everything, but don't run the demo job.
    #[arg(long)]
    no_demo: bool,
    /// The model of the demo job and of executions that name none, such as
    /// openai/gpt-4o-mini (then OPENAI_API_KEY must be set).
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The folder with the programs of Postgres; usually they are found.
    #[arg(long, value_name = "DIR", env = "GLASSBOX_PG_BIN")]
    pg_bin: Option<PathBuf>,
    /// What goes into the log, as tracing-subscriber's EnvFilter reads it.
    #[arg(
        long,
        value_name = "FILTER",
        env = "GLASSBOX_LOG__FILTER",
        default_value = "warn"
    )]
    log: String,
}

/// A secret argument must not show in debug output.
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.into())
}

/// Runs until it is told to stop.
pub async fn run(args: DevArgs) -> Result<()> {
    let begun = Instant::now();
    let stop = roles::stop_on_signal()?;
    let screen = Screen::new();
    refuse_foreign_reset(&args)?;
    let configured = config::load(ENVIRONMENT, &[])?;
    let model = model(args.model.as_deref(), &configured.models)?;
    let listeners = Listeners {
        api: server::listen(HOST, args.port)?,
        metrics: metrics::listen(&configured.telemetry)?,
    };
    let folder = DataFolder::open(&args.data_dir)?;
    if args.reset {
        folder.reset()?;
    }
    let secrets = Secrets::of(&folder)?;
    let log = start_log(&folder, &args.log)?;
    let starting = start_database(&args, &folder, &secrets, &screen);
    let database = tokio::select! {
        started = starting => started?,
        () = stop.cancelled() => return Ok(()),
    };
    let session = Session {
        args: &args,
        model,
        screen: &screen,
        database: &database,
        log: &log,
        begun,
    };
    let ended = session.run(&folder, &secrets, listeners, stop).await;
    let stopped = database.stop().await;
    if ended.is_ok() && stopped.is_ok() {
        screen.line("Everything has stopped.");
    }
    ended.and(stopped)
}

fn refuse_foreign_reset(args: &DevArgs) -> Result<()> {
    if args.reset && args.database_url.is_some() {
        return Err(Error::new(
            Code::ValidationFailed,
            "--reset does not empty a database that was named with --database-url; empty it \
             yourself, or leave one of the two out.",
        ));
    }
    Ok(())
}

fn start_log(folder: &DataFolder, filter: &str) -> Result<PathBuf> {
    let (path, file) = folder.new_log()?;
    let config = LogConfig {
        format: LogFormat::Text,
        filter: filter.to_owned(),
    };
    telemetry::start_in_file(&config, file)?;
    Ok(path)
}

async fn start_database(
    args: &DevArgs,
    folder: &DataFolder,
    secrets: &Secrets,
    screen: &Screen,
) -> Result<Database> {
    match &args.database_url {
        Some(url) => Database::use_given(url, secrets, screen).await,
        None => Database::start_private(folder, args.pg_bin.clone(), screen).await,
    }
}

/// Where it listens.
struct Listeners {
    api: TcpListener,
    metrics: Option<TcpListener>,
}

/// What runs on the database.
struct Session<'a> {
    args: &'a DevArgs,
    model: String,
    screen: &'a Screen,
    database: &'a Database,
    log: &'a Path,
    begun: Instant,
}

impl Session<'_> {
    /// Starts the roles, shows what there is to show, and stops them when told to, or
    /// when one of them or Postgres ends by itself.
    async fn run(
        &self,
        folder: &DataFolder,
        secrets: &Secrets,
        listeners: Listeners,
        stop: CancellationToken,
    ) -> Result<()> {
        let port = listeners.api.local_addr().map_err(Error::internal)?.port();
        let config = self.settings(folder, secrets, port)?;
        let base_url = config.server.base_url(port);
        let app = compose::app(config, Arc::new(System), Arc::new(System), base_url)?;
        let app = Arc::new(app);
        if self.database.is_private() {
            // Nobody else uses it: whatever a killed predecessor held is free now.
            workers::retire_others_on_this_host(&app.db, &workers::host()).await?;
            DbQueue::new(app.db.clone()).release_all().await?;
        }
        let mut crew = Crew::new(Arc::clone(&app), stop.clone());
        if !self.database.is_private() {
            crew.exchange()?;
        }
        crew.metrics(listeners.metrics, Reach::Installation);
        crew.serve(listeners.api);
        crew.agent_worker();
        crew.file_worker();
        crew.index_vectors();
        let ended = tokio::select! {
            error = self.show(&app) => Err(error),
            error = self.database.ended() => Err(error),
            first = crew.first_end() => first,
            () = stop.cancelled() => Ok(()),
        };
        self.screen.line("");
        let step = self.screen.step("Stopping");
        let dismissed = match tokio::time::timeout(PATIENCE, crew.dismiss()).await {
            Ok(dismissed) => dismissed,
            Err(_) => {
                tracing::warn!("some roles did not stop in time");
                Ok(())
            }
        };
        drop(step);
        ended.and(dismissed)
    }

    /// Everything that `dev` decides; the rest comes from the configuration.
    fn settings(&self, folder: &DataFolder, secrets: &Secrets, port: u16) -> Result<Config> {
        let secret = |value: &SecretString| value.expose_secret().to_owned();
        let mut config = config::load(
            ENVIRONMENT,
            &[
                ("server.host", HOST.to_owned()),
                ("server.port", port.to_string()),
                ("server.public_url", String::new()),
                // A stream that somebody watches would hold the end up for longer.
                ("server.shutdown_seconds", "1".to_owned()),
                ("agent.drain_seconds", "5".to_owned()),
                ("database.url", secret(&self.database.app_url)),
                ("database.owner_url", secret(&self.database.owner_url)),
                // Each is a process of Postgres with its memory.
                ("database.max_connections", "10".to_owned()),
                ("auth.dev_tokens", "true".to_owned()),
                ("auth.signing_key", secret(&secrets.signing_key)),
                ("storage.url_secret", secret(&secrets.url_secret)),
                ("vault.key", secret(&secrets.vault_key)),
                ("storage.kind", "folder".to_owned()),
                ("storage.folder", folder.blobs()?.display().to_string()),
            ],
        )?;
        config.models.default.clone_from(&self.model);
        Ok(config)
    }

    /// Seeds, shows, and then waits. Answers only with what makes going on useless.
    async fn show(&self, app: &Arc<App>) -> Error {
        let step = self.screen.step("Seeding the workspace");
        let seeded = match seed::seed(app).await {
            Ok(seeded) => seeded,
            Err(error) => return error,
        };
        step.done();
        self.tell_up(app);
        let execution = if self.args.no_demo {
            None
        } else {
            self.demo(app, &seeded).await
        };
        go_on::show(self.screen, &app.base_url, &seeded, execution);
        self.screen.line("");
        self.screen.line("Ctrl-C stops everything.");
        std::future::pending().await
    }

    fn tell_up(&self, app: &App) {
        let data = self.args.data_dir.display();
        self.screen.heading(&format!(
            "GlassBox is up at {} after {}",
            app.base_url,
            seconds(self.begun.elapsed())
        ));
        self.screen
            .line(&format!("Data in {data}, log in {}.", self.log.display()));
    }

    /// Runs the demo job. That it fails is no reason to stop: the API is up.
    async fn demo(&self, app: &App, seeded: &Seeded) -> Option<ExecutionId> {
        let Some(node) = seeded.demo_node else {
            self.screen
                .line("The node of the demo job was deleted; `--reset` begins anew.");
            return None;
        };
        match self.run_demo(app, seeded, node).await {
            Ok(execution) => Some(execution),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "the demo job failed");
                let sentence = format!(
                    "The demo job did not complete: {} The log may say more; starting again \
                     tries it again.",
                    error.message()
                );
                for line in wrap(&sentence, self.screen.measure()) {
                    self.screen.line(&line);
                }
                None
            }
        }
    }

    async fn run_demo(&self, app: &App, seeded: &Seeded, node: NodeId) -> Result<ExecutionId> {
        let client = Client::new(&app.base_url, seeded.owner.token.clone())?;
        let job = Job {
            client: &client,
            screen: self.screen,
            org: seeded.org,
            node,
            model: &self.model,
        };
        job.run().await
    }
}

/// The model: the one asked for; else the configured one; else, with a key, a real
/// one; else the scripted one. A bare name is one of the OpenAI-compatible service.
fn model(asked: Option<&str>, models: &ModelsConfig) -> Result<String> {
    let has_key = !models.openai_api_key.expose_secret().is_empty();
    let chosen = match asked {
        Some(asked) => asked,
        None if has_key && demo::is_scripted(&models.default) => &models.openai_model,
        None => &models.default,
    };
    let chosen = if chosen.contains('/') {
        chosen.to_owned()
    } else {
        format!("openai/{chosen}")
    };
    let needs = |provider: &str, key: &SecretString| {
        chosen.starts_with(provider) && key.expose_secret().is_empty()
    };
    let missing = if needs("openai/", &models.openai_api_key) {
        Some("OPENAI_API_KEY")
    } else if needs("anthropic/", &models.anthropic_api_key) {
        Some("ANTHROPIC_API_KEY")
    } else {
        None
    };
    if let Some(missing) = missing {
        return Err(Error::new(
            Code::ModelUnavailable,
            format!(
                "The model {chosen} needs {missing}; set it, or leave out --model to run on \
                 the scripted stand-in demo/analyst."
            ),
        ));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(key: &str) -> ModelsConfig {
        // All three, whatever the environment of the test says.
        let overrides = [
            ("models.default", "demo/analyst".to_owned()),
            ("models.openai_model", "openai/gpt-4o-mini".to_owned()),
            ("models.openai_api_key", key.to_owned()),
            ("models.anthropic_api_key", String::new()),
        ];
        config::load("test", &overrides).unwrap().models
    }

    #[test]
    fn a_key_brings_a_real_model_and_without_one_it_is_the_scripted_one() {
        assert_eq!(model(None, &models("")).unwrap(), "demo/analyst");
        assert_eq!(model(None, &models("k")).unwrap(), "openai/gpt-4o-mini");
    }

    #[test]
    fn the_model_asked_for_wins_and_a_bare_name_is_the_services() {
        let asked = |name, key| model(Some(name), &models(key));
        assert_eq!(asked("demo/analyst", "k").unwrap(), "demo/analyst");
        assert_eq!(asked("gpt-5", "k").unwrap(), "openai/gpt-5");
        let error = asked("gpt-5", "").unwrap_err();
        assert!(error.message().contains("OPENAI_API_KEY"), "{error}");
        let error = asked("anthropic/claude", "k").unwrap_err();
        assert!(error.message().contains("ANTHROPIC_API_KEY"), "{error}");
        assert_eq!(asked("ollama/qwen3", "").unwrap(), "ollama/qwen3");
    }
}
