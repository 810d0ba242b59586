//! The database: a pool of connections as the application's role, and transactions
//! that always say for whom they act.
//!
//! [`Db::tx`] is the only way to a connection. Everything that is done in one
//! transaction commits together or not at all; its outbox rows wake the relay only
//! after the commit. This module never decides what a caller may do.

mod cached;
pub mod cluster;
pub mod doctor;
pub mod given;
mod metrics;
pub mod migrate;
#[expect(
    missing_docs,
    reason = "generated from the migrations, which say what each column is"
)]
pub mod schema;
mod scope;
mod signal;
mod tx;
pub mod types;
pub mod vectors;

use std::{sync::Arc, time::Duration};

use diesel::result::{DatabaseErrorKind, Error as SqlError};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool::Pool,
    },
};
use secrecy::ExposeSecret;

use self::metrics::Pools;
use super::metrics::Metrics;
use crate::config::DatabaseConfig;
use crate::kernel::{Clock, Code, Error, Result, Scope, Timestamp, clock::Ids};

pub use cached::Cacheable;
pub use signal::{Exchange, Signal, Topic};
pub use tx::Tx;

/// The pool and what every transaction needs. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    signal: Signal,
    metrics: Metrics,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").finish_non_exhaustive()
    }
}

/// How often a transaction looks for a live connection: after a restart of the
/// database every pooled connection is dead until it was tried once.
const BEGIN_TRIES: usize = 4;

/// Connections of a thread's own pool at least.
const LEAST_SHARE: usize = 4;

impl Db {
    /// Makes the pool; connects when first needed.
    pub fn new(config: &DatabaseConfig, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self> {
        let metrics = Metrics::default();
        Ok(Db {
            pool: counted(&metrics, pool(config, config.max_connections)?),
            clock,
            ids,
            signal: Signal::new(),
            metrics,
        })
    }

    /// The same database with a pool of its own for each of `threads`, which share the
    /// connections there are with each other and with this one.
    ///
    /// A connection is driven by the runtime that opened it, so one that is used from
    /// another thread costs two wake-ups from thread to thread for each round trip. Where
    /// there are too few connections to be shared out, all use the same pool.
    pub fn for_threads(&self, config: &DatabaseConfig, threads: usize) -> Result<Vec<Db>> {
        let share = config.max_connections / (threads + 1);
        if share < LEAST_SHARE {
            return Ok(vec![self.clone(); threads]);
        }
        self.pool.resize(config.max_connections - share * threads);
        let part = |_| {
            Ok(Db {
                pool: counted(&self.metrics, pool(config, share)?),
                ..self.clone()
            })
        };
        (0..threads).map(part).collect()
    }

    /// Runs `work` in one transaction under `scope`: commits when it answers `Ok`,
    /// else rolls back. Outbox rows written in it wake their readers after the commit.
    pub async fn tx<R, F>(&self, scope: Scope, work: F) -> Result<R>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<R>,
    {
        self.tx_after(scope, Tx::settle, async move |tx, ()| work(tx).await)
            .await
    }

    /// As [`Db::tx`], for work that begins with statements whose answers it needs: `first`
    /// sends them together with the `begin`. It is called again where a connection was dead.
    pub async fn tx_after<S, R>(
        &self,
        scope: Scope,
        first: impl AsyncFnOnce(&Tx) -> Result<S> + Clone,
        work: impl AsyncFnOnce(&mut Tx, S) -> Result<R>,
    ) -> Result<R> {
        let (mut tx, found) = self.begin(&scope, first).await?;
        match work(&mut tx, found).await {
            Ok(value) => {
                tx.commit().await?;
                Ok(value)
            }
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    /// Runs `work`, which only reads, in one transaction under `scope` whose statements
    /// leave together with its `begin` and its `commit`: one round trip for all.
    ///
    /// `work` is polled between the two, so every statement that it sends without
    /// waiting for an answer is inside; it must wait for nothing before its last one,
    /// and join what it sends. Called again where a connection was dead.
    pub async fn read<R, F>(&self, scope: Scope, work: F) -> Result<R>
    where
        F: AsyncFn(&Tx) -> Result<R>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let tx = self.take(&scope).await?;
            let (answer, ended) = tokio::join!(biased; work(&tx), tx.send_commit());
            if !tx.has_begun() && tries < BEGIN_TRIES {
                self.drop_dead(answer.err());
                continue;
            }
            // Answered after all the others, whatever became of those: it ended them.
            if ended.is_ok() {
                tx.release();
            }
            let answer = answer?;
            ended?;
            return Ok(answer);
        }
    }

    /// Begins a transaction whose end somebody else decides; all others use [`Db::tx`].
    /// What `first` sends without waiting leaves together with the `begin`. It is called
    /// again where a connection was dead, and its failure rolls back.
    pub async fn begin<R, F>(&self, scope: &Scope, first: F) -> Result<(Tx, R)>
    where
        F: AsyncFnOnce(&Tx) -> Result<R> + Clone,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let tx = self.take(scope).await?;
            match first.clone()(&tx).await {
                Ok(found) => return Ok((tx, found)),
                Err(error) if !tx.has_begun() && tries < BEGIN_TRIES => {
                    self.drop_dead(Some(error));
                }
                Err(error) => {
                    tx.rollback().await;
                    return Err(error);
                }
            }
        }
    }

    /// The wake-ups between writers and readers of the outbox and the queues.
    pub fn signal(&self) -> &Signal {
        &self.signal
    }

    /// The figures of this process, which what is committed here may count in.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The present moment by the program's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The program's clock, for parts that measure time themselves.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Fails when the database does not answer.
    pub async fn ping(&self) -> Result<()> {
        self.tx(Scope::Nobody, async |tx| {
            diesel::sql_query("select 1").execute(tx.conn()).await?;
            Ok(())
        })
        .await
    }

    /// A transaction that has not begun yet, on an idle connection.
    async fn take(&self, scope: &Scope) -> Result<Tx> {
        let conn = self.pool.get().await.map_err(|error| {
            Error::new(Code::Unavailable, "The database does not answer.").because(error)
        })?;
        let ids = Arc::clone(&self.ids);
        Ok(Tx::new(
            conn,
            scope.clone(),
            self.clock.now(),
            ids,
            self.signal.clone(),
            self.metrics.clone(),
        ))
    }

    /// Forgets the idle connections: where one is dead the server was away, and the
    /// others, as old as that one, are dead too.
    fn drop_dead(&self, error: Option<Error>) {
        if let Some(error) = error {
            tracing::debug!(error = %error.chain(), "dropping dead connections");
        }
        self.pool.retain(|_, _| false);
    }
}

