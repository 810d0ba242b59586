//! `[live]`: those who watch, over sockets and streams.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;

use crate::kernel::field::Fields;

/// Sockets, streams, and what they may miss.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveConfig {
    /// How long what channels said is kept for those who come back, in hours.
    pub keep_hours: u32,
    /// The least time between two tellings while there is always more to tell, in
    /// milliseconds.
    pub pace_milliseconds: u32,
    /// The life of a ticket for a socket, in seconds.
    pub ticket_seconds: u32,
    /// Messages that a client may send in a second, pings of the protocol included.
    pub messages_per_second: u32,
    /// Channels of one socket.
    pub subscriptions: usize,
    /// Sockets and streams of one user on one process.
    pub connections_per_user: usize,
    /// Events that wait for a slow client before it is cut off.
    pub queue: usize,
    /// The longest silence of a client before it is dropped, in seconds.
    pub silence_seconds: u32,
    /// The longest replay, in events; who missed more is told to read anew.
    pub replay: i64,
}

impl LiveConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let mut between = |value: u64, least: u64, most: u64, name: &str| {
            fields.check(
                (least..=most).contains(&value),
                name,
                format!("must be {least} to {most}"),
            );
        };
        let wide = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        between(self.keep_hours.into(), 1, 24 * 30, "live.keep_hours");
        between(
            self.pace_milliseconds.into(),
            0,
            1000,
            "live.pace_milliseconds",
        );
        between(self.ticket_seconds.into(), 5, 3600, "live.ticket_seconds");
        let rate = self.messages_per_second.into();
        between(rate, 1, 10_000, "live.messages_per_second");
        between(wide(self.subscriptions), 1, 10_000, "live.subscriptions");
        let connections = wide(self.connections_per_user);
        between(connections, 1, 100_000, "live.connections_per_user");
        between(wide(self.queue), 16, 65_536, "live.queue");
        between(self.silence_seconds.into(), 2, 3600, "live.silence_seconds");
        let replay = u64::try_from(self.replay).unwrap_or(0);
        between(replay, 1, 1_000_000, "live.replay");
    }

    /// How long what channels said is kept.
    pub fn keep(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.keep_hours))
    }

    /// The least time between two tellings.
    pub fn pace(&self) -> Duration {
        Duration::from_millis(u64::from(self.pace_milliseconds))
    }

    /// The life of a ticket.
    pub fn ticket_life(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.ticket_seconds))
    }

    /// The longest silence of a client.
    pub fn silence(&self) -> Duration {
        Duration::from_secs(u64::from(self.silence_seconds))
    }
}
