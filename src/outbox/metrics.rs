//! How far the relay is behind, and how much it has passed on.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::store;
use crate::{
    kernel::Result,
    platform::{
        db::Tx,
        metrics::{Figures, MOST_COUNTED, Metrics, SecondsGauge, seconds},
    },
};

/// What rows of the outbox are.
const TOPICS: [&str; 2] = ["event", "job"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByTopic {
    topic: &'static str,
}

/// The figures.
pub(super) struct OutboxFigures {
    relayed: Family<ByTopic, Counter>,
    waiting: Family<ByTopic, Gauge>,
    oldest: Family<ByTopic, SecondsGauge>,
}

impl Figures for OutboxFigures {
    fn register(registry: &mut Registry) -> Self {
        let figures = OutboxFigures {
            relayed: Family::default(),
            waiting: Family::default(),
            oldest: Family::default(),
        };
        for topic in TOPICS {
            figures.relayed.get_or_create_owned(&ByTopic { topic });
        }
        registry.register(
            "outbox_relayed",
            "Rows of the outbox that this process passed on",
            figures.relayed.clone(),
        );
        registry.register(
            "outbox_waiting",
            "Rows of the outbox that wait for the relay, of the whole installation: take the max",
            figures.waiting.clone(),
        );
        registry.register(
            "outbox_oldest_age_seconds",
            "Age of the oldest row that waits for the relay, of the whole installation: take the max",
            figures.oldest.clone(),
        );
        figures
    }
}

impl OutboxFigures {
    /// Counts rows that were passed on.
    pub(super) fn relayed(&self, events: usize, jobs: usize) {
        for (topic, count) in [("event", events), ("job", jobs)] {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.relayed.get_or_create(&ByTopic { topic }).inc_by(count);
        }
    }
}

/// Looks at what waits and puts it among the figures.
pub async fn read(tx: &Tx) -> Result<()> {
    let waiting = store::waiting(tx, MOST_COUNTED).await?;
    let figures = tx.metrics().of::<OutboxFigures>();
    for topic in TOPICS {
        let found = waiting.iter().find(|waiting| waiting.topic == topic);
        let count = found.map_or(0, |found| found.count);
        let age = found.map_or(0.0, |found| seconds(tx.now() - found.oldest));
        figures.waiting.get_or_create(&ByTopic { topic }).set(count);
        figures.oldest.get_or_create(&ByTopic { topic }).set(age);
    }
    Ok(())
}

/// Takes back what was read: it is not known any more.
pub fn forget(metrics: &Metrics) {
    let figures = metrics.of::<OutboxFigures>();
    figures.waiting.clear();
    figures.oldest.clear();
}
