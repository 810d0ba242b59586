//! The signing keys, and making and checking tokens with them.
//!
//! A token is a Biscuit signed with Ed25519. Its first block states who is asking, until
//! when, and for which execution or as which of an organization's tokens, and nothing
//! else; a narrowed token has a second block of checks.
//! The expiry is a fact that we compare ourselves and not a Datalog check: so a
//! token with one block holds no check at all, and Datalog could only agree to it.
//!
//! Keys are rotated by giving the old public key, under its number, to the next
//! [`Keyring`]: what it signed stays good until it expires.
//!
//! Verifying costs about 110 µs, which is more than the rest of a small request; so a
//! keyring remembers what it verified. Its keys never change, so what was verified stays
//! so, but for the expiry, which is compared at each use. Revocation is not this
//! module's: it is looked up where the token acts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use biscuit_auth::builder::{self, BlockBuilder, Term, fact};
use biscuit_auth::macros::block;
use biscuit_auth::{Algorithm, Biscuit, BiscuitBuilder, KeyPair, PrivateKey, PublicKey};
use chrono::{DateTime, TimeDelta};
use secrecy::{ExposeSecret, SecretString};

use super::action::Action;
use super::gate;
use super::token::{Token, date, fact_name, invalid, quoted};
use crate::kernel::{
    Code, Error, ExecutionId, NodeId, OrgId, ProjectId, Result, Timestamp, TokenId, UserId,
};
use crate::platform::verified::Verified;

/// The key that signs new tokens, and the public keys of those before it.
pub struct Keyring {
    current: KeyPair,
    id: u32,
    /// Every key that verifies, the current one included.
    public: BTreeMap<u32, PublicKey>,
    verified: Verified<Token>,
}

/// A new token. It is a bearer secret: whoever has the text has the rights.
#[derive(Debug)]
pub struct Minted {
    /// The text for the `Authorization` header.
    pub token: SecretString,
    /// When it stops being good, in whole seconds.
    pub expires_at: Timestamp,
    /// The revocation id of its first block: what names the token without being it.
    pub revocation_id: String,
}

/// What a token for one execution is narrowed to.
#[derive(Debug, Clone, Copy)]
pub struct ExecutionRights<'a> {
    /// The person on whose behalf it runs; it never has more rights than they have.
    pub user: UserId,
    /// The one organization it may act in.
    pub org: OrgId,
    /// The execution.
    pub execution: ExecutionId,
    /// The node at the root of the subtree that it may touch.
    pub node: NodeId,
    /// What it may do there; with none, nothing.
    pub actions: &'a [Action],
}

/// What a token that an organization gives out is narrowed to.
#[derive(Debug, Clone, Copy)]
pub struct OrgTokenRights<'a> {
    /// Its row, by which it is revoked.
    pub token: TokenId,
    /// Who made it; it never has more rights than they have.
    pub user: UserId,
    /// The one organization it may act in.
    pub org: OrgId,
    /// The one project it may act in, if it was narrowed to one.
    pub project: Option<ProjectId>,
    /// The node at the root of the subtree that it may touch, if it was narrowed to one.
    pub node: Option<NodeId>,
    /// What it may do there; with none, nothing.
    pub actions: &'a [Action],
}

/// What speaks for the person, where it is not themselves.
#[derive(Default)]
struct Speaker {
    execution: Option<ExecutionId>,
    token: Option<TokenId>,
}

impl Keyring {
    /// Reads the current key, a seed of 32 bytes in hexadecimal, and the public
    /// keys that came before it, in hexadecimal under their numbers. Numbers must
    /// differ, since a token names its key by it.
    pub fn new(current: SecretString, id: u32, earlier: &[(u32, String)]) -> Result<Self> {
        // The library's errors quote the text they could not read, which is a key.
        let private = PrivateKey::from_bytes_hex(current.expose_secret(), Algorithm::Ed25519)
            .map_err(|_| Error::internal("the token key is not 32 bytes of hexadecimal"))?;
        let current = KeyPair::from(&private);
        let mut public = BTreeMap::from([(id, current.public())]);
        for (number, text) in earlier {
            let key = PublicKey::from_bytes_hex(text, Algorithm::Ed25519).map_err(|_| {
                Error::internal(format!("earlier token key {number} is not a public key"))
            })?;
            if public.insert(*number, key).is_some() {
                return Err(Error::internal(format!(
                    "two token keys have the number {number}"
                )));
            }
        }
        Ok(Keyring {
            current,
            id,
            public,
            verified: Verified::default(),
        })
    }

    /// A new random seed, for the configuration, in hexadecimal.
    pub fn generate() -> SecretString {
        SecretString::from(KeyPair::new().private().to_bytes_hex())
    }

    /// The current public key in hexadecimal: what the next keyring is given as an
    /// earlier key.
    pub fn public_key(&self) -> String {
        self.current.public().to_bytes_hex()
    }

    /// A token with which a person does all that their roles allow.
    pub fn mint_user(&self, user: UserId, now: Timestamp, ttl: TimeDelta) -> Result<Minted> {
        let expires_at = expiry(now, ttl)?;
        let token = self
            .sign(user, Speaker::default(), expires_at)
            .map_err(unsigned)?;
        minted(&token, expires_at)
    }

    /// A token with which an execution's tools work on the person's behalf: the
    /// listed actions, in one organization, on one node and what is under it.
    pub fn mint_execution(
        &self,
        narrowing: &ExecutionRights<'_>,
        now: Timestamp,
        ttl: TimeDelta,
    ) -> Result<Minted> {
        let expires_at = expiry(now, ttl)?;
        let speaker = Speaker {
            execution: Some(narrowing.execution),
            ..Speaker::default()
        };
        let token = self
            .sign(narrowing.user, speaker, expires_at)
            .and_then(|token| token.append(narrowing.checks()))
            .map_err(unsigned)?;
        minted(&token, expires_at)
    }

