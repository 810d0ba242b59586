//! Tickets: what opens a socket, once, within five minutes, and nothing else.
//!
//! A ticket is 32 random bytes. The database knows its digest, and of a narrowed token also
//! the text, sealed with a key that only the ticket gives: whoever reads the table can open
//! nothing with it. The row is deleted by whoever uses it, so a ticket is good once over all
//! processes, also while Redis is away or was emptied.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::store;
use crate::{
    access::{Caller, Keepsake, Keyring, Origin},
    app::Ctx,
    kernel::{Code, Error, Result, Scope, Timestamp},
    platform::db::Db,
};

/// Random bytes of a ticket.
const BYTES: usize = 32;

/// A new ticket for the caller, and when it ends.
pub(super) async fn issue(ctx: &Ctx) -> Result<(SecretString, Timestamp)> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    let keepsake = ctx.caller.keepsake()?;
    let now = ctx.now();
    let expires_at = (now + ctx.app.config.live.ticket_life()).min(keepsake.expires_at);
    let row = store::Row {
        digest: digest(&bytes),
        user_id: keepsake.user,
        token_expires_at: keepsake.expires_at,
        sealed: match &keepsake.narrowed {
            Some(text) => Some(seal(&bytes, text)?),
            None => None,
        },
        expires_at,
    };
    ctx.app
        .db
        .tx(Scope::System, async move |tx| {
            store::insert(tx, row);
            Ok(())
        })
        .await?;
    Ok((BASE64_URL_SAFE_NO_PAD.encode(bytes).into(), expires_at))
}

/// Whether `text` could be a ticket at all.
pub(super) fn has_form(text: &str) -> bool {
    read(text).is_some()
}

/// Uses a ticket up; answers who holds it.
///
/// # Errors
/// [`Code::TokenInvalid`] for one that is used, expired or none.
pub(super) async fn redeem(
    db: &Db,
    keyring: &Keyring,
    text: &str,
    origin: Origin,
) -> Result<Caller> {
    let bytes = read(text).ok_or_else(no_good)?;
    let digest = digest(&bytes);
    let row = db
        .tx(Scope::System, async move |tx| store::take(tx, digest).await)
        .await?
        .ok_or_else(no_good)?;
    let now = db.now();
    if row.expires_at <= now {
        return Err(no_good());
    }
    let narrowed = match row.sealed {
        Some(sealed) => Some(open(&bytes, sealed)?),
        None => None,
    };
    let keepsake = Keepsake {
        user: row.user_id,
        expires_at: row.token_expires_at,
        narrowed,
    };
    Caller::recall(&keepsake, keyring, now, origin)
}

fn read(text: &str) -> Option<[u8; BYTES]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn no_good() -> Error {
    Error::new(
        Code::TokenInvalid,
        "The token for a socket is used, expired or none of ours. Get a new one with \
         POST /auth/ws-token.",
    )
}

fn digest(ticket: &[u8]) -> Vec<u8> {
    derived(b"digest", ticket)
}

fn derived(purpose: &[u8], ticket: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(b"glassbox live ticket ");
    hash.update(purpose);
    hash.update(ticket);
    hash.finalize().to_vec()
}

fn key(ticket: &[u8]) -> Result<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, &derived(b"key", ticket))
        .map_err(|_| Error::internal("no key from a ticket"))
}

fn seal(ticket: &[u8], text: &SecretString) -> Result<Vec<u8>> {
    let mut sealed = text.expose_secret().as_bytes().to_vec();
    let nonce = key(ticket)?
        .seal_in_place_append_tag(Aad::empty(), &mut sealed)
        .map_err(|_| Error::internal("sealing failed"))?;
    let mut bytes = nonce.as_ref().to_vec();
    bytes.append(&mut sealed);
    Ok(bytes)
}

fn open(ticket: &[u8], sealed: Vec<u8>) -> Result<SecretString> {
    let broken = || Error::internal("what a ticket sealed does not open");
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut text = text.to_vec();
    let plain = key(ticket)?
        .open_in_place(nonce, Aad::empty(), &mut text)
        .map_err(|_| broken())?;
    let plain = str::from_utf8(plain).map_err(|_| broken())?;
    Ok(SecretString::from(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ticket_sealed_opens_with_that_ticket_alone() {
        let (mine, other) = ([1; BYTES], [2; BYTES]);
        let sealed = seal(&mine, &"the token".into()).unwrap();
        let opened = open(&mine, sealed.clone()).unwrap();
        assert_eq!(opened.expose_secret(), "the token");
        assert!(open(&other, sealed).is_err());
        assert_ne!(digest(&mine), derived(b"key", &mine));
    }

    #[test]
    fn only_the_form_of_a_ticket_is_looked_up() {
        assert!(has_form(&BASE64_URL_SAFE_NO_PAD.encode([7; BYTES])));
        for text in ["", "abc", &"a".repeat(5000), "ä"] {
            assert!(!has_form(text));
        }
    }
}
