//! `[oidc]`: the identity provider whose tokens are taken beside our own.

use serde::{Deserialize, Deserializer};

use crate::kernel::{field::Fields, text::text_enum};

text_enum! {
    /// How a provider signs. Every one of them is asymmetric: with a shared secret, whoever
    /// can check a token could make one, and the secret here would be the public key.
    pub enum SigningAlgorithm {
        Rs256 = "RS256",
        Rs384 = "RS384",
        Rs512 = "RS512",
        Ps256 = "PS256",
        Ps384 = "PS384",
        Ps512 = "PS512",
        Es256 = "ES256",
        Es384 = "ES384",
    }
}

/// An identity provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The issuer, exactly as tokens name it; empty: none.
    pub issuer: String,
    /// The clients whose tokens are taken.
    #[serde(deserialize_with = "words")]
    pub client_ids: Vec<String>,
    /// The algorithms that are taken, whatever a token's header says.
    #[serde(deserialize_with = "words")]
    pub algorithms: Vec<SigningAlgorithm>,
    /// Where the keys are; empty: at the usual place below the issuer.
    pub jwks_url: String,
    /// How far the provider's clock may be from ours, in seconds.
    pub leeway_seconds: u32,
    /// The age at which keys are fetched anew in the background, in seconds.
    pub refresh_seconds: u32,
    /// The least time between two fetches, in seconds.
    pub refetch_seconds: u32,
    /// The age up to which keys are used while the provider does not answer, in seconds.
    pub max_stale_seconds: u32,
}

impl OidcConfig {
    /// Whether a provider is configured.
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// Where the provider's keys are.
    pub fn keys_url(&self) -> String {
        if self.jwks_url.is_empty() {
            let issuer = self.issuer.trim_end_matches('/');
            format!("{issuer}/.well-known/jwks.json")
        } else {
            self.jwks_url.clone()
        }
    }

    pub(super) fn validate(&self, fields: &mut Fields) {
        if !self.is_on() {
            return;
        }
        fields.check(
            !self.client_ids.is_empty(),
            "oidc.client_ids",
            "must name the clients whose tokens are taken: any client of the issuer would \
             do otherwise",
        );
        fields.check(
            !self.algorithms.is_empty(),
            "oidc.algorithms",
            "must name at least one algorithm",
        );
        fields.check(
            self.leeway_seconds <= 300,
            "oidc.leeway_seconds",
            "must be at most 300",
        );
        fields.check(
            (1..=self.refresh_seconds).contains(&self.refetch_seconds),
            "oidc.refetch_seconds",
            "must be at least 1 and at most oidc.refresh_seconds",
        );
        fields.check(
            self.refresh_seconds <= self.max_stale_seconds,
            "oidc.max_stale_seconds",
            "must be at least oidc.refresh_seconds",
        );
    }

    /// Refuses an address whose answers anybody on the way could write.
    pub(super) fn check_production(&self, fields: &mut Fields) {
        for (key, address) in [
            ("oidc.issuer", &self.issuer),
            ("oidc.jwks_url", &self.jwks_url),
        ] {
            fields.check(
                address.is_empty() || address.starts_with("https://"),
                key,
                "must begin with https:// in production",
            );
        }
    }
}

/// A list, as a list in a file or as words between commas in the environment.
pub(super) fn words<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        Text(String),
        List(Vec<String>),
    }
    let list = match Words::deserialize(deserializer)? {
        Words::Text(text) => text.split(',').map(str::to_owned).collect(),
        Words::List(list) => list,
    };
    list.iter()
        .map(|word| word.trim())
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().map_err(serde::de::Error::custom))
        .collect()
}
