//! The hash chain: each entry's hash covers the entry and the hash before it.
//!
//! The hash is SHA-256 over the canonical JSON ([`canonical`]) of one object with the
//! fields of [`digest`]. Anyone with the trace can compute it again; changing,
//! dropping or reordering an entry breaks every hash after it.
//!
//! Of the payload it covers the hash ([`data_hash`]), so that a payload can be removed
//! later and the chain still be checked: `model::payload::removed` is what stays in its place. Entries
//! from before have no `dataHash`, and their hash covers the payload itself.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::model::{TraceEvent, Verification};
use crate::kernel::canonical;

/// The hash of a payload, which its entry carries.
pub fn data_hash(data: &Value) -> String {
    canonical::sha256(canonical::text(data).as_bytes())
}

/// Whether a part of the payload of `event` is kept elsewhere. Such a payload can't be checked
/// by itself; the chain covers its hash all the same.
pub fn is_apart(event: &TraceEvent) -> bool {
    event.payload_refs.is_some() && event.data_hash.is_some()
}

/// The hash that `event` should have after `prev`.
pub fn digest(event: &TraceEvent, prev: &str) -> String {
    let mut content = json!({
        "executionId": event.execution_id,
        "sequenceNumber": event.sequence_number,
        "eventType": event.event_type,
        "timestamp": event.timestamp.to_rfc3339_opts(SecondsFormat::Millis, true),
        "durationMs": event.duration_ms,
        "model": event.model,
        "tokensIn": event.tokens_in,
        "tokensOut": event.tokens_out,
        "costMicros": event.cost_micros,
        "prevHash": prev,
    });
    if let Some(fields) = content.as_object_mut() {
        let (name, payload) = match &event.data_hash {
            Some(hash) => ("dataHash", json!(hash)),
            None => ("eventData", event.event_data.clone()),
        };
        fields.insert(name.to_owned(), payload);
    }
    canonical::sha256(canonical::text(&content).as_bytes())
}

/// Whether the payload of `event` is the one that its hash was made of, or removed. One of
/// which a part is kept elsewhere has to be made whole first.
pub fn payload_is_right(event: &TraceEvent) -> bool {
    match &event.data_hash {
        Some(hash) => event.is_removed() || *hash == data_hash(&event.event_data),
        None => true,
    }
}

/// A check of a chain, entry by entry, so that a long journal need not fit in memory.
#[derive(Debug, Default)]
pub struct Check {
    events: i64,
    head: String,
    broken_at: Option<i64>,
    payloads_removed: i64,
    payloads_apart: i64,
}

impl Check {
    /// Takes the next entry.
    pub fn next(&mut self, event: &TraceEvent) {
        let expected = self.events + 1;
        let right = event.sequence_number == expected
            && event.prev_hash == self.head
            && event.hash == digest(event, &self.head)
            && (is_apart(event) || payload_is_right(event));
        if !right && self.broken_at.is_none() {
            self.broken_at = Some(expected);
        }
        self.payloads_removed += i64::from(event.is_removed());
        self.payloads_apart += i64::from(is_apart(event));
        self.events = expected;
        self.head.clone_from(&event.hash);
    }

    /// How many entries it took.
    pub fn count(&self) -> i64 {
        self.events
    }

    /// Whether one of them was wrong.
    pub fn is_broken(&self) -> bool {
        self.broken_at.is_some()
    }

    /// The result, given what the execution's row says of the journal's end: entries
    /// cut off at the end leave a chain that is right in itself.
    pub fn finish(mut self, last_sequence: i64, head_hash: &str) -> Verification {
        let complete = self.events == last_sequence && self.head == head_hash;
        if !complete && self.broken_at.is_none() {
            self.broken_at = Some(self.events + 1);
        }
        Verification {
            valid: self.broken_at.is_none(),
            events: self.events,
            head_hash: self.head,
            broken_at: self.broken_at,
            payloads_removed: self.payloads_removed,
            payloads_apart: self.payloads_apart,
            forked_from: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        executions::model::{TraceKind, payload::removed},
        kernel::{ExecutionId, TraceEventId},
    };
    use chrono::DateTime;
    use uuid::Uuid;

    fn chain(count: i64) -> Vec<TraceEvent> {
        let mut prev = String::new();
        (1..=count)
            .map(|sequence_number| {
                let mut event = TraceEvent {
                    id: TraceEventId::from_uuid(Uuid::from_u128(1)),
                    execution_id: ExecutionId::from_uuid(Uuid::from_u128(2)),
                    sequence_number,
                    event_type: TraceKind::Decision,
                    event_data: json!({ "n": sequence_number }),
                    payload_refs: None,
                    data_hash: Some(data_hash(&json!({ "n": sequence_number }))),
                    timestamp: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
                    duration_ms: None,
                    model: None,
                    tokens_in: None,
                    tokens_out: None,
                    cost_micros: None,
                    hash: String::new(),
                    prev_hash: prev.clone(),
                };
                event.hash = digest(&event, &prev);
                prev.clone_from(&event.hash);
                event
            })
            .collect()
    }

    fn check(events: &[TraceEvent], last: i64, head: &str) -> Verification {
        let mut check = Check::default();
        events.iter().for_each(|event| check.next(event));
        check.finish(last, head)
    }

    #[test]
    fn an_untouched_chain_is_valid() {
        let events = chain(3);
        assert!(check(&events, 3, &events[2].hash).valid);
        assert!(check(&[], 0, "").valid);
    }

    #[test]
    fn a_removed_payload_is_counted_and_leaves_the_chain_valid() {
        let mut events = chain(3);
        let hash = events[1].data_hash.clone().unwrap();
        events[1].event_data = removed(&hash);
        let found = check(&events, 3, &events[2].hash);
        assert_eq!((found.valid, found.payloads_removed), (true, 1));
        // What claims to be removed under another hash is a changed payload.
        events[1].event_data = removed(&"0".repeat(64));
        let found = check(&events, 3, &events[2].hash);
        assert_eq!((found.broken_at, found.payloads_removed), (Some(2), 0));
    }

    #[test]
    fn entries_from_before_payloads_had_a_hash_are_still_checked() {
        let mut events = chain(2);
        let mut prev = String::new();
        for event in &mut events {
            event.data_hash = None;
            event.prev_hash.clone_from(&prev);
            event.hash = digest(event, &prev);
            prev.clone_from(&event.hash);
        }
        assert!(check(&events, 2, &prev).valid);
        events[0].event_data = json!({});
        assert_eq!(check(&events, 2, &prev).broken_at, Some(1));
    }

    #[test]
    fn a_change_a_gap_and_a_cut_are_found() {
        let events = chain(3);
        let head = events[2].hash.clone();
        let mut changed = events.clone();
        changed[1].event_data = json!({ "n": 20 });
        assert_eq!(check(&changed, 3, &head).broken_at, Some(2));
        let gap = [events[0].clone(), events[2].clone()];
        assert_eq!(check(&gap, 3, &head).broken_at, Some(2));
        assert_eq!(check(&events[..2], 3, &head).broken_at, Some(3));
    }
}
