//! Sealing the keys that organizations give us for services they use.
//!
//! AES-256-GCM with keys that come from the configuration and never touch the
//! database. What is sealed is bound to a context (whose it is, which field it is):
//! moved to another row it does not open. Nonces are random; one key may seal 2^32
//! times before two could meet (NIST SP 800-38D, 8.3), which is far away.
//!
//! Keys are numbered. The current one seals; those before it only open, so a key is
//! changed by making the old one an earlier one. This module knows neither settings
//! nor tables, and no error of it quotes a key or what was sealed.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret, SecretString};

use crate::kernel::{Code, Error, Result};

/// Seals and opens.
pub struct Vault {
    /// The number of the key that seals; `None` when there is none.
    current: Option<u32>,
    keys: BTreeMap<u32, RandomizedNonceKey>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

/// One key of the vault: its number, and 64 hexadecimal digits.
pub type NumberedKey = (u32, SecretString);

/// Something sealed, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The number of the key that sealed it.
    pub key_id: u32,
    /// The nonce, the ciphertext, the tag.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault whose `current` key seals; without one it seals nothing, but still opens
    /// what `earlier` keys sealed.
    ///
    /// # Errors
    /// Internal, when a key is not 32 bytes of hexadecimal or a number is there twice.
    pub fn new(current: Option<NumberedKey>, earlier: Vec<NumberedKey>) -> Result<Self> {
        let id = current.as_ref().map(|(id, _)| *id);
        let mut keys = BTreeMap::new();
        for (number, text) in current.into_iter().chain(earlier) {
            if keys.insert(number, key(number, &text)?).is_some() {
                let twice = format!("two vault keys have the number {number}");
                return Err(Error::internal(twice));
            }
        }
        Ok(Vault { current: id, keys })
    }

    /// Seals `secret` for `context` alone.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the vault has no key.
    pub fn seal(&self, secret: &SecretString, context: &str) -> Result<Sealed> {
        let (key_id, key) = self.current()?;
        let mut text = secret.expose_secret().as_bytes().to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut text)
            .map_err(|_| Error::internal("sealing failed"))?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut text);
        Ok(Sealed { key_id, bytes })
    }

    /// What was sealed for `context`.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when it can't be opened: the key is not there, or what is
    /// stored was altered, or sealed for another context.
    pub fn open(&self, sealed: &Sealed, context: &str) -> Result<SecretString> {
        let id = sealed.key_id;
        let key = self
            .keys
            .get(&id)
            .ok_or_else(|| unreadable(format!("there is no vault key {id}")))?;
        let broken = || unreadable(format!("what vault key {id} sealed does not open"));
        let (nonce, text) = sealed
            .bytes
            .split_at_checked(NONCE_LEN)
            .ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut text = text.to_vec();
        let plain = key
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut text)
            .map_err(|_| broken())?;
        let plain = str::from_utf8(plain).map_err(|_| broken())?;
        Ok(SecretString::from(plain))
    }

    /// Whether `sealed` should be sealed anew, because its key is an earlier one.
    pub fn is_outdated(&self, sealed: &Sealed) -> bool {
        self.current.is_some_and(|id| id != sealed.key_id)
    }

    fn current(&self) -> Result<(u32, &RandomizedNonceKey)> {
        self.current
            .and_then(|id| Some((id, self.keys.get(&id)?)))
            .ok_or_else(|| {
                Error::new(
                    Code::Unavailable,
                    "Keys can't be stored here: the server has no key to seal them with. Whoever \
                     runs it sets GLASSBOX_VAULT__KEY.",
                )
            })
    }
}

fn key(number: u32, text: &SecretString) -> Result<RandomizedNonceKey> {
    // The decoder's own error would quote a part of the key.
    let bytes = hex::decode(text.expose_secret()).ok();
    bytes
        .and_then(|bytes| RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok())
        .ok_or_else(|| {
            Error::internal(format!("vault key {number} is not 32 bytes of hexadecimal"))
        })
}

fn unreadable(why: String) -> Error {
    Error::new(
        Code::Unavailable,
        "The stored key can't be opened with the server's own keys. Store it again.",
    )
    .because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(id: u32, byte: &str) -> NumberedKey {
        (id, byte.repeat(32).into())
    }

    fn vault() -> Vault {
        Vault::new(Some(numbered(1, "a7")), vec![]).unwrap()
    }

    fn secret() -> SecretString {
        "sk-live-1234".into()
    }

    fn refused(result: Result<SecretString>) {
        let error = result.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        assert!(!error.chain().contains("sk-live"), "{}", error.chain());
    }

    #[test]
    fn what_was_sealed_opens_for_the_same_context_and_no_other() {
        let sealed = vault().seal(&secret(), "org 1, field a").unwrap();
        let opened = vault().open(&sealed, "org 1, field a").unwrap();
        assert_eq!(opened.expose_secret(), "sk-live-1234");
        refused(vault().open(&sealed, "org 2, field a"));
        refused(vault().open(&sealed, "org 1, field b"));
    }

    #[test]
    fn the_same_secret_sealed_twice_looks_different_and_tells_nothing() {
        let first = vault().seal(&secret(), "x").unwrap();
        let second = vault().seal(&secret(), "x").unwrap();
        assert_ne!(first, second);
        let text = String::from_utf8_lossy(&first.bytes).into_owned();
        assert!(!text.contains("sk-live"));
        assert!(!format!("{first:?}{:?}", vault()).contains("a7"));
    }

    #[test]
    fn a_flipped_bit_anywhere_and_a_cut_are_refused() {
        let sealed = vault().seal(&secret(), "x").unwrap();
        for place in 0..sealed.bytes.len() {
            let mut other = sealed.clone();
            other.bytes[place] ^= 1;
            refused(vault().open(&other, "x"));
        }
        for length in 0..sealed.bytes.len() {
            let mut other = sealed.clone();
            other.bytes.truncate(length);
            refused(vault().open(&other, "x"));
        }
    }

    #[test]
    fn a_changed_key_opens_what_the_earlier_one_sealed() {
        let sealed = vault().seal(&secret(), "x").unwrap();
        let next = Vault::new(Some(numbered(2, "b8")), vec![numbered(1, "a7")]).unwrap();
        assert!(next.open(&sealed, "x").is_ok());
        assert!(next.is_outdated(&sealed) && !vault().is_outdated(&sealed));
        assert_eq!(next.seal(&secret(), "x").unwrap().key_id, 2);
        let forgetful = Vault::new(Some(numbered(2, "b8")), vec![]).unwrap();
        refused(forgetful.open(&sealed, "x"));
        let wrong = Vault::new(Some(numbered(1, "b8")), vec![]).unwrap();
        refused(wrong.open(&sealed, "x"));
    }

    #[test]
    fn without_a_key_nothing_is_sealed_and_bad_keys_are_not_quoted() {
        let empty = Vault::new(None, vec![]).unwrap();
        let error = empty.seal(&secret(), "x").unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        for bad in ["a7a7", "zz", &"a7".repeat(33)] {
            let error = Vault::new(Some((1, bad.into())), vec![]).unwrap_err();
            assert!(!error.chain().contains(bad), "{}", error.chain());
        }
        assert!(Vault::new(Some(numbered(1, "a7")), vec![numbered(1, "b8")]).is_err());
    }
}
