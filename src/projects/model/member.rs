//! Members of a project.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    access::ProjectRole,
    kernel::{
        MemberId, OrgId, ProjectId, Result, UserId,
        field::Fields,
        form::{Form, FormsOf, HasForms},
        patch::Patch,
    },
    tenants::model::{Person, check_address, search_text},
};

/// Somebody in a project. Members of the organization reach its projects without
/// being members of them; what somebody is in a project can only add to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectMember {
    /// The membership's id; paths name the user instead.
    pub id: MemberId,
    /// The organization.
    pub org_id: OrgId,
    /// The project.
    pub project_id: ProjectId,
    /// The person.
    pub user_id: UserId,
    /// What they are in it.
    pub role: ProjectRole,
    /// Who they are.
    pub user: Person,
    /// When they were added.
    pub created_at: DateTime<Utc>,
}

/// Who is added, and as what: a member of the organization, by `userId` or by `email`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectMemberAdd {
    /// The user; either this or the address.
    #[schema(nullable = false)]
    pub user_id: Option<UserId>,
    /// Their address, in whatever case.
    #[schema(nullable = false, format = "email", max_length = 320)]
    pub email: Option<String>,
    /// What they become.
    pub role: ProjectRole,
}

/// [`ProjectMemberAdd`] in the document: by id, or by address.
pub type ProjectMemberForms = FormsOf<ProjectMemberAdd>;

impl HasForms for ProjectMemberAdd {
    const FORMS: &'static [Form] = &[
        Form {
            needs: &["userId"],
            refuses: &["email"],
            ..Form::new("By id")
        },
        Form {
            needs: &["email"],
            refuses: &["userId"],
            ..Form::new("By address")
        },
    ];
}

/// By what somebody is looked for among the members of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// By their id.
    User(UserId),
    /// By their address.
    Address(String),
}

impl ProjectMemberAdd {
    /// Who is meant.
    pub fn whom(&self) -> Result<Whom> {
        let mut fields = Fields::default();
        let whom = match (self.user_id, &self.email) {
            (Some(user), None) => Some(Whom::User(user)),
            (None, Some(email)) => Some(Whom::Address(check_address(&mut fields, email))),
            _ => {
                fields.bad("userId", "must be there, or else email, but not both");
                None
            }
        };
        fields.finish_with(whom)
    }
}

/// What changes in a membership of a project.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectMemberUpdate {
    /// What they become.
    #[serde(default)]
    #[schema(value_type = ProjectRole, required = false)]
    pub role: Patch<ProjectRole>,
}

/// The filters of a list of a project's members, as they come in the query string.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ProjectMemberQuery {
    /// Only members with this role.
    #[param(value_type = Option<ProjectRole>, nullable = false)]
    pub role: Option<String>,
    /// Only members with this text in their name or address, in whatever case.
    #[param(nullable = false, max_length = 200)]
    pub q: Option<String>,
}

/// Checked filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectMemberFilter {
    /// Only members with this role.
    pub role: Option<ProjectRole>,
    /// Only members with this text in their name or address.
    pub text: Option<String>,
}

impl ProjectMemberQuery {
    /// Checks and parses every filter. An empty `q` is none, as from a form left blank.
    pub fn parse(self) -> Result<ProjectMemberFilter> {
        let mut fields = Fields::default();
        let role = self.role.and_then(|text| fields.take("role", text.parse()));
        let text = search_text(&mut fields, self.q);
        fields.finish()?;
        Ok(ProjectMemberFilter { role, text })
    }
}
