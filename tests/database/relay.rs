//! The outbox and its relay: nothing of what was rolled back, everything of what was
//! committed, at least once and in order.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use glassbox::{
    kernel::{
        Code, Error, Id, OrgId, ProjectId, Result, Scope,
        event::{Channel, Event, EventKind, Job, QueueName},
    },
    outbox::{self, relay::Relay},
    platform::{
        bus::{Bus, LocalBus, Message, Subscription},
        queue::{Delivery, Depth, Posting, Queue},
    },
};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::{
    rows::{Tenant, count},
    support::TestApp,
};

/// A bus that remembers what was published, and fails when it is told to.
#[derive(Debug, Default)]
struct Recorder {
    heard: Mutex<Vec<i64>>,
    /// The publication, counted from 1, that fails; 0 for none.
    fail_at: AtomicUsize,
    count: AtomicUsize,
}

#[async_trait]
impl Bus for Recorder {
    async fn publish(&self, _: Channel, message: Message) -> Result<()> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.fail_at.load(Ordering::SeqCst) {
            return Err(Error::new(Code::Unavailable, "The bus is away."));
        }
        let n = message.payload["n"].as_i64().unwrap();
        self.heard.lock().unwrap().push(n);
        Ok(())
    }

    async fn subscribe(&self, channel: Channel) -> Result<Subscription> {
        LocalBus::new().subscribe(channel).await
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

/// A queue whose first answer to a message is lost on its way.
#[derive(Debug)]
struct Forgetful {
    queue: Arc<dyn Queue>,
    answers: AtomicBool,
}

#[async_trait]
impl Queue for Forgetful {
    async fn send_all(&self, postings: &[Posting]) -> Result<()> {
        self.queue.send_all(postings).await?;
        if self.answers.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        Err(Error::new(Code::Unavailable, "The queue is away."))
    }

    async fn receive(&self, queue: QueueName, hide: Duration) -> Result<Option<Delivery>> {
        self.queue.receive(queue, hide).await
    }

    async fn wait(&self, queue: QueueName, at_most: Duration) {
        self.queue.wait(queue, at_most).await;
    }

    async fn delete(&self, delivery: &Delivery) -> Result<()> {
        self.queue.delete(delivery).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<()> {
        self.queue.release(delivery, delay).await
    }

    async fn bury(&self, delivery: &Delivery) -> Result<()> {
        self.queue.bury(delivery).await
    }

    async fn dead(&self, queue: QueueName, limit: usize) -> Result<Vec<Delivery>> {
        self.queue.dead(queue, limit).await
    }

    async fn revive(&self, dead: &Delivery) -> Result<()> {
        self.queue.revive(dead).await
    }

    async fn depths(&self) -> Result<Vec<Depth>> {
        self.queue.depths().await
    }

    async fn ping(&self) -> Result<()> {
        self.queue.ping().await
    }
}

struct Stage {
    test: TestApp,
    org: OrgId,
    bus: Arc<Recorder>,
}

impl Stage {
    async fn set() -> Self {
        let test = TestApp::start().await;
        let tenant = Tenant { number: 1 };
        tenant.insert(&test.database).await;
        test.database
            .execute("delete from outbox; delete from jobs")
            .await;
        Stage {
            test,
            org: Id::from_uuid(tenant.org()),
            bus: Arc::default(),
        }
    }

    fn relay(&self) -> Relay {
        self.relay_to(Arc::clone(&self.bus) as Arc<dyn Bus>)
    }

    fn relay_to(&self, bus: Arc<dyn Bus>) -> Relay {
        Relay {
            db: self.test.app.db.clone(),
            bus,
            queue: Arc::clone(&self.test.app.queue),
            keep: TimeDelta::hours(24),
            pace: std::time::Duration::from_millis(10),
        }
    }

    fn scope(&self) -> Scope {
        Scope::Org {
            org: self.org,
            user: None,
        }
    }

    fn event(&self, n: i64) -> Event {
        let project: ProjectId = Id::from_uuid(Tenant { number: 1 }.id(7));
        Event {
            kind: EventKind::NodeUpdated,
            org: self.org,
            channels: vec![Channel::Project(project)],
            payload: json!({ "n": n }),
        }
    }

    fn job(&self) -> Job {
        Job {
            queue: QueueName::Agent,
            org: self.org,
            body: json!({}),
        }
    }

    /// Commits one transaction for each number, with one event each.
    async fn emit(&self, numbers: std::ops::RangeInclusive<i64>) {
        for n in numbers {
            let event = self.event(n);
            let commit = self
                .test
                .app
                .db
                .tx(self.scope(), async move |tx| outbox::emit(tx, &event).await);
            commit.await.unwrap();
        }
    }

    /// Commits a job.
    async fn enqueue(&self) {
        let job = self.job();
        let db = &self.test.app.db;
        let commit = db.tx(self.scope(), async move |tx| {
            outbox::enqueue(tx, &job).await
        });
        commit.await.unwrap();
    }

    fn heard(&self) -> Vec<i64> {
        self.bus.heard.lock().unwrap().clone()
    }

    async fn count(&self, from: &str) -> i64 {
        count(&mut self.test.database.admin().await, from).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_is_never_told() {
    let stage = Stage::set().await;
    let (event, job) = (stage.event(1), stage.job());
    let failed: Result<()> = stage
        .test
        .app
        .db
        .tx(stage.scope(), async move |tx| {
            outbox::emit(tx, &event).await?;
            outbox::enqueue(tx, &job).await?;
            Err(Error::not_found("thing"))
        })
        .await;
    failed.unwrap_err();
    assert_eq!(stage.relay().round().await.unwrap(), 0);
    assert!(stage.heard().is_empty());
    assert_eq!(stage.count("outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_told_once_and_in_the_order_of_writing() {
    let stage = Stage::set().await;
    stage.emit(1..=20).await;
    assert_eq!(stage.relay().round().await.unwrap(), 20);
    assert_eq!(stage.relay().round().await.unwrap(), 0);
    assert_eq!(stage.heard(), (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_fails_in_the_middle_holds_up_neither_news_nor_jobs() {
    let stage = Stage::set().await;
    stage.emit(1..=4).await;
    stage.enqueue().await;
    stage.bus.fail_at.store(3, Ordering::SeqCst);
    assert_eq!(stage.relay().round().await.unwrap(), 5);
    assert_eq!(stage.heard(), [1, 2, 4]);
    assert_eq!(stage.count("jobs").await, 1);
    assert_eq!(stage.relay().round().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_fails_holds_up_what_comes_after_and_queues_each_job_once() {
    let stage = Stage::set().await;
    stage.emit(1..=1).await;
    stage.enqueue().await;
    stage.emit(2..=2).await;
    let relay = Relay {
        queue: Arc::new(Forgetful {
            queue: Arc::clone(&stage.test.app.queue),
            answers: AtomicBool::new(false),
        }),
        ..stage.relay()
    };
    // The job went in, and nobody heard so.
    assert!(relay.round().await.unwrap_err().retryable());
    assert_eq!(stage.count("jobs").await, 1);
    assert_eq!(relay.round().await.unwrap(), 3);
    assert_eq!(stage.count("jobs").await, 1);
    assert_eq!(stage.heard(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_can_not_be_queued_does_not_hold_up_the_others() {
    let stage = Stage::set().await;
    stage.enqueue().await;
    // Of an organization that is gone, and for workers that never were.
    let copy =
        "insert into outbox (id, org_id, topic, name, channels, payload, created_at) select ";
    for columns in [
        "gen_random_uuid(), gen_random_uuid(), topic, name, channels, payload, created_at",
        "gen_random_uuid(), org_id, topic, 'nobody', channels, payload, created_at",
    ] {
        let orphan = format!(
            "set session_replication_role = replica; {copy}{columns} from outbox limit 1; \
             set session_replication_role = origin"
        );
        stage.test.database.execute(&orphan).await;
    }
    stage.enqueue().await;
    assert_eq!(stage.relay().round().await.unwrap(), 4);
    assert_eq!(stage.count("jobs").await, 2);
    assert_eq!(stage.relay().round().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_nobody_can_read_does_not_hold_up_the_others() {
    let stage = Stage::set().await;
    stage.emit(1..=1).await;
    let poison = "insert into outbox (id, org_id, topic, name, channels, payload, created_at) \
                  select gen_random_uuid(), org_id, topic, ";
    for columns in [
        "'unheard_of', channels, payload, now() from outbox limit 1",
        "name, '[\"nowhere\"]', payload, now() from outbox limit 1",
        "name, '[7]', payload, now() from outbox limit 1",
    ] {
        stage
            .test
            .database
            .execute(&format!("{poison}{columns}"))
            .await;
    }
    stage.emit(2..=2).await;
    assert_eq!(stage.relay().round().await.unwrap(), 5);
    assert_eq!(stage.heard(), [1, 2]);
    assert_eq!(stage.relay().round().await.unwrap(), 0);
}

/// A bus whose first publication waits until it is let go.
#[derive(Debug, Default)]
struct Gate {
    entered: Notify,
    open: Notify,
}

#[async_trait]
impl Bus for Gate {
    async fn publish(&self, _: Channel, _: Message) -> Result<()> {
        self.entered.notify_one();
        self.open.notified().await;
        Ok(())
    }

    async fn subscribe(&self, channel: Channel) -> Result<Subscription> {
        LocalBus::new().subscribe(channel).await
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_relay_works_at_a_time() {
    let stage = Stage::set().await;
    stage.emit(1..=1).await;
    let gate = Arc::new(Gate::default());
    let first = stage.relay_to(Arc::clone(&gate) as Arc<dyn Bus>);
    let working = TaskTracker::new().spawn(async move { first.round().await });
    gate.entered.notified().await;
    assert_eq!(stage.relay().round().await.unwrap(), 0);
    assert!(stage.heard().is_empty());
    gate.open.notify_one();
    assert_eq!(working.await.unwrap().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_before_it_marks_is_followed_by_one_that_tells_again() {
    let stage = Stage::set().await;
    stage.emit(1..=2).await;
    let gate = Arc::new(Gate::default());
    let first = stage.relay_to(Arc::clone(&gate) as Arc<dyn Bus>);
    let dying = TaskTracker::new().spawn(async move { first.round().await });
    gate.entered.notified().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    // The dead one's lock ends with its connection, which takes a moment of the
    // server's; a relay in a process finds it free in one of its next rounds.
    let relay = stage.relay();
    while relay.round().await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.heard(), [1, 2]);
}
