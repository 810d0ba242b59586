//! Members of an organization, and the people that they are.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    access::OrgRole,
    kernel::{
        MemberId, OrgId, Result, UserId,
        field::{Fields, invalid},
        patch::Patch,
    },
};

/// Characters of a search text at most.
const MAX_QUERY: usize = 200;

/// What others see of a user: no settings, and nothing of the identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Where their picture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avatar_url: Option<String>,
}

/// Somebody in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The membership's id; paths name the user instead.
    pub id: MemberId,
    /// The organization.
    pub org_id: OrgId,
    /// The person.
    pub user_id: UserId,
    /// What they are in it.
    pub role: OrgRole,
    /// Who they are.
    pub user: Person,
    /// When they were added.
    pub created_at: DateTime<Utc>,
}

/// Who is added, and as what.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberAdd {
    /// The address that they signed in with, in whatever case.
    #[schema(format = "email", max_length = 320, example = "grace@example.com")]
    pub email: String,
    /// What they become.
    pub role: OrgRole,
}

impl MemberAdd {
    /// The address, checked, without what a copied one has around it.
    pub fn address(&self) -> Result<String> {
        let mut fields = Fields::default();
        let address = check_address(&mut fields, &self.email);
        fields.finish()?;
        Ok(address)
    }
}

/// Checks an e-mail address that somebody is looked for by; answers it trimmed.
pub fn check_address(fields: &mut Fields, text: &str) -> String {
    let text = text.trim();
    fields.length("email", text, 3, 320);
    fields.check(text.contains('@'), "email", "must be an e-mail address");
    text.to_owned()
}

/// What changes in a membership.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberUpdate {
    /// What they become.
    #[serde(default)]
    #[schema(value_type = OrgRole, required = false)]
    pub role: Patch<OrgRole>,
}

/// The filters of a list of members, as they come in the query string.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct MemberQuery {
    /// Only members with this role.
    #[param(value_type = Option<OrgRole>, nullable = false)]
    pub role: Option<String>,
    /// Only members with this text in their name or address, in whatever case.
    #[param(nullable = false, max_length = 200)]
    pub q: Option<String>,
}

/// Checked filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Only members with this role.
    pub role: Option<OrgRole>,
    /// Only members with this text in their name or address.
    pub text: Option<String>,
}

impl MemberQuery {
    /// Checks and parses every filter. An empty `q` is none, as from a form left blank.
    pub fn parse(self) -> Result<MemberFilter> {
        let mut fields = Fields::default();
        let role = self.role.and_then(|text| fields.take("role", text.parse()));
        let text = search_text(&mut fields, self.q);
        fields.finish()?;
        Ok(MemberFilter { role, text })
    }
}

/// Checks the `q` of a list of people.
pub fn search_text(fields: &mut Fields, q: Option<String>) -> Option<String> {
    let text = q.filter(|text| !text.is_empty())?;
    fields.length("q", &text, 0, MAX_QUERY);
    // Postgres has no NUL in a text: found there it would be a failure of ours.
    let nul = text.contains('\0');
    fields.check(!nul, "q", "must not contain the NUL character");
    Some(text)
}

/// The new role that a PATCH gives, if it gives one.
pub fn new_role<R>(patch: Patch<R>) -> Result<Option<R>> {
    match patch {
        Patch::Keep => Ok(None),
        Patch::Clear => Err(invalid("role", "can't be cleared")),
        Patch::Set(role) => Ok(Some(role)),
    }
}
