//! `[storage]`: where files lie, how their addresses are signed, and how much there may be.

use std::path::PathBuf;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{database::required, weak};
use crate::kernel::{Result, field::Fields};

/// What files lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A folder of this machine.
    Folder,
    /// Amazon S3, or a server that speaks like it.
    S3,
}

/// How S3 is asked to encrypt what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Encryption {
    /// It is not asked: as the bucket is set up.
    #[serde(rename = "none")]
    None,
    /// With keys of S3.
    #[serde(rename = "AES256")]
    Aes256,
    /// With a key of AWS KMS.
    #[serde(rename = "aws:kms")]
    AwsKms,
}

/// Files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// What they lie in.
    pub kind: StorageKind,
    /// Where the folder backend keeps them.
    pub folder: PathBuf,
    /// Signs their addresses.
    pub url_secret: SecretString,
    /// The bucket.
    pub bucket: String,
    /// What stands before all keys.
    pub prefix: String,
    /// Where the bucket is; empty: as the machine's AWS settings say.
    pub region: String,
    /// Another server than Amazon's; empty: none.
    pub endpoint: String,
    /// How clients reach that server; empty: as we do.
    pub public_endpoint: String,
    /// Whether the bucket stands in the path rather than in the host's name.
    pub path_style: bool,
    /// Who we are there; empty: whoever the machine's AWS settings say.
    pub access_key_id: String,
    /// The proof of that.
    pub secret_access_key: SecretString,
    /// How what is stored is encrypted.
    pub encryption: Encryption,
    /// The key of AWS KMS; empty: the account's default.
    pub kms_key_id: String,
    /// Largest upload, in bytes.
    pub upload_limit_bytes: u64,
    /// What all files of an organization may have, in bytes; 0: no limit.
    pub quota_bytes: u64,
    /// How long a signed address is good, in seconds.
    pub url_seconds: u32,
    /// After how long an upload that nobody confirmed is removed, in hours.
    pub unconfirmed_hours: u32,
}

impl StorageConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        let length = self.url_secret.expose_secret().len();
        fields.check(
            length == 0 || length >= 32,
            "storage.url_secret",
            "must have 32 characters or more",
        );
        fields.check(
            (60..=7 * 24 * 3600).contains(&self.url_seconds),
            "storage.url_seconds",
            "must be between a minute and a week",
        );
        fields.check(
            (1..=8760).contains(&self.unconfirmed_hours),
            "storage.unconfirmed_hours",
            "must be between an hour and a year",
        );
        if self.kind == StorageKind::S3 {
            self.validate_s3(fields);
        }
    }

    fn validate_s3(&self, fields: &mut Fields) {
        fields.check(
            !self.bucket.is_empty(),
            "storage.bucket",
            "must be the bucket's name",
        );
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
        let is_prefix = self.prefix.ends_with('/') && !self.prefix.starts_with('/');
        fields.check(
            self.prefix.is_empty() || (is_prefix && self.prefix.chars().all(plain)),
            "storage.prefix",
            "must be empty, or of letters, digits, -, _, . and /, with a slash at its end and none \
             at its beginning",
        );
        for (name, url) in [
            ("storage.endpoint", &self.endpoint),
            ("storage.public_endpoint", &self.public_endpoint),
        ] {
            let is_address =
                url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            fields.check(
                url.is_empty() || is_address,
                name,
                "must be a URL, or empty",
            );
        }
        fields.check(
            self.access_key_id.is_empty() == self.secret_access_key.expose_secret().is_empty(),
            "storage.secret_access_key",
            "must be set together with storage.access_key_id, or neither",
        );
        fields.check(
            self.kms_key_id.is_empty() || self.encryption == Encryption::AwsKms,
            "storage.kms_key_id",
            "is for storage.encryption = \"aws:kms\" alone",
        );
    }

    /// Refuses a secret that anybody could guess.
    pub(super) fn check_production(&self, fields: &mut Fields) {
        let secret = self.url_secret.expose_secret();
        if let Some(why) = weak::text(secret).filter(|_| !secret.is_empty()) {
            fields.bad("storage.url_secret", format!("must {why}"));
        }
    }

    /// The secret that signs addresses; fails when it is not configured.
    pub fn secret(&self) -> Result<SecretString> {
        required(&self.url_secret, "GLASSBOX_STORAGE__URL_SECRET")
    }

    /// How long a signed address is good.
    pub fn url_ttl(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.url_seconds))
    }

    /// How old an upload is that nobody will confirm any more: its address has expired, too.
    pub fn unconfirmed(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.unconfirmed_hours)).max(self.url_ttl())
    }

    /// What the files of an organization may have; `None`: as much as there is.
    pub fn quota(&self) -> Option<u64> {
        (self.quota_bytes > 0).then_some(self.quota_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(changed: impl FnOnce(&mut StorageConfig)) -> Vec<String> {
        let mut config = StorageConfig {
            kind: StorageKind::S3,
            folder: PathBuf::new(),
            url_secret: SecretString::default(),
            bucket: "files".into(),
            prefix: String::new(),
            region: String::new(),
            endpoint: String::new(),
            public_endpoint: String::new(),
            path_style: false,
            access_key_id: String::new(),
            secret_access_key: SecretString::default(),
            encryption: Encryption::None,
            kms_key_id: String::new(),
            upload_limit_bytes: 1,
            quota_bytes: 0,
            url_seconds: 900,
            unconfirmed_hours: 24,
        };
        changed(&mut config);
        let mut fields = Fields::default();
        config.validate(&mut fields);
        let Err(error) = fields.finish() else {
            return Vec::new();
        };
        let named = error.details().unwrap()["fields"].as_array().unwrap();
        let name = |field: &serde_json::Value| field["field"].as_str().unwrap().to_owned();
        named.iter().map(name).collect()
    }

    #[test]
    fn s3_needs_a_bucket_and_both_halves_of_a_key() {
        assert!(fields(|_| ()).is_empty());
        assert_eq!(fields(|c| c.bucket.clear()), ["storage.bucket"]);
        assert_eq!(
            fields(|c| c.access_key_id = "id".into()),
            ["storage.secret_access_key"]
        );
        assert_eq!(
            fields(|c| c.endpoint = "minio:9000".into()),
            ["storage.endpoint"]
        );
        assert_eq!(
            fields(|c| c.kms_key_id = "k".into()),
            ["storage.kms_key_id"]
        );
        assert!(fields(|c| c.prefix = "glassbox/".into()).is_empty());
        for bad in ["glassbox", "/a/", "a b/", "/"] {
            assert_eq!(
                fields(|c| c.prefix = bad.into()),
                ["storage.prefix"],
                "{bad}"
            );
        }
    }

    #[test]
    fn a_folder_needs_none_of_it() {
        let nothing = fields(|config| {
            config.kind = StorageKind::Folder;
            config.bucket.clear();
        });
        assert!(nothing.is_empty());
    }

    #[test]
    fn an_upload_is_left_alone_while_its_address_works() {
        let mut config = crate::config::load("test", &[]).unwrap().storage;
        assert_eq!(config.unconfirmed(), TimeDelta::hours(24));
        config.url_seconds = 7 * 24 * 3600;
        assert_eq!(config.unconfirmed(), TimeDelta::days(7));
    }
}
