//! How much the queues hold, for whoever has the whole installation's figures told.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Depth, Queue};
use crate::{
    kernel::{Result, text::TextEnum},
    platform::metrics::{Figures, Metrics, SecondsGauge, seconds},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Messages {
    queue: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Line {
    queue: &'static str,
}

/// The figures.
struct QueueFigures {
    messages: Family<Messages, Gauge>,
    oldest: Family<Line, SecondsGauge>,
}

impl Figures for QueueFigures {
    fn register(registry: &mut Registry) -> Self {
        let figures = QueueFigures {
            messages: Family::default(),
            oldest: Family::default(),
        };
        registry.register(
            "queue_messages",
            "Wake-ups for workers, of the whole installation: take the max over instances",
            figures.messages.clone(),
        );
        registry.register(
            "queue_oldest_message_age_seconds",
            "Age of the oldest wake-up that waits, of the whole installation: take the max",
            figures.oldest.clone(),
        );
        figures
    }
}

impl QueueFigures {
    fn show(&self, depth: &Depth) {
        let queue = depth.queue.as_str();
        let states = [
            ("waiting", Some(depth.waiting)),
            ("hidden", Some(depth.hidden)),
            ("dead", depth.dead),
        ];
        for (state, count) in states {
            if let Some(count) = count {
                let labels = Messages { queue, state };
                self.messages.get_or_create(&labels).set(count);
            }
        }
        if let Some(age) = depth.oldest {
            self.oldest.get_or_create(&Line { queue }).set(seconds(age));
        }
    }
}

/// Asks `queue` and puts what it says among the figures.
pub async fn read(queue: &dyn Queue, metrics: &Metrics) -> Result<()> {
    let depths = queue.depths().await?;
    let figures = metrics.of::<QueueFigures>();
    depths.iter().for_each(|depth| figures.show(depth));
    Ok(())
}

/// Takes back what was read: it is not known any more.
pub fn forget(metrics: &Metrics) {
    let figures = metrics.of::<QueueFigures>();
    figures.messages.clear();
    figures.oldest.clear();
}
