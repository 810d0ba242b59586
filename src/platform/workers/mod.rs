//! Worker processes and their heartbeats, which leases hang on.
//!
//! A lease names a worker, and holds while that worker is alive: while its row is
//! here and was touched within the life of a lease. So one row a process, touched
//! every few seconds, renews any number of leases. Nothing here grants a lease or
//! fences a late writer; the row that is leased does, by its epoch. That is also why
//! a wrong guess about a slow process costs work and never correctness.

pub mod protection;
mod store;

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    kernel::{Error, Result, Scope, WorkerId, text::text_enum},
    platform::db::{Db, Tx},
};

text_enum! {
    /// What a worker process does.
    pub enum WorkerRole {
        /// Executions.
        Agent = "agent",
        /// Files.
        File = "file",
    }
}

/// How long the row of a process that went without a word is kept for those who ask
/// what happened. It grants nothing meanwhile.
const KEEP_DEAD: TimeDelta = TimeDelta::days(1);

/// Enters this process as a worker, alive from now on; sweeps rows long dead.
pub async fn register(db: &Db, role: WorkerRole) -> Result<WorkerId> {
    db.tx(Scope::System, async move |tx| {
        let id = WorkerId::new(tx.ids());
        store::sweep(tx, tx.now() - KEEP_DEAD).await?;
        store::insert(tx, &this_process(id, role)?).await?;
        Ok(id)
    })
    .await
}

/// Says that the worker lives; `false` when it is not entered any more, and so has
/// lost every lease.
pub async fn beat(db: &Db, id: WorkerId) -> Result<bool> {
    db.tx(Scope::System, async move |tx| store::touch(tx, id).await)
        .await
}

/// Strikes the worker off: its leases end at once rather than when they run out.
pub async fn retire(db: &Db, id: WorkerId) -> Result<()> {
    db.tx(Scope::System, async move |tx| store::delete(tx, id).await)
        .await
}

/// Strikes off every worker of `host`, and answers how many there were. For a process
/// that knows it is alone on its database, before it [`register`]s: what a killed
/// predecessor left is then taken over at once.
pub async fn retire_others_on_this_host(db: &Db, host: &str) -> Result<usize> {
    db.tx(Scope::System, async move |tx| {
        store::delete_host(tx, host).await
    })
    .await
}

/// Whether `id` is entered and was heard of within the last `lease`. The transaction
/// must be in [`Scope::System`]; to all others there are no workers.
pub async fn is_alive_in(tx: &mut Tx, id: WorkerId, lease: TimeDelta) -> Result<bool> {
    store::heard_since(tx, id, tx.now() - lease).await
}

/// The name of this machine or container.
pub fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

fn this_process(id: WorkerId, role: WorkerRole) -> Result<store::Process> {
    Ok(store::Process {
        id,
        role,
        host: host(),
        pid: i32::try_from(std::process::id()).map_err(Error::internal)?,
    })
}

/// Completes when what was begun should be given up: so long after `stop`.
///
/// What a process had begun when it was told to stop, and somebody else would begin anew, may
/// still end by itself in that time.
pub async fn given_up(stop: &CancellationToken, drain: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(drain).await;
}

/// Beats for one worker until it is told to stop, and then retires it.
///
/// Stop it after the work has stopped: work that ends under a dead lease is done again.
#[derive(Debug)]
pub struct Heartbeat {
    /// Where the row is.
    pub db: Db,
    /// The worker.
    pub id: WorkerId,
    /// What it does.
    pub role: WorkerRole,
    /// The time between two beats; a third of a lease at most.
    pub every: Duration,
}

impl Heartbeat {
    /// Beats until `stop`. A failure is logged and the next beat tried in its time.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.every) => {}
            }
            if let Err(error) = self.beat().await {
                tracing::warn!(worker = %self.id, error = %error.chain(), "a heartbeat was lost");
            }
        }
        if let Err(error) = retire(&self.db, self.id).await {
            tracing::warn!(worker = %self.id, error = %error.chain(), "leases end only by time");
        }
    }

    /// One beat. A worker that was struck off while it lived is entered again, for the
    /// leases it takes from now on would otherwise be dead at once; what it held before
    /// was taken over or will be, and the epochs keep it from writing there.
    async fn beat(&self) -> Result<()> {
        if beat(&self.db, self.id).await? {
            return Ok(());
        }
        tracing::warn!(worker = %self.id, "struck off while alive; entering again");
        let process = this_process(self.id, self.role)?;
        self.db
            .tx(Scope::System, async move |tx| {
                store::insert(tx, &process).await
            })
            .await
    }
}
