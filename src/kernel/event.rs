//! What leaves a transaction: events for people who watch, jobs for workers.
//!
//! Both are written to the outbox by the transaction that made the change, so
//! nobody hears of what was rolled back, and nothing committed goes unheard.

use std::{fmt, str::FromStr};

use serde_json::Value;

use super::id::{ExecutionId, NodeId, OrgId, ProjectId, UserId};
use super::text::text_enum;

text_enum! {
    /// The kinds of event, named as the WebSocket protocol names them.
    pub enum EventKind {
        NodeCreated = "node_created",
        NodeUpdated = "node_updated",
        NodeDeleted = "node_deleted",
        LockAcquired = "lock_acquired",
        LockReleased = "lock_released",
        FileUpdated = "file_updated",
        ExecutionUpdate = "execution_update",
        TraceEvent = "trace_event",
        Notification = "notification",
        /// What somebody may do changed, or one of their tokens was revoked: whoever acts
        /// for them asks again what they may read.
        RightsChanged = "rights_changed",
        /// Who is where; the whole list each time, and never stored.
        PresenceUpdate = "presence_update",
        /// What one process tells the others of those who are present through it; never
        /// stored, and heard by processes only.
        Presence = "presence",
        /// A piece of a model's answer as it is written; never stored.
        LlmDelta = "llm_delta",
    }
}

text_enum! {
    /// The queues that workers listen to.
    pub enum QueueName {
        Agent = "agent",
        File = "file",
    }
}

/// Where an event is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Everything in one project.
    Project(ProjectId),
    /// One node.
    Node(NodeId),
    /// One execution.
    Execution(ExecutionId),
    /// One user's own connections.
    User(UserId),
    /// The processes that serve people, among themselves.
    Processes,
}

/// The text of [`Channel::Processes`].
const PROCESSES: &str = "processes";

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Channel::Project(id) => write!(f, "project:{id}"),
            Channel::Node(id) => write!(f, "node:{id}"),
            Channel::Execution(id) => write!(f, "execution:{id}"),
            Channel::User(id) => write!(f, "user:{id}"),
            Channel::Processes => f.write_str(PROCESSES),
        }
    }
}

/// The text is not `project:<uuid>`, `node:<uuid>`, `execution:<uuid>` or `user:<uuid>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a channel is project:<uuid>, node:<uuid> or execution:<uuid>")]
pub struct NotAChannel;

impl FromStr for Channel {
    type Err = NotAChannel;

    fn from_str(text: &str) -> Result<Self, NotAChannel> {
        if text == PROCESSES {
            return Ok(Channel::Processes);
        }
        let (kind, id) = text.split_once(':').ok_or(NotAChannel)?;
        match kind {
            "project" => id.parse().map(Channel::Project),
            "node" => id.parse().map(Channel::Node),
            "execution" => id.parse().map(Channel::Execution),
            "user" => id.parse().map(Channel::User),
            _ => return Err(NotAChannel),
        }
        .map_err(|_| NotAChannel)
    }
}

/// Something that happened, for those who watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// Whose it is.
    pub org: OrgId,
    /// Where it is heard.
    pub channels: Vec<Channel>,
    /// The payload as `docs/API.md` shows it for this kind.
    pub payload: Value,
}

/// A wake-up for a worker. Queues deliver more than once and forget after a while:
/// the state that decides what is done lives in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Which workers are woken.
    pub queue: QueueName,
    /// Whose work it is.
    pub org: OrgId,
    /// The message body, which never holds a secret.
    pub body: Value,
}

text_enum! {
    /// What search finds, and has cut into chunks.
    pub enum Indexed {
        Node = "node",
        File = "file",
    }
}
