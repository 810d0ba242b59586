//! Redis, or Valkey: one connection for each process, which the link
//! (`bus/redis/link.rs`) keeps up and everybody commands through.
//!
//! Commands of many requests share the connection and are pipelined by it, so each
//! costs one round trip. There is no pool: its check of a connection before each use
//! would be a second one. While there is no connection, commands fail at once instead
//! of waiting for one, because everything that Redis does for us can be done without.
//!
//! Everything lies under one prefix, so that installations can share a server.

use std::{sync::Arc, time::Duration};

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, ProtocolVersion,
    PushInfo, RedisError, ScriptInvocation, aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use crate::{
    config::BusConfig,
    kernel::{Code, Error, Result},
};

/// How long one command may take, the way there and back included.
pub(super) const COMMAND: Duration = Duration::from_millis(500);
/// How long it may take to connect: name, TCP, TLS, greeting.
const CONNECT: Duration = Duration::from_secs(2);
/// Commands that may wait for their turn to be written; more wait in their tasks.
const WAITING: usize = 1024;

/// Commands to Redis under this installation's prefix. Clones share the connection.
#[derive(Clone)]
pub struct Redis {
    prefix: Arc<str>,
    connection: watch::Receiver<Option<MultiplexedConnection>>,
    suspicion: Arc<Notify>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// What keeps the connection up.
pub(super) struct Upkeep {
    client: Client,
    /// Where the present connection is put for those who command, `None` while there
    /// is none.
    pub(super) connection: watch::Sender<Option<MultiplexedConnection>>,
    /// Told when a command failed: the connection may be dead.
    pub(super) suspicion: Arc<Notify>,
}

impl Redis {
    /// Reads the settings; connects to nothing yet.
    pub(super) fn new(config: &BusConfig) -> Result<(Self, Upkeep)> {
        // The library's own words may hold the password.
        let unreadable = |_: RedisError| {
            Error::new(
                Code::ValidationFailed,
                "GLASSBOX_BUS__REDIS_URL can't be read; write redis://host:6379, or rediss://user:password@host:6379 for TLS.",
            )
        };
        let info = config
            .redis_url
            .expose_secret()
            .into_connection_info()
            .map_err(unreadable)?;
        // Version 3 of the protocol takes messages and answers over one connection.
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(unreadable)?;
        let (sender, connection) = watch::channel(None);
        let suspicion = Arc::new(Notify::new());
        let redis = Redis {
            prefix: config.prefix.as_str().into(),
            connection,
            suspicion: Arc::clone(&suspicion),
        };
        let upkeep = Upkeep {
            client,
            connection: sender,
            suspicion,
        };
        Ok((redis, upkeep))
    }

    /// The full name of a key or channel of ours.
    pub(super) fn name(&self, rest: impl std::fmt::Display) -> String {
        format!("{}:{rest}", self.prefix)
    }

    /// What stands after our prefix in a full name.
    pub(super) fn rest<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&*self.prefix)?.strip_prefix(':')
    }

    /// Whether there is a connection at this moment.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.borrow().is_some()
    }

    /// Sends one command.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let mut connection = self.connection()?;
        let answer = timeout(COMMAND, command.query_async(&mut connection)).await;
        self.judge(answer.unwrap_or_else(|_| Err(too_slow())))
    }

    /// Runs a script, which the server learns on first use.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T> {
        let mut connection = self.connection()?;
        let answer = timeout(COMMAND, script.invoke_async(&mut connection)).await;
        self.judge(answer.unwrap_or_else(|_| Err(too_slow())))
    }

    fn connection(&self) -> Result<MultiplexedConnection> {
        let connection = self.connection.borrow().clone();
        connection.ok_or_else(|| unavailable("there is no connection at the moment"))
    }

    fn judge<T>(&self, answer: Result<T, RedisError>) -> Result<T> {
        answer.map_err(|error| {
            self.suspicion.notify_one();
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
            .set_pipeline_buffer_size(WAITING)
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
