//! What goes wrong, and when: a sequence that a seed decides.

use std::time::Duration;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// SIGKILL to a worker, and another in its place.
    KillWorker(usize),
    /// SIGTERM to a worker, which hands over, and another in its place.
    EndWorker(usize),
    /// SIGSTOP to a worker for three times a lease.
    HangWorker(usize),
    /// SIGKILL to the server, and another in its place.
    KillServer,
    /// SIGKILL to Redis, which comes back empty.
    KillRedis,
    /// SIGKILL to the server like SQS, which comes back without its messages.
    KillQueue,
    /// SIGKILL to the tool server outside, and another in its place.
    KillTools,
    /// Postgres is shut down in an orderly way and started again.
    RestartPostgres,
    /// SIGKILL to Postgres, which recovers from its log.
    KillPostgres,
    /// Every connection to Postgres is cut.
    CutConnections,
}

const FAULTS: &[Fault] = &[
    Fault::KillWorker(0),
    Fault::KillWorker(1),
    Fault::EndWorker(0),
    Fault::HangWorker(0),
    Fault::HangWorker(1),
    Fault::KillServer,
    Fault::KillRedis,
    Fault::RestartPostgres,
    Fault::KillPostgres,
    Fault::CutConnections,
    Fault::KillQueue,
    Fault::KillTools,
];

/// An endless plan. The same seed makes the same.
pub struct Plan {
    state: u64,
    left: Vec<Fault>,
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        Plan {
            state: seed,
            left: Vec::new(),
        }
    }

    /// SplitMix64.
    fn roll(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % bound
    }
}

impl Iterator for Plan {
    type Item = (Duration, Fault);

    /// Each fault comes once before any comes again, so that a short plan has most of them.
    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            self.left = FAULTS.to_vec();
        }
        let which = self.roll(self.left.len());
        let fault = self.left.swap_remove(which);
        let pause = u64::try_from(200 + self.roll(1800)).unwrap();
        Some((Duration::from_millis(pause), fault))
    }
}

#[test]
fn the_same_seed_makes_the_same_plan() {
    let plan = |seed| format!("{:?}", Plan::new(seed).take(50).collect::<Vec<_>>());
    assert_eq!(plan(7), plan(7));
    assert_ne!(plan(7), plan(8));
}
