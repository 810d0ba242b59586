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
        embed::Embedder,
        limiter::Limiter,
        llm::{Models, price::Prices},
        queue::Queue,
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
    /// Vectors for search.
    pub embedder: Arc<dyn Embedder>,
    /// The keys of our tokens.
    pub keyring: Arc<Keyring>,
    /// Seals the keys that organizations give us.
    pub vault: Arc<Vault>,
    /// The identity provider, when one is configured.
    pub provider: Option<Arc<Provider>>,
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
        self.asking_tx(async move |tx| {
            let grant = access::authorise(tx, &self.caller, action, target).await?;
            // Only now: an answer of before is shown to nobody who lost the right since.
            self.claim(tx).await?;
            work(tx, &grant).await
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
            let (grant, rows) = tokio::join!(asked, query(tx));
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
        self.asking_tx(async move |tx| {
            self.claim(tx).await?;
            work(tx).await
        })
        .await
    }

    /// Runs `work` in one transaction of the caller's, for the few operations that ask
    /// [`access::authorise`] themselves, for one place after another. What they did not
    /// ask for they must not show.
    pub async fn asking_tx<R, F>(&self, work: F) -> Result<R>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<R>,
    {
        let user = self.caller.user();
        let Some(attempt) = &self.attempt else {
            return self.app.db.tx(Scope::User(user), work).await;
        };
        attempt.settle().await?;
        let mut tx = self.app.db.begin(&Scope::User(user)).await?;
        match work(&mut tx).await {
            Ok(value) => {
                attempt.park(user, tx);
                Ok(value)
            }
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    async fn claim(&self, tx: &mut Tx) -> Result<()> {
        match &self.attempt {
            Some(attempt) => attempt.claim(tx, self.caller.user()).await,
            None => Ok(()),
        }
    }
}
