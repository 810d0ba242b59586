//! People's control of an execution: pause, resume, cancel, answers, messages.
//!
//! Each is a row and an entry, whoever drives the execution. A worker in the middle of a
//! call hears of a stop over the bus and drops the call; should it miss that, its next
//! append is refused by the lease's epoch. What people say does not touch the epoch: the
//! worker reads it before it writes its own next entry.

use serde_json::{Value, json};

use super::current;
use crate::{
    access::{Action, Grant, Target, audit},
    app::{App, Ctx},
    executions::{
        journal,
        model::{
            Change, Closing, Execution, HumanInputRequest, InputGiven, MessageGiven, NewEvent,
            Reply, Status, TraceKind,
        },
        store,
    },
    kernel::{Code, Error, ExecutionId, NodeId, Result, Scope, UserId, field::invalid},
    platform::db::Tx,
};

/// The states out of which an execution can be paused.
const PAUSABLE: &[Status] = &[
    Status::Pending,
    Status::Running,
    Status::AwaitingInput,
    Status::AwaitingSubnodes,
];

/// The states out of which an execution can be cancelled: all that are not the end.
const CANCELLABLE: &[Status] = &[
    Status::Pending,
    Status::Running,
    Status::AwaitingInput,
    Status::AwaitingSubnodes,
    Status::Paused,
];

/// Ends the node's active execution and all that it started.
pub async fn execution_cancel(ctx: &Ctx, node: NodeId) -> Result<Execution> {
    ctx.tx(
        Action::ExecutionControl,
        Target::Node(node),
        async |tx, grant| {
            let execution = current(tx, node).await?;
            if execution.status.is_terminal() {
                return Err(journal::wrong_state(execution.status, "be cancelled"));
            }
            let by = grant.actor.user;
            cancel_below(tx, execution.id, by).await?;
            let why = json!({ "message": "Cancelled by a person.", "cancelledBy": by });
            cancel(tx, execution.id, why).await?;
            // What it started while the first of them were being cancelled; now it can start
            // no more.
            cancel_below(tx, execution.id, by).await?;
            recorded(tx, grant, &execution).await
        },
    )
    .await
}

/// Cancels the runs below this one, the deepest first: whoever ends a run has its row before
/// that of the run that started it.
async fn cancel_below(tx: &mut Tx, id: ExecutionId, by: UserId) -> Result<()> {
    for child in store::tree::active_below(tx, id).await? {
        let why = json!({
            "message": "Cancelled with the execution that started it.",
            "cancelledBy": by,
        });
        match cancel(tx, child, why).await {
            // It ended by itself meanwhile, or went with its node.
            Err(error) if matches!(error.code(), Code::ExecutionState | Code::NotFound) => {}
            cancelled => cancelled?,
        }
    }
    Ok(())
}

async fn cancel(tx: &mut Tx, id: ExecutionId, why: Value) -> Result<()> {
    let event = NewEvent::new(TraceKind::ExecutionCancelled, why);
    journal::interrupt(tx, id, CANCELLABLE, "be cancelled", event, &Change::Cancel).await
}

/// Takes the node's active execution out of its worker's hands until it is resumed.
pub async fn execution_pause(ctx: &Ctx, node: NodeId) -> Result<Execution> {
    ctx.tx(
        Action::ExecutionControl,
        Target::Node(node),
        async |tx, grant| {
            let execution = current(tx, node).await?;
            let by = json!({ "message": "Paused by a person.", "pausedBy": grant.actor.user });
            let event = NewEvent::new(TraceKind::ExecutionPaused, by);
            let change = Change::Pause;
            journal::interrupt(tx, execution.id, PAUSABLE, "be paused", event, &change).await?;
            recorded(tx, grant, &execution).await
        },
    )
    .await
}

/// Lets a paused execution go on where it was: a worker finds out from the journal whether
/// it still waits for somebody.
pub async fn execution_resume(ctx: &Ctx, node: NodeId) -> Result<Execution> {
    ctx.tx(
        Action::ExecutionControl,
        Target::Node(node),
        async |tx, grant| {
            let execution = current(tx, node).await?;
            let attended = journal::attended(tx, execution.id).await?;
            if attended.status() != Status::Paused {
                return Err(journal::wrong_state(attended.status(), "be resumed"));
            }
            let by = json!({ "message": "Resumed by a person.", "resumedBy": grant.actor.user });
            let event = NewEvent::new(TraceKind::ExecutionResume, by);
            attended.note(tx, event, &Change::Wake).await?;
            recorded(tx, grant, &execution).await
        },
    )
    .await
}

