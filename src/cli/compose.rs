//! From settings to the program's parts. What is chosen here, and nowhere else, is
//! which implementation stands behind each port.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    access::{Keyring, Provider},
    app::App,
    config::{
        AuthConfig, BusConfig, Config, ModelsConfig, OidcConfig, QueueConfig, QueueKind,
        RerankerConfig, StorageConfig, StorageKind,
    },
    kernel::{Clock, Error, Result, clock::Ids},
    nodes::ops::LockWatch,
    outbox::relay::Relay,
    platform::{
        blobs::{Blobs, Folder, S3},
        bus::{Bus, LocalBus, RedisBus},
        db::Db,
        embed::Embedders,
        limiter::{Limiter, LocalLimiter, RedisLimiter},
        llm::{Models, connect::Connector, price::Prices},
        mcp::Connections,
        oidc::Oidc,
        otlp::Spans,
        queue::{DbQueue, Queue, SqsQueue},
        recall::Recall,
        rerank::{self, Reranker},
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
    for contradiction in config.contradictions() {
        tracing::warn!(contradiction, "settings contradict each other");
    }
    let (bus, limiter) = bus(&config.bus, &clock)?;
    let db = Db::new(&config.database, clock, ids)?;
    let (blobs, folder) = storage(&config.storage, &base_url)?;
    let vault = Vault::new(config.vault.current(), config.vault.earlier())?;
    let keyring = keyring(&config.auth)?;
    let provider = provider(&config.oidc, &db)?;
    Ok(App {
        bus,
        limiter,
        queue: queue(&config.queue, &db),
        recall: Arc::new(Recall::new(config.search.recall_every, db.metrics())),
        db,
        blobs,
        folder,
        models: Arc::new(models(&config.models)?),
        prices: Arc::new(Prices::load(&config.models.prices_file)?),
        tool_servers: Arc::new(Connections::new(&config.mcp, &config.models.allowed_hosts)?),
        embedders: Embedders::new(&config.embedder, &config.models)?,
        reranker: reranker(&config.reranker)?,
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
pub(super) fn queue(config: &QueueConfig, db: &Db) -> Arc<dyn Queue> {
    match config.kind {
        QueueKind::Postgres => Arc::new(DbQueue::new(db.clone())),
        QueueKind::Sqs => Arc::new(SqsQueue::new(config)),
    }
}

/// The storage, and that it is the folder, if it is.
type Storage = (Arc<dyn Blobs>, Option<Arc<Folder>>);

/// Files' bytes: in a folder, whose addresses are then ours to serve, or in S3.
fn storage(config: &StorageConfig, base_url: &str) -> Result<Storage> {
    if config.kind == StorageKind::S3 {
        return Ok((Arc::new(S3::new(config)), None));
    }
    let address = format!("{base_url}{API}");
    let folder = Arc::new(Folder::new(&config.folder, &address, config.secret()?)?);
    Ok((Arc::clone(&folder) as Arc<dyn Blobs>, Some(folder)))
}

/// What puts passages into order, if the settings name it.
fn reranker(config: &RerankerConfig) -> Result<Option<Arc<dyn Reranker>>> {
    let service = rerank::Service::of(config)?;
    Ok(service.map(|service| Arc::new(service) as Arc<dyn Reranker>))
}

/// The relay of an application.
pub fn relay(app: &App) -> Relay {
    Relay {
        db: app.db.clone(),
        bus: Arc::clone(&app.bus),
        queue: Arc::clone(&app.queue),
        keep: app.config.live.keep(),
        pace: app.config.live.pace(),
    }
}

/// The watch over locks of an application.
pub fn lock_watch(app: &App) -> LockWatch {
    LockWatch { db: app.db.clone() }
}

fn models(config: &ModelsConfig) -> Result<Models> {
    Ok(Connector::new(config)?.offered(config)?.build())
}
