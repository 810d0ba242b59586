//! Tokens of an organization as the program and its clients know them.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, schema::Schema};

use crate::{
    access::Action,
    kernel::{
        NodeId, OrgId, ProjectId, Result, TokenId, UserId,
        field::{Fields, name},
        form::{Form, FormsOf, HasForms, text},
        text::TextEnum,
    },
};

/// The life of a token that names none.
const USUAL_LIFE: TimeDelta = TimeDelta::days(90);
/// The shortest life, in seconds.
const MIN_LIFE: i64 = 60;
/// The longest life, in seconds: a year.
const MAX_LIFE: i64 = 365 * 24 * 3600;

/// A token that an organization gave out, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgToken {
    /// Its id.
    pub id: TokenId,
    /// Whose it is, and where alone it acts.
    pub org_id: OrgId,
    /// What it is for.
    pub name: String,
    /// What it may do, as far as its maker may.
    pub rights: Vec<Action>,
    /// Where it may do so; everywhere in the organization unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ResourceForms>, nullable = false)]
    pub resource: Option<Resource>,
    /// Who made it, and for whom it speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The one place that a token was narrowed to: a project, or a node with all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub project_id: Option<ProjectId>,
    /// The node at the root of the subtree.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub node_id: Option<NodeId>,
}

/// [`Resource`] in the document: a project, or a node.
pub type ResourceForms = FormsOf<Resource>;

impl HasForms for Resource {
    const FORMS: &'static [Form] = &[
        Form {
            needs: &["projectId"],
            refuses: &["nodeId"],
            ..Form::new("A project")
        },
        Form {
            needs: &["nodeId"],
            refuses: &["projectId"],
            ..Form::new("A node")
        },
    ];
}

/// An action that a token can be given, for the OpenAPI document.
#[derive(Debug)]
pub struct Right;

impl utoipa::PartialSchema for Right {
    fn schema() -> RefOr<Schema> {
        let given = Action::ALL.iter().filter(|action| can_be_given(**action));
        let names: Vec<&str> = given.map(|action| action.as_str()).collect();
        text().enum_values(Some(names)).into()
    }
}

impl utoipa::ToSchema for Right {}

/// Whether a token may have it: one that could make others would outlive its revoking.
fn can_be_given(action: Action) -> bool {
    action != Action::TokenManage
}

/// What makes a token.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenCreate {
    /// 1 to 200 characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "\\S",
        example = "Nightly import"
    )]
    pub name: String,
    /// The names of actions, at least one. `token.manage` can't be given to a token.
    #[schema(value_type = Vec<Right>, min_items = 1)]
    pub rights: Vec<Action>,
    /// A project or a node of the organization; everywhere in it unless said.
    #[schema(value_type = Option<ResourceForms>)]
    pub resource: Option<Resource>,
    /// Seconds until it ends, a minute to a year; 90 days unless said.
    #[schema(minimum = 60, maximum = 31_536_000, default = 7_776_000)]
    pub expires_in: Option<i64>,
}

/// A checked [`TokenCreate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What it is for.
    pub name: String,
    /// What it may do; each action once.
    pub rights: Vec<Action>,
    /// Where; not yet known to be of the organization.
    pub resource: Option<Resource>,
    /// How long.
    pub life: TimeDelta,
}

impl TokenCreate {
    /// Checks every field.
    pub fn check(self) -> Result<Wish> {
        let mut fields = Fields::default();
        name(&mut fields, "name", &self.name);
        fields.check(
            !self.rights.is_empty(),
            "rights",
            "must name at least one action",
        );
        fields.check(
            self.rights.iter().all(|action| can_be_given(*action)),
            "rights",
            "must not have token.manage: a token can't make others",
        );
        if let Some(Resource {
            project_id,
            node_id,
        }) = self.resource
        {
            fields.check(
                project_id.is_some() != node_id.is_some(),
                "resource",
                "must name a project or a node, and only one of them",
            );
        }
        let seconds = self.expires_in.unwrap_or(USUAL_LIFE.num_seconds());
        fields.check(
            (MIN_LIFE..=MAX_LIFE).contains(&seconds),
            "expiresIn",
            "must be between a minute and a year, in seconds",
        );
        fields.finish()?;
        let rights: BTreeSet<Action> = self.rights.into_iter().collect();
        Ok(Wish {
            name: self.name,
            rights: rights.into_iter().collect(),
            resource: self.resource,
            life: TimeDelta::seconds(seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(body: Value) -> Result<Wish> {
        serde_json::from_value::<TokenCreate>(body).unwrap().check()
    }

    fn bad_field(body: Value) -> String {
        let error = check(body).unwrap_err();
        let field = &error.details().unwrap()["fields"][0]["field"];
        field.as_str().unwrap().to_owned()
    }

    #[test]
    fn rights_are_kept_once_and_the_rest_has_defaults() {
        let wish =
            check(json!({ "name": "CI", "rights": ["node.read", "node.read", "search"] })).unwrap();
        assert_eq!(wish.rights, [Action::Search, Action::NodeRead]);
        assert_eq!(wish.resource, None);
        assert_eq!(wish.life, TimeDelta::days(90));
    }

    #[test]
    fn each_bad_field_is_named() {
        let id = "019c0000-0000-7000-8000-000000000001";
        let good = json!({ "name": "CI", "rights": ["node.read"] });
        for (field, value) in [
            ("name", json!(" ")),
            ("rights", json!([])),
            ("rights", json!(["token.manage"])),
            ("resource", json!({})),
            ("resource", json!({ "projectId": id, "nodeId": id })),
            ("expiresIn", json!(59)),
            ("expiresIn", json!(MAX_LIFE + 1)),
            ("expiresIn", json!(-1)),
        ] {
            let mut body = good.clone();
            body[field] = value;
            assert_eq!(bad_field(body), field);
        }
    }
}
