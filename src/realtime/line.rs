//! One channel's way into one socket's [`Outlet`].
//!
//! While a subscription is answered and what was missed is replayed, what happens is held
//! back; then it goes straight into the outlet. So answer, replay and news keep their order
//! though different tasks write them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::json;

use super::{
    feed::Delivery,
    outlet::{self, Opcode, Outlet},
    protocol,
};
use crate::kernel::event::Channel;

/// A channel's way to one client.
#[derive(Debug)]
pub(super) struct Line {
    outlet: Arc<Outlet>,
    gate: Mutex<Gate>,
}

#[derive(Debug)]
enum Gate {
    /// What happened meanwhile waits here.
    Held(Vec<Delivery>),
    /// Open after this number.
    Open(i64),
    /// The client does not listen any more.
    Shut(i64),
}

impl Line {
    /// One that holds everything back.
    pub(super) fn held(outlet: Arc<Outlet>) -> Arc<Self> {
        let gate = Mutex::new(Gate::Held(Vec::new()));
        Arc::new(Line { outlet, gate })
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is whole.
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what happened, in order.
    pub(super) fn hear(&self, deliveries: &[Delivery]) {
        match &mut *self.gate() {
            Gate::Open(last) => self.pass(deliveries, last),
            Gate::Held(waiting) if waiting.len() + deliveries.len() > self.outlet.room() => {
                self.outlet.slow.cancel();
            }
            Gate::Held(waiting) => waiting.extend_from_slice(deliveries),
            Gate::Shut(_) => {}
        }
    }

    /// Passes on what happened after number `last` meanwhile, and all that happens from now on.
    pub(super) fn open(&self, mut last: i64) {
        let mut gate = self.gate();
        if let Gate::Held(waiting) = &mut *gate {
            let waiting = std::mem::take(waiting);
            self.pass(&waiting, &mut last);
            *gate = Gate::Open(last);
        }
    }

    /// Passes nothing on any more; answers the last number that was, if there is one.
    pub(super) fn shut(&self) -> Option<i64> {
        let mut gate = self.gate();
        let last = match *gate {
            Gate::Open(last) | Gate::Shut(last) => Some(last),
            Gate::Held(_) => None,
        };
        *gate = Gate::Shut(last.unwrap_or(0));
        last
    }

    fn pass(&self, deliveries: &[Delivery], last: &mut i64) {
        for alike in deliveries.chunk_by(|one, other| one.may_be_lost() == other.may_be_lost()) {
            let may_be_lost = alike.first().is_some_and(Delivery::may_be_lost);
            let frames = alike.iter().filter_map(|delivery| next(delivery, last));
            if may_be_lost {
                frames.for_each(|frame| self.outlet.offer(frame));
                continue;
            }
            self.outlet.hand(frames);
        }
    }
}

/// The frame of what happened, unless the client has it: what has a number has a greater one
/// than all before it.
fn next(delivery: &Delivery, last: &mut i64) -> Option<Bytes> {
    match delivery {
        Delivery::Event(frame) => match frame.seq {
            Some(seq) if seq <= *last => None,
            seq => {
                *last = seq.unwrap_or(*last);
                Some(frame.wire.clone())
            }
        },
        Delivery::Resync(gap) => {
            *last = gap.until;
            Some(resync(gap.channel, gap.until))
        }
    }
}

/// Says that what happened before `seq` is not known any more.
fn resync(channel: Channel, seq: i64) -> Bytes {
    let payload = json!({ "channel": channel.to_string(), "seq": seq });
    let text = protocol::answer("resync_required", &payload, None);
    outlet::frame(Opcode::Text, text.as_bytes()).0
}
