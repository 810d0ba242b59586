//! What a driver does with a tool call: the policies' word, a person's approval, the tool.
//!
//! An approval is bound to the hash of the call: tool, arguments, and the version of the
//! node. It is checked in the transaction that would make the call; when anything has
//! changed since the question, the approval is void and the question is asked anew.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Driver, End, Step, append::Rows};
use crate::{
    access::Standing,
    agent::{
        calls::{Decision, OpenCall, Stage},
        policy::Verdict,
        tools::{self, Outcome, Prepared},
    },
    executions::model::{
        Change, Closing, HumanInputRequest, NewEvent, Reply, RequestType, TraceKind,
    },
    kernel::{Code, Error, RequestId, Result, Timestamp, UserId, canonical, error::Kind},
    nodes,
    platform::{bus::Subscription, db::Tx, llm::ToolCall, workers},
};

impl Driver {
    /// Does what can be done for a call now.
    pub(super) async fn attend_call(
        &mut self,
        open: OpenCall,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        if self.policy.is_none() {
            self.policy = Some(self.rules().await?);
        }
        let OpenCall { call, stage } = open;
        match stage {
            Stage::Ready => self.judge(call, news, stop).await,
            Stage::Replied(request, reply) if request.call_hash.is_some() => {
                self.decided(call, *request, &reply, news, stop).await
            }
            Stage::Replied(_, reply) => {
                let result = match reply.closing {
                    Closing::Expired => json!({ "error": "Nobody answered in time." }),
                    Closing::Answered | Closing::Void => json!({ "answer": reply.input }),
                };
                self.tell(&call, result).await
            }
            Stage::Asked(_) => Ok(Step::Appended),
            Stage::Begun(intent, before) => {
                self.resume_outside(call, *intent, *before, news, stop)
                    .await
            }
        }
    }

    /// Runs a call, asks a person about it or refuses it, as the policies say.
    async fn judge(
        &mut self,
        call: ToolCall,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        if let Err(error) = self.understand(&call) {
            return self.tell(&call, refusal(&error)).await;
        }
        match self.verdict(&call) {
            Verdict::Allow => self.run_tool(Permitted::by_policy(call), news, stop).await,
            Verdict::Deny(why) => self.tell(&call, denied(&why)).await,
            Verdict::Ask(why) => self.ask_person(&call, why).await,
        }
    }

    pub(super) fn verdict(&self, call: &ToolCall) -> Verdict {
        let Some(policy) = &self.policy else {
            return Verdict::Deny("The policies were not read.".to_owned());
        };
        let used = self.state.times_used(&call.name);
        policy.verdict(&call.name, &arguments_of(call), used)
    }

    /// Goes on with a call for which a person was asked.
    async fn decided(
        &mut self,
        call: ToolCall,
        request: HumanInputRequest,
        reply: &Reply,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        let permitted = match Permitted::by_reply(call.clone(), request, reply) {
            Ok(permitted) => permitted,
            Err(why) => return self.tell(&call, denied(&why)).await,
        };
        // A person may agree to what needs agreement, not to what is forbidden.
        if let Verdict::Deny(why) = self.verdict(&permitted.call) {
            return self.tell(&permitted.call, denied(&why)).await;
        }
        self.run_tool(permitted, news, stop).await
    }

    /// Asks a person to approve a call; it waits, and the others go on.
    async fn ask_person(&mut self, call: &ToolCall, why: String) -> Result<Step> {
        let arguments = arguments_of(call);
        let call = call.clone();
        self.append(async move |driver: &Self, tx: &mut Tx, _: &Standing| {
            let version = driver.version_in(tx).await?;
            let metadata = subject(&call.name, &arguments, version);
            let request = HumanInputRequest {
                request_id: RequestId::new(tx.ids()),
                call_id: call.id,
                request_type: RequestType::Approval,
                prompt: why,
                options: None,
                call_hash: Some(call_hash(&metadata)),
                metadata: Some(metadata),
                created_at: tx.now(),
                expires_at: driver.app.config.agent.request_ends(tx.now()),
            };
            let data = serde_json::to_value(request).map_err(Error::internal)?;
            let event = NewEvent::new(TraceKind::HumanInputRequested, data);
            Ok((vec![event], Change::Continue))
        })
        .await
    }

