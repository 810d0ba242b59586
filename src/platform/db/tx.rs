//! An open transaction, and how its statements leave.
//!
//! A transaction costs a round trip for each answer that somebody waits for, not one for
//! each statement: what nobody waits for (its `begin`, what [`Tx::later`] was given) is
//! held back, and leaves in one piece with the next statement or with the `commit`. The
//! database sees the statements in the order in which the program said them.
//!
//! Invariants: no statement overtakes another one; one that was refused with nobody
//! waiting for it fails whoever took it along, and the transaction with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AsQuery, QueryFragment, QueryId},
};
use diesel_async::{
    AsyncConnectionCore, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    pooled_connection::deadpool::Object,
};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use scopeguard::ScopeGuard;

use super::{
    Cacheable, Signal, Topic,
    scope::{Begin, Commit, SetScope},
};
use crate::{
    kernel::{Error, Result, Scope, Timestamp, UserId, clock::Ids},
    platform::metrics::Metrics,
};

/// An open transaction with its scope. Stores take it by `&mut`, or by `&` where several
/// of their statements are to leave together; none of them begins, commits or rolls back.
///
/// Dropped without [`Tx::commit`], it is rolled back: its connection is closed, and does
/// not lie in the pool with locks that somebody waits for.
pub struct Tx {
    conn: Held,
    line: Mutex<Line>,
    now: Timestamp,
    ids: Arc<dyn Ids>,
    signal: Signal,
    wakes: Vec<Topic>,
    metrics: Metrics,
    counts: Vec<Count>,
}

/// What a committed transaction counts.
type Count = Box<dyn FnOnce() + Send + Sync>;

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

/// A statement that has not left yet.
type Unsent =
    Box<dyn for<'c> FnOnce(&'c AsyncPgConnection) -> BoxFuture<'c, QueryResult<usize>> + Send>;

fn unsent<Q>(query: Q) -> Unsent
where
    Q: QueryFragment<Pg> + QueryId + Send + 'static,
{
    // Nobody waits for an answer, so nothing in it depends on one: its text is always the same.
    let query = query.cached();
    Box::new(move |mut conn| conn.execute_returning_count(query))
}

/// The statements that nobody waits for.
struct Line {
    /// The scope, until it is set.
    scope: Option<Scope>,
    waiting: Vec<Unsent>,
    /// Those that have left and are not known to have succeeded.
    unsure: usize,
    state: State,
}

/// How far the transaction has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has left: there is nothing to end.
    New,
    /// `begin` has left.
    Sent,
    /// The database has begun.
    Begun,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.state != State::New && self.scope.is_none() && self.waiting.is_empty()
    }

    fn take(&mut self) -> Vec<Unsent> {
        let mut all = Vec::with_capacity(self.waiting.len() + 2);
        if self.state == State::New {
            self.state = State::Sent;
            all.push(unsent(Begin));
        }
        if let Some(scope) = self.scope.take() {
            all.push(unsent(SetScope::from(&scope)));
        }
        all.append(&mut self.waiting);
        self.unsure += all.len();
        all
    }

    fn succeeded(&mut self, count: usize) {
        self.unsure -= count;
        if count > 0 {
            self.state = State::Begun;
        }
    }
}

impl Tx {
    /// A transaction on an idle connection. It begins with its first statement.
    pub(super) fn new(
        conn: Object<AsyncPgConnection>,
        scope: Scope,
        now: Timestamp,
        ids: Arc<dyn Ids>,
        signal: Signal,
        metrics: Metrics,
    ) -> Self {
        Tx {
            conn: scopeguard::guard(conn, close),
            line: Mutex::new(Line {
                scope: Some(scope),
                waiting: Vec::new(),
                unsure: 0,
                state: State::New,
            }),
            now,
            ids,
            signal,
            wakes: Vec::new(),
            metrics,
            counts: Vec::new(),
        }
    }

    /// The connection, for a store's query.
    pub fn conn(&mut self) -> &mut Self {
        self
    }

    /// The connection for statements that leave without waiting for each other's answers;
    /// they run in the order in which they are first polled.
    pub fn pipe(&self) -> &Self {
        self
    }

