//! The program's parts, put together once, and what a request or a tool sees of them.
//!
//! [`App`] holds the ports; [`Ctx`] is an [`App`] with a caller. Operations open
//! their transactions through [`Ctx::tx`], which asks [`access`] first: there is no
//! other way for them to a tenant's rows.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    access::{self, Action, Caller, Grant, Keyring, Provider, Target},
    config::Config,
    idempotency::Attempt,
    kernel::{Result, Scope, Timestamp},
    platform::{
        blobs::{Blobs, Folder},
        bus::Bus,
        db::{Db, Tx},
        embed::Embedders,
        limiter::Limiter,
        llm::{Models, price::Prices},
        mcp::ToolServers,
        otlp::Spans,
        queue::Queue,
        recall::Recall,
        rerank::Reranker,
        vault::Vault,
    },
};

/// The program's parts.
#[derive(Clone)]
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// The database.
    pub db: Db,
    /// News for those who watch.
    pub bus: Arc<dyn Bus>,
    /// How much each user may ask for.
    pub limiter: Arc<dyn Limiter>,
    /// Wake-ups for workers.
    pub queue: Arc<dyn Queue>,
    /// Files' bytes.
    pub blobs: Arc<dyn Blobs>,
    /// The folder backend, when `blobs` is that one: its signed addresses are ours to serve.
    pub folder: Option<Arc<Folder>>,
    /// Language models.
    pub models: Arc<Models>,
    /// What they cost.
    pub prices: Arc<Prices>,
    /// Tools of other servers.
    pub tool_servers: Arc<dyn ToolServers>,
    /// Vectors for search.
    pub embedders: Embedders,
    /// What puts passages into order once more, when there is such a service.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// How well indexes over vectors answer.
    pub recall: Arc<Recall>,
    /// The keys of our tokens.
    pub keyring: Arc<Keyring>,
    /// Seals the keys that organizations give us.
    pub vault: Arc<Vault>,
    /// The identity provider, when one is configured.
    pub provider: Option<Arc<Provider>>,
    /// Spans of executions, when a collector is configured.
    pub spans: Spans,
    /// How clients reach us, without a slash at the end.
    pub base_url: String,
    /// Cancelled when the server drains: answers without an end, such as streams, end
    /// then, or they would hold it up.
    pub draining: CancellationToken,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// An [`App`] on behalf of one caller.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The program's parts.
    pub app: Arc<App>,
    /// Who asks.
    pub caller: Caller,
    /// The request under its idempotency key, when it has one.
    pub attempt: Option<Attempt>,
}

impl Ctx {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.app.db.now()
    }

    /// Runs `work` in one transaction in which the caller may do `action` on
    /// `target`; fails before `work` when they may not.
    pub async fn tx<R, F>(&self, action: Action, target: Target, work: F) -> Result<R>
    where
        F: AsyncFnOnce(&mut Tx, &Grant) -> Result<R>,
    {
        let nothing = async |_: &Tx| Ok(());
        self.tx_after(action, target, nothing, async move |tx, grant, ()| {
            work(tx, grant).await
        })
        .await
    }

    /// As [`Ctx::tx`], for work that begins with statements whose answers `work` needs:
    /// `first` sends them in the same round trip that asks for the caller's rights. What
    /// it locks or reads goes to `work` after the answer to that, or nowhere.
    ///
    /// `first` may run more than once, and must send its first statement at once.
    pub async fn tx_after<S, R>(
        &self,
        action: Action,
        target: Target,
        first: impl AsyncFn(&Tx) -> Result<S>,
        work: impl AsyncFnOnce(&mut Tx, &Grant, S) -> Result<R>,
    ) -> Result<R> {
        let together = self.attempt.is_none() && self.caller.asks_once();
        let ask = async |tx: &Tx| {
            let asked = access::authorise(tx, &self.caller, action, target);
            if together {
                let (grant, found) = tokio::join!(biased; asked, first(tx));
                return Ok((grant?, found?));
            }
            let grant = asked.await?;
            // Only now: an answer of before is shown to nobody who lost the right since.
            self.claim(tx).await?;
            Ok((grant, first(tx).await?))
        };
        self.transact(ask, async move |tx, (grant, found)| {
            work(tx, &grant, found).await
        })
        .await
    }

    /// Reads with `query` in one transaction in which the caller may do `action` on
    /// `target`, in one round trip where the token allows it: what is read before the
    /// answer about the caller's rights is handed out only after it, or not at all.
    ///
    /// `query` may run more than once, and what it sends must not depend on its answers.
    pub async fn read<R, F>(&self, action: Action, target: Target, query: F) -> Result<(Grant, R)>
    where
        F: AsyncFn(&Tx) -> Result<R>,
    {
        if !self.caller.asks_once() {
            return self
                .tx(action, target, async |tx, grant| {
                    Ok((grant.clone(), query(tx).await?))
                })
                .await;
        }
        let scope = Scope::User(self.caller.user());
        let both = async |tx: &Tx| {
            let asked = access::authorise(tx, &self.caller, action, target);
            let (grant, rows) = tokio::join!(biased; asked, query(tx));
            Ok((grant?, rows?))
        };
        self.app.db.read(scope, both).await
    }

    /// Runs `work` in one transaction that sees what is the caller's own: their user
    /// row, their memberships, and the organizations behind those. Fails for a narrowed
    /// token, which speaks for a part of the person only.
    pub async fn own_tx<R, F>(&self, work: F) -> Result<R>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<R>,
    {
        self.caller.require_whole()?;
        self.transact(
            async |tx| self.claim(tx).await,
            async move |tx, ()| work(tx).await,
        )
        .await
    }

    /// Runs `work` in one transaction of the caller's, for the few operations that ask
    /// [`access::authorise`] themselves, for one place after another. What they did not
    /// ask for they must not show.
    pub async fn asking_tx<R, F>(&self, work: F) -> Result<R>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<R>,
    {
        self.transact(Tx::settle, async move |tx, ()| work(tx).await)
            .await
    }

    /// Runs `first` and then `work` in one transaction in the caller's scope, and ends it:
    /// that of a request under an idempotency key only once its answer exists.
    async fn transact<S, R>(
        &self,
        first: impl AsyncFn(&Tx) -> Result<S>,
        work: impl AsyncFnOnce(&mut Tx, S) -> Result<R>,
    ) -> Result<R> {
        let user = self.caller.user();
        if let Some(attempt) = &self.attempt {
            attempt.settle().await?;
        }
        let scope = Scope::User(user);
        let first = async |tx: &Tx| first(tx).await;
        let (mut tx, found) = self.app.db.begin(&scope, first).await?;
        match (work(&mut tx, found).await, &self.attempt) {
            (Ok(value), None) => {
                tx.commit().await?;
                Ok(value)
            }
            (Ok(value), Some(attempt)) => {
                attempt.park(user, tx);
                Ok(value)
            }
            (Err(error), _) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    async fn claim(&self, tx: &Tx) -> Result<()> {
        match &self.attempt {
            Some(attempt) => attempt.claim(tx, self.caller.user()).await,
            // Begins, where a dead connection can still be told from failed work.
            None => tx.settle().await,
        }
    }
}
