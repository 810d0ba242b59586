//! Routes of executions.

pub mod fork;
pub mod usage;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    model::{Execution, ExecutionStart, InputGiven, MessageGiven, TraceEvent, Verification},
    ops, stream,
};
use crate::{
    app::Ctx,
    kernel::{
        ExecutionId, NodeId, Result,
        field::Fields,
        field::invalid,
        page::{Page, PageQuery},
    },
    web::{Json, Query, created, ok},
};

/// An execution, as every operation but the list gives it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExecutionAnswer {
    /// The execution.
    execution: Execution,
}

/// Part of a journal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Trace {
    /// The entries, in order.
    data: Vec<TraceEvent>,
    /// The same list, for older clients.
    events: Vec<TraceEvent>,
}

/// Which part of a journal is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TraceQuery {
    /// Only entries with a greater number.
    #[param(minimum = 0, default = 0, nullable = false)]
    after: Option<i64>,
    /// Entries at most, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 1000, nullable = false)]
    limit: Option<i64>,
    /// Whether large payloads are given whole. A page of such has fewer entries than `limit`
    /// allows; only an empty one says that there are no more.
    #[param(default = false, nullable = false)]
    full: Option<bool>,
}

/// How a journal is checked.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// Whether what lies in the storage of large payloads is read and checked too.
    #[param(default = true, nullable = false)]
    contents: Option<bool>,
}

impl TraceQuery {
    fn parse(&self) -> Result<(i64, i64)> {
        let (after, limit) = (self.after.unwrap_or(0), self.limit.unwrap_or(1000));
        let mut fields = Fields::default();
        fields.check(after >= 0, "after", "must not be negative");
        fields.check((1..=1000).contains(&limit), "limit", "must be 1 to 1000");
        fields.finish()?;
        Ok((after, limit))
    }
}

/// Execute a node
///
/// Any node may be executed, whoever its author is; one execution at a time.
#[utoipa::path(post, path = "/nodes/{nodeId}/execute", operation_id = "execution_start", tag = "Executions",
    params(("nodeId" = NodeId, Path, description = "The node.")),
    request_body(content = Option<ExecutionStart>, description = "May be left out."),
    responses((status = 201, description = "The execution, waiting for a worker.", body = ExecutionAnswer)))]
pub async fn execution_start(
    ctx: Ctx,
    node: web::Path<NodeId>,
    body: Json<ExecutionStart>,
) -> Result<HttpResponse> {
    let execution = ops::execution_start(&ctx, *node, body.0).await?;
    Ok(created(ExecutionAnswer { execution }))
}

/// Get the active execution of a node, else its latest
#[utoipa::path(get, path = "/nodes/{nodeId}/execution", operation_id = "execution_current", tag = "Executions",
    params(("nodeId" = NodeId, Path, description = "The node.")),
    responses((status = 200, description = "The execution.", body = ExecutionAnswer)))]
pub async fn execution_current(ctx: Ctx, node: web::Path<NodeId>) -> Result<HttpResponse> {
    let execution = ops::execution_current(&ctx, *node).await?;
    Ok(ok(ExecutionAnswer { execution }))
}

/// List the executions of a node
#[utoipa::path(get, path = "/nodes/{nodeId}/executions", operation_id = "execution_list", tag = "Executions",
    params(("nodeId" = NodeId, Path, description = "The node."), PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<Execution>)))]
pub async fn execution_list(
    ctx: Ctx,
    node: web::Path<NodeId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    Ok(ok(ops::execution_list(&ctx, *node, page.parse()?).await?))
}

/// Pause the active execution of a node
///
/// Takes effect at once, also in the middle of a call, which is made anew after a resume.
#[utoipa::path(post, path = "/nodes/{nodeId}/execution/pause", operation_id = "execution_pause", tag = "Executions",
    params(("nodeId" = NodeId, Path, description = "The node.")),
    responses((status = 200, description = "The execution, paused.", body = ExecutionAnswer)))]
pub async fn execution_pause(ctx: Ctx, node: web::Path<NodeId>) -> Result<HttpResponse> {
    let execution = ops::execution_pause(&ctx, *node).await?;
    Ok(ok(ExecutionAnswer { execution }))
}

/// Resume the paused execution of a node
#[utoipa::path(post, path = "/nodes/{nodeId}/execution/resume", operation_id = "execution_resume", tag = "Executions",
    params(("nodeId" = NodeId, Path, description = "The node.")),
    responses((status = 200, description = "The execution, waiting for a worker.", body = ExecutionAnswer)))]
pub async fn execution_resume(ctx: Ctx, node: web::Path<NodeId>) -> Result<HttpResponse> {
    let execution = ops::execution_resume(&ctx, *node).await?;
    Ok(ok(ExecutionAnswer { execution }))
}

/// Answer what an execution asked
///
/// `requestId` says which request, and is needed when several are pending.
#[utoipa::path(post, path = "/executions/{executionId}/input", operation_id = "execution_input", tag = "Executions",
    params(("executionId" = ExecutionId, Path, description = "The execution.")),
    request_body(content = InputGiven),
    responses((status = 200, description = "The execution.", body = ExecutionAnswer)))]
pub async fn execution_input(
    ctx: Ctx,
    id: web::Path<ExecutionId>,
    body: Json<InputGiven>,
) -> Result<HttpResponse> {
    let execution = ops::execution_input(&ctx, *id, body.0).await?;
    Ok(ok(ExecutionAnswer { execution }))
}

