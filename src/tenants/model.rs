//! Organizations and users as the program and its clients know them.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    access::OrgRole,
    kernel::{
        OrgId, Result, UserId,
        field::{Fields, name},
        patch::Patch,
        text::text_enum,
    },
};

text_enum! {
    /// How much of a node's history an organization keeps.
    pub enum EventSourcingLevel {
        Full = "full",
        Snapshot = "snapshot",
        Audit = "audit",
    }
}

/// The part of an organization's address: 2 to 100 of `a-z`, `0-9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slug(String);

impl Slug {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for Slug {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if (2..=100).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Slug(text.to_owned()))
        } else {
            Err("must be 2 to 100 lower-case letters, digits or hyphens")
        }
    }
}

/// An organization, as one of its members sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Org {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// Its part of an address, unique among all.
    pub slug: String,
    /// Models, policies, budget.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// How much history it keeps.
    pub event_sourcing_level: EventSourcingLevel,
    /// What the caller is in it.
    pub role: OrgRole,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What makes an organization.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgCreate {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Harbour Street Labs")]
    pub name: String,
    /// 2 to 100 lower-case letters, digits or hyphens.
    #[schema(pattern = "^[a-z0-9-]{2,100}$", example = "harbour-street")]
    pub slug: String,
    /// Models, policies, budget.
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Value>,
    /// How much history it keeps; `full` unless said.
    pub event_sourcing_level: Option<EventSourcingLevel>,
}

/// What changes in an organization.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgUpdate {
    /// 1 to 200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    pub name: Patch<String>,
    /// 2 to 100 lower-case letters, digits or hyphens.
    #[serde(default)]
    #[schema(value_type = String, required = false, pattern = "^[a-z0-9-]{2,100}$")]
    pub slug: Patch<String>,
    /// Models, policies, budget; replaced as a whole.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub settings: Patch<Value>,
    /// How much history it keeps.
    #[serde(default)]
    #[schema(value_type = EventSourcingLevel, required = false)]
    pub event_sourcing_level: Patch<EventSourcingLevel>,
}

impl OrgCreate {
    /// Checks every field and parses the slug.
    pub fn check(&self) -> Result<Slug> {
        let mut fields = Fields::default();
        name(&mut fields, "name", &self.name);
        let slug = fields.take("slug", self.slug.parse());
        if let Some(settings) = &self.settings {
            check_settings(&mut fields, settings);
        }
        fields.finish_with(slug)
    }
}

impl OrgUpdate {
    /// The organization with the change applied.
    pub fn apply(self, mut row: Org) -> Result<Org> {
        let mut fields = Fields::default();
        if let Some(value) = fields.required("name", self.name) {
            name(&mut fields, "name", &value);
            row.name = value;
        }
        if let Some(value) = fields.required("slug", self.slug) {
            fields.take::<Slug, _>("slug", value.parse());
            row.slug = value;
        }
        if let Some(value) = fields.required("eventSourcingLevel", self.event_sourcing_level) {
            row.event_sourcing_level = value;
        }
        replace_settings(&mut fields, self.settings, &mut row.settings);
        fields.finish()?;
        Ok(row)
    }
}

/// Settings in JSON at most, in bytes.
const MAX_SETTINGS: usize = 64 << 10;

/// Applies a change of settings, which replaces them as a whole.
pub fn replace_settings(fields: &mut Fields, patch: Patch<Value>, settings: &mut Value) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => *settings = json!({}),
        Patch::Set(value) => {
            check_settings(fields, &value);
            *settings = value;
        }
    }
}

/// Checks settings: an object of 64 KiB at most, without keys to foreign services.
pub fn check_settings(fields: &mut Fields, settings: &Value) {
    fields.check(settings.is_object(), "settings", "must be an object");
    fields.check(
        settings.to_string().len() <= MAX_SETTINGS,
        "settings",
        "must be at most 64 KiB of JSON",
    );
    // Keys must be stored encrypted and never be read back. Until that exists they
    // are refused: kept in the open they would leak, dropped in silence they'd be lost.
    fields.check(
        !holds_key(settings),
        "settings",
        "can't hold apiKey or selfHostedKey yet; give the key to the server's configuration",
    );
}

fn holds_key(value: &Value) -> bool {
    let secret = |key: &str| matches!(key, "apiKey" | "selfHostedKey");
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| (secret(key) && !value.is_null()) || holds_key(value)),
        Value::Array(items) => items.iter().any(holds_key),
        _ => false,
    }
}

/// A person.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Who they are to the identity provider.
    pub cognito_sub: String,
    /// Their e-mail address; left out while the identity provider told none.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub email: String,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Where their picture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avatar_url: Option<String>,
    /// `theme` and `notifications`.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// When they were first seen.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// What changes in one's own user.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserUpdate {
    /// 1 to 200 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub name: Patch<String>,
    /// An http or https address.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = "^https?://")]
    pub avatar_url: Patch<String>,
    /// `theme` and `notifications`; replaced as a whole.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub settings: Patch<Value>,
}

impl UserUpdate {
    /// The user with the change applied.
    pub fn apply(self, mut row: User) -> Result<User> {
        let mut fields = Fields::default();
        if let Patch::Set(value) = &self.name {
            name(&mut fields, "name", value);
        }
        if let Patch::Set(url) = &self.avatar_url {
            fields.length("avatarUrl", url, 1, 2000);
            let web = url.starts_with("https://") || url.starts_with("http://");
            fields.check(web, "avatarUrl", "must be an http or https address");
        }
        replace_settings(&mut fields, self.settings, &mut row.settings);
        fields.finish()?;
        self.name.apply(&mut row.name);
        self.avatar_url.apply(&mut row.avatar_url);
        Ok(row)
    }
}

/// Who signs in, as an identity provider vouches for them.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// The external subject: any text of 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "dev-ada")]
    pub user_id: String,
    /// Their e-mail address.
    #[schema(
        min_length = 3,
        max_length = 320,
        pattern = "^[^@]+@.+$",
        example = "ada@example.com"
    )]
    pub email: String,
}

impl SignIn {
    /// Checks both fields.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        fields.length("userId", &self.user_id, 1, 200);
        fields.length("email", &self.email, 3, 320);
        let (local, domain) = self.email.split_once('@').unwrap_or_default();
        fields.check(
            !local.is_empty() && !domain.is_empty(),
            "email",
            "must be an e-mail address",
        );
        fields.finish()
    }
}