    /// The version of the node, not counting what this run added to it: it changes when
    /// somebody else changes the node.
    async fn version_in(&self, tx: &mut Tx) -> Result<i32> {
        let node = nodes::ops::node_outline_in(tx, self.lease.node).await?;
        let node = node.ok_or_else(|| Error::not_found("node"))?;
        Ok(node.version - self.state.outputs_added())
    }

    /// Answers a call without running anything.
    pub(super) async fn tell(&mut self, call: &ToolCall, result: Value) -> Result<Step> {
        let event = NewEvent::new(TraceKind::ToolCall, entry(call, result));
        self.write(vec![event], Change::Continue).await
    }

    async fn run_tool(
        &mut self,
        permitted: Permitted,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        if self.outside.get(&permitted.call.name).is_some() {
            return self.run_outside(permitted, news, stop).await;
        }
        let begun = self.app.db.now();
        match self.try_tool(&permitted, begun, news, stop).await {
            Ok(step) => Ok(step),
            // What the tool did was rolled back; the model is told why and may do better.
            Err(error) if is_for_the_model(&error) => {
                self.tell(&permitted.call, refusal(&error)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn try_tool(
        &mut self,
        permitted: &Permitted,
        begun: Timestamp,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        let tool = tools::parse(&permitted.call, &self.lease.config)?;
        let rows = Rows::of(&tool);
        let cx = self.task(permitted, 0);
        let prepared = tokio::select! {
            biased;
            held = self.taken_away(news) => {
                held?;
                return Ok(Step::Ended(End::Lost));
            }
            () = workers::given_up(stop, self.drain()) => {
                return self.hand_over().await.map(Step::Ended);
            }
            prepared = tool.prepare(&cx) => prepared?,
        };
        self.append_holding(
            rows,
            async move |driver: &Self, tx: &mut Tx, standing: &Standing| {
                let at = (0, begun);
                driver.make(tx, standing, permitted, prepared, at).await
            },
        )
        .await
    }

    /// Writes the entries of an answer, and in the same transaction what comes of the call
    /// that it begins with, where that is done inside our database.
    pub(super) async fn conclude(
        &mut self,
        call: Option<&ToolCall>,
        events: Vec<NewEvent>,
        change: Change,
    ) -> Result<Step> {
        let Some(permitted) = call.and_then(|call| self.permitted_within(call)) else {
            return self.write(events, change).await;
        };
        match self.try_within(&permitted, events.clone()).await {
            // Nothing was written; the call comes again when the answer is, and then the
            // model is told.
            Err(error) if is_for_the_model(&error) => self.write(events, change).await,
            written => written,
        }
    }

    /// The call, if it may be made at once and asks nothing of anybody outside our database.
    fn permitted_within(&self, call: &ToolCall) -> Option<Permitted> {
        if self.outside.get(&call.name).is_some() || self.verdict(call) != Verdict::Allow {
            return None;
        }
        let tool = tools::parse(call, &self.lease.config).ok()?;
        tool.is_within().then(|| Permitted::by_policy(call.clone()))
    }

    async fn try_within(&mut self, permitted: &Permitted, before: Vec<NewEvent>) -> Result<Step> {
        let begun = self.app.db.now();
        let tool = tools::parse(&permitted.call, &self.lease.config)?;
        let rows = Rows::of(&tool);
        let prepared = tool.prepare(&self.task(permitted, before.len())).await?;
        self.append_holding(
            rows,
            async move |driver: &Self, tx: &mut Tx, standing: &Standing| {
                let at = (before.len(), begun);
                let (made, change) = driver.make(tx, standing, permitted, prepared, at).await?;
                Ok((before.into_iter().chain(made).collect(), change))
            },
        )
        .await
    }

    /// What a tool works with whose entry comes after `before` others.
    fn task<'a>(&'a self, permitted: &'a Permitted, before: usize) -> tools::Task<'a> {
        tools::Task {
            app: &self.app,
            lease: &self.lease,
            call: &permitted.call,
            sequence: self.state.sequence + 1 + i64::try_from(before).unwrap_or(0),
        }
    }

    /// Makes a call whose effects outside have happened, after so many other entries of the
    /// transaction and since it was begun; answers its entries.
    async fn make(
        &self,
        tx: &mut Tx,
        standing: &Standing,
        permitted: &Permitted,
        prepared: Prepared,
        (before, begun): (usize, Timestamp),
    ) -> Result<(Vec<NewEvent>, Change)> {
        if let Some(void) = self.void_in(tx, permitted).await? {
            return Ok((vec![void], Change::Continue));
        }
        let cx = tools::Context {
            task: self.task(permitted, before),
            caller: &self.caller,
            standing,
        };
        let outcome: Outcome = prepared.apply(tx, &cx).await?;
        let entry = outcome.result.map(|result| {
            let entry = NewEvent::new(TraceKind::ToolCall, permitted.entry(result));
            entry.lasting(self.since(begun))
        });
        let events = entry.into_iter().chain(outcome.evidence).collect();
        Ok((events, outcome.change))
    }

    /// The entry that takes an approval back, when what was approved is not what would be
    /// done now.
    pub(super) async fn void_in(
        &self,
        tx: &mut Tx,
        permitted: &Permitted,
    ) -> Result<Option<NewEvent>> {
        let Some((asked, request)) = &permitted.asked else {
            return Ok(None);
        };
        let version = self.version_in(tx).await?;
        let now = call_hash(&subject(&asked.name, &arguments_of(asked), version));
        if request.call_hash.as_ref() == Some(&now) {
            return Ok(None);
        }
        let reply = Reply::without_answer(request, Closing::Void);
        let data = serde_json::to_value(reply).map_err(Error::internal)?;
        Ok(Some(NewEvent::new(TraceKind::HumanInputReceived, data)))
    }
}

/// A call that may be made.
pub(super) struct Permitted {
    /// What is run.
    pub call: ToolCall,
    /// What the model asked for and what a person was asked about it, when one was.
    pub asked: Option<(ToolCall, HumanInputRequest)>,
    approved_by: Option<UserId>,
}

impl Permitted {
    /// A call that a person was asked about, as they approved it; else why it may not be made.
    pub fn by_reply(
        call: ToolCall,
        request: HumanInputRequest,
        reply: &Reply,
    ) -> std::result::Result<Self, String> {
        let edited = match Decision::of(reply) {
            Decision::Refused(why) => return Err(why),
            Decision::Approved(edited) => edited,
        };
        let edited = edited.map(|arguments| ToolCall {
            arguments: canonical::text(&arguments),
            ..call.clone()
        });
        Ok(Permitted {
            call: edited.unwrap_or_else(|| call.clone()),
            asked: Some((call, request)),
            approved_by: reply.answered_by,
        })
    }

    pub fn by_policy(call: ToolCall) -> Self {
        Permitted {
            call,
            asked: None,
            approved_by: None,
        }
    }

    /// The data of the call's entry.
    pub fn entry(&self, result: Value) -> Value {
        let call = &self.call;
        let Some((asked, request)) = &self.asked else {
            return entry(call, result);
        };
        let result = tools::bounded(result);
        let edited = asked.arguments != call.arguments;
        json!({
            "callId": call.id, "tool": call.name, "arguments": call.arguments, "result": result,
            "requestId": request.request_id,
            "approvedBy": self.approved_by,
            "askedFor": edited.then_some(&asked.arguments),
        })
    }
}

/// The data of a call's entry.
fn entry(call: &ToolCall, result: Value) -> Value {
    let result = tools::bounded(result);
    json!({
        "callId": call.id, "tool": call.name, "arguments": call.arguments, "result": result,
    })
}

/// The arguments of a call as a value; `null` when they can't be read.
fn arguments_of(call: &ToolCall) -> Value {
    match call.arguments.trim() {
        "" => json!({}),
        text => serde_json::from_str(text).unwrap_or_default(),
    }
}

/// What an approval is about.
fn subject(tool: &str, arguments: &Value, node_version: i32) -> Value {
    json!({ "tool": tool, "arguments": arguments, "nodeVersion": node_version })
}

fn call_hash(subject: &Value) -> String {
    canonical::sha256(canonical::text(subject).as_bytes())
}

/// What the model is told of a call that failed.
pub(super) fn refusal(error: &Error) -> Value {
    json!({ "error": error.message(), "code": error.code().as_str() })
}

/// What the model is told of a call that was not allowed.
fn denied(why: &str) -> Value {
    json!({ "error": why, "code": Code::Forbidden.as_str() })
}

/// Whether a failed tool is the model's to mend: what it asked for is wrong or not
/// allowed, rather than that something of ours is broken.
fn is_for_the_model(error: &Error) -> bool {
    match error.code().kind() {
        Kind::Invalid | Kind::NotFound | Kind::Forbidden | Kind::TooLarge | Kind::Impossible => {
            true
        }
        Kind::Conflict => !matches!(error.code(), Code::Fenced | Code::LockLost),
        _ => false,
    }
}
