//! The file worker: takes messages from the file queue and sees each to its end.
//!
//! A message is only a wake-up. Whether there is work, and whose it is, is decided by
//! the file's row; so a message may come twice, late or never, and the sweep makes up
//! for lost ones. A file that kills its parser fails alone. A fault of ours puts the
//! file back, up to a number of tries; a message that can't be handled, or that comes back
//! because of faults again and again, is put aside for somebody to look at. A worker that is
//! told to stop takes nothing new, and hands over what it can't finish in a few seconds.
//!
//! While it runs, its heart beats on until the last file is handed over: what ends
//! under a dead lease is done again.

use std::{
    collections::HashSet,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{
    metrics::ReadingFigures,
    pipeline,
    sandbox::{Limits, Sandbox},
};
use crate::{
    app::App,
    config::Config,
    files::{
        self,
        model::{Claim, ClaimRules, Claiming, Reading},
        ops::processing,
    },
    kernel::{Error, FileId, Result, Timestamp, WorkerId, event::QueueName},
    platform::{
        blobs::BlobKey,
        queue::{Delivery, LAST_DELIVERY},
        workers::{
            self, Heartbeat, WorkerRole,
            protection::{InHand, protect},
        },
    },
};

/// How long an idle worker waits at most before it looks for messages that fell due
/// or that another process queued.
const SLOW_SCAN: Duration = Duration::from_secs(5);
/// The wait before the second try; it doubles with each one.
const BACKOFF: Duration = Duration::from_secs(5);
/// An upload that was begun earlier is not being received any more.
const LONGEST_UPLOAD: TimeDelta = TimeDelta::days(1);
/// The time between two looks for uploads that nobody finished.
const UPLOADS: Duration = Duration::from_mins(10);
/// The longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(600);

/// The limits of the child that parses, from the settings.
pub fn limits(config: &Config) -> Limits {
    let ingest = &config.ingest;
    Limits {
        memory_bytes: ingest.memory_bytes,
        cpu: Duration::from_secs(ingest.cpu_seconds),
        wall: Duration::from_secs(ingest.wall_seconds),
        input_bytes: config.storage.upload_limit_bytes,
        output_bytes: usize::try_from(ingest.output_bytes).unwrap_or(usize::MAX),
        tools: ingest.tools.clone(),
        languages: ingest.ocr_languages.clone(),
    }
}

/// Reads files for one worker process.
#[derive(Debug)]
pub struct FileWorker {
    app: Arc<App>,
    sandbox: Sandbox,
    id: WorkerId,
    figures: Arc<ReadingFigures>,
    /// What this process is at. A lease in its name on anything else is left over from
    /// a try that could not even say that it had failed.
    busy: Mutex<HashSet<FileId>>,
    in_hand: InHand,
}

/// A message's body: one of the two is there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    file_id: Option<FileId>,
    delete_key: Option<String>,
    /// Until when bytes may still come to that key.
    until: Option<Timestamp>,
}

/// What becomes of a message.
enum Then {
    /// It is done with.
    Done,
    /// It is delivered again after so long.
    Later(Duration),
    /// It is put aside.
    Aside,
}

impl Then {
    /// After a failure: again, unless it failed so often that somebody should look.
    fn again(delivery: &Delivery) -> Self {
        if delivery.attempts >= LAST_DELIVERY {
            tracing::error!(job = %delivery.id, body = %delivery.body, "a message is put aside");
            return Then::Aside;
        }
        Then::Later(backoff(delivery.attempts))
    }
}

/// How a try ended.
enum Tried {
    Read(Reading),
    Stopped,
}

impl FileWorker {
    /// Enters this process as a file worker. Without a heartbeat beside it
    /// ([`Self::run`] has one) its leases run out.
    pub async fn register(app: Arc<App>, sandbox: Sandbox) -> Result<Self> {
        let id = workers::register(&app.db, WorkerRole::File).await?;
        Ok(FileWorker {
            figures: app.db.metrics().of(),
            app,
            sandbox,
            id,
            busy: Mutex::default(),
            in_hand: InHand::default(),
        })
    }

    /// Works until `stop`; then finishes what it can soon and hands over the rest. Files are
    /// read side by side, as many as the settings say.
    pub async fn run(self, stop: CancellationToken) {
        let heart = CancellationToken::new();
        let heartbeat = Heartbeat {
            db: self.app.db.clone(),
            id: self.id,
            role: WorkerRole::File,
            every: self.app.config.agent.heartbeat(),
        };
        let work = async {
            let loops = (0..self.app.config.ingest.concurrency).map(|_| self.work(&stop));
            tokio::join!(join_all(loops), self.sweep(&stop));
            heart.cancel();
        };
        let protection = async {
            let url = &self.app.config.agent.protection_url;
            if !url.is_empty() {
                protect(url, &self.in_hand, heart.clone()).await;
            }
        };
        tokio::join!(heartbeat.run(heart.clone()), protection, work);
    }

