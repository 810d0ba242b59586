//! Driving one execution under a lease: ask the machine what comes next, do it,
//! append what came of it.
//!
//! A call of the model is repeated after a crash, since nothing of it is in the
//! journal and it changes nothing outside. A tool's effects in our database commit
//! with its entry. What a tool writes outside (an output's bytes) goes before that,
//! to a name made of the execution and the entry's number, so a repetition
//! overwrites it with the same.

mod append;
mod ask;
mod call;
mod outside;
mod permit;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::{ask::Answered, permit::Permit};
use super::{
    choice::Choice,
    leave,
    machine::{Limits, NO_TOOL_CALL, Next, Opening, Silence, State, answer_data, bound_calls},
    outside::Catalogue,
    policy::Policy,
    prompt, tools,
};
use crate::{
    access::{Action, Caller, ExecutionRights, Origin, Standing},
    app::App,
    executions::{
        journal,
        model::{Change, Lease, ModelCall, NewEvent, Status, TraceKind, budget::Allowance},
        ops as executions,
    },
    kernel::{
        Code, Error, Result, Scope, Timestamp,
        event::{Channel, EventKind},
        text::TextEnum,
    },
    nodes,
    platform::{
        bus::{Message, Subscription},
        db::Tx,
        workers,
    },
    tenants::{self, ops::KeyedServer},
};

/// Where a driver can be stopped by a test, as if the process had died there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The next step is known and nothing of it has begun.
    BeforeStep,
    /// What is outside our database has happened; nothing is written yet.
    BeforeAppend,
    /// The entry is committed.
    AfterAppend,
}

/// Says at which point to die; the program itself never does.
pub type Breakpoint = Arc<dyn Fn(Point) -> bool + Send + Sync>;

/// How driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The execution has ended or waits for somebody.
    Rests,
    /// Somebody else has it now, or it was ended from outside.
    Lost,
    /// This process is stopping; the lease was given back.
    HandedOver,
    /// A breakpoint struck; the lease is left as a dead process would leave it.
    Died,
}

/// One execution in the hands of this process.
pub struct Driver {
    app: Arc<App>,
    lease: Lease,
    caller: Caller,
    limits: Limits,
    state: State,
    /// The rules as they were when they were read last; a new driver has not read them.
    policy: Option<Policy>,
    choice: Choice,
    /// The organization's tool servers, until they were asked what they offer.
    servers: Vec<KeyedServer>,
    outside: Catalogue,
    /// Leave for the next call of the model, which the last transaction took.
    permit: Option<Permit>,
    /// What the run holds under its budgets, where no permit has it and this process knows.
    allowance: Option<Allowance>,
    breakpoint: Option<Breakpoint>,
}

/// What one step came to.
enum Step {
    Appended,
    /// A person said something meanwhile: nothing was done, and the state knows it now.
    Behind,
    Ended(End),
}

/// The life of an execution's own token beyond the execution's own limit.
const TOKEN_MARGIN: TimeDelta = TimeDelta::minutes(10);

/// How often the row is asked during a call of the model whether it is still ours.
const SLOW_SCAN: Duration = Duration::from_secs(5);

impl Driver {
    /// Reads the journal and mints the execution's own token, narrowed to the node's
    /// subtree and to what its tools do.
    pub async fn open(
        app: Arc<App>,
        lease: Lease,
        breakpoint: Option<Breakpoint>,
    ) -> Result<Option<Self>> {
        let Some(user) = lease.started_by else {
            let why = "The person on whose behalf this ran was deleted.";
            leave::end(&app, &lease, why).await?;
            return Ok(None);
        };
        let seconds = i64::try_from(app.config.agent.max_seconds).unwrap_or(i64::MAX / 4000);
        let rights = ExecutionRights {
            user,
            org: lease.org,
            execution: lease.execution,
            node: lease.node,
            actions: tools::ACTIONS,
        };
        let now = app.db.now();
        let ttl = TimeDelta::seconds(seconds) + TOKEN_MARGIN;
        let minted = app.keyring.mint_execution(&rights, now, ttl)?;
        let token = app
            .keyring
            .verify(secrecy::ExposeSecret::expose_secret(&minted.token), now)?;
        let caller = Caller::new(token, Origin::default());
        let id = lease.execution;
        let scope = Scope::Org {
            org: lease.org,
            user: Some(user),
        };
        let (journal, servers) = app
            .db
            .tx(scope.clone(), async |tx| {
                let servers = tenants::ops::tool_servers_in(tx, &app.vault, lease.org).await?;
                Ok((executions::journal_in(tx, id).await?, servers))
            })
            .await?;
        let Some(state) = append::fold(&app, &lease, journal).await? else {
            return Ok(None);
        };
        Ok(Some(Driver {
            limits: Limits::of(&app.config.agent, &lease.config),
            state,
            choice: Choice::new(Arc::clone(&app), scope, lease.org, lease.model.clone()),
            app,
            lease,
            caller,
            policy: None,
            servers,
            outside: Catalogue::default(),
            permit: None,
            allowance: None,
            breakpoint,
        }))
    }

