//! How much one client may send: a bucket that fills as time passes, and a limit to how often
//! it may be found empty.

use std::time::{Duration, Instant};

/// Seconds' worth of messages that a quiet client may send at once.
const BURST: f64 = 5.0;
/// Buckets that may be refused in a row before the client counts as hostile.
const PATIENCE: f64 = 5.0;

/// What is to be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is served.
    Served,
    /// It is one too many.
    Refused,
    /// The client does not hear on refusals.
    Hopeless,
}

/// One client's bucket.
#[derive(Debug)]
pub(super) struct Meter {
    rate: f64,
    left: f64,
    refused: f64,
    looked: Instant,
}

impl Meter {
    /// A full one, for `rate` messages a second.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        let rate = f64::from(rate);
        Meter {
            rate,
            left: rate * BURST,
            refused: 0.0,
            looked: now,
        }
    }

    /// Counts one message.
    pub(super) fn count(&mut self, now: Instant) -> Verdict {
        let passed: Duration = now.saturating_duration_since(self.looked);
        self.looked = now;
        let gained = passed.as_secs_f64() * self.rate;
        let full = self.rate * BURST;
        self.left = (self.left + gained).min(full);
        // What was refused is forgotten as slowly as messages are allowed.
        self.refused = (self.refused - gained).max(0.0);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Verdict::Served;
        }
        self.refused += 1.0;
        if self.refused > full * PATIENCE {
            return Verdict::Hopeless;
        }
        Verdict::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_seconds_worth_goes_through_at_once_and_then_as_many_as_time_allows() {
        let start = Instant::now();
        let mut meter = Meter::new(20, start);
        for _ in 0..100 {
            assert_eq!(meter.count(start), Verdict::Served);
        }
        assert_eq!(meter.count(start), Verdict::Refused);
        let later = start + Duration::from_millis(100);
        let served = (0..5).filter(|_| meter.count(later) == Verdict::Served);
        assert_eq!(served.count(), 2);
    }

    #[test]
    fn a_client_that_goes_on_all_the_same_is_hopeless() {
        let start = Instant::now();
        let mut meter = Meter::new(20, start);
        let hopeless = (0..10_000).position(|_| meter.count(start) == Verdict::Hopeless);
        assert_eq!(hopeless, Some(600));
    }
}
