//! Counting by all processes together, in one script.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use deadpool_redis::redis::Script;

use super::{Limiter, LocalLimiter, Quota, Verdict, gcra};
use crate::{kernel::Clock, platform::redis::Redis};

static GCRA: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));

/// Counts in Redis, and here alone while that does not answer.
#[derive(Debug)]
pub struct RedisLimiter {
    redis: Redis,
    alone: LocalLimiter,
    /// Whether the last one was counted here alone.
    is_alone: AtomicBool,
}

impl RedisLimiter {
    /// Counts through `redis`.
    pub fn new(redis: Redis, clock: Arc<dyn Clock>) -> Self {
        RedisLimiter {
            redis,
            alone: LocalLimiter::new(clock),
            is_alone: AtomicBool::new(false),
        }
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, key: &str, quota: Quota) -> Verdict {
        let (interval, window) = gcra::microseconds(quota);
        let mut call = GCRA.key(self.redis.name(format_args!("limit:{key}")));
        call.arg(interval).arg(window);
        let counted = self.redis.script::<(u64, u64)>(&call).await;
        // Said when it changes, not for each request.
        let was_alone = self.is_alone.swap(counted.is_err(), Ordering::Relaxed);
        match counted {
            Ok((ahead, wait)) => {
                if was_alone {
                    tracing::info!("limits are counted by all processes together again");
                }
                gcra::verdict(quota, ahead, wait)
            }
            Err(error) => {
                if !was_alone {
                    tracing::warn!(error = %error.chain(), "limits are counted by this process alone");
                }
                self.alone.take_now(key, quota)
            }
        }
    }
}