    /// Takes one message and handles it to the end; `false` when there was none.
    pub async fn step(&self) -> Result<bool> {
        self.take(&CancellationToken::new()).await
    }

    /// Queues abandoned files again; answers how many.
    pub async fn requeue_abandoned(&self) -> Result<usize> {
        let lease = self.app.config.agent.lease();
        processing::requeue_abandoned(&self.app.db, self.id, &self.busy(), lease).await
    }

    async fn work(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.take(stop).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "the file worker will try again");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.app.queue.wait(QueueName::File, SLOW_SCAN) => {}
            }
        }
    }

    async fn sweep(&self, stop: &CancellationToken) {
        self.recount().await;
        let mut swept: Option<Instant> = None;
        loop {
            if swept.is_none_or(|at| at.elapsed() >= UPLOADS) {
                swept = Some(Instant::now());
                self.sweep_uploads().await;
            }
            match self.requeue_abandoned().await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "abandoned files queued again"),
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "abandoned files were not looked for");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.app.config.agent.sweep()) => {}
            }
        }
    }

    /// Sees that the quotas stand on what there is.
    async fn recount(&self) {
        match files::ops::quota::recount(&self.app.db).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "organizations' files were counted anew"),
            Err(error) => tracing::warn!(error = %error.chain(), "files were not counted"),
        }
    }

    /// Removes uploads that nobody confirmed, and what those left that a killed server was
    /// receiving.
    async fn sweep_uploads(&self) {
        let (db, config) = (&self.app.db, &self.app.config);
        tell_swept(files::ops::remove_unconfirmed(db, &config.storage).await);
        if let Some(folder) = &self.app.folder {
            tell_swept(folder.sweep(db.now() - LONGEST_UPLOAD).await);
        }
    }

    async fn take(&self, stop: &CancellationToken) -> Result<bool> {
        // As long as a lease, and renewed as leases are: should we die, others hear of the file
        // when they can have it.
        let lease = self.app.config.agent.lease();
        let hide = lease.to_std().map_err(Error::internal)?;
        let Some(delivery) = self.app.queue.receive(QueueName::File, hide).await? else {
            return Ok(false);
        };
        let handled = tokio::select! {
            handled = self.handle(&delivery, stop) => handled,
            never = self.keep_hidden(&delivery, hide) => match never {},
        };
        // Hidden as it is, the message would come back by itself after a failure, but late.
        let (then, error) = match handled {
            Ok(then) => (then, None),
            Err(error) => (Then::again(&delivery), Some(error)),
        };
        match then {
            Then::Done => self.app.queue.delete(&delivery).await?,
            Then::Later(delay) => self.app.queue.release(&delivery, delay).await?,
            Then::Aside => self.app.queue.bury(&delivery).await?,
        }
        error.map_or(Ok(true), Err)
    }

    /// Keeps a message from others for as long as somebody is at it.
    async fn keep_hidden(&self, delivery: &Delivery, hide: Duration) -> Infallible {
        loop {
            tokio::time::sleep(hide / 3).await;
            if let Err(error) = self.app.queue.release(delivery, hide).await {
                tracing::warn!(job = %delivery.id, error = %error.chain(), "a message may come twice");
            }
        }
    }

    /// What a message asks for.
    async fn handle(&self, delivery: &Delivery, stop: &CancellationToken) -> Result<Then> {
        match Message::deserialize(&delivery.body) {
            Ok(Message {
                file_id: Some(file),
                delete_key: None,
                ..
            }) => self.process(delivery, file, stop).await,
            Ok(Message {
                file_id: None,
                delete_key: Some(key),
                until,
            }) => Ok(self.delete(delivery, &key, until).await),
            // It would be just as unreadable the next time, and for ever.
            _ => {
                tracing::error!(job = %delivery.id, body = %delivery.body, "unreadable message put aside");
                Ok(Then::Aside)
            }
        }
    }

    async fn process(
        &self,
        delivery: &Delivery,
        file: FileId,
        stop: &CancellationToken,
    ) -> Result<Then> {
        // Another loop of this process is at it; should that fail, it says so itself.
        let Some(_busy) = Busy::begin(&self.busy, file) else {
            return Ok(Then::Done);
        };
        let _held = self.in_hand.hold();
        let config = &self.app.config;
        let rules = ClaimRules {
            worker: self.id,
            lease: config.agent.lease(),
            max_attempts: config.ingest.max_attempts,
        };
        match processing::claim(&self.app.db, delivery.org, file, &rules).await? {
            Claiming::Granted(claim) => self.attempt(delivery, &claim, stop).await,
            // Held: should the holder die, the sweep finds the file.
            Claiming::Held | Claiming::Nothing | Claiming::GivenUp => Ok(Then::Done),
        }
    }

    /// One try of a file that is ours.
    async fn attempt(
        &self,
        delivery: &Delivery,
        claim: &Claim,
        stop: &CancellationToken,
    ) -> Result<Then> {
        let db = &self.app.db;
        let begun = Instant::now();
        let read = pipeline::read(&*self.app.blobs, &self.sandbox, claim);
        let tried = tokio::select! {
            // Dropped, the reading kills its child.
            () = workers::given_up(stop, self.app.config.agent.drain()) => Ok(Tried::Stopped),
            reading = read => reading.map(Tried::Read),
        };
        match tried {
            Ok(Tried::Read(reading)) => {
                self.figures.count(Some(&reading), begun.elapsed());
                if !processing::finish(db, claim, &reading).await? {
                    tracing::info!(file = %claim.file, "the file was deleted or taken over");
                }
                Ok(Then::Done)
            }
            Ok(Tried::Stopped) => Ok(match processing::hand_over(db, claim).await? {
                true => Then::Later(Duration::ZERO),
                false => Then::Done,
            }),
            Err(error) => {
                self.figures.count(None, begun.elapsed());
                tracing::warn!(file = %claim.file, error = %error.chain(), "a file was not read");
                self.put_back(delivery, claim, &error).await
            }
        }
    }

    /// After a fault of ours. A storage that is away says nothing of the file: such a try does
    /// not count, and the waits between them grow with the message's deliveries.
    async fn put_back(&self, delivery: &Delivery, claim: &Claim, error: &Error) -> Result<Then> {
        let db = &self.app.db;
        if error.retryable() && delivery.attempts < LAST_DELIVERY {
            return Ok(match processing::hand_over(db, claim).await? {
                true => Then::Later(backoff(delivery.attempts)),
                false => Then::Done,
            });
        }
        let most = match error.retryable() {
            true => claim.attempts,
            false => self.app.config.ingest.max_attempts,
        };
        Ok(match processing::put_back(db, claim, most).await? {
            true => Then::Later(backoff(claim.attempts)),
            false => Then::Done,
        })
    }

    /// Removes bytes that a committed transaction gave up, and those that may come in their
    /// place until `until`, when the message comes again.
    async fn delete(&self, delivery: &Delivery, key: &str, until: Option<Timestamp>) -> Then {
        let own = key.starts_with(&format!("{}/", delivery.org));
        let Some(key) = BlobKey::parse(key).ok().filter(|_| own) else {
            tracing::error!(job = %delivery.id, key, "foreign key in a message; put aside");
            return Then::Aside;
        };
        if let Err(error) = self.app.blobs.delete(&key).await {
            tracing::warn!(%key, error = %error.chain(), "bytes were not removed yet");
            return Then::again(delivery);
        }
        let left = until.and_then(|until| (until - self.app.db.now()).to_std().ok());
        match left.filter(|left| !left.is_zero()) {
            Some(left) => Then::Later(left),
            None => Then::Done,
        }
    }

    fn busy(&self) -> Vec<FileId> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.iter().copied().collect()
    }
}

