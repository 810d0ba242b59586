//! People who sign in with an identity provider: from its token to one of our users.
//!
//! Owns: the memory of which subject is which user.
//! Invariants: the token is verified before anything else happens; a user is made on the
//! first sight of a subject and never twice; an address is never overwritten with nothing.
//! Does not: say what anybody may do. A provider's token speaks for the whole person.

use std::{fmt, sync::Arc};

use chrono::TimeDelta;
use quick_cache::sync::Cache;

use super::sign_in::sign_in_in;
use crate::{
    kernel::{Result, Scope, Timestamp, UserId},
    platform::{
        db::Db,
        oidc::{Identity, Oidc},
    },
};

/// People remembered at most. Beyond that, those seen least are looked up again.
const MAX_KNOWN: usize = 10_000;

/// How long a subject's user is remembered: so long may a process not notice that
/// another one stored a new address, or that the user's row is gone.
const REMEMBERED: TimeDelta = TimeDelta::minutes(10);

/// An identity provider and the people it vouched for.
pub struct Provider {
    oidc: Oidc,
    db: Db,
    known: Cache<Arc<str>, Known>,
}

#[derive(Clone)]
struct Known {
    user: UserId,
    /// The address that the provider told last, if it ever told one here.
    email: Option<Arc<str>>,
    since: Timestamp,
}

impl Known {
    /// Whether it is still to be trusted, and `identity` tells nothing new.
    fn covers(&self, identity: &Identity, now: Timestamp) -> bool {
        let told = identity.email.as_deref();
        let fresh = now.signed_duration_since(self.since).abs() < REMEMBERED;
        fresh && (told.is_none() || told == self.email.as_deref())
    }
}

impl Provider {
    /// A provider whose people are users of `db`.
    pub fn new(oidc: Oidc, db: Db) -> Self {
        Provider {
            oidc,
            db,
            known: Cache::new(MAX_KNOWN),
        }
    }

    /// Verifies a provider's token; answers the user, made on first sight, and when the
    /// provider's word ends. Costs no statement for somebody seen lately.
    ///
    /// Fails as [`Oidc::verify`] does.
    pub async fn sign_in(&self, text: &str) -> Result<(UserId, Timestamp)> {
        let identity = self.oidc.verify(text).await?;
        let now = self.db.now();
        let known = self.known.get(&identity.subject);
        if let Some(known) = &known
            && known.covers(&identity, now)
        {
            return Ok((known.user, identity.expires_at));
        }
        let user = self.look_up(&identity).await?;
        let email = identity.email.clone();
        let entry = Known {
            user,
            email: email.or_else(|| known.and_then(|known| known.email)),
            since: now,
        };
        self.known.insert(Arc::clone(&identity.subject), entry);
        Ok((user, identity.expires_at))
    }

    async fn look_up(&self, identity: &Identity) -> Result<UserId> {
        let scope = Scope::Subject(identity.subject.to_string());
        let (subject, email) = (&*identity.subject, identity.email.as_deref());
        self.db
            .tx(scope, async |tx| sign_in_in(tx, subject, email).await)
            .await
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").finish_non_exhaustive()
    }
}
