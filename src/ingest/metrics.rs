//! How reading files goes: what came of it, and how long it took.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use serde_json::Value;

use super::extract::{FailureClass, Format};
use crate::{files::model::Reading, kernel::text::TextEnum, platform::metrics::Figures};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    format: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFormat {
    format: &'static str,
}

const FAULT: Verdict = Verdict {
    format: "unknown",
    outcome: "fault",
};

/// What a file's metadata say of how it was read. They are written down for people, so what
/// is no word of ours is none here either.
fn verdict(reading: &Reading) -> Verdict {
    const BESIDE_CLASSES: [&str; 3] = ["complete", "missing", "altered"];
    let (Reading::Text { metadata, .. } | Reading::Failure { metadata, .. }) = reading;
    let word = |key| {
        metadata
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let outcome = word("outcome");
    let class = FailureClass::parse(outcome).map(TextEnum::as_str);
    let beside = || BESIDE_CLASSES.into_iter().find(|word| *word == outcome);
    Verdict {
        format: Format::parse(word("format")).map_or("unknown", TextEnum::as_str),
        outcome: class.or_else(beside).unwrap_or("other"),
    }
}

/// The figures.
#[derive(Debug)]
pub(super) struct ReadingFigures {
    read: Family<Verdict, Counter>,
    durations: Family<ByFormat, Histogram, fn() -> Histogram>,
}

impl Figures for ReadingFigures {
    fn register(registry: &mut Registry) -> Self {
        let figures = ReadingFigures {
            read: Family::default(),
            // From a hundredth of a second to ten minutes.
            durations: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.01, 3.0, 11))
            }),
        };
        registry.register(
            "files_read",
            "Tries to read a file, by its format and what came of them; `fault`: ours, to be tried again",
            figures.read.clone(),
        );
        registry.register(
            "file_read_duration_seconds",
            "Time that reading a file took, from the storage to its text",
            figures.durations.clone(),
        );
        figures
    }
}

impl ReadingFigures {
    /// Counts a try that took so long; after a fault of ours there is no reading.
    pub(super) fn count(&self, reading: Option<&Reading>, took: Duration) {
        let verdict = reading.map_or(FAULT, verdict);
        let format = verdict.format;
        self.read.get_or_create(&verdict).inc();
        self.durations
            .get_or_create(&ByFormat { format })
            .observe(took.as_secs_f64());
    }
}
