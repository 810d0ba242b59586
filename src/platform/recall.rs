//! How well approximate answers do: of a small share of questions the exact answer is asked
//! for as well, and how much of it the approximate one had is counted.
//!
//! The counts are this process's own, and among its metrics. It knows nothing of what was
//! asked.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use prometheus_client::{metrics::histogram::Histogram, registry::Registry};

use super::metrics::{Figures, Metrics};

/// What was counted since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecallTotals {
    /// Questions that were compared.
    pub questions: u64,
    /// Entries of their exact answers.
    pub expected: u64,
    /// Of these, those that the approximate answers had.
    pub found: u64,
}

/// Chooses the questions and counts.
#[derive(Debug)]
pub struct Recall {
    every: u64,
    asked: AtomicU64,
    busy: AtomicBool,
    questions: AtomicU64,
    expected: AtomicU64,
    found: AtomicU64,
    figures: Arc<RecallFigures>,
}

/// What is told of the comparisons.
#[derive(Debug)]
struct RecallFigures {
    shares: Histogram,
}

impl Figures for RecallFigures {
    fn register(registry: &mut Registry) -> Self {
        // Answers have ten entries as a rule.
        let shares = Histogram::new([0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
        let help = "Of sampled questions, how much of the exact answer an index over vectors had";
        registry.register("search_recall_ratio", help, shares.clone());
        RecallFigures { shares }
    }
}

impl Recall {
    /// Compares one in `every` questions; none when that is 0.
    pub fn new(every: u64, metrics: &Metrics) -> Self {
        Recall {
            figures: metrics.of(),
            every,
            asked: AtomicU64::new(0),
            busy: AtomicBool::new(false),
            questions: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            found: AtomicU64::new(0),
        }
    }

    /// Counts a question that was answered approximately, and says whether it is to be
    /// compared. One at a time is: exact answers are dear, which is why they are not given.
    pub fn choose(self: &Arc<Self>) -> Option<Comparison> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        if self.every == 0 || !number.is_multiple_of(self.every) {
            return None;
        }
        let was_busy = self.busy.swap(true, Ordering::AcqRel);
        (!was_busy).then(|| Comparison(Arc::clone(self)))
    }

    /// What was counted so far.
    pub fn totals(&self) -> RecallTotals {
        RecallTotals {
            questions: self.questions.load(Ordering::Relaxed),
            expected: self.expected.load(Ordering::Relaxed),
            found: self.found.load(Ordering::Relaxed),
        }
    }
}

/// The comparison of one question; no other begins while it lives.
#[derive(Debug)]
pub struct Comparison(Arc<Recall>);

impl Comparison {
    /// Counts an exact answer of `expected` entries, of which the approximate one had `found`.
    #[expect(clippy::cast_precision_loss, reason = "entries of an answer are few")]
    pub fn count(&self, found: usize, expected: usize) {
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.0.questions.fetch_add(1, Ordering::Relaxed);
        self.0.expected.fetch_add(wide(expected), Ordering::Relaxed);
        self.0.found.fetch_add(wide(found), Ordering::Relaxed);
        let share = found as f64 / expected as f64;
        self.0.figures.shares.observe(share);
    }
}

impl Drop for Comparison {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_so_many_is_compared_and_no_two_at_once() {
        let metrics = Metrics::default();
        let recall = Arc::new(Recall::new(3, &metrics));
        let first = recall.choose();
        assert!(first.is_some());
        let during: Vec<_> = (0..5).filter_map(|_| recall.choose()).collect();
        assert!(during.is_empty());
        first.unwrap().count(9, 10);
        let next: Vec<_> = (0..3).filter_map(|_| recall.choose()).collect();
        assert_eq!(next.len(), 1);
        next[0].count(10, 10);
        let totals = recall.totals();
        assert_eq!(
            (totals.questions, totals.found, totals.expected),
            (2, 19, 20)
        );
        let text = metrics.text().unwrap();
        assert!(text.contains("glassbox_search_recall_ratio_sum 1.9\n"));
        assert!(text.contains("glassbox_search_recall_ratio_bucket{le=\"0.9\"} 1\n"));
    }

    #[test]
    fn none_is_compared_when_none_is_asked_for() {
        let recall = Arc::new(Recall::new(0, &Metrics::default()));
        assert!((0..10).all(|_| recall.choose().is_none()));
    }
}
