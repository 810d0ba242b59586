//! What a provider's token must claim. Pure: the signature was checked before.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;

use super::{Identity, invalid};
use crate::{
    config::OidcConfig,
    kernel::{Result, Timestamp},
};

/// Characters of a subject at most, as the database keeps them; Cognito's have 36.
const MAX_SUBJECT: usize = 200;

/// Characters of an address at most (RFC 5321).
const MAX_EMAIL: usize = 320;

/// The claims that we read. A claim given twice is an error to serde, so nobody can have
/// one value checked and another one used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    nbf: Option<i64>,
    token_use: String,
    aud: Option<Audience>,
    client_id: Option<String>,
    email: Option<String>,
    email_verified: Option<Flag>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Some attributes come as words from Cognito.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Word(String),
}

/// What we ask of claims.
pub(super) struct Rules {
    issuer: String,
    clients: HashSet<String>,
    leeway: TimeDelta,
}

impl Rules {
    pub(super) fn new(config: &OidcConfig) -> Self {
        Rules {
            issuer: config.issuer.clone(),
            clients: config.client_ids.iter().cloned().collect(),
            leeway: TimeDelta::seconds(i64::from(config.leeway_seconds)),
        }
    }

    /// Whom the claims vouch for, when all of them are as they must be.
    pub(super) fn check(&self, claims: Claims, now: Timestamp) -> Result<Identity> {
        if claims.iss != self.issuer {
            return Err(invalid("of another issuer"));
        }
        if !self.is_for_us(&claims) {
            return Err(invalid("not for one of the configured clients"));
        }
        if !is_plain(&claims.sub, MAX_SUBJECT) {
            return Err(invalid("without a usable subject"));
        }
        if let Some(nbf) = claims.nbf
            && moment(nbf).is_none_or(|nbf| now < nbf - self.leeway)
        {
            return Err(invalid("not good yet"));
        }
        let expires_at = moment(claims.exp)
            .and_then(|exp| exp.checked_add_signed(self.leeway))
            .ok_or_else(|| invalid("with an expiry out of range"))?;
        let identity = Identity {
            email: claims.email().map(Into::into),
            subject: claims.sub.into(),
            expires_at,
        };
        identity.check_expiry(now)?;
        Ok(identity)
    }

    /// An id token names its client as `aud`, an access token as `client_id`, and each
    /// says which of the two it is. A token for other audiences beside us is refused: they
    /// hold it too, and could act here as its person.
    fn is_for_us(&self, claims: &Claims) -> bool {
        let known = |client: &String| self.clients.contains(client);
        match (claims.token_use.as_str(), &claims.aud, &claims.client_id) {
            ("id", Some(Audience::One(audience)), _) => known(audience),
            ("id", Some(Audience::Many(all)), _) => !all.is_empty() && all.iter().all(known),
            ("access", _, Some(client)) => known(client),
            _ => false,
        }
    }
}

impl Claims {
    /// The address, unless the provider says that it was never verified: people are added
    /// to organizations by their address, so a made-up one would open another's doors.
    fn email(&self) -> Option<&str> {
        let unverified = match &self.email_verified {
            Some(Flag::Bool(verified)) => !verified,
            Some(Flag::Word(word)) => word != "true",
            None => false,
        };
        self.email
            .as_deref()
            .filter(|email| !unverified && email.contains('@') && is_plain(email, MAX_EMAIL))
    }
}

