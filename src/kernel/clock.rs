//! Time and new ids, passed in so that tests can hold both still.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use uuid::Uuid;

/// A moment in UTC. The program's own moments carry whole milliseconds, which is
/// what the wire shows, so a moment is equal to itself after a round trip through
/// the database (microseconds) and JSON.
pub type Timestamp = DateTime<Utc>;

/// Where the program learns what time it is.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment, in whole milliseconds.
    fn now(&self) -> Timestamp;
}

/// Where the program gets new identifiers.
pub trait Ids: Send + Sync + std::fmt::Debug {
    /// A new UUIDv7.
    fn uuid(&self) -> Uuid;
}

/// The machine's own clock and random ids.
#[derive(Debug, Default, Clone, Copy)]
pub struct System;

impl Clock for System {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        whole_millis(Utc::now())
    }
}

impl Ids for System {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that makes ids"
    )]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

fn whole_millis(at: Timestamp) -> Timestamp {
    at.with_nanosecond(at.nanosecond() / 1_000_000 * 1_000_000)
        .unwrap_or(at)
}

/// A clock and id source for tests: time stands until it is moved, and ids count
/// up from a seed, so that whole answers can be compared with literals.
#[derive(Debug)]
pub struct Manual {
    millis: AtomicI64,
    seed: u16,
    count: AtomicU64,
}

impl Manual {
    /// Starts at `at`; `seed` tells the ids of several sources apart.
    pub fn new(at: Timestamp, seed: u16) -> Self {
        Manual {
            millis: AtomicI64::new(at.timestamp_millis()),
            seed,
            count: AtomicU64::new(0),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: TimeDelta) {
        self.millis
            .fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        let millis = self.millis.load(Ordering::SeqCst);
        DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl Ids for Manual {
    fn uuid(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        let mut random = [0u8; 10];
        random[..2].copy_from_slice(&self.seed.to_be_bytes());
        random[2..].copy_from_slice(&count.to_be_bytes());
        let millis = self.millis.load(Ordering::SeqCst).max(0).unsigned_abs();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
