//! Tokens that were verified lately, so that a client's next request costs a hash
//! instead of signatures.
//!
//! A token is found by the SHA-256 of its text: the memory of a running program holds
//! no text that anybody could present. What is kept is bounded by the length of the
//! texts it stands for, not by their number, because what a token takes in memory grows
//! with its text and its bearer may choose it. Only verified tokens are put in here, so
//! a stranger's guesses push nobody out.
//!
//! Does not: judge. Whoever gets a value back compares its expiry, and whatever else may
//! have changed since, at each use.

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::{Weighter, sync::Cache};

/// Characters of all remembered tokens together: about 7,000 ordinary tokens of 550
/// characters, and some 20 MiB of memory at the worst, which is a bearer who makes as
/// many narrowed variants of their token as they can.
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// How many entries to make room for at first.
const EXPECTED: usize = 1024;

/// The SHA-256 of a token's text.
type Key = [u8; 32];

/// A bounded memory of verified tokens.
pub struct Verified<V>(Cache<Key, Entry<V>, ByText>);

#[derive(Clone)]
struct Entry<V> {
    length: u64,
    value: V,
}

#[derive(Clone, Copy)]
struct ByText;

impl<V> Weighter<Key, Entry<V>> for ByText {
    fn weight(&self, _: &Key, entry: &Entry<V>) -> u64 {
        entry.length
    }
}

impl<V: Clone> Verified<V> {
    /// What `text` was verified to mean, if that is remembered.
    pub fn get(&self, text: &str) -> Option<V> {
        Some(self.0.get(&key(text)?)?.value)
    }

    /// Remembers what `text` was verified to mean.
    pub fn put(&self, text: &str, value: V) {
        let Some(key) = key(text) else {
            return;
        };
        // What weighs nothing would never be pushed out.
        let length = u64::try_from(text.len()).unwrap_or(MAX_TEXT).max(1);
        self.0.insert(key, Entry { length, value });
    }
}

impl<V: Clone> Default for Verified<V> {
    fn default() -> Self {
        Verified(Cache::with_weighter(EXPECTED, MAX_TEXT, ByText))
    }
}

impl<V> std::fmt::Debug for Verified<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verified").finish_non_exhaustive()
    }
}

fn key(text: &str) -> Option<Key> {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        let verified = Verified::default();
        verified.put("one", 1);
        assert_eq!(verified.get("one"), Some(1));
        assert_eq!(verified.get("One"), None);
        assert_eq!(verified.get(""), None);
    }

    #[test]
    fn it_holds_a_bounded_amount_however_much_is_put_in() {
        let verified = Verified::default();
        let filler = "x".repeat(4000);
        for n in 0..5_000 {
            verified.put(&format!("{n}{filler}"), n);
        }
        assert!(verified.0.weight() <= MAX_TEXT, "{}", verified.0.weight());
        assert!(!verified.0.is_empty());
    }
}
