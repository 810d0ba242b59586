//! A provider's public keys (a JSON Web Key Set, RFC 7517), read so that each key verifies
//! with its own algorithms only.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

/// Keys of a set at most. Cognito's sets have two.
const MAX_KEYS: usize = 100;

/// One key, ready to verify.
pub(super) struct Key {
    pub(super) kid: String,
    pub(super) decoding: DecodingKey,
    /// Which algorithms the key may verify; no claims.
    pub(super) validation: Validation,
    /// As the provider wrote it, to see whether it has changed.
    source: Value,
}

/// The keys of a set by their names.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Arc<Key>>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Keys {
    /// Reads a set. What we can't use is passed over: providers add kinds of keys, and one
    /// of them must not take the others away. A key that `before` has stays the same
    /// [`Arc`], so that what it verified is known to be still good.
    ///
    /// Fails for what is no set, or has no key that we can use.
    pub(super) fn read(
        body: &[u8],
        algorithms: &[Algorithm],
        before: &Keys,
    ) -> Result<Self, &'static str> {
        let document: Document =
            serde_json::from_slice(body).map_err(|_| "the answer is no set of keys")?;
        let mut keys = HashMap::new();
        for source in document.keys.into_iter().take(MAX_KEYS) {
            if let Some(key) = Key::read(source, algorithms) {
                let same = before
                    .get(&key.kid)
                    .filter(|old| old.source == key.source)
                    .cloned();
                keys.entry(key.kid.clone())
                    .or_insert_with(|| same.unwrap_or_else(|| Arc::new(key)));
            }
        }
        if keys.is_empty() {
            return Err("the set has no key for the configured algorithms");
        }
        Ok(Keys(keys))
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.get(kid)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Key {
    fn read(source: Value, algorithms: &[Algorithm]) -> Option<Self> {
        let jwk = Jwk::deserialize(&source).ok()?;
        let signs = matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        let stated = source
            .get("alg")
            .map(|alg| Algorithm::deserialize(alg).ok());
        let fits = |algorithm: &&Algorithm| {
            suits(&jwk.algorithm, **algorithm)
                && stated.is_none_or(|stated| stated == Some(**algorithm))
        };
        let algorithms: Vec<Algorithm> = algorithms.iter().filter(fits).copied().collect();
        let validation = validation(*algorithms.first().filter(|_| signs)?, algorithms);
        Some(Key {
            kid: jwk.common.key_id.clone()?,
            decoding: DecodingKey::from_jwk(&jwk).ok()?,
            validation,
            source,
        })
    }
}

/// Whether a key of this kind can verify with `algorithm`. A secret (`oct`) suits nothing:
/// if one is published, it is none.
fn suits(parameters: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    match parameters {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(curve) => matches!(
            (&curve.curve, algorithm),
            (EllipticCurve::P256, Algorithm::ES256) | (EllipticCurve::P384, Algorithm::ES384)
        ),
        _ => false,
    }
}

/// Signatures alone: claims are ours to check.
fn validation(first: Algorithm, algorithms: Vec<Algorithm>) -> Validation {
    let mut validation = Validation::new(first);
    validation.algorithms = algorithms;
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rsa(kid: &str) -> Value {
        json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": "AQAB", "e": "AQAB" })
    }

    fn read(keys: Value) -> Result<Keys, &'static str> {
        let body = json!({ "keys": keys }).to_string();
        let algorithms = [Algorithm::RS256, Algorithm::ES256];
        Keys::read(body.as_bytes(), &algorithms, &Keys::default())
    }

    fn with(key: &str, value: Value) -> Value {
        let mut jwk = rsa("odd");
        jwk[key] = value;
        jwk
    }

    #[test]
    fn keys_that_we_can_not_use_are_passed_over() {
        for odd in [
            json!("no key"),
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "odd", "x": "AQAB" }),
            json!({ "kty": "oct", "kid": "odd", "k": "AQAB" }),
            json!({ "kty": "oct", "kid": "odd", "alg": "RS256", "k": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-384", "kid": "odd", "x": "AQAB", "y": "AQAB" }),
            json!({ "kty": "new", "kid": "odd" }),
            with("use", json!("enc")),
            with("alg", json!("RS512")),
            with("alg", json!("HS256")),
            with("alg", json!("none")),
            with("alg", json!(null)),
            with("kid", json!(null)),
        ] {
            let keys = read(json!([odd, rsa("good")])).unwrap();
            assert_eq!(keys.len(), 1, "{odd}");
            assert!(keys.get("good").is_some());
        }
    }

    #[test]
    fn a_key_verifies_with_algorithms_of_its_own_kind_only() {
        let mut unstated = rsa("rsa");
        unstated.as_object_mut().unwrap().remove("alg");
        let ec = json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "x": "AQAB", "y": "AQAB" });
        let keys = read(json!([unstated, ec])).unwrap();
        let algorithms = |kid: &str| keys.get(kid).unwrap().validation.algorithms.clone();
        assert_eq!(algorithms("rsa"), [Algorithm::RS256]);
        assert_eq!(algorithms("ec"), [Algorithm::ES256]);
    }

    #[test]
    fn what_is_no_set_of_keys_is_refused() {
        for body in ["", "<html>", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#] {
            let read = Keys::read(body.as_bytes(), &[Algorithm::RS256], &Keys::default());
            assert!(read.is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_key_that_did_not_change_stays_the_same_one() {
        let old = read(json!([rsa("a"), rsa("b")])).unwrap();
        let mut changed = rsa("b");
        changed["n"] = json!("AQAC");
        let body = json!({ "keys": [rsa("a"), changed] }).to_string();
        let new = Keys::read(body.as_bytes(), &[Algorithm::RS256], &old).unwrap();
        let same = |kid| Arc::ptr_eq(old.get(kid).unwrap(), new.get(kid).unwrap());
        assert!(same("a") && !same("b"));
    }
}