/// Whether a text has 1 to `max` characters and none that controls anything; Postgres
/// keeps no NUL, for one.
fn is_plain(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A moment of the times in which anybody lives, so that adding to it can't overflow.
fn moment(seconds: i64) -> Option<Timestamp> {
    const YEAR_9999: i64 = 253_402_300_799;
    (0..=YEAR_9999)
        .contains(&seconds)
        .then(|| DateTime::from_timestamp(seconds, 0))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Code;
    use serde_json::{Value, json};

    const NOW: i64 = 1_800_000_000;

    fn rules() -> Rules {
        Rules {
            issuer: "https://id.example.com/pool".into(),
            clients: ["web".to_owned(), "cli".to_owned()].into(),
            leeway: TimeDelta::seconds(30),
        }
    }

    fn access() -> Value {
        json!({ "iss": "https://id.example.com/pool", "sub": "ada", "exp": NOW + 60,
                "nbf": NOW, "token_use": "access", "client_id": "web" })
    }

    fn id() -> Value {
        json!({ "iss": "https://id.example.com/pool", "sub": "ada", "exp": NOW + 60,
                "token_use": "id", "aud": "web", "email": "ada@example.com",
                "email_verified": true })
    }

    fn check(claims: Value) -> Result<Identity, Code> {
        let claims = serde_json::from_value(claims).map_err(|_| Code::TokenInvalid)?;
        rules()
            .check(claims, moment(NOW).unwrap())
            .map_err(|error| error.code())
    }

    fn with(mut claims: Value, key: &str, value: Value) -> Value {
        claims[key] = value;
        claims
    }

    fn without(mut claims: Value, key: &str) -> Value {
        claims.as_object_mut().unwrap().remove(key);
        claims
    }

    #[test]
    fn good_claims_tell_who_and_until_when() {
        let identity = check(id()).unwrap();
        assert_eq!(&*identity.subject, "ada");
        assert_eq!(identity.email.as_deref(), Some("ada@example.com"));
        assert_eq!(identity.expires_at.timestamp(), NOW + 60 + 30);
        assert_eq!(check(access()).unwrap().email, None);
        assert!(check(with(id(), "aud", json!(["web", "cli"]))).is_ok());
    }

    #[test]
    fn a_missing_claim_is_no_satisfied_claim() {
        for key in ["iss", "sub", "exp", "token_use", "client_id"] {
            assert_eq!(
                check(without(access(), key)),
                Err(Code::TokenInvalid),
                "{key}"
            );
        }
        assert_eq!(check(without(id(), "aud")), Err(Code::TokenInvalid));
        assert!(check(without(access(), "nbf")).is_ok());
    }

    #[test]
    fn each_wrong_claim_alone_is_refused() {
        for (claims, key, value) in [
            (access(), "iss", json!("https://id.example.com/other")),
            (access(), "iss", json!("https://id.example.com/pool/")),
            (access(), "iss", json!(["https://id.example.com/pool"])),
            (access(), "sub", json!("")),
            (access(), "sub", json!("a\u{0}b")),
            (access(), "sub", json!("x".repeat(201))),
            (access(), "exp", json!("never")),
            (access(), "exp", json!(-1)),
            (access(), "exp", json!(i64::MAX)),
            (access(), "nbf", json!(NOW + 31)),
            (access(), "nbf", json!(i64::MAX)),
            (access(), "nbf", json!(i64::MIN)),
            (access(), "token_use", json!("refresh")),
            (access(), "token_use", json!("id")),
            (access(), "client_id", json!("another")),
            (id(), "token_use", json!("access")),
            (id(), "aud", json!("another")),
            (id(), "aud", json!([])),
            (id(), "aud", json!(["web", "another"])),
        ] {
            let claims = with(claims, key, value.clone());
            assert_eq!(check(claims), Err(Code::TokenInvalid), "{key}: {value}");
        }
    }

    #[test]
    fn the_client_of_one_kind_of_token_is_not_read_from_the_claim_of_the_other() {
        let id = with(without(id(), "aud"), "client_id", json!("web"));
        assert_eq!(check(id), Err(Code::TokenInvalid));
        let access = with(without(access(), "client_id"), "aud", json!("web"));
        assert_eq!(check(access), Err(Code::TokenInvalid));
    }

    #[test]
    fn a_token_ends_after_the_leeway_and_begins_before_it() {
        assert!(check(with(access(), "exp", json!(NOW - 29))).is_ok());
        let late = check(with(access(), "exp", json!(NOW - 30)));
        assert_eq!(late, Err(Code::TokenExpired));
        assert!(check(with(access(), "nbf", json!(NOW + 30))).is_ok());
    }

    #[test]
    fn an_address_that_is_none_or_not_verified_is_not_taken() {
        for (key, value) in [
            ("email_verified", json!(false)),
            ("email_verified", json!("false")),
            ("email", json!("nobody")),
            ("email", json!("a\n@example.com")),
            ("email", json!(format!("{}@example.com", "x".repeat(320)))),
            ("email", json!(null)),
        ] {
            let identity = check(with(id(), key, value.clone())).unwrap();
            assert_eq!(identity.email, None, "{key}: {value}");
        }
        let word = check(with(id(), "email_verified", json!("true"))).unwrap();
        assert!(word.email.is_some());
    }
}
