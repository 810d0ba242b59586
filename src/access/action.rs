//! Every action there is, as one closed set.
//!
//! The dotted names are used as the operation in tokens, in the audit log and as a
//! log field, so a name is never changed once it was released.

use crate::kernel::text::text_enum;

text_enum! {
    /// Something that a caller may or may not do.
    pub enum Action {
        OrgCreate = "org.create",
        OrgRead = "org.read",
        OrgUpdate = "org.update",
        OrgDelete = "org.delete",
        MemberRead = "member.read",
        MemberAdd = "member.add",
        MemberUpdate = "member.update",
        MemberRemove = "member.remove",
        MemberLeave = "member.leave",
        AuditRead = "audit.read",
        UsageRead = "usage.read",
        TokenManage = "token.manage",
        TemplateRead = "template.read",
        TemplateWrite = "template.write",
        Search = "search",
        ProjectCreate = "project.create",
        ProjectRead = "project.read",
        ProjectUpdate = "project.update",
        ProjectDelete = "project.delete",
        ProjectMemberRead = "project_member.read",
        ProjectMemberManage = "project_member.manage",
        ProjectMemberLeave = "project_member.leave",
        NodeCreate = "node.create",
        NodeRead = "node.read",
        NodeUpdate = "node.update",
        NodeDelete = "node.delete",
        NodeLock = "node.lock",
        NodeLockBreak = "node.lock_break",
        InputAdd = "input.add",
        InputRemove = "input.remove",
        OutputAdd = "output.add",
        OutputRemove = "output.remove",
        FileCreate = "file.create",
        FileRead = "file.read",
        FileDelete = "file.delete",
        FileReprocess = "file.reprocess",
        ExecutionStart = "execution.start",
        ExecutionRead = "execution.read",
        ExecutionControl = "execution.control",
        ExecutionInput = "execution.input",
        ExecutionFork = "execution.fork",
    }
}

/// Whose roles decide about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The role in the organization alone; a role in a project changes nothing.
    Organization,
    /// The role in the project counts too, where the thing lies in one. A file
    /// that no project uses, or a search over the whole organization, is asked
    /// for without a project, and then the organization's role alone decides.
    Project,
}

impl Action {
    /// Whose roles decide about this action; the caller looks up no others.
    pub const fn level(self) -> Level {
        match self {
            Action::OrgCreate
            | Action::OrgRead
            | Action::OrgUpdate
            | Action::OrgDelete
            | Action::MemberRead
            | Action::MemberAdd
            | Action::MemberUpdate
            | Action::MemberRemove
            | Action::MemberLeave
            | Action::AuditRead
            | Action::UsageRead
            | Action::TokenManage
            | Action::TemplateRead
            | Action::TemplateWrite
            | Action::ProjectCreate => Level::Organization,
            Action::Search
            | Action::ProjectRead
            | Action::ProjectUpdate
            | Action::ProjectDelete
            | Action::ProjectMemberRead
            | Action::ProjectMemberManage
            | Action::ProjectMemberLeave
            | Action::NodeCreate
            | Action::NodeRead
            | Action::NodeUpdate
            | Action::NodeDelete
            | Action::NodeLock
            | Action::NodeLockBreak
            | Action::InputAdd
            | Action::InputRemove
            | Action::OutputAdd
            | Action::OutputRemove
            | Action::FileCreate
            | Action::FileRead
            | Action::FileDelete
            | Action::FileReprocess
            | Action::ExecutionStart
            | Action::ExecutionRead
            | Action::ExecutionControl
            | Action::ExecutionInput
            | Action::ExecutionFork => Level::Project,
        }
    }

    /// The end of the sentence "You are not allowed to …".
    pub const fn phrase(self) -> &'static str {
        match self {
            Action::OrgCreate => "make this organization",
            Action::OrgRead => "see this organization",
            Action::OrgUpdate => "change this organization",
            Action::OrgDelete => "delete this organization",
            Action::MemberRead => "see the members of this organization",
            Action::MemberAdd => "add members to this organization",
            Action::MemberUpdate => "change the role of this member",
            Action::MemberRemove => "remove this member",
            Action::MemberLeave => "leave this organization",
            Action::AuditRead => "read the audit log",
            Action::UsageRead => "see the usage of this organization",
            Action::TokenManage => "manage the tokens of this organization",
            Action::TemplateRead => "see this template",
            Action::TemplateWrite => "create or change templates",
            Action::Search => "search here",
            Action::ProjectCreate => "create projects in this organization",
            Action::ProjectRead => "see this project",
            Action::ProjectUpdate => "change this project",
            Action::ProjectDelete => "delete this project",
            Action::ProjectMemberRead => "see the members of this project",
            Action::ProjectMemberManage => "manage the members of this project",
            Action::ProjectMemberLeave => "leave this project",
            Action::NodeCreate => "create nodes in this project",
            Action::NodeRead => "see this node",
            Action::NodeUpdate => "change this node",
            Action::NodeDelete => "delete this node",
            Action::NodeLock => "lock this node",
            Action::NodeLockBreak => "break the lock of this node",
            Action::InputAdd => "add inputs to this node",
            Action::InputRemove => "remove inputs from this node",
            Action::OutputAdd => "add outputs to this node",
            Action::OutputRemove => "remove outputs from this node",
            Action::FileCreate => "upload files here",
            Action::FileRead => "see this file",
            Action::FileDelete => "delete this file",
            Action::FileReprocess => "process this file again",
            Action::ExecutionStart => "execute this node",
            Action::ExecutionRead => "see this execution",
            Action::ExecutionControl => "pause, resume or cancel this execution",
            Action::ExecutionInput => "answer this execution",
            Action::ExecutionFork => "fork this execution",
        }
    }
}
