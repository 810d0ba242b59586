//! Organizations and users as the program and its clients know them.

mod audit;
mod document;
mod member;
mod models;
mod notification;
mod servers;
mod settings;

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

pub use audit::{AuditActor, AuditEntry, AuditFilter, AuditQuery};
pub use document::{OrgSettings, UserSettings};
pub use member::{
    Member, MemberAdd, MemberFilter, MemberQuery, MemberUpdate, Person, check_address, new_role,
    search_text,
};
pub use models::{Found, OrgModels, Place};
pub use notification::{Notice, Notification, NotificationQuery, NotificationType, Subject};
pub use servers::{OrgServer, ToolEffect, is_server_name};
pub use settings::{Draft, KeyField, Settled, Unchecked, check_user_settings};

text_enum! {
    /// How much of a node's history an organization is meant to keep. Only `full` has a
    /// meaning so far, and all behave like it: a snapshot for every version.
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
    #[schema(value_type = OrgSettings)]
    pub settings: Value,
    /// How much history it is meant to keep. Every level keeps a snapshot of each version
    /// today, as `full` says; the others are recorded and change nothing yet.
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
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "\\S",
        example = "Harbour Street Labs"
    )]
    pub name: String,
    /// 2 to 100 lower-case letters, digits or hyphens.
    #[schema(pattern = "^[a-z0-9-]{2,100}$", example = "harbour-street")]
    pub slug: String,
    /// Models, policies, budget.
    #[schema(value_type = Option<OrgSettings>)]
    pub settings: Option<Unchecked>,
    /// How much history it is meant to keep, `full` unless said. All levels keep a
    /// snapshot of every version so far.
    pub event_sourcing_level: Option<EventSourcingLevel>,
}

/// What changes in an organization.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgUpdate {
    /// 1 to 200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = "\\S")]
    pub name: Patch<String>,
    /// 2 to 100 lower-case letters, digits or hyphens.
    #[serde(default)]
    #[schema(value_type = String, required = false, pattern = "^[a-z0-9-]{2,100}$")]
    pub slug: Patch<String>,
    /// Models, policies, budget; replaced as a whole. A model without `apiKey` keeps the
    /// key that the one of its name has; `null` clears it.
    #[serde(default)]
    #[schema(value_type = Option<OrgSettings>)]
    pub settings: Patch<Unchecked>,
    /// How much history it keeps.
    #[serde(default)]
    #[schema(value_type = EventSourcingLevel, required = false)]
    pub event_sourcing_level: Patch<EventSourcingLevel>,
}

impl OrgCreate {
    /// The organization that this makes, as its owner sees it, with every field checked;
    /// and its settings with their keys apart.
    pub fn make(self, id: OrgId, now: DateTime<Utc>) -> Result<(Org, Settled)> {
        let mut fields = Fields::default();
        name(&mut fields, "name", &self.name);
        let slug = fields.take("slug", self.slug.parse::<Slug>());
        let settings = self.settings.map(|sent| {
            let draft = Draft::read(&mut fields, sent);
            draft.settle(&mut fields, &Value::Null)
        });
        let slug = fields.finish_with(slug)?;
        let settled = settings.unwrap_or_else(Settled::empty);
        let level = self.event_sourcing_level;
        let org = Org {
            id,
            name: self.name,
            slug: slug.into_string(),
            settings: settled.settings.clone(),
            event_sourcing_level: level.unwrap_or(EventSourcingLevel::Full),
            role: OrgRole::Owner,
            created_at: now,
            updated_at: now,
        };
        Ok((org, settled))
    }
}

impl OrgUpdate {
    /// The organization with the change applied, and what becomes of its keys when its
    /// settings change.
    pub fn apply(self, mut row: Org) -> Result<(Org, Option<Settled>)> {
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
        let settled = match self.settings {
            Patch::Keep => None,
            Patch::Clear => Some(Settled::empty()),
            Patch::Set(sent) => {
                let draft = Draft::read(&mut fields, sent);
                Some(draft.settle(&mut fields, &row.settings))
            }
        };
        fields.finish()?;
        if let Some(settled) = &settled {
            row.settings = settled.settings.clone();
        }
        Ok((row, settled))
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
    #[schema(value_type = UserSettings)]
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
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = "\\S")]
    pub name: Patch<String>,
    /// An http or https address.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = "^https?://")]
    pub avatar_url: Patch<String>,
    /// `theme` and `notifications`; replaced as a whole.
    #[serde(default)]
    #[schema(value_type = Option<UserSettings>)]
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
        match self.settings {
            Patch::Keep => {}
            Patch::Clear => row.settings = json!({}),
            Patch::Set(sent) => row.settings = check_user_settings(&mut fields, sent),
        }
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
