//! `[queue]`: where workers hear of work.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::kernel::field::Fields;

/// What stands behind the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// A table of the database.
    Postgres,
    /// Amazon SQS, or a server that speaks like it.
    Sqs,
}

/// The queue; all but `kind` is for SQS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// What stands behind it.
    pub kind: QueueKind,
    /// The queue of executions.
    pub agent_url: String,
    /// The queue of files.
    pub file_url: String,
    /// Where the queues are; empty: as the machine's AWS settings say.
    pub region: String,
    /// Another server than Amazon's; empty: none.
    pub endpoint: String,
    /// Who we are there; empty: whoever the machine's AWS settings say.
    pub access_key_id: String,
    /// The proof of that.
    pub secret_access_key: SecretString,
}

impl QueueConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        if self.kind == QueueKind::Postgres {
            return;
        }
        let is_address = |text: &str| {
            url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        };
        for (name, url) in [
            ("queue.agent_url", &self.agent_url),
            ("queue.file_url", &self.file_url),
        ] {
            fields.check(is_address(url), name, "must be the queue's URL");
        }
        fields.check(
            self.agent_url != self.file_url,
            "queue.file_url",
            "must be another queue than that of executions",
        );
        fields.check(
            self.endpoint.is_empty() || is_address(&self.endpoint),
            "queue.endpoint",
            "must be a URL, or empty for Amazon's own",
        );
        fields.check(
            self.access_key_id.is_empty() == self.secret_access_key.expose_secret().is_empty(),
            "queue.secret_access_key",
            "must be set together with queue.access_key_id, or neither",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(changed: impl FnOnce(&mut QueueConfig)) -> Vec<String> {
        let mut config = QueueConfig {
            kind: QueueKind::Sqs,
            agent_url: "https://sqs.eu-west-1.amazonaws.com/1/agent".into(),
            file_url: "https://sqs.eu-west-1.amazonaws.com/1/file".into(),
            region: String::new(),
            endpoint: String::new(),
            access_key_id: String::new(),
            secret_access_key: SecretString::default(),
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
    fn sqs_needs_two_queues_and_both_halves_of_a_key() {
        assert!(fields(|_| ()).is_empty());
        let none = fields(|config| config.agent_url.clear());
        assert_eq!(none, ["queue.agent_url"]);
        let one = fields(|config| config.file_url.clone_from(&config.agent_url));
        assert_eq!(one, ["queue.file_url"]);
        let half = fields(|config| config.access_key_id = "id".into());
        assert_eq!(half, ["queue.secret_access_key"]);
        let odd = fields(|config| config.endpoint = "localhost:4566".into());
        assert_eq!(odd, ["queue.endpoint"]);
    }

    #[test]
    fn the_database_needs_none_of_it() {
        let nothing = fields(|config| {
            config.kind = QueueKind::Postgres;
            config.agent_url.clear();
        });
        assert!(nothing.is_empty());
    }
}
