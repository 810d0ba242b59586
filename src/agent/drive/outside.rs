//! What a driver does with tools of servers outside: takes what they offer, calls them, and
//! goes on with calls in the middle of which a worker died.
//!
//! What happens there can't commit with our entry. So an intent is committed first, with the
//! class that the call has and a key that is only its own, then the call is sent, then its
//! result is appended. Who finds an intent without a result sends it again with the same key
//! if its class allows that; else nobody can know, and that is what the model is told. Calls
//! that only read need no intent: repeating them changes nothing.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Driver, End, Step,
    call::{Permitted, refusal},
};
use crate::{
    access::Standing,
    agent::{
        calls::{Intent, Stage},
        machine::TOOLS_OFFERED,
        outside::{self, Catalogue, Outside},
        policy::Verdict,
        tools,
    },
    executions::model::{CALL_BEGINS, Change, NewEvent, TraceKind},
    kernel::{Error, Result},
    platform::{
        bus::Subscription,
        db::Tx,
        llm::{ToolCall, ToolSpec},
        mcp::{Failure, FailureKind, OutsideCall, ToolServer},
        workers,
    },
    tenants::{self, model::ToolEffect},
};

/// How often a result is written again when the database does not take it: it is known, and
/// would be lost.
const WRITES: u32 = 5;
/// The pause between.
const PAUSE: Duration = Duration::from_secs(1);

/// A call that is ready to be sent.
struct Sending {
    server: ToolServer,
    call: OutsideCall,
    effect: ToolEffect,
}