fn tell_swept(removed: Result<usize>) {
    match removed {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "unfinished uploads removed"),
        Err(error) => {
            tracing::warn!(error = %error.chain(), "unfinished uploads were not looked for");
        }
    }
}

/// The wait after the `attempts`th try.
fn backoff(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    BACKOFF
        .saturating_mul(2_u32.saturating_pow(doublings.min(16)))
        .min(MAX_BACKOFF)
}

/// A file that this process is at, until dropped.
struct Busy<'a> {
    all: &'a Mutex<HashSet<FileId>>,
    file: FileId,
}

impl<'a> Busy<'a> {
    /// `None` when the process is at it already.
    fn begin(all: &'a Mutex<HashSet<FileId>>, file: FileId) -> Option<Self> {
        let mut set = all.lock().unwrap_or_else(PoisonError::into_inner);
        // Not `then_some`: made in vain, a guard would be dropped here, under the lock that its
        // drop waits for.
        set.insert(file).then(|| Busy { all, file })
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut set = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        set.remove(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_bound() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 9, i32::MAX]
            .map(|attempts| backoff(attempts).as_secs())
            .to_vec();
        assert_eq!(seconds, [5, 5, 10, 20, 600, 600]);
    }

    #[test]
    fn a_file_is_begun_once_however_often_its_message_comes() {
        let (all, file) = (Mutex::default(), FileId::from_uuid(uuid::Uuid::nil()));
        // In another thread: what waits for itself should fail and not hang.
        let (told, hear) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let first = Busy::begin(&all, file).unwrap();
            assert!(Busy::begin(&all, file).is_none());
            assert!(
                Busy::begin(&all, file).is_none(),
                "the second try ended nothing"
            );
            drop(first);
            told.send(Busy::begin(&all, file).is_some())
        });
        assert_eq!(hear.recv_timeout(Duration::from_secs(10)), Ok(true));
    }
}
