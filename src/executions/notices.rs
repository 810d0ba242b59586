//! Telling people that a run has ended or waits for them: who started it, and who
//! supervises its node.

use super::{
    model::{Execution, Status},
    store::Head,
};
use crate::{
    kernel::{Result, UserId},
    nodes,
    platform::db::Tx,
    tenants::{
        self,
        model::{Notice, NotificationType, Subject},
    },
};

/// Tells of the status that `execution` has now, if it is another than in `before` and
/// one that concerns somebody. A run whose node was deleted concerns nobody any more.
pub(super) async fn tell(tx: &mut Tx, before: &Head, execution: &Execution) -> Result<()> {
    let Some(kind) = kind_of(execution.status).filter(|_| execution.status != before.status) else {
        return Ok(());
    };
    let Some(node) = nodes::ops::node_outline_in(tx, before.node).await? else {
        return Ok(());
    };
    let mut users: Vec<UserId> = before.started_by.into_iter().collect();
    users.extend(node.supervisor_user_id);
    let (title, body) = words(kind, &node.title, execution);
    let notice = Notice {
        kind,
        title,
        body,
        subject: Subject::Execution(execution.id),
        node: before.node,
        project: before.project,
    };
    tenants::ops::notify_in(tx, before.org, &users, &notice).await
}

const fn kind_of(status: Status) -> Option<NotificationType> {
    match status {
        Status::Complete => Some(NotificationType::ExecutionComplete),
        Status::Failed => Some(NotificationType::ExecutionFailed),
        Status::AwaitingInput => Some(NotificationType::HumanInputNeeded),
        // Nobody needs to hear of what they asked for, or of what goes on by itself.
        Status::Pending
        | Status::Running
        | Status::Paused
        | Status::AwaitingSubnodes
        | Status::Cancelled => None,
    }
}

fn words(kind: NotificationType, node: &str, execution: &Execution) -> (String, Option<String>) {
    let node = format!("\u{201c}{node}\u{201d}");
    match kind {
        NotificationType::ExecutionFailed => (
            format!("The agent failed on {node}"),
            execution.error_message.clone(),
        ),
        NotificationType::HumanInputNeeded => (
            format!("The agent asks you about {node}"),
            execution
                .human_input_request
                .as_ref()
                .map(|request| request.prompt.clone()),
        ),
        _ => (format!("The agent is done with {node}"), None),
    }
}
