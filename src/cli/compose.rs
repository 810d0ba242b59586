//! From settings to the program's parts. What is chosen here, and nowhere else, is
//! which implementation stands behind each port.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    access::{Keyring, Provider},
    app::App,
    config::{AuthConfig, BusConfig, Config, ModelsConfig, OidcConfig, QueueConfig, QueueKind},
    kernel::{Clock, Error, Result, clock::Ids},
    nodes::ops::LockWatch,
    outbox::relay::Relay,
    platform::{
        blobs::{Blobs, Folder},
        bus::{Bus, LocalBus, RedisBus},
        db::Db,
        embed::hashing::Hashing,
        limiter::{Limiter, LocalLimiter, RedisLimiter},
        llm::{Models, connect::Connector, price::Prices},
        mcp::Connections,
        oidc::Oidc,
        otlp::Spans,
        queue::{DbQueue, Queue, SqsQueue},
        vault::Vault,
        workers,
    },
    server::API,
};

/// Puts the parts together. `base_url` is how clients reach us, without a slash.
pub fn app(
    config: Config,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    base_url: String,
) -> Result<App> {
    let (bus, limiter) = bus(&config.bus, &clock)?;
    let db = Db::new(&config.database, clock, ids)?;
    let folder = Arc::new(Folder::new(
        &config.storage.folder,
        &format!("{base_url}{API}"),
        config.storage.secret()?,
    )?);
    let vault = Vault::new(config.vault.current(), config.vault.earlier())?;
    let keyring = keyring(&config.auth)?;
    let provider = provider(&config.oidc, &db)?;
    let blobs: Arc<dyn Blobs> = Arc::clone(&folder) as Arc<dyn Blobs>;
    Ok(App {
        bus,
        limiter,
        queue: queue(&config.queue, &db),
        db,
        blobs,
        folder: Some(folder),
        models: Arc::new(models(&config.models)?),
        prices: Arc::new(Prices::load(&config.models.prices_file)?),
        tool_servers: Arc::new(Connections::new(&config.mcp, &config.models.allowed_hosts)?),
        embedder: Arc::new(Hashing),
        keyring: Arc::new(keyring),
        vault: Arc::new(vault),
        provider,
        spans: Spans::to(&config.telemetry.otlp_endpoint, &workers::host())?,
        base_url,
        draining: CancellationToken::new(),
        config: Arc::new(config),
    })
}

/// The public key is logged, because it is what a rotation needs: once the seed is gone
/// nothing else tells it.
fn keyring(config: &AuthConfig) -> Result<Keyring> {
    let earlier = config
        .earlier_keys()
        .ok_or_else(|| Error::internal("auth.earlier_keys was not validated"))?;
    let keyring = Keyring::new(config.key()?, config.signing_key_id, &earlier)?;
    let public = keyring.public_key();
    tracing::info!(
        number = config.signing_key_id,
        public,
        "the key of our tokens"
    );
    Ok(keyring)
}

fn provider(config: &OidcConfig, db: &Db) -> Result<Option<Arc<Provider>>> {
    if !config.is_on() {
        return Ok(None);
    }
    let oidc = Oidc::new(config, db.clock())?;
    Ok(Some(Arc::new(Provider::new(oidc, db.clone()))))
}

/// News and limits: in Redis when it is configured, for several processes; else in this
/// one.
fn bus(config: &BusConfig, clock: &Arc<dyn Clock>) -> Result<(Arc<dyn Bus>, Arc<dyn Limiter>)> {
    let clock = Arc::clone(clock);
    if !config.is_shared() {
        return Ok((
            Arc::new(LocalBus::new()),
            Arc::new(LocalLimiter::new(clock)),
        ));
    }
    let bus = RedisBus::start(config)?;
    let limiter = RedisLimiter::new(bus.redis(), clock);
    Ok((Arc::new(bus), Arc::new(limiter)))
}

/// Work for workers: in the database, unless a queue of their own is configured.
fn queue(config: &QueueConfig, db: &Db) -> Arc<dyn Queue> {
    match config.kind {
        QueueKind::Postgres => Arc::new(DbQueue::new(db.clone())),
        QueueKind::Sqs => Arc::new(SqsQueue::new(config)),
    }
}

/// The relay of an application.
pub fn relay(app: &App) -> Relay {
    Relay {
        db: app.db.clone(),
        bus: Arc::clone(&app.bus),
        queue: Arc::clone(&app.queue),
    }
}

/// The watch over locks of an application.
pub fn lock_watch(app: &App) -> LockWatch {
    LockWatch { db: app.db.clone() }
}

fn models(config: &ModelsConfig) -> Result<Models> {
    Ok(Connector::new(config)?.offered(config)?.build())
}
