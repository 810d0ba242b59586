//! Finding executions to drive: by a wake-up from the queue, or by looking for those
//! that nobody drives.
//!
//! A wake-up is only that; the lease decides. It is deleted once the lease is taken
//! or can't be: from then on the execution's own row says whether it needs a worker,
//! and the look for abandoned ones finds it should this process die.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::drive::{Breakpoint, Driver, End};
use crate::{
    app::App,
    executions::{
        journal,
        model::Lease,
        ops::{self as executions, retention},
    },
    kernel::{Error, ExecutionId, OrgId, Result, Scope, WorkerId, event::QueueName},
    platform::{
        db::Tx,
        queue::Delivery,
        workers::{
            self, Heartbeat, WorkerRole,
            protection::{Held, InHand, protect},
        },
    },
};

/// A worker process's part that drives executions.
#[derive(Clone)]
pub struct AgentWorker {
    app: Arc<App>,
    id: WorkerId,
    breakpoint: Option<Breakpoint>,
    /// Whose abandoned execution was taken last; organizations take turns.
    served: Arc<Mutex<OrgId>>,
    hands: Arc<Hands>,
    /// Who may look for work at the moment.
    lookers: Arc<Semaphore>,
}

/// What this process has in its hands, whatever the database says. The two differ after a
/// failure: a lease that was taken in a transaction whose answer got lost, or that could not be
/// given back. Nobody else takes over what a living worker holds, so it must notice itself.
#[derive(Debug, Default)]
struct Hands {
    held: Mutex<Vec<ExecutionId>>,
    count: InHand,
    /// Something failed since leases and hands were last compared.
    in_doubt: AtomicBool,
}

/// What a look for work came to.
enum Found {
    /// An execution that is now this worker's, and in its hands.
    Lease(Box<Lease>, Grip),
    /// A wake-up that was for nothing.
    Message,
    Nothing,
}

impl Hands {
    fn list(&self) -> MutexGuard<'_, Vec<ExecutionId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(self: &Arc<Self>, id: ExecutionId) -> Grip {
        self.list().push(id);
        Grip {
            hands: Arc::clone(self),
            id,
            _held: self.count.hold(),
        }
    }
}

/// One execution in this process's hands, until it is dropped.
struct Grip {
    hands: Arc<Hands>,
    id: ExecutionId,
    _held: Held,
}

impl Drop for Grip {
    fn drop(&mut self) {
        let mut held = self.hands.list();
        if let Some(place) = held.iter().position(|id| *id == self.id) {
            held.swap_remove(place);
        }
    }
}

/// The body of a message on the agent queue; what else it holds is for other consumers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WakeUp {
    execution_id: ExecutionId,
    org_id: OrgId,
}

/// How long a message stays hidden while its lease is taken.
const HIDE: Duration = Duration::from_secs(30);
/// Hands of a process that look for work at a time. A thousand that waited for a message or tried
/// for the same lease would do nothing else; one that has found something lets another look.
const LOOKERS: usize = 4;
/// A pause after a failure, so that a backend that is down is not hammered.
const PAUSE: Duration = Duration::from_secs(1);

impl AgentWorker {
    /// Enters this process as a worker. Without a heartbeat beside it ([`Self::run`]
    /// has one) its leases run out.
    pub async fn register(app: Arc<App>) -> Result<Self> {
        let id = workers::register(&app.db, WorkerRole::Agent).await?;
        Ok(AgentWorker {
            app,
            id,
            breakpoint: None,
            served: Arc::new(Mutex::new(OrgId::from_uuid(Uuid::nil()))),
            hands: Arc::default(),
            lookers: Arc::new(Semaphore::new(LOOKERS)),
        })
    }

    /// The same worker, dying at the first point that `breakpoint` names.
    pub fn with_breakpoint(mut self, breakpoint: Breakpoint) -> Self {
        self.breakpoint = Some(breakpoint);
        self
    }

