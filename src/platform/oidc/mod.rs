//! The tokens of an OpenID Connect provider, as AWS Cognito issues them.
//!
//! Owns: verifying id and access tokens, and the provider's public keys.
//! Invariants: the algorithms, the issuer and the clients are ours to choose and never a
//! token's; no claim is believed before the signature was checked; a token without one of
//! the claims we ask for is refused, and not taken for one that satisfies us; the provider
//! being away is said as that (503) and never as a bad token (401), which would make
//! clients throw good tokens away.
//! Does not: know our users, or what anybody may do.
//!
//! `jsonwebtoken` checks signatures. Its checks of claims are not used: given an issuer or
//! an audience it accepts tokens that name none, and it reads the machine's clock.

mod claims;
mod keys;
mod source;

use std::{fmt, sync::Arc};

use jsonwebtoken::{Algorithm, decode, decode_header, errors::ErrorKind};

use self::{
    claims::{Claims, Rules},
    keys::Key,
    source::Source,
};
use super::verified::Verified;
use crate::{
    config::{OidcConfig, SigningAlgorithm},
    kernel::{Clock, Code, Error, Result, Timestamp},
};

/// Characters of a token at most. Cognito's are 1 to 2 thousand; groups make them longer.
const MAX_TEXT: usize = 8 * 1024;

/// Characters of a key's name at most; Cognito's have 44.
const MAX_KID: usize = 200;

/// Verifies the tokens of one provider.
pub struct Oidc {
    rules: Rules,
    algorithms: Vec<Algorithm>,
    source: Arc<Source>,
    clock: Arc<dyn Clock>,
    verified: Verified<Vouched>,
}

/// Whom the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The person's name to the provider, which never changes: `sub`.
    pub subject: Arc<str>,
    /// Their address, when the token tells one that is not known to be unverified.
    pub email: Option<Arc<str>>,
    /// When the provider's word ends, the leeway for its clock included.
    pub expires_at: Timestamp,
}

/// What a token was verified to say, and with which key.
#[derive(Clone)]
struct Vouched {
    identity: Identity,
    key: Arc<Key>,
}

impl Oidc {
    /// A verifier for the configured provider; asks it for nothing yet.
    ///
    /// Fails for an address of keys that is neither on https nor on this machine.
    pub fn new(config: &OidcConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let algorithms: Vec<Algorithm> = config.algorithms.iter().copied().map(known).collect();
        Ok(Oidc {
            rules: Rules::new(config),
            source: Arc::new(Source::new(config, algorithms.clone(), Arc::clone(&clock))?),
            algorithms,
            clock,
            verified: Verified::default(),
        })
    }

    /// Checks signature and claims, and reads whom the token vouches for. Of a token that
    /// was verified before, the expiry, and that its key is still the provider's.
    ///
    /// Fails with [`Code::TokenExpired`]; with [`Code::TokenInvalid`] for every other
    /// fault of the token; with [`Code::Unavailable`] when the key that it names is not
    /// known here and the provider can't be asked.
    pub async fn verify(&self, text: &str) -> Result<Identity> {
        let now = self.clock.now();
        if text.len() > MAX_TEXT {
            return Err(invalid("too long"));
        }
        if let Some(Vouched { identity, key }) = self.verified.get(text)
            && self.source.still_has(&key)
        {
            identity.check_expiry(now)?;
            return Ok(identity);
        }
        let key = self.source.key(&self.key_named_by(text)?).await?;
        let claims: Claims = decode(text, &key.decoding, &key.validation)
            .map_err(|error| invalid(fault(error.kind())))?
            .claims;
        let identity = self.rules.check(claims, now)?;
        let vouched = Vouched {
            identity: identity.clone(),
            key,
        };
        self.verified.put(text, vouched);
        Ok(identity)
    }

    /// Reads the name of the key from the header, and refuses headers that are not worth a
    /// question to the provider. Nothing else of a header is used: it is whoever sent it
    /// that wrote it.
    fn key_named_by(&self, text: &str) -> Result<String> {
        let header = decode_header(text).map_err(|error| invalid(fault(error.kind())))?;
        if !self.algorithms.contains(&header.alg) {
            return Err(invalid("signed with an algorithm that is not configured"));
        }
        if header.crit.is_some() {
            return Err(invalid("demands extensions that we don't know"));
        }
        header
            .kid
            .filter(|kid| (1..=MAX_KID).contains(&kid.len()))
            .ok_or_else(|| invalid("names no key"))
    }
}

impl Identity {
    fn check_expiry(&self, now: Timestamp) -> Result<()> {
        if now < self.expires_at {
            return Ok(());
        }
        Err(Error::new(
            Code::TokenExpired,
            "The token has expired. Get a new one.",
        ))
    }
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").finish_non_exhaustive()
    }
}

const fn known(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::Rs384 => Algorithm::RS384,
        SigningAlgorithm::Rs512 => Algorithm::RS512,
        SigningAlgorithm::Ps256 => Algorithm::PS256,
        SigningAlgorithm::Ps384 => Algorithm::PS384,
        SigningAlgorithm::Ps512 => Algorithm::PS512,
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::Es384 => Algorithm::ES384,
    }
}

/// A token that is no good; the cause is for the log and holds nothing of its text.
fn invalid(cause: &'static str) -> Error {
    Error::new(Code::TokenInvalid, "The token is not valid.").because(cause)
}

/// What the library found wrong. Its own words may quote claims, which are about people.
fn fault(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSignature => "the signature does not hold",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => {
            "the algorithm is not that of the key"
        }
        ErrorKind::Json(_) => "the header or the claims are not what we read",
        ErrorKind::Base64(_) | ErrorKind::Utf8(_) | ErrorKind::InvalidToken => {
            "it is not a JSON Web Token"
        }
        _ => "it could not be decoded",
    }
}
