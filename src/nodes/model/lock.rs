//! The lock of a node: who may write it, until when.
//!
//! Each taking raises the epoch; renewing keeps it. So an epoch names one holder's turn
//! and never comes back, which is what a late writer is told apart by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::kernel::{ExecutionId, NodeId, OrgId, ProjectId, Timestamp, UserId};

/// Who holds a lock: a person, or a run in that person's name. A person does not hold the
/// lock of their run, nor a run that of its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The person.
    pub user: UserId,
    /// Their run, when it is the run that holds it.
    pub execution: Option<ExecutionId>,
}

/// The lock of a live node as its row has it; the row is locked against other changes.
/// Its time may be over: ask [`Lock::holder`].
#[derive(Debug, Clone)]
pub struct Lock {
    /// Of which node.
    pub node: NodeId,
    /// The node's organization.
    pub org: OrgId,
    /// The node's project.
    pub project: ProjectId,
    /// What the node is called.
    pub title: String,
    /// Whether an agent does the node's work.
    pub of_agent: bool,
    /// Who watches over the node.
    pub supervisor: Option<UserId>,
    /// Who took it last and did not let go of it.
    pub by: Option<Holder>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Raised with each taking, and each breaking.
    pub epoch: i64,
    /// Who last broke a run's lock here.
    pub broken_by: Option<UserId>,
}

impl Lock {
    /// Who holds it at `now`, if anybody.
    pub fn holder(&self, now: Timestamp) -> Option<Holder> {
        self.by.filter(|_| self.until.is_some_and(|end| end > now))
    }

    /// Whether its time is over and nobody has said so yet.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|end| end <= now)
    }

    /// Whether this run took it and nobody else did since, even if its time is over.
    pub fn is_of_run(&self, execution: ExecutionId) -> bool {
        self.by.and_then(|holder| holder.execution) == Some(execution)
    }
}

/// A lock as its holder is told of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LockState {
    /// Always true: a refusal is a problem.
    pub success: bool,
    /// Who holds it: the caller.
    pub locked_by: UserId,
    /// Their e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locked_by_email: Option<String>,
    /// Since when; renewing does not change it.
    pub locked_at: DateTime<Utc>,
    /// Until when, unless it is renewed.
    pub expires_at: DateTime<Utc>,
    /// Which lock it is. Sent as `X-Lock-Epoch` with a write, the write is refused once
    /// this lock has ended.
    pub epoch: i64,
}

/// How a lock is let go of.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReleaseQuery {
    /// Break the lock of somebody else.
    #[serde(default)]
    pub force: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use uuid::Uuid;

    #[test]
    fn a_lock_ends_at_its_end_and_not_after_it() {
        let end = DateTime::UNIX_EPOCH;
        let by = Holder {
            user: UserId::from_uuid(Uuid::from_u128(1)),
            execution: None,
        };
        let lock = Lock {
            node: NodeId::from_uuid(Uuid::from_u128(2)),
            org: OrgId::from_uuid(Uuid::from_u128(3)),
            project: ProjectId::from_uuid(Uuid::from_u128(4)),
            title: "Pier".to_owned(),
            of_agent: false,
            supervisor: None,
            by: Some(by),
            since: Some(end),
            until: Some(end),
            epoch: 1,
            broken_by: None,
        };
        let before = end - TimeDelta::milliseconds(1);
        assert_eq!(lock.holder(before), Some(by));
        assert!(!lock.is_overdue(before));
        assert_eq!(lock.holder(end), None);
        assert!(lock.is_overdue(end));
    }
}
