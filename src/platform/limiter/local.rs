//! Counting within one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{Limiter, Quota, Verdict, gcra};
use crate::kernel::Clock;

/// Keys before it is first looked whether some can go.
const FEW: usize = 1024;

#[derive(Debug, Default)]
struct Keys {
    tats: HashMap<String, u64>,
    /// How many there may be before those whose time has passed are swept out.
    sweep_at: usize,
}

/// Counts here.
#[derive(Debug)]
pub struct LocalLimiter {
    clock: Arc<dyn Clock>,
    keys: Mutex<Keys>,
}

impl LocalLimiter {
    /// Nobody has done anything yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        LocalLimiter {
            clock,
            keys: Mutex::default(),
        }
    }

    /// As [`Limiter::take`], without waiting.
    pub(super) fn take_now(&self, key: &str, quota: Quota) -> Verdict {
        let now = self.clock.now().timestamp_micros();
        let now = u64::try_from(now).unwrap_or(0);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let tat = keys.tats.get(key).copied();
        let (next, verdict) = gcra::decide(tat, now, quota);
        if let Some(next) = next {
            keys.sweep(now);
            keys.tats.insert(key.to_owned(), next);
        }
        verdict
    }
}

impl Keys {
    /// Forgets those who have all of their quota again. Looked at only when the number
    /// of keys has doubled since the last time, so it costs little for each.
    fn sweep(&mut self, now: u64) {
        if self.tats.len() >= self.sweep_at {
            self.tats.retain(|_, tat| *tat > now);
            self.sweep_at = FEW.max(2 * self.tats.len());
        }
    }
}

#[async_trait]
impl Limiter for LocalLimiter {
    async fn take(&self, key: &str, quota: Quota) -> Verdict {
        self.take_now(key, quota)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::Manual;
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn keys_of_those_who_have_rested_are_forgotten() {
        let clock = Arc::new(Manual::new(DateTime::UNIX_EPOCH, 1));
        let limiter = LocalLimiter::new(clock.clone());
        let quota = Quota::per_minute(1);
        for user in 0..FEW {
            limiter.take_now(&user.to_string(), quota);
        }
        clock.advance(TimeDelta::seconds(60));
        limiter.take_now("one more", quota);
        assert_eq!(limiter.keys.lock().unwrap().tats.len(), 1);
    }
}