impl Driver {
    /// Asks the organization's tool servers what they offer, once for this driver. Answers
    /// how driving ended, if it did meanwhile.
    pub(super) async fn look_outside(
        &mut self,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Option<End>> {
        let servers = std::mem::take(&mut self.servers);
        if servers.is_empty() {
            return Ok(None);
        }
        let port = Arc::clone(&self.app.tool_servers);
        let catalogue = tokio::select! {
            biased;
            held = self.taken_away(news) => {
                held?;
                return Ok(Some(End::Lost));
            }
            () = stop.cancelled() => return self.hand_over().await.map(Some),
            taken = Catalogue::take(&*port, self.lease.org, servers, &self.lease.config) => taken,
        };
        self.outside = catalogue;
        Ok(None)
    }

    /// Whether the model is about to be offered other tools than the journal says.
    pub(super) fn has_other_tools(&self) -> bool {
        self.outside.evidence() != self.state.offered.as_ref()
    }

    /// Notes what is offered from now on.
    pub(super) async fn note_tools(&mut self) -> Result<Step> {
        let offered = self.outside.evidence();
        let data = json!({ "reason": TOOLS_OFFERED, "toolServers": offered });
        let event = NewEvent::new(TraceKind::Checkpoint, data);
        self.write(vec![event], Change::Continue).await
    }

    /// The names of all tools that the run has.
    pub(super) fn tool_names(&self) -> Vec<String> {
        let ours = tools::allowed(&self.lease.config).into_iter();
        ours.chain(self.outside.names()).collect()
    }

    /// What the model is told of them.
    pub(super) fn tool_specs(&self) -> Vec<ToolSpec> {
        let ours = tools::specs(&self.lease.config).into_iter();
        ours.chain(self.outside.specs()).collect()
    }

    /// Whether a call can be understood, before anybody is asked about it.
    pub(super) fn understand(&self, call: &ToolCall) -> Result<()> {
        match self.outside.get(&call.name) {
            Some(_) => outside::arguments(call).map(drop),
            None => tools::parse(call, &self.lease.config).map(drop),
        }
    }

    /// Calls a tool outside that may be called.
    pub(super) async fn run_outside(
        &mut self,
        permitted: Permitted,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        let Some(tool) = self.outside.get(&permitted.call.name).cloned() else {
            return Err(Error::internal("the tool is gone from the catalogue"));
        };
        let key = format!("{}:{}", self.lease.execution, permitted.call.id);
        let sending = match self.aim(&tool, &permitted.call, key).await? {
            Ok(sending) => sending,
            Err(result) => return self.tell(&permitted.call, result).await,
        };
        if sending.effect != ToolEffect::Read || permitted.asked.is_some() {
            let step = self.intend(&permitted, &tool, &sending).await?;
            let begun = self.state.calls.has_begun(&permitted.call.id);
            if !(matches!(step, Step::Appended) && begun) {
                return Ok(step);
            }
        }
        self.send(&permitted, sending, news, stop).await
    }

    /// Goes on with a call in the middle of which somebody stopped.
    pub(super) async fn resume_outside(
        &mut self,
        call: ToolCall,
        intent: Intent,
        before: Stage,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        let permitted = match before {
            Stage::Replied(request, reply) => Permitted::by_reply(call, *request, &reply),
            _ => Ok(Permitted::by_policy(call)),
        };
        let permitted = permitted.map_err(Error::internal)?;
        let died = "The worker stopped in the middle of the call, so nobody knows whether it \
                    was made. It is not made again.";
        if intent.effect == ToolEffect::AtMostOnce {
            return self.settle(&permitted, unknown(died, "interrupted")).await;
        }
        if let Verdict::Deny(why) = self.verdict(&permitted.call) {
            let why = format!("The worker stopped in the middle of the call. {why}");
            return self.settle(&permitted, unknown(&why, "denied")).await;
        }
        let tool = self.outside.get(&intent.tool).cloned();
        let Some(tool) = tool.filter(|tool| tool.tool == intent.server_tool) else {
            let why = "The worker stopped in the middle of the call, and the tool is gone.";
            return self.settle(&permitted, unknown(why, "unreachable")).await;
        };
        let aimed = self.aim(&tool, &permitted.call, intent.idempotency_key);
        match aimed.await? {
            Ok(sending) if sending.effect <= intent.effect => {
                let effect = intent.effect;
                let sending = Sending { effect, ..sending };
                self.send(&permitted, sending, news, stop).await
            }
            // Its class is graver now than when it was sent.
            Ok(_) => self.settle(&permitted, unknown(died, "interrupted")).await,
            Err(_) => {
                let why = "The worker stopped in the middle of the call, and its server can't \
                           be asked any more.";
                self.settle(&permitted, unknown(why, "unreachable")).await
            }
        }
    }

    /// Makes a call ready, with its server as the settings have it now; else what the model
    /// is told instead.
    async fn aim(
        &self,
        tool: &Outside,
        call: &ToolCall,
        key: String,
    ) -> Result<std::result::Result<Sending, Value>> {
        let (vault, org) = (&self.app.vault, self.lease.org);
        let read = async |tx: &mut Tx| tenants::ops::tool_servers_in(tx, vault, org).await;
        let servers = self.app.db.tx(self.scope(), read).await?;
        let mut servers = servers.into_iter();
        let found = servers.find(|(server, _)| server.name == tool.server);
        let found = found.filter(|(server, _)| server.allows(&tool.tool));
        let Some((server, opened)) = found else {
            let why = "The organization does not have this tool any more.";
            let gone = Failure::before(FailureKind::Refused, why);
            return Ok(Err(told(&gone, ToolEffect::Read)));
        };
        let effect = tool.effect(&server);
        let reached = match outside::reach(org, &server, opened) {
            Ok(reached) => reached,
            Err(failure) => return Ok(Err(told(&failure, effect))),
        };
        let arguments = match outside::arguments(call) {
            Ok(arguments) => arguments,
            Err(error) => return Ok(Err(refusal(&error))),
        };
        let worked = self.state.worked(self.app.db.now()).to_std();
        let whole = Duration::from_secs(self.limits.seconds);
        Ok(Ok(Sending {
            server: reached,
            call: OutsideCall {
                tool: tool.tool.clone(),
                arguments,
                key,
                repeatable: effect != ToolEffect::AtMostOnce,
                within: whole.saturating_sub(worked.unwrap_or_default()),
            },
            effect,
        }))
    }

    /// Commits what is about to be sent; or takes back an approval that holds no more.
    async fn intend(
        &mut self,
        permitted: &Permitted,
        tool: &Outside,
        sending: &Sending,
    ) -> Result<Step> {
        let intent = Intent {
            reason: CALL_BEGINS.to_owned(),
            call_id: permitted.call.id.clone(),
            tool: permitted.call.name.clone(),
            server: tool.server.clone(),
            server_tool: tool.tool.clone(),
            effect: sending.effect,
            idempotency_key: sending.call.key.clone(),
        };
        self.append(async move |driver: &Self, tx: &mut Tx, _: &Standing| {
            if let Some(void) = driver.void_in(tx, permitted).await? {
                return Ok((vec![void], Change::Continue));
            }
            let data = serde_json::to_value(intent).map_err(Error::internal)?;
            let event = NewEvent::new(TraceKind::Checkpoint, data);
            Ok((vec![event], Change::Continue))
        })
        .await
    }

    async fn send(
        &mut self,
        permitted: &Permitted,
        sending: Sending,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        let begun = self.app.db.now();
        let Sending {
            server,
            call,
            effect,
        } = sending;
        let port = Arc::clone(&self.app.tool_servers);
        let answer = tokio::select! {
            biased;
            held = self.taken_away(news) => {
                held?;
                return Ok(Step::Ended(End::Lost));
            }
            answer = port.call(&server, &call) => answer,
            () = workers::given_up(stop, self.drain()) => {
                if call.repeatable {
                    return self.hand_over().await.map(Step::Ended);
                }
                Err(Failure::midway(
                    FailureKind::TimedOut,
                    "The worker had to stop before the tool had answered.",
                ))
            }
        };
        let result = answer.unwrap_or_else(|failure| told(&failure, effect));
        let entry = NewEvent::new(TraceKind::ToolCall, permitted.entry(result));
        self.keep(&permitted.call.id, entry.lasting(self.since(begun)))
            .await
    }

    /// Answers a call that was sent, or was not sent again.
    async fn settle(&mut self, permitted: &Permitted, result: Value) -> Result<Step> {
        let entry = NewEvent::new(TraceKind::ToolCall, permitted.entry(result));
        self.keep(&permitted.call.id, entry).await
    }

    /// Appends the result of a call, whatever people said meanwhile.
    async fn keep(&mut self, call: &str, entry: NewEvent) -> Result<Step> {
        let mut writes = 0;
        loop {
            match self.write(vec![entry.clone()], Change::Continue).await {
                // What is new is this very entry: of a commit only the answer got lost.
                Ok(Step::Behind) if !self.state.calls.is_open(call) => {
                    return Ok(Step::Appended);
                }
                Ok(Step::Behind) => {}
                Err(error) if error.retryable() && writes < WRITES => {
                    writes += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                step => return step,
            }
        }
    }
}

/// What the model is told of a call that failed.
fn told(failure: &Failure, effect: ToolEffect) -> Value {
    if failure.in_doubt && effect != ToolEffect::Read {
        let why = format!(
            "{} Nobody knows whether the call was made; it is not made again.",
            failure.message
        );
        return unknown(&why, failure.kind.as_str());
    }
    let code = match failure.kind {
        FailureKind::Refused => "TOOL_REFUSED",
        FailureKind::Unreachable | FailureKind::BrokeOff => "TOOL_UNREACHABLE",
        FailureKind::TimedOut => "TOOL_TIMED_OUT",
        FailureKind::TooLarge => "TOOL_ANSWER_TOO_LARGE",
        FailureKind::Malformed => "TOOL_ANSWER_INVALID",
    };
    let cause = failure.kind.as_str();
    json!({ "error": { "code": code, "message": failure.message, "cause": cause } })
}

/// What the model is told where nobody knows what happened.
fn unknown(why: &str, cause: &str) -> Value {
    json!({ "error": { "code": "OUTCOME_UNKNOWN", "message": why, "cause": cause } })
}