/// Tell an execution something
///
/// The model reads it before its next answer.
#[utoipa::path(post, path = "/executions/{executionId}/messages", operation_id = "execution_message", tag = "Executions",
    params(("executionId" = ExecutionId, Path, description = "The execution.")),
    request_body(content = MessageGiven),
    responses((status = 200, description = "The execution.", body = ExecutionAnswer)))]
pub async fn execution_message(
    ctx: Ctx,
    id: web::Path<ExecutionId>,
    body: Json<MessageGiven>,
) -> Result<HttpResponse> {
    let execution = ops::execution_message(&ctx, *id, body.0).await?;
    Ok(ok(ExecutionAnswer { execution }))
}

/// Cancel the active execution of a node
///
/// Takes effect at once, also in the middle of a call, and on all that it started.
#[utoipa::path(post, path = "/nodes/{nodeId}/execution/cancel", operation_id = "execution_cancel", tag = "Executions",
    params(("nodeId" = NodeId, Path, description = "The node.")),
    responses((status = 200, description = "The execution, cancelled.", body = ExecutionAnswer)))]
pub async fn execution_cancel(ctx: Ctx, node: web::Path<NodeId>) -> Result<HttpResponse> {
    let execution = ops::execution_cancel(&ctx, *node).await?;
    Ok(ok(ExecutionAnswer { execution }))
}

/// Get an execution
#[utoipa::path(get, path = "/executions/{executionId}", operation_id = "execution_get", tag = "Executions",
    params(("executionId" = ExecutionId, Path, description = "The execution.")),
    responses((status = 200, description = "The execution.", body = ExecutionAnswer)))]
pub async fn execution_get(ctx: Ctx, id: web::Path<ExecutionId>) -> Result<HttpResponse> {
    let execution = ops::execution_get(&ctx, *id).await?;
    Ok(ok(ExecutionAnswer { execution }))
}

/// Get the journal of an execution
///
/// Payloads of more than 64 KiB are shown in part, unless `full` is asked for: `payloadRefs`
/// names the fields that hold the first 2,000 characters only.
#[utoipa::path(get, path = "/executions/{executionId}/trace", operation_id = "execution_trace", tag = "Executions",
    params(("executionId" = ExecutionId, Path, description = "The execution."), TraceQuery),
    responses((status = 200, description = "Its entries, in order.", body = Trace)))]
pub async fn execution_trace(
    ctx: Ctx,
    id: web::Path<ExecutionId>,
    Query(query): Query<TraceQuery>,
) -> Result<HttpResponse> {
    let (after, limit) = query.parse()?;
    let data = if query.full == Some(true) {
        ops::execution_trace_whole(&ctx, *id, after, limit).await?
    } else {
        ops::execution_trace(&ctx, *id, after, limit).await?.0
    };
    Ok(ok(Trace {
        events: data.clone(),
        data,
    }))
}

/// One event of a stream, as Server-Sent Events write it: a line for each field.
#[derive(Serialize, utoipa::ToSchema)]
pub struct StreamEvent {
    /// The entry's sequence number; what comes and goes has none.
    #[schema(nullable = false)]
    id: Option<String>,
    /// `trace_event`, `execution_update` or `llm_delta`.
    #[schema(nullable = false)]
    event: Option<String>,
    /// The payload in JSON.
    data: String,
}

/// Follow an execution
///
/// Server-Sent Events: the entries after `Last-Event-ID`, then live ones as
/// `trace_event` with the sequence number as id; `execution_update` for its state and
/// `llm_delta` for the model's words as they come. Ends after the last entry.
#[utoipa::path(get, path = "/executions/{executionId}/stream", operation_id = "execution_stream", tag = "Executions",
    params(
        ("executionId" = ExecutionId, Path, description = "The execution."),
        ("Last-Event-ID" = Option<i64>, Header, nullable = false, minimum = 0, description = "The last entry that was received.")),
    responses((status = 200, description = "A stream of events.", content_type = "text/event-stream", body = StreamEvent)))]
pub async fn execution_stream(
    ctx: Ctx,
    id: web::Path<ExecutionId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let after = last_event(&request)?;
    let frames = stream::follow(ctx, *id, after).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(frames))
}

/// The entry after which a client goes on; 0 for one that begins.
fn last_event(request: &HttpRequest) -> Result<i64> {
    let Some(value) = request.headers().get("Last-Event-ID") else {
        return Ok(0);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number
        .filter(|number| *number >= 0)
        .ok_or_else(|| invalid("Last-Event-ID", "must be the id of an event of this stream"))
}

/// Check the hash chain of an execution
#[utoipa::path(get, path = "/executions/{executionId}/verify", operation_id = "execution_verify", tag = "Executions",
    params(("executionId" = ExecutionId, Path, description = "The execution."), VerifyQuery),
    responses((status = 200, description = "Whether it is whole.", body = Verification)))]
pub async fn execution_verify(
    ctx: Ctx,
    id: web::Path<ExecutionId>,
    Query(query): Query<VerifyQuery>,
) -> Result<HttpResponse> {
    let contents = query.contents.unwrap_or(true);
    let found = ops::verify::execution_verify(&ctx, *id, contents).await?;
    Ok(ok(found))
}
