//! `[agent]`: the limits of an execution and the leases of workers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::kernel::field::Fields;

/// Executions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// Executions at a time, per process.
    pub concurrency: usize,
    /// Model calls of one execution at most.
    pub max_iterations: u32,
    /// Tokens of one execution at most, in and out.
    pub max_tokens: u64,
    /// Seconds of one execution at most.
    pub max_seconds: u64,
    /// A worker unheard of for so long has lost its leases.
    pub lease_seconds: u32,
    /// How often a worker says that it lives.
    pub heartbeat_seconds: u32,
    /// How often somebody looks for work whose wake-up was lost.
    pub sweep_seconds: u32,
    /// How long what a worker has begun may still take after SIGTERM, in seconds.
    pub drain_seconds: u32,
    /// Where ECS is told to spare a worker's task while it works; empty: nowhere.
    pub protection_url: String,
    /// How long a person has to answer what a run asks; 0 for ever.
    pub request_days: u32,
    /// Days for which the payloads of ended executions' entries are kept; 0 is for ever.
    pub keep_payloads_days: u32,
}

impl AgentConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        fields.check(
            self.concurrency > 0,
            "agent.concurrency",
            "must not be zero",
        );
        fields.check(
            self.max_iterations > 0,
            "agent.max_iterations",
            "must not be zero",
        );
        fields.check(
            self.heartbeat_seconds > 0 && self.lease_seconds >= 3 * self.heartbeat_seconds,
            "agent.lease_seconds",
            "must be at least three heartbeats, so that one lost heartbeat costs no lease",
        );
        fields.check(
            self.drain_seconds <= 25,
            "agent.drain_seconds",
            "must be at most 25: what still runs is handed over then, within half a minute in all",
        );
        let is_address = |address: &str| {
            url::Url::parse(address).is_ok_and(|url| ["http", "https"].contains(&url.scheme()))
        };
        fields.check(
            self.protection_url.is_empty() || is_address(&self.protection_url),
            "agent.protection_url",
            "must be an address that begins with http:// or https://",
        );
        // A century; more is no date any more, and means for ever.
        fields.check(
            self.keep_payloads_days <= 36_500,
            "agent.keep_payloads_days",
            "must be at most 36500; 0 is for ever",
        );
        fields.check(
            self.sweep_seconds > 0,
            "agent.sweep_seconds",
            "must not be zero",
        );
    }

    /// When a request that is made `now` can't be answered any more.
    pub fn request_ends(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self.request_days > 0).then(|| now + TimeDelta::days(i64::from(self.request_days)))
    }

    /// The life of a lease since its worker's last heartbeat.
    pub fn lease(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.lease_seconds))
    }

    /// How long the payloads of ended executions are kept; `None` is for ever.
    pub fn keep_payloads(&self) -> Option<TimeDelta> {
        (self.keep_payloads_days > 0).then(|| TimeDelta::days(i64::from(self.keep_payloads_days)))
    }

    /// The time between heartbeats.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(u64::from(self.heartbeat_seconds))
    }

    /// How long what was begun may still take after SIGTERM.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(u64::from(self.drain_seconds))
    }

    /// The time between sweeps.
    pub fn sweep(&self) -> Duration {
        Duration::from_secs(u64::from(self.sweep_seconds))
    }
}
