//! How often somebody may do something, counted by this process or by all together.
//!
//! The algorithm is the generic cell rate algorithm ([`gcra`]): one number a key, no
//! window at whose edge twice the limit passes at once. [`LocalLimiter`] keeps the
//! numbers here, [`RedisLimiter`] in Redis, by the same arithmetic.
//!
//! Limits protect the service; they are not the service. A limiter therefore always
//! answers: what can't be counted together is counted here alone.

mod gcra;
mod local;
mod redis;

use std::time::Duration;

use async_trait::async_trait;

pub use self::{local::LocalLimiter, redis::RedisLimiter};

/// So much in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many; at least one.
    pub limit: u32,
    /// In how long. After a quiet time of this length all of it may be used at once.
    pub window: Duration,
}

impl Quota {
    /// So many a minute.
    pub const fn per_minute(limit: u32) -> Self {
        Quota {
            limit,
            window: Duration::from_secs(60),
        }
    }
}

/// What a limiter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The limit that was asked about.
    pub limit: u32,
    /// How many more would be let through at this moment.
    pub remaining: u32,
    /// When all of the limit is there again.
    pub reset: Duration,
    /// When to come back; only if this one is refused. A refusal costs nothing.
    pub retry_after: Option<Duration>,
}

/// The port.
#[async_trait]
pub trait Limiter: Send + Sync + std::fmt::Debug {
    /// Counts one for `key`, unless that is one too many.
    async fn take(&self, key: &str, quota: Quota) -> Verdict;
}