/// Answers what the execution asked. The answer reaches the call that asked, whatever else
/// is pending; a paused execution takes it too, and uses it once it is resumed.
///
/// # Errors
/// [`Code::ExecutionState`] when it asked nothing, or the request has come to its end;
/// [`Code::Conflict`] when the answer names another call than the request is about.
pub async fn execution_input(ctx: &Ctx, id: ExecutionId, given: InputGiven) -> Result<Execution> {
    given.check()?;
    ctx.tx(
        Action::ExecutionInput,
        Target::Execution(id),
        async move |tx, grant| {
            let before = store::get(tx, id).await?;
            let attended = journal::attended(tx, id).await?;
            let request = wanted(tx, id, attended.status(), &given).await?;
            given.check_for(request.request_type)?;
            let other = given.call_hash.is_some() && given.call_hash != request.call_hash;
            if other {
                return Err(Error::new(
                    Code::Conflict,
                    "The request is about another call than `callHash` names; look at it again.",
                )
                .with_details(json!({ "callHash": request.call_hash })));
            }
            let input = Value::Object(given.input);
            let reply = Reply {
                input: input.clone(),
                answered_by: Some(grant.actor.user),
                ..Reply::without_answer(&request, Closing::Answered)
            };
            let change = on_reply(attended.status());
            let data = serde_json::to_value(reply).map_err(Error::internal)?;
            let event = NewEvent::new(TraceKind::HumanInputReceived, data);
            attended.note(tx, event, &change).await?;
            store::requests::set_response(tx, id, &input).await?;
            recorded(tx, grant, &before).await
        },
    )
    .await
}

/// What becomes of an execution when a request ends: one that waits has something to do.
fn on_reply(status: Status) -> Change {
    match status {
        Status::AwaitingInput => Change::Wake,
        _ => Change::Continue,
    }
}

/// The pending request that an answer is for.
async fn wanted(
    tx: &mut Tx,
    id: ExecutionId,
    status: Status,
    given: &InputGiven,
) -> Result<HumanInputRequest> {
    let now = tx.now();
    let mut pending = store::requests::pending(tx, id).await?;
    pending.retain(|request| request.expires_at.is_none_or(|end| end > now));
    if let Some(wanted) = given.request_id {
        if let Some(found) = pending.into_iter().find(|r| r.request_id == wanted) {
            return Ok(found);
        }
        return match store::requests::status_of(tx, id, wanted).await? {
            Some(how) => Err(Error::new(
                Code::ExecutionState,
                "The request has come to its end and takes no answer.",
            )
            .with_details(json!({ "status": status, "request": how }))),
            None => Err(Error::not_found("request")),
        };
    }
    let ids: Vec<_> = pending.iter().map(|request| request.request_id).collect();
    let mut pending = pending.into_iter();
    match (pending.next(), pending.next()) {
        (None, _) => Err(journal::wrong_state(status, "be answered")),
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => {
            let why = "is needed: several requests are pending";
            Err(invalid("requestId", why).with_details(json!({
                "fields": [{ "field": "requestId", "message": why }],
                "pending": ids,
            })))
        }
    }
}

/// Tells a run something that it did not ask for; the model reads it before its next
/// answer.
pub async fn execution_message(
    ctx: &Ctx,
    id: ExecutionId,
    given: MessageGiven,
) -> Result<Execution> {
    given.check()?;
    ctx.tx(
        Action::ExecutionInput,
        Target::Execution(id),
        async move |tx, grant| {
            let before = store::get(tx, id).await?;
            let attended = journal::attended(tx, id).await?;
            if attended.status().is_terminal() {
                return Err(journal::wrong_state(attended.status(), "be told anything"));
            }
            let data = json!({ "message": given.text, "from": grant.actor.user });
            let event = NewEvent::new(TraceKind::HumanInputReceived, data);
            attended.note(tx, event, &Change::Continue).await?;
            recorded(tx, grant, &before).await
        },
    )
    .await
}

/// Writes the audit entry of a change that was made; answers the execution as it is now.
async fn recorded(tx: &mut Tx, grant: &Grant, before: &Execution) -> Result<Execution> {
    let after = store::get(tx, before.id).await?;
    let entry = audit::Entry {
        resource: "execution",
        id: before.id.uuid(),
        before: Some(json!({ "status": before.status })),
        after: Some(json!({ "status": after.status })),
    };
    audit::record(tx, grant, entry).await?;
    Ok(after)
}

/// Ends requests whose time is over, over all organizations. One that can't be ended now does
/// not hold up the others.
pub async fn expire_requests(app: &App) -> Result<()> {
    const AT_A_TIME: i64 = 20;
    let now = app.db.now();
    let due = app
        .db
        .tx(Scope::System, async |tx| {
            store::requests::due(tx, now, AT_A_TIME).await
        })
        .await?;
    for (org, id) in &due {
        let scope = Scope::Org {
            org: *org,
            user: None,
        };
        if let Err(error) = app.db.tx(scope, async |tx| expire(tx, *id).await).await {
            tracing::warn!(execution = %id, error = %error.chain(), "a request was not ended");
        }
    }
    Ok(())
}

async fn expire(tx: &mut Tx, id: ExecutionId) -> Result<()> {
    let attended = journal::attended(tx, id).await?;
    let now = tx.now();
    let pending = store::requests::pending(tx, id).await?;
    let over = |request: &&HumanInputRequest| request.expires_at.is_some_and(|end| end <= now);
    let Some(request) = pending.iter().find(over) else {
        return Ok(());
    };
    let reply = Reply::without_answer(request, Closing::Expired);
    let data = serde_json::to_value(reply).map_err(Error::internal)?;
    let event = NewEvent::new(TraceKind::HumanInputReceived, data);
    let change = on_reply(attended.status());
    attended.note(tx, event, &change).await
}