    /// A token that an organization gives out: the listed actions, in that organization
    /// and perhaps in one project or on one node and what is under it.
    pub fn mint_org_token(
        &self,
        narrowing: &OrgTokenRights<'_>,
        now: Timestamp,
        ttl: TimeDelta,
    ) -> Result<Minted> {
        let expires_at = expiry(now, ttl)?;
        let speaker = Speaker {
            token: Some(narrowing.token),
            ..Speaker::default()
        };
        let token = self
            .sign(narrowing.user, speaker, expires_at)
            .and_then(|token| token.append(narrowing.checks()))
            .map_err(unsigned)?;
        minted(&token, expires_at)
    }

    /// Checks a token's form, signatures and expiry, in this order, and reads who
    /// it speaks for; of a token that was verified before, the expiry alone. Revocation
    /// is looked up where the token acts, by [`Token::id`].
    ///
    /// Fails with [`Code::Unauthenticated`] for no text at all,
    /// [`Code::TokenExpired`], and [`Code::TokenInvalid`] for all else.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<Token> {
        if text.is_empty() {
            return Err(Error::new(
                Code::Unauthenticated,
                "This needs a token in the Authorization header.",
            ));
        }
        if let Some(token) = self.verified.get(text) {
            token.check_expiry(now)?;
            return Ok(token);
        }
        let admitted = gate::admit(text).map_err(invalid)?;
        let biscuit = Biscuit::from(&admitted.bytes, |id| self.verifying_key(id))
            .map_err(|error| invalid(quoted(&error)))?;
        let token = Token::read(&admitted, biscuit).map_err(invalid)?;
        token.check_expiry(now)?;
        self.verified.put(text, token.clone());
        Ok(token)
    }

    /// The key of a number. A token that names none is not one of ours.
    fn verifying_key(&self, id: Option<u32>) -> Result<PublicKey, biscuit_auth::error::Format> {
        id.and_then(|id| self.public.get(&id))
            .copied()
            .ok_or(biscuit_auth::error::Format::UnknownPublicKey)
    }

    fn sign(
        &self,
        user: UserId,
        speaker: Speaker,
        expires_at: Timestamp,
    ) -> Result<Biscuit, biscuit_auth::error::Token> {
        let text = |id: String| [builder::string(&id)];
        let mut block = BiscuitBuilder::new()
            .root_key_id(self.id)
            .fact(fact(fact_name::USER, &text(user.to_string())))?
            .fact(fact(fact_name::EXPIRES, &[date(expires_at)]))?;
        if let Some(id) = speaker.execution {
            block = block.fact(fact(fact_name::EXECUTION, &text(id.to_string())))?;
        }
        if let Some(id) = speaker.token {
            block = block.fact(fact(fact_name::TOKEN, &text(id.to_string())))?;
        }
        block.build(&self.current)
    }
}

impl ExecutionRights<'_> {
    /// The block that takes all else away. Its text is parsed when the program is
    /// compiled and the values go in as terms, so none of them can be Datalog.
    fn checks(&self) -> BlockBuilder {
        let actions = names(self.actions);
        let org = self.org.to_string();
        let node = self.node.to_string();
        block!(
            r#"
            check if operation($operation), {actions}.contains($operation);
            check if org({org});
            check if within({node});
            "#
        )
    }
}

impl OrgTokenRights<'_> {
    /// The block that takes all else away; see [`ExecutionRights::checks`].
    fn checks(&self) -> BlockBuilder {
        let actions = names(self.actions);
        let org = self.org.to_string();
        let mut checks = block!(
            r#"
            check if operation($operation), {actions}.contains($operation);
            check if org({org});
            "#
        );
        if let Some(project) = self.project {
            let project = project.to_string();
            checks = checks.merge(block!("check if project({project});"));
        }
        if let Some(node) = self.node {
            let node = node.to_string();
            checks = checks.merge(block!("check if within({node});"));
        }
        checks
    }
}

/// The actions as a set of Datalog.
fn names(actions: &[Action]) -> BTreeSet<Term> {
    actions
        .iter()
        .map(|action| builder::string(&action.to_string()))
        .collect()
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("current", &self.id)
            .field("known", &self.public.keys())
            .finish_non_exhaustive()
    }
}

/// When a token made now ends. Dates in tokens are whole seconds; the fraction is
/// dropped here so that the caller is told the moment that the token really says.
fn expiry(now: Timestamp, ttl: TimeDelta) -> Result<Timestamp> {
    now.checked_add_signed(ttl)
        .and_then(|at| DateTime::from_timestamp(at.timestamp(), 0))
        .filter(|at| at.timestamp() >= 0)
        .ok_or_else(|| Error::internal("the lifetime of a token is out of range"))
}

fn minted(token: &Biscuit, expires_at: Timestamp) -> Result<Minted> {
    let bytes = token.to_vec().map_err(unsigned)?;
    let ids = token.revocation_identifiers();
    Ok(Minted {
        token: SecretString::from(gate::BASE64.encode(bytes)),
        expires_at,
        revocation_id: ids.first().map(hex::encode).unwrap_or_default(),
    })
}

fn unsigned(error: biscuit_auth::error::Token) -> Error {
    Error::internal(format!("a token could not be made: {}", quoted(&error)))
}
