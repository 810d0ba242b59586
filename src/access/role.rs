//! The roles, and the table of what each may do.
//!
//! `rule` is the whole policy on one page. It is an exhaustive `match`, so an
//! action that is added without a line here does not compile. A role in a project
//! raises what the role in the organization gives and never lowers it.

use super::action::Action;
use crate::kernel::text::text_enum;

text_enum! {
    /// What somebody is in an organization, most powerful first.
    pub enum OrgRole {
        Owner = "owner",
        Admin = "admin",
        Member = "member",
        Guest = "guest",
    }
}

text_enum! {
    /// What somebody is in one project, most powerful first.
    pub enum ProjectRole {
        Admin = "admin",
        Editor = "editor",
        Viewer = "viewer",
    }
}

impl OrgRole {
    /// Whether this role is `other` or a more powerful one.
    pub const fn at_least(self, other: OrgRole) -> bool {
        self as u8 <= other as u8
    }
}

impl ProjectRole {
    /// Whether this role is `other` or a more powerful one.
    pub const fn at_least(self, other: ProjectRole) -> bool {
        self as u8 <= other as u8
    }
}

/// Which roles allow an action; each names the least role that does.
#[derive(Clone, Copy)]
enum Rule {
    /// This role in the organization; a role in a project does not help.
    Org(OrgRole),
    /// This role in the organization, or this one in the project.
    Either(OrgRole, ProjectRole),
    /// As [`Rule::Either`], but the role in the project helps nobody who is only a
    /// guest of the organization: what is lost here is not the guest's to lose.
    EitherNoGuest(OrgRole, ProjectRole),
}

/// THE table.
const fn rule(action: Action) -> Rule {
    use OrgRole::{Admin, Guest, Member, Owner};
    use ProjectRole::{Editor, Viewer};
    use Rule::{Either, EitherNoGuest, Org};
    const PROJECT_ADMIN: ProjectRole = ProjectRole::Admin;

    match action {
        // Anybody may make one, and is its owner from then on: see `Grant::founding`.
        Action::OrgCreate => Org(Owner),
        Action::OrgRead => Org(Guest),
        Action::OrgUpdate => Org(Admin),
        Action::OrgDelete => Org(Owner),
        Action::MemberRead => Org(Member),
        // Of owners, only an owner: see `may_manage`.
        Action::MemberAdd | Action::MemberUpdate | Action::MemberRemove => Org(Admin),
        Action::MemberLeave => Org(Guest),
        Action::AuditRead | Action::UsageRead => Org(Member),
        Action::TokenManage => Org(Admin),
        Action::TemplateRead => Org(Member),
        // A template carries the prompt and the model that others will run.
        Action::TemplateWrite => Org(Admin),
        Action::Search => Either(Member, Viewer),

        Action::ProjectCreate => Org(Member),
        Action::ProjectRead => Either(Member, Viewer),
        Action::ProjectUpdate => Either(Admin, PROJECT_ADMIN),
        Action::ProjectDelete => EitherNoGuest(Admin, PROJECT_ADMIN),
        Action::ProjectMemberRead => Either(Member, Viewer),
        Action::ProjectMemberManage => Either(Admin, PROJECT_ADMIN),
        Action::ProjectMemberLeave => Either(Member, Viewer),

        Action::NodeRead => Either(Member, Viewer),
        Action::NodeCreate | Action::NodeUpdate | Action::NodeDelete => Either(Member, Editor),
        Action::NodeLock => Either(Member, Editor),
        Action::NodeLockBreak => Either(Admin, PROJECT_ADMIN),
        Action::InputAdd | Action::InputRemove => Either(Member, Editor),
        Action::OutputAdd | Action::OutputRemove => Either(Member, Editor),

        Action::FileRead => Either(Member, Viewer),
        Action::FileCreate | Action::FileDelete | Action::FileReprocess => Either(Member, Editor),

        Action::ExecutionRead => Either(Member, Viewer),
        Action::ExecutionStart | Action::ExecutionControl => Either(Member, Editor),
        Action::ExecutionInput | Action::ExecutionFork => Either(Member, Editor),
    }
}

/// Whether somebody who is `org` in the organization, and `project` in the project
/// that the thing lies in, may do `action`.
pub fn allows(action: Action, org: OrgRole, project: Option<ProjectRole>) -> bool {
    let in_project = |least| project.is_some_and(|role| role.at_least(least));
    match rule(action) {
        Rule::Org(least) => org.at_least(least),
        Rule::Either(least, other) => org.at_least(least) || in_project(other),
        Rule::EitherNoGuest(least, other) => {
            org.at_least(least) || (org.at_least(OrgRole::Member) && in_project(other))
        }
    }
}

/// The least roles that allow an action, for people who read about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Required {
    /// In the organization.
    pub org: OrgRole,
    /// Or in the project that the thing lies in.
    pub project: Option<ProjectRole>,
}

/// What [`allows`] asks of a caller.
pub const fn required(action: Action) -> Required {
    match rule(action) {
        Rule::Org(org) => Required { org, project: None },
        Rule::Either(org, project) | Rule::EitherNoGuest(org, project) => Required {
            org,
            project: Some(project),
        },
    }
}

/// Whether `actor` may give somebody the role `subject`, take it away or remove
/// somebody who has it. A change of role asks twice: for the old and for the new.
/// Owners are the business of owners, so that no admin can take the organization.
pub fn may_manage(actor: OrgRole, subject: OrgRole) -> bool {
    match subject {
        OrgRole::Owner => actor.at_least(OrgRole::Owner),
        OrgRole::Admin | OrgRole::Member | OrgRole::Guest => actor.at_least(OrgRole::Admin),
    }
}