    /// Works until `stop`, several executions at a time, then hands them over. What they have
    /// begun may end before, within `agent.drain_seconds`.
    pub async fn run(self, stop: CancellationToken) {
        let config = &self.app.config.agent;
        // The heart beats on until the last execution is handed over: work that ends
        // under a dead lease would be done again.
        let heart = CancellationToken::new();
        let heartbeat = Heartbeat {
            db: self.app.db.clone(),
            id: self.id,
            role: WorkerRole::Agent,
            every: config.heartbeat(),
        };
        let tasks = TaskTracker::new();
        let hands = TaskTracker::new();
        tasks.spawn(heartbeat.run(heart.clone()));
        tasks.spawn(self.app.spans.clone().run(heart.clone()));
        if !config.protection_url.is_empty() {
            let (hands, url) = (Arc::clone(&self.hands), config.protection_url.clone());
            let heart = heart.clone();
            tasks.spawn(async move { protect(&url, &hands.count, heart).await });
        }
        tasks.spawn(retention::run(Arc::clone(&self.app), stop.clone()));
        for _ in 0..config.concurrency {
            hands.spawn(self.clone().hand(stop.clone()));
        }
        hands.close();
        hands.wait().await;
        heart.cancel();
        tasks.close();
        tasks.wait().await;
    }

