//! `[nodes]`: how long people hold what they work on.

use chrono::TimeDelta;
use serde::Deserialize;

use crate::kernel::field::Fields;

/// The longest lock, in seconds: a day. Longer ones only keep people from their work.
const MAX_LOCK: u32 = 24 * 3600;

/// Nodes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodesConfig {
    /// The life of a lock that nobody renews.
    pub lock_seconds: u32,
}

impl NodesConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        fields.check(
            (1..=MAX_LOCK).contains(&self.lock_seconds),
            "nodes.lock_seconds",
            "must be 1 to 86,400",
        );
    }

    /// The life of a lock that nobody renews.
    pub fn lock_life(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.lock_seconds))
    }
}
