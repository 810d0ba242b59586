//! `glassbox serve`, `agent-worker` and `file-worker`: the roles of one binary.
//!
//! Each runs until it is told to stop (SIGTERM or Ctrl-C), then hands over what it
//! holds: containers are killed soon after.

use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::compose;
use crate::{
    app::App,
    config::{Config, Override},
    kernel::{Error, Result, clock::System},
    server,
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

/// Serves the API; also runs a relay, so that events reach those who watch.
pub async fn serve(config: Config) -> Result<()> {
    let listener = server::listen(&config.server.host, config.server.port)?;
    let port = listener.local_addr().map_err(Error::internal)?.port();
    let app = build(config, port)?;
    let stop = stop_on_signal()?;
    let tasks = TaskTracker::new();
    tasks.spawn(compose::relay(&app).run(stop.clone()));
    tracing::info!(address = %app.base_url, "serving");
    let served = server::serve(app, listener, stop.clone()).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    served
}

/// Runs executions.
pub async fn agent_worker(config: Config) -> Result<()> {
    let port = config.server.port;
    let _app = build(config, port)?;
    Ok(())
}

/// Turns files into text.
pub async fn file_worker(config: Config) -> Result<()> {
    let port = config.server.port;
    let _app = build(config, port)?;
    Ok(())
}

fn build(config: Config, port: u16) -> Result<Arc<App>> {
    let base_url = config.server.base_url(port);
    let app = compose::app(config, Arc::new(System), Arc::new(System), base_url)?;
    Ok(Arc::new(app))
}

/// A token that SIGTERM and Ctrl-C cancel.
pub fn stop_on_signal() -> Result<CancellationToken> {
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
    });
    Ok(stop)
}