    /// One of the executions at a time: takes work, drives it, and waits for more.
    ///
    /// Abandoned executions are looked for when there is nothing else to do, and from time
    /// to time when there is: a queue that is never empty must not keep them waiting.
    async fn hand(self, stop: CancellationToken) {
        let sweep = self.app.config.agent.sweep();
        let mut swept = Instant::now();
        while !stop.is_cancelled() {
            let turn = tokio::select! {
                () = stop.cancelled() => return,
                turn = self.lookers.acquire() => turn,
            };
            let due = swept.elapsed() >= sweep;
            if due {
                swept = Instant::now();
            }
            let failed = match self.find(due).await {
                Ok(Found::Lease(lease, grip)) => {
                    drop(turn);
                    self.attend(lease, grip, &stop).await.err()
                }
                Ok(Found::Message) => None,
                Ok(Found::Nothing) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.app.queue.wait(QueueName::Agent, sweep) => {}
                    }
                    None
                }
                Err(error) => Some(error),
            };
            if let Some(error) = failed {
                self.hands.in_doubt.store(true, Ordering::Release);
                tracing::warn!(error = %error.chain(), "the agent worker will try again");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    /// Takes one piece of work and drives it as far as it goes; `false` when there
    /// was none.
    pub async fn step(&self, stop: &CancellationToken) -> Result<bool> {
        let result = self.try_step(stop).await;
        if result.is_err() {
            self.hands.in_doubt.store(true, Ordering::Release);
        }
        result
    }

    async fn try_step(&self, stop: &CancellationToken) -> Result<bool> {
        match self.find(false).await? {
            Found::Lease(lease, grip) => self.attend(lease, grip, stop).await.map(|()| true),
            Found::Message => Ok(true),
            Found::Nothing => Ok(false),
        }
    }

    /// The same for one execution that needs a worker and has none.
    pub async fn step_abandoned(&self, stop: &CancellationToken) -> Result<bool> {
        match self.find_abandoned().await? {
            Found::Lease(lease, grip) => self.attend(lease, grip, stop).await.map(|()| true),
            Found::Message | Found::Nothing => Ok(false),
        }
    }

    /// Drives an execution as far as it goes; it is in this process's hands until then.
    async fn attend(&self, lease: Box<Lease>, grip: Grip, stop: &CancellationToken) -> Result<()> {
        // Boxed: a thousand hands that look for work need not have room for what they don't do.
        let driven = Box::pin(self.drive(*lease, stop)).await;
        drop(grip);
        driven.map(|_| ())
    }

    /// Looks at the queue, and for abandoned executions: before it where that is `due`, else
    /// where it holds nothing.
    async fn find(&self, due: bool) -> Result<Found> {
        self.let_go().await?;
        if due && let found @ Found::Lease(..) = self.find_abandoned().await? {
            return Ok(found);
        }
        let Some(delivery) = self.app.queue.receive(QueueName::Agent, HIDE).await? else {
            return if due {
                Ok(Found::Nothing)
            } else {
                self.find_abandoned().await
            };
        };
        let Some(wake) = wake_up(&delivery) else {
            self.app.queue.bury(&delivery).await?;
            return Ok(Found::Message);
        };
        let grip = self.hands.hold(wake.execution_id);
        let lease = self.lease(wake.org_id, wake.execution_id).await?;
        self.app.queue.delete(&delivery).await?;
        Ok(lease.map_or(Found::Message, |lease| Found::Lease(Box::new(lease), grip)))
    }

    async fn find_abandoned(&self) -> Result<Found> {
        executions::expire_requests(&self.app).await?;
        let dead_before = self.app.db.now() - self.app.config.agent.lease();
        let served = *self.served();
        for (org, id) in executions::abandoned(&self.app, dead_before, served).await? {
            let grip = self.hands.hold(id);
            if let Some(lease) = self.lease(org, id).await? {
                *self.served() = org;
                tracing::info!(execution = %id, epoch = lease.epoch, "taking an execution over");
                return Ok(Found::Lease(Box::new(lease), grip));
            }
        }
        Ok(Found::Nothing)
    }

    fn served(&self) -> MutexGuard<'_, OrgId> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back what is this worker's by the database and not in its hands, once after each
    /// failure.
    async fn let_go(&self) -> Result<()> {
        if !self.hands.in_doubt.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let held = self.hands.list().clone();
        for (org, id) in executions::strays(&self.app, self.id, held).await? {
            tracing::info!(execution = %id, "giving back a lease that nobody holds");
            let scope = Scope::Org { org, user: None };
            let give_back = async |tx: &mut Tx| journal::disown(tx, id, self.id).await;
            self.app.db.tx(scope, give_back).await?;
        }
        Ok(())
    }

    async fn lease(&self, org: OrgId, id: ExecutionId) -> Result<Option<Lease>> {
        let life = self.app.config.agent.lease();
        let lock = self.app.config.nodes.lock_life();
        let scope = Scope::Org { org, user: None };
        self.app
            .db
            .tx(scope, async |tx| {
                journal::take_lease(tx, id, self.id, life, lock).await
            })
            .await
    }

    /// Drives one execution. A panic in it must not leave the lease with this living
    /// process, or nobody would ever take it over.
    async fn drive(&self, lease: Lease, stop: &CancellationToken) -> Result<End> {
        let kept = lease.clone();
        let driving = AssertUnwindSafe(self.drive_leased(lease, stop)).catch_unwind();
        let result = match driving.await {
            Ok(result) => result,
            Err(_) => Err(Error::internal("driving an execution panicked")),
        };
        if let Err(error) = &result {
            tracing::warn!(execution = %kept.execution, error = %error.chain(), "driving stopped");
            self.release(&kept).await?;
        }
        result
    }

    async fn drive_leased(&self, lease: Lease, stop: &CancellationToken) -> Result<End> {
        use tracing::Instrument;
        let span = tracing::info_span!("execution", id = %lease.execution, epoch = lease.epoch);
        let app = Arc::clone(&self.app);
        let breakpoint = self.breakpoint.clone();
        async move {
            match Driver::open(app, lease, breakpoint).await? {
                Some(driver) => driver.run(stop).await,
                None => Ok(End::Rests),
            }
        }
        .instrument(span)
        .await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let scope = Scope::Org {
            org: lease.org,
            user: None,
        };
        self.app
            .db
            .tx(scope, async |tx| journal::release_lease(tx, lease).await)
            .await
    }
}

/// What a message says; `None` when it can't be read: trying again would not make it readable,
/// and it would come back for ever.
fn wake_up(delivery: &Delivery) -> Option<WakeUp> {
    match serde_json::from_value(delivery.body.clone()) {
        Ok(wake) => Some(wake),
        Err(error) => {
            tracing::error!(message = %delivery.id, %error, "a wake-up can't be read; put aside");
            None
        }
    }
}
