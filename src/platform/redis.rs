//! Redis, or Valkey: a pool of connections that everybody commands through, and the one
//! that listens, which the link (`bus/redis/link.rs`) keeps up.
//!
//! The link's connection says for all whether Redis is there: while it has none, commands
//! fail at once instead of trying to connect, because everything that Redis does for us
//! can be done without, and an outage must not cost each request half a second. The pool
//! asks each connection whether it lives before it hands it out, so a command is two round
//! trips.
//!
//! Everything lies under one prefix, so that installations can share a server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_redis::{
    Connection, Manager, Pool, PoolError, Runtime,
    redis::{
        AsyncConnectionConfig, Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo,
        Pipeline, ProtocolVersion, PushInfo, RedisError, ScriptInvocation,
        aio::MultiplexedConnection,
    },
};
use secrecy::ExposeSecret;
use tokio::{sync::Notify, time::timeout};

use crate::{
    config::BusConfig,
    kernel::{Code, Error, Result},
};

/// How long one command may take: a turn at a connection, the way there and back.
pub(super) const COMMAND: Duration = Duration::from_millis(500);
/// How long it may take to connect so as to listen: name, TCP, TLS, greeting.
const CONNECT: Duration = Duration::from_secs(2);

/// Commands to Redis under this installation's prefix. Clones share the connections.
#[derive(Clone)]
pub struct Redis {
    prefix: Arc<str>,
    pool: Pool,
    link: Arc<LinkState>,
}

/// What those who command and the link tell each other.
#[derive(Default)]
struct LinkState {
    /// Whether the link has a connection.
    is_up: AtomicBool,
    /// Told when a command failed: the server may be gone.
    suspicion: Notify,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// What keeps the link up.
pub(super) struct Upkeep {
    client: Client,
    pool: Pool,
    link: Arc<LinkState>,
}

impl Redis {
    /// Reads the settings; connects to nothing yet.
    pub(super) fn new(config: &BusConfig) -> Result<(Self, Upkeep)> {
        let info = connection_info(config)?;
        let client = Client::open(info.clone()).map_err(unreadable)?;
        let pool = pool(info, config.redis_connections)?;
        let link = Arc::new(LinkState::default());
        let redis = Redis {
            prefix: config.prefix.as_str().into(),
            pool: pool.clone(),
            link: Arc::clone(&link),
        };
        Ok((redis, Upkeep { client, pool, link }))
    }

    /// The full name of a key or channel of ours.
    pub(super) fn name(&self, rest: impl std::fmt::Display) -> String {
        format!("{}:{rest}", self.prefix)
    }

    /// What stands after our prefix in a full name.
    pub(super) fn rest<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&*self.prefix)?.strip_prefix(':')
    }

    /// Whether the link has a connection at this moment.
    pub(super) fn is_connected(&self) -> bool {
        self.link.is_up.load(Ordering::Acquire)
    }

    /// Sends one command.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.with(async |connection| command.query_async(connection).await)
            .await
    }

    /// Sends several commands at once, whose answers nobody needs.
    pub(super) async fn pipeline(&self, pipeline: &Pipeline) -> Result<()> {
        self.with(async |connection| pipeline.query_async(connection).await)
            .await
    }

    /// Runs a script, which the server learns on first use.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T> {
        self.with(async |connection| script.invoke_async(connection).await)
            .await
    }

    /// Does `work` over a connection of the pool, in the time of one command. One that is
    /// cut off leaves an answer that nobody waits for; the pool's next question on that
    /// connection comes after it.
    async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T> {
        if !self.is_connected() {
            return Err(unavailable("there is no connection at the moment"));
        }
        let worked = timeout(COMMAND, async {
            let mut connection = self.pool.get().await?;
            work(&mut connection).await.map_err(PoolError::Backend)
        })
        .await;
        worked
            .unwrap_or_else(|_| Err(PoolError::Backend(too_slow())))
            .map_err(|error| {
                self.link.suspicion.notify_one();
                unavailable(error)
            })
    }
}

impl Upkeep {
    /// A new connection, which hands what the server pushes to `push`.
    pub(super) async fn connect(
        &self,
        push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(COMMAND))
            .set_push_sender(move |info| {
                push(info);
                Ok::<(), std::convert::Infallible>(())
            });
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let connection = timeout(CONNECT, connecting).await;
        connection
            .unwrap_or_else(|_| Err(too_slow()))
            .map_err(unavailable)
    }

    /// Commands may be sent from here on.
    pub(super) fn went_up(&self) {
        self.link.is_up.store(true, Ordering::Release);
    }

    /// Commands fail at once from here on. Idle connections go with the link's: they lead
    /// to the same server, and asking each whether it lives could take a command's time.
    pub(super) fn went_down(&self) {
        self.link.is_up.store(false, Ordering::Release);
        self.pool.retain(|_, _| false);
    }

    /// Waits until a command has failed.
    pub(super) async fn suspicion(&self) {
        self.link.suspicion.notified().await;
    }
}

/// The server's address, and how we talk to it.
fn connection_info(config: &BusConfig) -> Result<ConnectionInfo> {
    let url = config.redis_url.expose_secret();
    let info = url.into_connection_info().map_err(unreadable)?;
    // Version 3 of the protocol takes messages and answers over one connection.
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

/// The pool, empty until the first command. Each of its steps is bounded as a command is,
/// and [`Redis::with`] bounds their sum: the steps' own bounds say in the log which it was.
fn pool(info: ConnectionInfo, size: usize) -> Result<Pool> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(COMMAND))
        .set_response_timeout(Some(COMMAND));
    let manager = Manager::new_with_config(info, config).map_err(unreadable)?;
    Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(COMMAND))
        .create_timeout(Some(COMMAND))
        .recycle_timeout(Some(COMMAND))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(Error::internal)
}

/// The library's own words may hold the password.
fn unreadable(_: RedisError) -> Error {
    Error::new(
        Code::ValidationFailed,
        "GLASSBOX_BUS__REDIS_URL can't be read; write redis://host:6379, or rediss://user:password@host:6379 for TLS.",
    )
}

fn too_slow() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// The error of a Redis that does not do as it should.
pub(super) fn unavailable(
    cause: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> Error {
    Error::new(Code::Unavailable, "Redis does not answer.").because(cause)
}