/// `pool`, whose connections are among the figures from here on.
fn counted(metrics: &Metrics, pool: Pool<AsyncPgConnection>) -> Pool<AsyncPgConnection> {
    metrics.of::<Pools>().add(pool.clone());
    pool
}

/// A pool of `size` connections, each set up as transactions need it.
fn pool(config: &DatabaseConfig, size: usize) -> Result<Pool<AsyncPgConnection>> {
    let url = config.app()?;
    let acquire = Duration::from_millis(config.acquire_timeout_ms);
    let statement = config.statement_timeout_ms;
    let plans = config.plans.mode();
    let mut manager = ManagerConfig::<AsyncPgConnection>::default();
    // A test query at each turn would be a round trip more; `begin` finds the dead.
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(move |url| {
        let url = url.to_owned();
        Box::pin(async move {
            let mut conn = AsyncPgConnection::establish(&url).await?;
            // An abandoned transaction must not hold its locks for ever. One whose
            // request was dropped is in the middle of a statement, which Postgres
            // would finish first; it looks once a second whether we are still there.
            conn.batch_execute(&format!(
                "set statement_timeout = {statement}; \
                 set plan_cache_mode = {plans}; \
                 set client_connection_check_interval = 1000; \
                 set idle_in_transaction_session_timeout = 60000; \
                 set timezone = 'UTC'"
            ))
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(url.expose_secret(), manager);
    Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(acquire))
        .create_timeout(Some(acquire))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(Error::internal)
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        if let SqlError::DatabaseError(_, info) = &error
            && info.message() == "canceling statement due to statement timeout"
        {
            return Error::new(
                Code::Timeout,
                "The database took too long; nothing was changed. Try again.",
            )
            .because(error);
        }
        let unavailable = match &error {
            SqlError::BrokenTransactionManager => true,
            SqlError::DatabaseError(kind, info) => {
                matches!(
                    kind,
                    DatabaseErrorKind::ClosedConnection
                        | DatabaseErrorKind::SerializationFailure
                        | DatabaseErrorKind::UnableToSendCommand
                ) || info.message().contains("deadlock detected")
                    // Shut down, failed over, or cut by an administrator.
                    || info.message().starts_with("terminating connection")
            }
            _ => false,
        };
        if unavailable {
            Error::new(
                Code::Unavailable,
                "The database did not take the change; try again.",
            )
            .because(error)
        } else {
            Error::internal(error)
        }
    }
}

/// Whether `error` is a refusal by the named constraint or unique index.
pub fn violates(error: &SqlError, constraint: &str) -> bool {
    matches!(error, SqlError::DatabaseError(_, info) if info.constraint_name() == Some(constraint))
}

/// The `like` pattern of texts that contain `text` as it stands.
pub fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_a_client_stand_for_themselves() {
        assert_eq!(containing("50%_\\"), "%50\\%\\_\\\\%");
    }
}
