//! `glassbox serve`, `agent-worker` and `file-worker`: the roles of one binary.
//!
//! Each runs until it is told to stop (SIGTERM or Ctrl-C), then hands over what it
//! holds: containers are killed soon after. `dev` runs all of them in one [`Crew`].
//!
//! The relay goes with the API. Where the processes share a bus (`bus.redis_url`) it does
//! not matter whose relay is at work; where they don't, only those who watch through that
//! very process hear at once, and others by their slow scans.

use std::{net::TcpListener, process, sync::Arc, time::Duration};

use clap::Args;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::{JoinError, JoinSet},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{compose, index_vectors};
use crate::{
    agent::worker::AgentWorker,
    app::App,
    config::{Config, Override, Plans},
    ingest::{
        indexer,
        sandbox::Sandbox,
        worker::{FileWorker, limits},
    },
    kernel::{Code, Error, Result, clock::System},
    platform::db::{Exchange, migrate},
    server::{
        self,
        metrics::{self, Reach},
    },
};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on.
    #[arg(long)]
    host: Option<String>,
    /// Port to listen on.
    #[arg(long)]
    port: Option<u16>,
}

impl ServeArgs {
    /// The settings these arguments override.
    pub fn overrides(&self) -> Vec<Override> {
        let host = self.host.clone().map(|host| ("server.host", host));
        let port = self.port.map(|port| ("server.port", port.to_string()));
        host.into_iter().chain(port).collect()
    }
}

/// Serves the API.
pub async fn serve(config: Config) -> Result<()> {
    let listener = server::listen(&config.server.host, config.server.port)?;
    let port = listener.local_addr().map_err(Error::internal)?.port();
    let mut crew = Crew::muster(config, port, Reach::Installation).await?;
    tracing::info!(address = %crew.app.base_url, "serving");
    crew.serve(listener);
    crew.work().await
}

/// Runs executions.
pub async fn agent_worker(mut config: Config) -> Result<()> {
    config.database.plans = Plans::Fixed;
    let port = config.server.port;
    let mut crew = Crew::muster(config, port, Reach::Process).await?;
    crew.agent_worker();
    crew.work().await
}

/// Turns files into text.
pub async fn file_worker(config: Config) -> Result<()> {
    let port = config.server.port;
    let mut crew = Crew::muster(config, port, Reach::Process).await?;
    crew.file_worker();
    crew.work().await
}

/// The roles that one process runs. They stop together: when told to, or when one of
/// them ends by itself, because half a process is worse than one that is started anew.
pub struct Crew {
    app: Arc<App>,
    stop: CancellationToken,
    roles: JoinSet<Result<()>>,
}

impl Crew {
    /// A crew without a role yet. `stop` tells it to stop, and is told when it stops.
    pub fn new(app: Arc<App>, stop: CancellationToken) -> Self {
        Crew {
            app,
            stop,
            roles: JoinSet::new(),
        }
    }

    /// The crew of a process of its own: stopped by signals, on a database that must
    /// have been migrated. It tells its figures, if the settings say where.
    async fn muster(config: Config, port: u16, reach: Reach) -> Result<Self> {
        let stop = stop_on_signal()?;
        let scraped = metrics::listen(&config.telemetry)?;
        check_database(&config).await?;
        let base_url = config.server.base_url(port);
        let app = compose::app(config, Arc::new(System), Arc::new(System), base_url)?;
        let mut crew = Crew::new(Arc::new(app), stop);
        crew.exchange()?;
        crew.metrics(scraped, reach);
        Ok(crew)
    }

    /// Adds `/metrics` on `listener`, if there is one.
    pub fn metrics(&mut self, listener: Option<TcpListener>, reach: Reach) {
        if let Some(listener) = listener {
            let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
            self.roles.spawn(metrics::serve(app, listener, reach, stop));
        }
    }

    /// Adds the wake-ups to and from other processes on the same database.
    pub fn exchange(&mut self) -> Result<()> {
        let exchange = Exchange {
            db: self.app.db.clone(),
            url: self.app.config.database.app()?,
        };
        let stop = self.stop.clone();
        self.roles.spawn(async move {
            exchange.run(stop).await;
            Ok(())
        });
        Ok(())
    }