    /// Drives until there is nothing to do, the lease is lost, or `stop`.
    pub async fn run(mut self, stop: &CancellationToken) -> Result<End> {
        let channel = Channel::Execution(self.lease.execution);
        let mut news = self.app.bus.subscribe(channel).await?;
        if let Some(end) = self.look_outside(&mut news, stop).await? {
            return Ok(end);
        }
        loop {
            if stop.is_cancelled() {
                return self.hand_over().await;
            }
            match self.step(&mut news, stop).await {
                Ok(Step::Appended | Step::Behind) => {}
                Ok(Step::Ended(end)) => return Ok(end),
                Err(error) if error.code() == Code::Fenced => return Ok(End::Lost),
                // Somebody took the node away from the run; its sentence says who.
                Err(error) if error.code() == Code::LockLost => {
                    return self.fail(error.message()).await;
                }
                Err(error) if error.code() == Code::BudgetExceeded => {
                    if let Step::Ended(end) = self.stop_at_budget(&error).await? {
                        return Ok(end);
                    }
                }
                // The backends may come back; another worker, or this one, goes on
                // from the journal. A good run is never marked failed for that.
                Err(error) if error.retryable() => {
                    self.hand_over().await?;
                    return Err(error);
                }
                // What a step needs may be gone because the execution itself is, with its
                // organization or project. That is no failure.
                Err(_) if !self.is_held().await? => return Ok(End::Lost),
                Err(error) if error.code() == Code::Forbidden => {
                    return self.fail(error.message()).await;
                }
                Err(error) => {
                    tracing::error!(execution = %self.lease.execution, error = %error.chain(), "a step failed");
                    let why = format!("{} (code {})", error.message(), error.code());
                    return self.fail(&why).await;
                }
            }
        }
    }

    async fn step(&mut self, news: &mut Subscription, stop: &CancellationToken) -> Result<Step> {
        if self.dies(Point::BeforeStep) {
            return Ok(Step::Ended(End::Died));
        }
        let now = self.app.db.now();
        match self.state.next(&self.limits, now) {
            Next::Begin => self.begin().await,
            Next::CallModel if self.has_other_tools() => self.note_tools().await,
            Next::CallModel => self.call_model(news, stop).await,
            Next::RunTool(open) => self.attend_call(open, news, stop).await,
            Next::AwaitInput => self.write(Vec::new(), Change::AwaitInput).await,
            Next::Fail(why) => self.fail(&why).await.map(Step::Ended),
            Next::Rest => Ok(Step::Ended(End::Rests)),
        }
    }

    async fn begin(&mut self) -> Result<Step> {
        let node = self.lease.node;
        self.append(async |driver: &Self, tx: &mut Tx, standing: &Standing| {
            // The right to begin is asked for again: it may have gone since the start.
            standing.grant(&driver.caller, Action::NodeRead)?;
            let node = nodes::ops::node_read_in(tx, node).await?;
            let config = &driver.lease.config;
            let opening = Opening {
                model: driver.lease.model.clone(),
                system_prompt: prompt::system(config),
                task: prompt::task(&node),
                tools: driver.tool_names(),
                node_version: node.version,
                tool_servers: driver.outside.evidence().cloned(),
            };
            let data = serde_json::to_value(opening).map_err(Error::internal)?;
            let event = NewEvent::new(TraceKind::ExecutionStart, data);
            Ok((vec![event], Change::Continue))
        })
        .await
    }

    async fn call_model(
        &mut self,
        news: &mut Subscription,
        stop: &CancellationToken,
    ) -> Result<Step> {
        let begun = self.app.db.now();
        let permit = self.permit.take();
        let answer = tokio::select! {
            biased;
            held = self.taken_away(news) => {
                held?;
                return Ok(Step::Ended(End::Lost));
            }
            // An answer that is paid for once another worker had asked again.
            () = workers::given_up(stop, self.drain()) => {
                return self.hand_over().await.map(Step::Ended);
            }
            answer = self.ask(permit) => answer?,
        };
        let (answer, had) = match answer {
            Ok(mut answered) => {
                self.policy = Some(answered.policy.clone());
                self.allowance = Some(answered.allowance.clone());
                let had = bound_calls(&mut answered.answer);
                answered.answer = self.state.with_unique_ids(answered.answer);
                (answered, had)
            }
            Err(passed_over) => {
                let why = ask::no_answer(&passed_over);
                return self.fail(&why).await.map(Step::Ended);
            }
        };
        let took = self.since(begun);
        loop {
            // What a person said meanwhile comes first; the answer is none to that, but it
            // was paid for and is evidence.
            let (events, change) = self.after_answer(&answer, had, took);
            let call = answer.answer.tool_calls.first();
            match self.conclude(call, events, change).await? {
                Step::Behind => {}
                step => return Ok(step),
            }
        }
    }

