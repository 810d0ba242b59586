//! What the indexer makes, and how far it is behind.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{
    kernel::Result,
    platform::{
        db::Tx,
        metrics::{Figures, MOST_COUNTED, Metrics, SecondsGauge, seconds},
    },
    search::{model::Stage, store::index as store},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStage {
    stage: &'static str,
}

/// The stages by the names that figures have for them.
const STAGES: [(Stage, ByStage); 2] = [
    (Stage::Cut, ByStage { stage: "cut" }),
    (Stage::Embed, ByStage { stage: "embed" }),
];

/// The figures.
struct SearchFigures {
    chunks: Counter,
    vectors: Counter,
    waiting: Family<ByStage, Gauge>,
    oldest: Family<ByStage, SecondsGauge>,
}

impl Figures for SearchFigures {
    fn register(registry: &mut Registry) -> Self {
        let figures = SearchFigures {
            chunks: Counter::default(),
            vectors: Counter::default(),
            waiting: Family::default(),
            oldest: Family::default(),
        };
        registry.register(
            "search_chunks",
            "Chunks that were cut anew",
            figures.chunks.clone(),
        );
        registry.register(
            "search_vectors",
            "Vectors that were made for chunks",
            figures.vectors.clone(),
        );
        registry.register(
            "index_waiting",
            "Nodes and files that wait for the indexer, of the whole installation: take the max",
            figures.waiting.clone(),
        );
        registry.register(
            "index_oldest_age_seconds",
            "Age of the oldest change that waits for the indexer, of the whole installation: take the max",
            figures.oldest.clone(),
        );
        figures
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Counts chunks once `tx` has committed them.
pub(super) fn cut(tx: &mut Tx, chunks: usize) {
    let figures = tx.metrics().of::<SearchFigures>();
    tx.count_after_commit(move || {
        figures.chunks.inc_by(wide(chunks));
    });
}

/// Counts vectors once `tx` has committed them.
pub(super) fn embedded(tx: &mut Tx, vectors: usize) {
    let figures = tx.metrics().of::<SearchFigures>();
    tx.count_after_commit(move || {
        figures.vectors.inc_by(wide(vectors));
    });
}

/// Looks at what waits and puts it among the figures.
pub async fn read(tx: &Tx) -> Result<()> {
    let waiting = store::waiting(tx, MOST_COUNTED).await?;
    let figures = tx.metrics().of::<SearchFigures>();
    for (stage, labels) in STAGES {
        let found = waiting.iter().find(|waiting| waiting.stage() == stage);
        let count = found.map_or(0, |found| found.count);
        let age = found.map_or(0.0, |found| seconds(tx.now() - found.oldest));
        figures.waiting.get_or_create(&labels).set(count);
        figures.oldest.get_or_create(&labels).set(age);
    }
    Ok(())
}

/// Takes back what was read: it is not known any more.
pub fn forget(metrics: &Metrics) {
    let figures = metrics.of::<SearchFigures>();
    figures.waiting.clear();
    figures.oldest.clear();
}
