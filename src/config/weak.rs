//! Secrets that are none: what stands in documents, examples and compose files, and what
//! people type to get on. Only production refuses them.
//!
//! This can't prove a secret good. It catches the ones that were forgotten.

use std::collections::BTreeSet;

/// Words of secrets that are public, or that were never meant to stay.
const PLACEHOLDERS: [&str; 10] = [
    "development",
    "example",
    "changeme",
    "change-me",
    "change_me",
    "password",
    "secret",
    "glassbox",
    "default",
    "insecure",
];

/// Different characters that a random text of 32 or more has at least, be it of
/// hexadecimal digits alone.
const MIN_CHARACTERS: usize = 9;

/// Different bytes that a random key of 32 bytes has at least: fewer than one in a million
/// have under 20.
const MIN_BYTES: usize = 20;

/// Whether a secret says of itself that it is none.
pub(super) fn is_placeholder(text: &str) -> bool {
    let lower = text.to_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Why `text` is no secret to be trusted, as the end of "… must".
pub(super) fn text(text: &str) -> Option<&'static str> {
    if is_placeholder(text) {
        return Some("not be a placeholder in production: make one, see deploy/README.md");
    }
    let different: BTreeSet<char> = text.chars().collect();
    (different.len() < MIN_CHARACTERS)
        .then_some("be random in production: make one, see deploy/README.md")
}

/// Why a seed of 64 hexadecimal digits is no secret to be trusted.
pub(super) fn seed(digits: &str) -> Option<&'static str> {
    let bytes = hex::decode(digits).unwrap_or_default();
    let different: BTreeSet<u8> = bytes.iter().copied().collect();
    // The steps between neighbours tell 00 01 02 … from what is random.
    let steps: BTreeSet<u8> = bytes
        .iter()
        .zip(bytes.iter().skip(1))
        .map(|(a, b)| b.wrapping_sub(*a))
        .collect();
    (different.len() < MIN_BYTES || steps.len() < MIN_BYTES)
        .then_some("be random in production: make one with `openssl rand -hex 32`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_repetitions_are_weak() {
        for weak in [
            "development-only-url-secret-of-32-characters",
            "CHANGEME-changeme-CHANGEME-changeme",
            "a secret of the tests, long enough",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "1234123412341234123412341234123412341234",
        ] {
            assert!(text(weak).is_some(), "{weak}");
        }
        assert_eq!(text("3QmVt0b7cX9z1LkYpR8sWdGh5NfJuEa2oTiqBvMx"), None);
    }

    #[test]
    fn keys_that_anybody_could_think_of_are_weak() {
        let counting: Vec<u8> = (0..32).collect();
        for weak in [
            "de".repeat(32),
            "07".repeat(32),
            "0123456789abcdef".repeat(4),
            hex::encode(counting),
        ] {
            assert!(seed(&weak).is_some(), "{weak}");
        }
    }

    #[test]
    fn random_ones_are_not_weak() {
        for _ in 0..1000 {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).unwrap();
            let digits = hex::encode(bytes);
            assert_eq!(seed(&digits), None, "{digits}");
        }
    }
}
