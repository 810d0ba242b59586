//! What is read when somebody asks: one look at the database, all of its statements in one
//! round trip and bounded in what they count, and one at the queue.
//!
//! A scrape can't hurt: no more than one look at a time and one every few seconds, whoever
//! asks how often; each has a time limit, after which it is given up and its figures are
//! left out, so that nobody takes old ones for new. They are read as the program's own
//! plumbing, which sees that there is work and not what it says.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::sync::Mutex;

use crate::{
    app::App,
    executions,
    kernel::{Code, Error, Result, Scope, Timestamp},
    outbox,
    platform::{
        db::{Db, Tx},
        metrics::{Figures, Metrics},
        queue::{self, Queue},
    },
    search,
};

/// How long what was read counts as new.
const FRESH: TimeDelta = TimeDelta::seconds(5);
/// How long a look may take. Scrapers wait for ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the figures.
pub(super) struct Readings {
    db: Db,
    queue: Arc<dyn Queue>,
    figures: Arc<ReadingFigures>,
    read_at: Mutex<Option<Timestamp>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySource {
    source: &'static str,
}

/// Whether reading went well.
struct ReadingFigures {
    success: Family<BySource, Gauge>,
}

impl Figures for ReadingFigures {
    fn register(registry: &mut Registry) -> Self {
        let success: Family<BySource, Gauge> = Family::default();
        let help = "1: what is read from there for this scrape was read; 0: it is left out";
        registry.register("scrape_success", help, success.clone());
        ReadingFigures { success }
    }
}

impl Readings {
    pub(super) fn of(app: &App) -> Self {
        Readings {
            db: app.db.clone(),
            queue: Arc::clone(&app.queue),
            figures: app.db.metrics().of(),
            read_at: Mutex::default(),
        }
    }

    /// Looks again, unless somebody just did.
    pub(super) async fn refresh(&self) {
        let mut read_at = self.read_at.lock().await;
        let now = self.db.now();
        // A clock that was set back must not stop the looks.
        if read_at.is_some_and(|at| (now - at).abs() < FRESH) {
            return;
        }
        let metrics = self.db.metrics();
        let database = self.db.read(Scope::System, of_database);
        let queue = queue::metrics::read(&*self.queue, metrics);
        tokio::join!(
            self.look("database", database, forget_database),
            self.look("queue", queue, queue::metrics::forget),
        );
        *read_at = Some(now);
    }

    async fn look(
        &self,
        source: &'static str,
        read: impl Future<Output = Result<()>>,
        forget: fn(&Metrics),
    ) {
        let late = |_| Error::new(Code::Timeout, "It took too long.");
        let read = tokio::time::timeout(PATIENCE, read).await;
        let read = read.map_err(late).and_then(|read| read);
        if let Err(error) = &read {
            tracing::warn!(source, error = %error.chain(), "figures were not read");
            forget(self.db.metrics());
        }
        let success = self
            .figures
            .success
            .get_or_create_owned(&BySource { source });
        success.set(i64::from(read.is_ok()));
    }
}

async fn of_database(tx: &Tx) -> Result<()> {
    let (executions, outbox, search) = tokio::join!(
        biased;
        executions::ops::figures::read(tx),
        outbox::metrics::read(tx),
        search::ops::metrics::read(tx),
    );
    executions.and(outbox).and(search)
}

fn forget_database(metrics: &Metrics) {
    executions::ops::figures::forget(metrics);
    outbox::metrics::forget(metrics);
    search::ops::metrics::forget(metrics);
}
