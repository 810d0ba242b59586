//! `[vault]`: what seals the keys that organizations give us.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::kernel::field::Fields;

/// Keys that seal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// 32 bytes, 64 hexadecimal digits; empty: no key of an organization can be stored.
    pub key: SecretString,
    /// The number of that key.
    pub key_id: u32,
    /// Keys before it, which only open: `<number>:<64 hexadecimal digits>`, separated by
    /// commas.
    pub earlier: SecretString,
}

/// Different bytes that a key has at least. 32 random bytes have fewer with a
/// probability below 10^-25; a key typed by hand or repeated from a page often has.
const DIFFERENT_BYTES: usize = 12;

impl VaultConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let key = self.key.expose_secret();
        fields.check(
            key.is_empty() || is_key(key),
            "vault.key",
            "must have 64 hexadecimal digits",
        );
        // The text itself is never quoted: it is made of keys.
        let read = self.read_earlier();
        fields.check(
            read.is_some(),
            "vault.earlier",
            "must be number:key, separated by commas, each key of 64 hexadecimal digits",
        );
        let mut numbers: Vec<u32> = read.into_iter().flatten().map(|(id, _)| id).collect();
        numbers.push(self.key_id);
        let different: BTreeSet<&u32> = numbers.iter().collect();
        fields.check(
            different.len() == numbers.len(),
            "vault.earlier",
            "must not use a number twice, nor that of the present key",
        );
    }

    /// Refuses a key that anybody could guess.
    pub(super) fn check_production(&self, fields: &mut Fields) {
        let key = self.key.expose_secret().to_ascii_lowercase();
        let bytes: BTreeSet<&[u8]> = key.as_bytes().chunks(2).collect();
        fields.check(
            key.is_empty() || bytes.len() >= DIFFERENT_BYTES,
            "vault.key",
            "must be random; take the output of: openssl rand -hex 32",
        );
    }

    /// The present key under its number, if there is one.
    pub fn current(&self) -> Option<(u32, SecretString)> {
        let is_set = !self.key.expose_secret().is_empty();
        is_set.then(|| (self.key_id, self.key.clone()))
    }

    /// The keys before it under their numbers.
    pub fn earlier(&self) -> Vec<(u32, SecretString)> {
        self.read_earlier().unwrap_or_default()
    }

    fn read_earlier(&self) -> Option<Vec<(u32, SecretString)>> {
        let entries = self.earlier.expose_secret().split(',').map(str::trim);
        entries
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let (id, key) = entry.split_once(':')?;
                let key = key.trim();
                is_key(key).then_some(())?;
                Some((id.trim().parse().ok()?, key.into()))
            })
            .collect()
    }
}

fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(key: &str, earlier: &str) -> VaultConfig {
        VaultConfig {
            key: key.into(),
            key_id: 2,
            earlier: earlier.into(),
        }
    }

    fn is_valid(config: &VaultConfig) -> bool {
        let mut fields = Fields::default();
        config.validate(&mut fields);
        fields.finish().is_ok()
    }

    #[test]
    fn earlier_keys_are_read_under_their_numbers() {
        let key = "a7".repeat(32);
        let config = vault(&key, &format!("1:{key}, 7:{key},"));
        assert!(is_valid(&config));
        let numbers: Vec<u32> = config.earlier().iter().map(|(id, _)| *id).collect();
        assert_eq!(numbers, [1, 7]);
        assert!(is_valid(&vault("", "")) && vault("", "").current().is_none());
        for odd in [
            format!("2:{key}"),
            format!("1:{key},1:{key}"),
            "1:abc".into(),
            key,
        ] {
            assert!(!is_valid(&vault("", &odd)), "{odd}");
        }
    }

    #[test]
    fn a_key_that_can_be_guessed_is_none_for_production() {
        let weak = |key: &str| {
            let mut fields = Fields::default();
            vault(key, "").check_production(&mut fields);
            fields.finish().is_err()
        };
        assert!(weak(&"07".repeat(32)) && weak(&"0123456789abcdef".repeat(4)));
        assert!(!weak(
            "8f1d2c3b4a5968770615243342516079aebfc0d1e2f30415263748596a7b8c9d"
        ));
        assert!(!weak(""));
    }
}
