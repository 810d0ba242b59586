//! Notifications: what somebody is told because it concerns them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kernel::{
    ExecutionId, NodeId, NotificationId, OrgId, ProjectId, Timestamp, UserId, text::text_enum,
};

text_enum! {
    /// What a notification is about.
    pub enum NotificationType {
        ExecutionComplete = "execution_complete",
        ExecutionFailed = "execution_failed",
        HumanInputNeeded = "human_input_needed",
        NodeAssigned = "node_assigned",
        Mention = "mention",
        Comment = "comment",
        BudgetAlert = "budget_alert",
    }
}

/// One notification, as its addressee sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// Who is told.
    pub user_id: UserId,
    /// The organization it is about.
    pub org_id: OrgId,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: NotificationType,
    /// A line.
    pub title: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,
    /// The kind of thing to look at: `node` or `execution`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resource_type: Option<String>,
    /// The thing to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resource_id: Option<Uuid>,
    /// When it was read; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub read_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What a notification's addressees are to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A node.
    Node(NodeId),
    /// A run of an agent.
    Execution(ExecutionId),
}

/// Something to tell people of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub kind: NotificationType,
    /// A line.
    pub title: String,
    /// More about it.
    pub body: Option<String>,
    /// The thing to look at.
    pub subject: Subject,
    /// The node that it concerns.
    pub node: NodeId,
    /// The project that the node lies in.
    pub project: ProjectId,
}

/// Characters of a body at most; whoever wants to read on looks at the thing itself.
const MAX_BODY: usize = 500;

impl Notice {
    /// The notification that this is to `user`.
    pub fn to(&self, id: NotificationId, org: OrgId, user: UserId, now: Timestamp) -> Notification {
        let (kind, thing) = match self.subject {
            Subject::Node(id) => ("node", id.uuid()),
            Subject::Execution(id) => ("execution", id.uuid()),
        };
        Notification {
            id,
            user_id: user,
            org_id: org,
            kind: self.kind,
            title: self.title.clone(),
            body: self.body.as_deref().map(shortened),
            resource_type: Some(kind.to_owned()),
            resource_id: Some(thing),
            read_at: None,
            created_at: now,
        }
    }

    /// The event that tells `notification`'s addressee at once.
    pub fn payload(&self, notification: &Notification) -> Value {
        json!({
            "id": notification.id,
            "notificationType": notification.kind,
            "title": notification.title,
            "message": notification.body.as_deref().unwrap_or(&notification.title),
            "projectId": self.project,
            "nodeId": self.node,
            "userId": notification.user_id,
            "createdAt": notification.created_at,
            "read": false,
        })
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_BODY) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// The filter of a list of notifications.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NotificationQuery {
    /// `true`: only those that were not read; `false`: only those that were.
    #[param(nullable = false)]
    pub unread: Option<bool>,
}
