//! What executions do, counted as their entries commit: whoever wrote them, worker or person,
//! is the process that counts them. How many have not ended is read from the database.
//!
//! Models are no label: organizations name their own. `GET /orgs/{id}/usage` tells by model.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use super::{
    model::{Status, TraceEvent, TraceKind},
    store,
};
use crate::{
    kernel::{Result, text::TextEnum},
    platform::{
        db::Tx,
        metrics::{Figures, MOST_COUNTED, Metrics},
    },
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStatus {
    status: &'static str,
}

impl ByStatus {
    fn of(status: Status) -> Self {
        let status = status.as_str();
        ByStatus { status }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByType {
    r#type: &'static str,
}

impl ByType {
    fn of(kind: TraceKind) -> Self {
        let r#type = kind.as_str();
        ByType { r#type }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByDirection {
    direction: &'static str,
}

const INPUT: ByDirection = ByDirection { direction: "input" };
const OUTPUT: ByDirection = ByDirection {
    direction: "output",
};

/// The figures.
struct ExecutionFigures {
    created: Counter,
    ended: Family<ByStatus, Counter>,
    steps: Family<ByType, Counter>,
    calls: Histogram,
    unpriced: Counter,
    tokens: Family<ByDirection, Counter>,
    cost: Counter<f64, AtomicU64>,
    unfinished: Family<ByStatus, Gauge>,
}

impl ExecutionFigures {
    fn new() -> Self {
        let figures = ExecutionFigures {
            created: Counter::default(),
            ended: Family::default(),
            steps: Family::default(),
            // From a tenth of a second to seven minutes.
            calls: Histogram::new(exponential_buckets(0.1, 2.0, 13)),
            unpriced: Counter::default(),
            tokens: Family::default(),
            cost: Counter::default(),
            unfinished: Family::default(),
        };
        // So that the first of each is a step from 0, which a rate sees.
        for status in Status::ALL.iter().filter(|status| status.is_terminal()) {
            figures.ended.get_or_create_owned(&ByStatus::of(*status));
        }
        for kind in TraceKind::ALL {
            figures.steps.get_or_create_owned(&ByType::of(*kind));
        }
        for direction in [INPUT, OUTPUT] {
            figures.tokens.get_or_create_owned(&direction);
        }
        figures
    }

    fn count(&self, entry: &Counted) {
        self.steps.get_or_create(&ByType::of(entry.kind)).inc();
        let Some(call) = &entry.call else { return };
        self.calls.observe(call.seconds);
        self.tokens.get_or_create(&INPUT).inc_by(call.tokens_in);
        self.tokens.get_or_create(&OUTPUT).inc_by(call.tokens_out);
        if let Some(cost) = call.cost_usd {
            self.cost.inc_by(cost);
        } else {
            self.unpriced.inc();
        }
    }
}

impl Figures for ExecutionFigures {
    fn register(registry: &mut Registry) -> Self {
        let figures = ExecutionFigures::new();
        registry.register(
            "executions_created",
            "Executions that were made, by people and by other executions",
            figures.created.clone(),
        );
        registry.register(
            "executions_ended",
            "Executions that ended, by how",
            figures.ended.clone(),
        );
        registry.register(
            "execution_steps",
            "Entries of journals, by their type",
            figures.steps.clone(),
        );
        registry.register(
            "llm_call_duration_seconds",
            "Time of calls of models that were answered",
            figures.calls.clone(),
        );
        registry.register(
            "llm_calls_unpriced",
            "Answered calls of models whose price is not known, which are in no sum of costs",
            figures.unpriced.clone(),
        );
        registry.register(
            "llm_tokens",
            "Tokens that models were given (input) and gave (output)",
            figures.tokens.clone(),
        );
        registry.register(
            "llm_cost_usd",
            "What models cost, in US dollars",
            figures.cost.clone(),
        );
        registry.register(
            "executions",
            "Executions that have not ended, of the whole installation: take the max over instances",
            figures.unfinished.clone(),
        );
        figures
    }
}

/// What is counted of an entry.
struct Counted {
    kind: TraceKind,
    call: Option<Call>,
}

/// What is counted of a call of a model.
struct Call {
    seconds: f64,
    tokens_in: u64,
    tokens_out: u64,
    cost_usd: Option<f64>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times and costs of a call are far below 2^52 of their units"
)]
fn counted(entry: &TraceEvent) -> Counted {
    let is_call = entry.event_type == TraceKind::LlmCall;
    let whole = |count: Option<i64>| u64::try_from(count.unwrap_or(0)).unwrap_or(0);
    Counted {
        kind: entry.event_type,
        call: is_call.then(|| Call {
            seconds: whole(entry.duration_ms) as f64 / 1e3,
            tokens_in: whole(entry.tokens_in),
            tokens_out: whole(entry.tokens_out),
            cost_usd: entry.cost_micros.map(|cost| whole(Some(cost)) as f64 / 1e6),
        }),
    }
}

/// Counts an execution once `tx` has committed it.
pub(super) fn created(tx: &mut Tx) {
    let figures = tx.metrics().of::<ExecutionFigures>();
    tx.count_after_commit(move || {
        figures.created.inc();
    });
}

/// Counts entries once `tx` has committed them, and an end that they bring about.
pub(super) fn written(tx: &mut Tx, entries: &[TraceEvent], end: Option<Status>) {
    let figures = tx.metrics().of::<ExecutionFigures>();
    let counted: Vec<Counted> = entries.iter().map(counted).collect();
    tx.count_after_commit(move || {
        counted.iter().for_each(|entry| figures.count(entry));
        if let Some(end) = end {
            figures.ended.get_or_create(&ByStatus::of(end)).inc();
        }
    });
}

/// Counts executions that have not ended and puts them among the figures.
pub async fn read(tx: &Tx) -> Result<()> {
    let found = store::metrics::unfinished(tx, MOST_COUNTED).await?;
    let figures = tx.metrics().of::<ExecutionFigures>();
    for status in Status::ALL.iter().filter(|status| !status.is_terminal()) {
        let count = found.iter().find(|(of, _)| of == status);
        let count = count.map_or(0, |(_, count)| *count);
        let gauge = figures.unfinished.get_or_create(&ByStatus::of(*status));
        gauge.set(count);
    }
    Ok(())
}

/// Takes back what was read: it is not known any more.
pub fn forget(metrics: &Metrics) {
    metrics.of::<ExecutionFigures>().unfinished.clear();
}
