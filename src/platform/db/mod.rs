//! The database: a pool of connections as the application's role, and transactions
//! that always say for whom they act.
//!
//! [`Db::tx`] is the only way to a connection. Everything that is done in one
//! transaction commits together or not at all; its outbox rows wake the relay only
//! after the commit. This module never decides what a caller may do.

pub mod cluster;
pub mod given;
pub mod migrate;
#[expect(
    missing_docs,
    reason = "generated from the migrations, which say what each column is"
)]
pub mod schema;
mod signal;
pub mod types;

use std::{sync::Arc, time::Duration};

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::{DatabaseErrorKind, Error as SqlError},
};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool},
    },
};
use scopeguard::ScopeGuard;
use secrecy::ExposeSecret;

use crate::config::DatabaseConfig;
use crate::kernel::{Clock, Code, Error, Result, Scope, Timestamp, clock::Ids};

pub use signal::{Exchange, Signal, Topic};

/// The pool and what every transaction needs. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    signal: Signal,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").finish_non_exhaustive()
    }
}

/// An open transaction with its scope. Stores take it by `&mut`; none of them
/// begins, commits or rolls back.
///
/// Dropped without [`Tx::commit`], it is rolled back: its connection is closed, and does
/// not lie in the pool with locks that somebody waits for.
pub struct Tx {
    conn: Held,
    now: Timestamp,
    ids: Arc<dyn Ids>,
    signal: Signal,
    wakes: Vec<Topic>,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

/// A connection that is closed rather than given back, unless its transaction has ended.
type Held = ScopeGuard<Object<AsyncPgConnection>, fn(Object<AsyncPgConnection>)>;

fn close(conn: Object<AsyncPgConnection>) {
    drop(Object::take(conn));
}

/// How often a transaction looks for a live connection: after a restart of the
/// database every pooled connection is dead until it was tried once.
const BEGIN_TRIES: usize = 4;

impl Db {
    /// Makes the pool; connects when first needed.
    pub fn new(config: &DatabaseConfig, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self> {
        let url = config.app()?;
        let acquire = Duration::from_millis(config.acquire_timeout_ms);
        let statement = config.statement_timeout_ms;
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
        let pool = Pool::builder(manager)
            .max_size(config.max_connections)
            .wait_timeout(Some(acquire))
            .create_timeout(Some(acquire))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(Error::internal)?;
        Ok(Db {
            pool,
            clock,
            ids,
            signal: Signal::new(),
        })
    }

    /// Runs `work` in one transaction under `scope`: commits when it answers `Ok`,
    /// else rolls back. Outbox rows written in it wake their readers after the commit.
    pub async fn tx<R, F>(&self, scope: Scope, work: F) -> Result<R>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<R>,
    {
        let mut tx = self.begin(&scope).await?;
        match work(&mut tx).await {
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
        let begin = format!("begin; {}", scope_sql(&scope));
        let mut tries = 0;
        loop {
            tries += 1;
            let tx = self.take().await?;
            let (begun, answer, ended) = {
                let (mut first, mut last) = (tx.pipe(), tx.pipe());
                tokio::join!(
                    first.batch_execute(&begin),
                    work(&tx),
                    // Prepared like the statements of `work`: they wait for each other
                    // while one of them is new to the connection, and it must be last.
                    Commit.execute(&mut last)
                )
            };
            match begun {
                Ok(()) => {
                    ended?;
                    drop(ScopeGuard::into_inner(tx.conn));
                    return answer;
                }
                Err(error) if tries < BEGIN_TRIES => self.drop_dead(&error),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The wake-ups between writers and readers of the outbox and the queues.
    pub fn signal(&self) -> &Signal {
        &self.signal
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

    /// Begins a transaction whose end somebody else decides; all others use [`Db::tx`].
    pub async fn begin(&self, scope: &Scope) -> Result<Tx> {
        let sql = format!("begin; {}", scope_sql(scope));
        let mut tries = 0;
        loop {
            tries += 1;
            let mut tx = self.take().await?;
            match AnsiTransactionManager::begin_transaction_sql(&mut **tx.conn, &sql).await {
                Ok(()) => return Ok(tx),
                Err(error) if tries < BEGIN_TRIES => self.drop_dead(&error),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A connection on which nothing has begun yet.
    async fn take(&self) -> Result<Tx> {
        let conn = self.pool.get().await.map_err(|error| {
            Error::new(Code::Unavailable, "The database does not answer.").because(error)
        })?;
        Ok(Tx {
            conn: scopeguard::guard(conn, close),
            now: self.clock.now(),
            ids: Arc::clone(&self.ids),
            signal: self.signal.clone(),
            wakes: Vec::new(),
        })
    }

    /// Forgets the idle connections: where one is dead the server was away, and the
    /// others, as old as that one, are dead too.
    fn drop_dead(&self, error: &SqlError) {
        tracing::debug!(%error, "dropping dead connections");
        self.pool.retain(|_, _| false);
    }
}

/// `commit`, as a prepared statement.
#[derive(QueryId)]
struct Commit;

impl QueryFragment<Pg> for Commit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("commit");
        Ok(())
    }
}

impl Tx {
    /// Commits, and wakes who waits for what was written.
    pub async fn commit(mut self) -> Result<()> {
        AnsiTransactionManager::commit_transaction(&mut **self.conn).await?;
        drop(ScopeGuard::into_inner(self.conn));
        self.wakes.iter().for_each(|topic| self.signal.wake(*topic));
        Ok(())
    }

    /// Undoes everything. A failure tells nothing new: the connection is then closed.
    pub async fn rollback(mut self) {
        match AnsiTransactionManager::rollback_transaction(&mut **self.conn).await {
            Ok(()) => drop(ScopeGuard::into_inner(self.conn)),
            Err(error) => tracing::debug!(%error, "roll-back failed"),
        }
    }

    /// The connection, for a store's query.
    pub fn conn(&mut self) -> &mut AsyncPgConnection {
        &mut self.conn
    }

    /// The connection for statements that leave without waiting for each other's answers;
    /// they run in the order in which they are first polled.
    pub fn pipe(&self) -> &AsyncPgConnection {
        &self.conn
    }

    /// The moment this transaction began; all its rows carry the same.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The id source.
    pub fn ids(&self) -> &dyn Ids {
        &*self.ids
    }

    /// Wakes the readers of `topic` once this transaction has committed.
    pub fn wake_after_commit(&mut self, topic: Topic) {
        if !self.wakes.contains(&topic) {
            self.wakes.push(topic);
        }
    }

    /// Sets another scope for the rest of the transaction, for the few operations that
    /// change who they act for, such as making an organization.
    pub async fn rescope(&mut self, scope: &Scope) -> Result<()> {
        self.conn.batch_execute(&scope_sql(scope)).await?;
        Ok(())
    }
}

/// The statement that tells the policies for whom we act. Every setting is written
/// each time, so nothing of an earlier scope remains.
fn scope_sql(scope: &Scope) -> String {
    let (mut org, mut user, mut system) = (String::new(), String::new(), "");
    let (mut subject, mut email) = (String::new(), String::new());
    match scope {
        Scope::Nobody => {}
        Scope::Subject(text) => subject = quoted(text),
        Scope::Email(text) => email = quoted(text),
        Scope::User(id) => user = id.to_string(),
        Scope::Org {
            org: id,
            user: on_behalf,
        } => {
            org = id.to_string();
            user = on_behalf.map(|u| u.to_string()).unwrap_or_default();
        }
        Scope::System => system = "on",
    }
    format!(
        "select set_config('app.org_id', '{org}', true), set_config('app.user_id', '{user}', true), \
         set_config('app.subject', '{subject}', true), set_config('app.email', '{email}', true), \
         set_config('app.system', '{system}', true)"
    )
}

/// What stands between the quotes of a literal, for texts that come from outside.
/// Doubling the quotes is the whole of it, since standard_conforming_strings is on in
/// every Postgres we accept.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
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
    fn a_subject_or_address_with_quotes_stays_one_literal() {
        let hostile = || "x', true), set_config('app.system','on".to_owned();
        for scope in [Scope::Subject(hostile()), Scope::Email(hostile())] {
            let sql = scope_sql(&scope);
            let literal = "'x'', true), set_config(''app.system'',''on'";
            assert!(sql.contains(literal), "{sql}");
        }
    }

    #[test]
    fn wildcards_of_a_client_stand_for_themselves() {
        assert_eq!(containing("50%_\\"), "%50\\%\\_\\\\%");
    }
}