    /// Adds the API on `listener`, the relay, and the watch over locks.
    pub fn serve(&mut self, listener: TcpListener) {
        open_more_files();
        let relay = compose::relay(&self.app).run(self.stop.clone());
        self.roles.spawn(async move {
            relay.await;
            Ok(())
        });
        let watch = compose::lock_watch(&self.app).run(self.stop.clone());
        self.roles.spawn(async move {
            watch.await;
            Ok(())
        });
        let serving = server::serve(Arc::clone(&self.app), listener, self.stop.clone());
        self.roles.spawn(serving);
    }

    /// Adds a worker for executions.
    pub fn agent_worker(&mut self) {
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.roles.spawn(async move {
            AgentWorker::register(app).await?.run(stop).await;
            Ok(())
        });
    }

    /// Adds a worker for files, and the indexer of what is in them and in nodes.
    pub fn file_worker(&mut self) {
        let files = read_files(Arc::clone(&self.app), self.stop.clone());
        self.roles.spawn(files);
        let indexing = indexer::run(Arc::clone(&self.app), self.stop.clone());
        self.roles.spawn(async move {
            indexing.await;
            Ok(())
        });
    }

    /// Adds the indexing of large sets of vectors, for a process that has the owner's rights.
    pub fn index_vectors(&mut self) {
        /// How often `dev` looks; a day's cron is enough elsewhere.
        const EVERY: Duration = Duration::from_secs(600);
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.roles.spawn(async move {
            index_vectors::keep(&app.config, EVERY, stop).await;
            Ok(())
        });
    }

    /// Waits until a role ends, by itself or because all were told to stop.
    pub async fn first_end(&mut self) -> Result<()> {
        match self.roles.join_next().await {
            Some(ended) => outcome(ended),
            None => Ok(()),
        }
    }

    /// Tells all to stop and waits for the last; fails as the first failure did.
    pub async fn dismiss(mut self) -> Result<()> {
        self.stop.cancel();
        let mut result = Ok(());
        while let Some(ended) = self.roles.join_next().await {
            result = result.and(outcome(ended));
        }
        result
    }

    /// Works until told to stop.
    async fn work(mut self) -> Result<()> {
        let first = self.first_end().await;
        let rest = self.dismiss().await;
        first.and(rest)
    }
}

/// Lets this process have as many files open as the system allows it: each connection is one,
/// and the usual 1,024 are a bound that programs must lift themselves.
fn open_more_files() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the bound of open files stays as it is");
    }
}

fn outcome(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.map_err(Error::internal).and_then(|result| result)
}

/// Reads files until `stop`.
async fn read_files(app: Arc<App>, stop: CancellationToken) -> Result<()> {
    let sandbox = Sandbox {
        limits: limits(&app.config),
        ..Sandbox::of_this_program()?
    };
    FileWorker::register(app, sandbox).await?.run(stop).await;
    Ok(())
}

/// Refuses a database that is not safe to work on, or lacks a migration: the first request
/// would fail with less clear words.
async fn check_database(config: &Config) -> Result<()> {
    migrate::check_safe(&config.database.app()?).await?;
    let pending = migrate::pending(&config.database.app()?).await?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Code::Unavailable,
        format!(
            "The database lacks {}; run `glassbox migrate` first.",
            pending.join(", ")
        ),
    ))
}

/// A token that SIGTERM and Ctrl-C cancel. A second one of either ends the process at once.
pub fn stop_on_signal() -> Result<CancellationToken> {
    /// What shells make of a death by SIGINT, and by SIGTERM.
    const INTERRUPTED: i32 = 130;
    const TERMINATED: i32 = 143;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    TaskTracker::new().spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancel.cancel();
        tokio::select! {
            _ = terminate.recv() => process::exit(TERMINATED),
            _ = interrupt.recv() => process::exit(INTERRUPTED),
        }
    });
    Ok(stop)
}
