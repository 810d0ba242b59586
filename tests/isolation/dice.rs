//! A seeded sequence of numbers: which request comes next.

/// SplitMix64: small, and good enough to choose from a few.
pub struct Dice(u64);

impl Dice {
    /// The seed that was asked for, or a new one.
    pub fn seed() -> u64 {
        match std::env::var("GLASSBOX_SOAK_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => uuid::Uuid::new_v4().as_u64_pair().0,
        }
    }

    /// One task's.
    pub fn new(seed: u64, task: usize) -> Self {
        Dice(seed ^ u64::try_from(task).unwrap().wrapping_mul(0x9e37_79b9))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % bound
    }

    /// One of them, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, choices: &[(usize, T)]) -> T {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut n = self.below(total);
        for (weight, choice) in choices {
            if n < *weight {
                return *choice;
            }
            n -= weight;
        }
        choices[0].1
    }

    /// An id that nothing has.
    pub fn id(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        uuid::Builder::from_random_bytes(uuid::Uuid::from_u64_pair(high, low).into_bytes())
            .into_uuid()
            .to_string()
    }
}
