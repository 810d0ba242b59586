//! Writing a step's entries: all that it does and what they say commit together, or nothing.
//!
//! What of them is too large for its row is stored first. What a step came to is known in its
//! transaction only, so that is rolled back, and done again once the storage has the rest.

use super::{
    Driver, End, Point, Step,
    permit::{Concluded, Permit},
};
use crate::{
    access::{self, Standing, Target},
    agent::{leave, machine::State, spans, tools::Tool},
    app::App,
    executions::{
        journal,
        model::{
            Change, Lease, NewEvent, Status, Totals, TraceEvent,
            budget::{Allowance, Settle},
        },
        ops::{
            self as executions,
            payloads::{self, Content, Stored},
        },
    },
    kernel::{Code, Error, Result},
    platform::db::Tx,
    projects,
};

/// What a try to append came to.
enum Tried {
    Written(Box<Written>),
    Behind,
    /// Nothing was done: these must be stored first.
    TooLarge(Vec<Content>),
}

/// What was committed.
struct Written {
    entries: Vec<TraceEvent>,
    change: Change,
    /// What the journal amounts to with them.
    state: State,
    permit: Option<Permit>,
    /// What the run holds, unless that is the permit's.
    held: Option<Allowance>,
}

/// What a step's transaction holds from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// The rows of the node and the run.
    Run,
    /// And before them, as everybody takes it, that of the project.
    ProjectAndRun,
}

impl Rows {
    /// Those that a call needs.
    pub(super) const fn of(tool: &Tool) -> Self {
        if tool.touches_project() {
            Rows::ProjectAndRun
        } else {
            Rows::Run
        }
    }
}

/// How often payloads of one step are stored. What a step does is the same each time, unless
/// what it reads is changed meanwhile.
const PUTS: u32 = 5;

impl Driver {
    /// Appends entries that depend on nothing in the database.
    pub(super) async fn write(&mut self, events: Vec<NewEvent>, change: Change) -> Result<Step> {
        self.append(async move |_: &Self, _: &mut Tx, _: &Standing| Ok((events, change)))
            .await
    }

    /// One transaction: what `work` does and the entries it answers, or nothing. It is told what
    /// the run may do at its node.
    pub(super) async fn append<F>(&mut self, work: F) -> Result<Step>
    where
        F: AsyncFnOnce(&Self, &mut Tx, &Standing) -> Result<(Vec<NewEvent>, Change)> + Clone,
    {
        self.append_holding(Rows::Run, work).await
    }

    /// The same, where `work` needs these rows.
    ///
    /// Where these are too large for their rows, the transaction is rolled back, they are
    /// stored, and `work` is done again: nobody waits for the storage under a lock.
    pub(super) async fn append_holding<F>(&mut self, rows: Rows, work: F) -> Result<Step>
    where
        F: AsyncFnOnce(&Self, &mut Tx, &Standing) -> Result<(Vec<NewEvent>, Change)> + Clone,
    {
        let mut stored = Stored::default();
        let mut tries = 0;
        let written = loop {
            if self.dies(Point::BeforeAppend) {
                return Ok(Step::Ended(End::Died));
            }
            match self.try_append(rows, work.clone(), &stored).await? {
                Tried::Written(written) => break written,
                Tried::Behind => {
                    self.catch_up().await?;
                    return Ok(Step::Behind);
                }
                Tried::TooLarge(_) if tries == PUTS => {
                    let why = "What a step came to was something else each time; try again.";
                    return Err(Error::new(Code::Unavailable, why));
                }
                Tried::TooLarge(contents) => {
                    let place = (self.lease.org, self.lease.execution);
                    payloads::put(&*self.app.blobs, place, contents, &mut stored).await?;
                    tries += 1;
                }
            }
        };
        self.state = written.state;
        self.permit = written.permit;
        self.allowance = written.held;
        spans::tell(&self.app.spans, &self.lease, &written.entries);
        if self.dies(Point::AfterAppend) {
            return Ok(Step::Ended(End::Died));
        }
        if written.change.status(Status::Running) == Status::Running {
            Ok(Step::Appended)
        } else {
            Ok(Step::Ended(End::Rests))
        }
    }

    async fn try_append<F>(&self, rows: Rows, work: F, stored: &Stored) -> Result<Tried>
    where
        F: AsyncFnOnce(&Self, &mut Tx, &Standing) -> Result<(Vec<NewEvent>, Change)> + Clone,
    {
        let mut missing = Vec::new();
        let hold = async |tx: &Tx| {
            let node = Target::Node(self.lease.node);
            let project = async {
                if rows == Rows::ProjectAndRun {
                    projects::ops::workflow_in(tx, self.lease.project).await?;
                }
                Ok(())
            };
            let held = journal::hold(tx, &self.lease, self.state.sequence);
            let standing = access::standing(tx, &self.caller, node);
            let ((), held, standing) = tokio::try_join!(biased; project, held, standing)?;
            Ok((held, standing))
        };
        let settle = match &self.allowance {
            Some(held) => held.settle(),
            None => Settle::EachCall,
        };
        let tried = self
            .app
            .db
            .tx_after(self.scope(), hold, async |tx, (held, standing)| {
                let Some(held) = held else {
                    return Ok(Tried::Behind);
                };
                let (events, change) = work(self, tx, &standing).await?;
                missing = stored.missing(&events);
                if !missing.is_empty() {
                    return Err(Error::internal("rolled back, to store payloads first"));
                }
                let entries =
                    journal::append(tx, &self.lease, held, events, &change, stored, settle).await?;
                let mut state = self.state.clone();
                entries.iter().for_each(|event| state.apply(event));
                let held = self.allowance.clone();
                let held = held.map(|held| held.less(&Totals::of(&entries)));
                let now = Concluded {
                    standing: &standing,
                    state: &state,
                    written: &entries,
                    change: &change,
                    held: held.as_ref(),
                };
                let permit = self.permit_next(tx, now).await?;
                Ok(Tried::Written(Box::new(Written {
                    entries,
                    change,
                    state,
                    permit,
                    held,
                })))
            })
            .await;
        if missing.is_empty() {
            tried
        } else {
            Ok(Tried::TooLarge(missing))
        }
    }

    /// Reads the entries that others wrote.
    async fn catch_up(&mut self) -> Result<()> {
        let (id, last) = (self.lease.execution, self.state.sequence);
        let read = async |tx: &mut Tx| executions::journal_after_in(tx, id, last).await;
        let missed: Vec<TraceEvent> = self.app.db.tx(self.scope(), read).await?;
        missed.iter().for_each(|event| self.state.apply(event));
        Ok(())
    }
}

/// What a journal amounts to, with its whole payloads, of which one is in memory at a time.
/// `None` when the storage has lost one: then the run was ended.
pub(super) async fn fold(
    app: &App,
    lease: &Lease,
    journal: Vec<TraceEvent>,
) -> Result<Option<State>> {
    let mut state = State::fold(&[]);
    for mut event in journal {
        match payloads::make_whole(&*app.blobs, lease.org, &mut event).await {
            Ok(()) => state.apply(&event),
            Err(error) if error.code() == Code::Unprocessable => {
                leave::end(app, lease, error.message()).await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(state))
}