    /// Runs `query` without waiting for it: it leaves with the next statement or with the
    /// `commit`, and if it is refused, that one fails. For what is written and whose
    /// refusal nobody would explain to the client.
    pub fn later<Q>(&self, query: Q)
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        self.line().waiting.push(unsent(query));
    }

    /// Waits until the database has done all that was said so far.
    pub async fn settle(&self) -> Result<()> {
        Ok(self.send().await?)
    }

    /// Commits, and wakes who waits for what was written.
    pub async fn commit(self) -> Result<()> {
        let (unsure, idle) = {
            let line = self.line();
            let idle = line.state == State::New && line.waiting.is_empty();
            (line.unsure > 0, idle)
        };
        if unsure {
            self.rollback().await;
            let reason = "a statement that nobody waited for was refused, or abandoned";
            return Err(Error::internal(reason));
        }
        if !idle {
            self.send_commit().await?;
        }
        self.release();
        Ok(())
    }

    /// Undoes everything. A failure tells nothing new: the connection is then closed.
    pub async fn rollback(self) {
        self.line().waiting.clear();
        if self.state() != State::New {
            let mut conn: &AsyncPgConnection = &self.conn;
            if let Err(error) = conn.batch_execute("rollback").await {
                tracing::debug!(%error, "roll-back failed");
                return;
            }
        }
        drop(ScopeGuard::into_inner(self.conn));
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

    /// The figures of this process. What this transaction does is counted by
    /// [`Tx::count_after_commit`].
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Counts once this transaction has committed: what was rolled back did not happen.
    pub fn count_after_commit(&mut self, count: impl FnOnce() + Send + Sync + 'static) {
        self.counts.push(Box::new(count));
    }

    /// Sets another scope for the rest of the transaction, for the few operations that
    /// change who they act for, such as making an organization.
    pub fn rescope(&mut self, scope: &Scope) {
        self.later(SetScope::from(scope));
    }

    /// The user for whom the transaction acts, while the database was not told yet: then
    /// it is for the caller's next statement to tell it.
    pub fn take_user(&self) -> Option<UserId> {
        let mut line = self.line();
        match line.scope {
            Some(Scope::User(user)) => {
                line.scope = None;
                Some(user)
            }
            _ => None,
        }
    }

    /// Whether the database has begun the transaction: if not, a failure is the
    /// connection's and has done nothing.
    pub(super) fn has_begun(&self) -> bool {
        self.state() == State::Begun
    }

    /// Sends `commit` after all that was said so far, and waits for it.
    pub(super) async fn send_commit(&self) -> QueryResult<usize> {
        Commit.execute(&mut self.pipe()).await
    }

    /// Gives the connection back; the transaction has ended with a commit.
    pub(super) fn release(self) {
        drop(ScopeGuard::into_inner(self.conn));
        self.wakes.iter().for_each(|topic| self.signal.wake(*topic));
        self.counts.into_iter().for_each(|count| count());
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> State {
        self.line().state
    }

    /// Sends what waits, at the first poll. Dropped before the end, it leaves the
    /// transaction unfit to be committed.
    async fn send(&self) -> QueryResult<()> {
        let waiting = self.line().take();
        let count = waiting.len();
        // The order in which these are polled for the first time is the order in which
        // they leave, and `join_all` keeps to that of its list.
        let answers = join_all(waiting.into_iter().map(|query| query(&self.conn))).await;
        answers.into_iter().collect::<QueryResult<Vec<usize>>>()?;
        self.line().succeeded(count);
        Ok(())
    }

    /// `answer`, which leaves when it is first polled, behind what waits.
    fn after_what_waits<'a, R: Send + 'a>(
        &'a self,
        answer: BoxFuture<'a, QueryResult<R>>,
    ) -> BoxFuture<'a, QueryResult<R>> {
        if self.line().is_empty() {
            return answer;
        }
        async move {
            let (before, answer) = tokio::join!(biased; self.send(), answer);
            // The first refusal is the reason for the ones after it.
            before?;
            answer
        }
        .boxed()
    }
}

type Inner = AsyncPgConnection;

impl<'a> AsyncConnectionCore for &'a Tx {
    type LoadFuture<'conn, 'query> = BoxFuture<'a, QueryResult<Self::Stream<'conn, 'query>>>;
    type ExecuteFuture<'conn, 'query> = BoxFuture<'a, QueryResult<usize>>;
    type Stream<'conn, 'query> = <Inner as AsyncConnectionCore>::Stream<'conn, 'query>;
    type Row<'conn, 'query> = <Inner as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        let tx: &'a Tx = self;
        let mut conn: &'a Inner = &tx.conn;
        tx.after_what_waits(AsyncConnectionCore::load(&mut conn, source))
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        let tx: &'a Tx = self;
        let mut conn: &'a Inner = &tx.conn;
        tx.after_what_waits(conn.execute_returning_count(source))
    }
}

impl AsyncConnectionCore for Tx {
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type Stream<'conn, 'query> = <Inner as AsyncConnectionCore>::Stream<'conn, 'query>;
    type Row<'conn, 'query> = <Inner as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        let mut tx: &'conn Tx = self;
        AsyncConnectionCore::load(&mut tx, source)
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        let mut tx: &'conn Tx = self;
        AsyncConnectionCore::execute_returning_count(&mut tx, source)
    }
}

/// Not for statements: these would not stand in line.
impl SimpleAsyncConnection for &Tx {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.send().await?;
        let mut conn: &Inner = &self.conn;
        conn.batch_execute(query).await
    }
}

impl SimpleAsyncConnection for Tx {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        (&*self).batch_execute(query).await
    }
}
