//! Signed addresses of the folder: what is signed, and the check.
//!
//! The signature is an HMAC-SHA256 over the version of this format, the method, the
//! key, the content type (uploads), the file name (downloads) and the expiry. Each
//! part is preceded by its length, so that no two requests have the same text. The
//! version comes first, which also keeps a secret that signs other things from
//! being made to sign these.

use std::time::Duration;

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use super::{BlobKey, MAX_TTL};
use crate::kernel::{Code, Error, Result, Timestamp};

const VERSION: &str = "glassbox-blob-v1";

/// The query of a signed address.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct SignedQuery {
    /// When it stops working, in seconds since 1970.
    pub expires: i64,
    /// The name under which a download is saved.
    #[serde(default)]
    pub filename: Option<String>,
    /// In hexadecimal.
    pub signature: String,
}

impl std::fmt::Debug for SignedQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedQuery")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What a signature is for.
#[derive(Clone, Copy)]
pub struct Grant<'a> {
    pub method: &'a str,
    pub key: &'a BlobKey,
    /// Empty for a download.
    pub content_type: &'a str,
    /// Empty for an upload.
    pub filename: &'a str,
    pub expires: i64,
}

/// Signs and checks. Its secret is never shown.
pub struct Signer(SecretString);

impl Signer {
    pub fn new(secret: SecretString) -> Self {
        Signer(secret)
    }

    /// The signature, in hexadecimal.
    pub fn sign(&self, grant: &Grant<'_>) -> Result<String> {
        Ok(hex::encode(self.mac(grant)?.finalize().into_bytes()))
    }

    /// Checks that `signature` was made here for just this, and that it still holds.
    ///
    /// # Errors
    /// `SIGNATURE_INVALID`. Only the holder of a genuine signature is told that it
    /// has expired.
    pub fn check(&self, grant: &Grant<'_>, signature: &str, now: Timestamp) -> Result<()> {
        let given = hex::decode(signature).map_err(|_| altered())?;
        // In constant time, so that the answer's delay does not spell out the right one.
        self.mac(grant)?
            .verify_slice(&given)
            .map_err(|_| altered())?;
        if now.timestamp() >= grant.expires {
            return Err(Error::new(
                Code::SignatureInvalid,
                "The signed address has expired. Ask for a new one.",
            ));
        }
        Ok(())
    }

    fn mac(&self, grant: &Grant<'_>) -> Result<Hmac<Sha256>> {
        let secret = self.0.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(Error::internal)?;
        let expires = grant.expires.to_string();
        for part in [
            VERSION,
            grant.method,
            grant.key.as_str(),
            grant.content_type,
            grant.filename,
            &expires,
        ] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Ok(mac)
    }
}

/// The moment at which what is signed at `now` stops working: whole seconds.
pub fn expiry(now: Timestamp, ttl: Duration) -> Result<Timestamp> {
    let ttl = i64::try_from(ttl.min(MAX_TTL).as_secs()).map_err(Error::internal)?;
    DateTime::from_timestamp(now.timestamp().saturating_add(ttl), 0)
        .ok_or_else(|| Error::internal("the expiry is out of range"))
}

fn altered() -> Error {
    Error::new(
        Code::SignatureInvalid,
        "The signature does not match. A signed address holds for one method, one key and the very \
         headers that came with it.",
    )
}
