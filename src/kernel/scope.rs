//! Who a transaction acts for. The database shows rows by this and nothing else.

use super::id::{OrgId, UserId};

/// The scope of one transaction, set before its first statement.
///
/// The policies in `migrations/` read it; with [`Scope::Nobody`] every
/// tenant table is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Sees no tenant's rows: health checks and tests of that very fact.
    Nobody,
    /// Signing in: the user row of one external subject, and nothing else.
    Subject(String),
    /// Adding somebody: the user rows of one e-mail address, in whatever case, and
    /// nothing else.
    Email(String),
    /// One user over all the organizations they belong to, to find where a thing
    /// lives before the scope narrows to its organization.
    User(UserId),
    /// One organization; `user` is the person on whose behalf, if any.
    Org {
        /// The organization.
        org: OrgId,
        /// On whose behalf; their own user row is visible too.
        user: Option<UserId>,
    },
    /// The program's own plumbing over all tenants: outbox, jobs, workers, leases.
    /// Sees no tenant's content.
    System,
}