    /// Completes when the execution was taken from us or stopped. News of a stop may be
    /// old, and may not come at all from another process, so the row is asked; asking also
    /// renews the lock of the node. Fails when that lock was lost.
    async fn taken_away(&self, news: &mut Subscription) -> Result<()> {
        let mut due = Instant::now() + SLOW_SCAN;
        loop {
            match timeout_at(due, news.recv()).await {
                // The model's own words among them, which must not put off the scan.
                Ok(Ok(message)) if !tells_of_a_stop(&message) => continue,
                Ok(Err(RecvError::Closed)) => std::future::pending().await,
                Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => {}
            }
            let attend = async |tx: &mut Tx| journal::attend(tx, &self.lease).await;
            if !self.app.db.tx(self.scope(), attend).await? {
                return Ok(());
            }
            due = Instant::now() + SLOW_SCAN;
        }
    }

    async fn is_held(&self) -> Result<bool> {
        let scope = self.scope();
        let ask = async |tx: &mut Tx| journal::holds(tx, &self.lease).await;
        self.app.db.tx(scope, ask).await
    }

    fn after_answer(&self, answered: &Answered, had: usize, took: i64) -> (Vec<NewEvent>, Change) {
        let (answer, by) = (&answered.answer, &answered.by);
        let usage = answer.usage.as_ref();
        let tokens = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok()).unwrap_or(0);
        let cost = usage.and_then(|usage| {
            let now = self.app.db.now();
            self.app.prices.cost_micros(&by.served, usage, now)
        });
        let data = answer_data(answer, answered.fallback_from());
        let mut call = NewEvent::new(TraceKind::LlmCall, data).lasting(took);
        call.call = Some(ModelCall {
            model: by.name.clone(),
            tokens_in: tokens(usage.map(|usage| usage.input_tokens)),
            tokens_out: tokens(usage.map(|usage| usage.output_tokens)),
            cost_micros: cost,
        });
        let made = answer.tool_calls.len();
        if made > 0 {
            let mut events = vec![call];
            if had > made {
                let text = prompt::too_many_calls(had, made);
                let data = json!({ "message": text, "reason": "too_many_calls" });
                events.push(NewEvent::new(TraceKind::Decision, data));
            }
            return (events, Change::Continue);
        }
        match self.state.on_silence() {
            Silence::Remind(text) => {
                let data = json!({ "message": text, "reason": NO_TOOL_CALL });
                let reminder = NewEvent::new(TraceKind::Decision, data);
                (vec![call, reminder], Change::Continue)
            }
            // Nothing is no result.
            Silence::Accept if answer.text.trim().is_empty() => {
                let model = &self.lease.model;
                let why = format!("The model {model} said nothing and called no tool, twice.");
                let error = NewEvent::new(TraceKind::Error, json!({ "message": why }));
                (vec![call, error], Change::Fail(why))
            }
            Silence::Accept => {
                let data = json!({ "summary": answer.text, "reason": NO_TOOL_CALL });
                let complete = NewEvent::new(TraceKind::ExecutionComplete, data);
                (vec![call, complete], Change::Complete)
            }
        }
    }

    /// Pauses the execution, or ends it as failed, as its organization wants it at a budget.
    async fn stop_at_budget(&mut self, error: &Error) -> Result<Step> {
        let pause = error.details().and_then(|details| details.get("pause"));
        if pause != Some(&Value::Bool(true)) {
            return self.fail(error.message()).await.map(Step::Ended);
        }
        let data = json!({ "message": error.message(), "reason": "budget" });
        let event = NewEvent::new(TraceKind::ExecutionPaused, data);
        self.write(vec![event], Change::Pause).await
    }

    /// Ends the execution as failed.
    async fn fail(&mut self, why: &str) -> Result<End> {
        self.give_back().await?;
        loop {
            let event = NewEvent::new(TraceKind::Error, json!({ "message": why }));
            let change = Change::Fail(why.to_owned());
            match self.write(vec![event], change).await? {
                Step::Behind => {}
                Step::Appended => return Ok(End::Rests),
                Step::Ended(end) => return Ok(end),
            }
        }
    }

    /// Gives the lease back, so that another worker need not wait for it to run out.
    async fn hand_over(&mut self) -> Result<End> {
        self.give_back().await?;
        let release = async |tx: &mut Tx| journal::release_lease(tx, &self.lease).await;
        self.app.db.tx(self.scope(), release).await?;
        Ok(End::HandedOver)
    }

    /// How long what was begun may still take when this process stops.
    fn drain(&self) -> Duration {
        self.app.config.agent.drain()
    }

    fn scope(&self) -> Scope {
        Scope::Org {
            org: self.lease.org,
            user: self.lease.started_by,
        }
    }

    fn since(&self, begun: Timestamp) -> i64 {
        (self.app.db.now() - begun).num_milliseconds()
    }

    fn dies(&self, point: Point) -> bool {
        self.breakpoint
            .as_ref()
            .is_some_and(|strikes| strikes(point))
    }
}

/// Whether a message says that an execution has ended or waits.
fn tells_of_a_stop(message: &Message) -> bool {
    let status = message.payload.get("status").and_then(Value::as_str);
    message.kind == EventKind::ExecutionUpdate
        && status
            .and_then(Status::parse)
            .is_some_and(|status| !matches!(status, Status::Pending | Status::Running))
}
