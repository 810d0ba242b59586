//! The queue that workers on several machines share, and what every queue promises.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use glassbox::{
    agent::worker::AgentWorker,
    app::App,
    kernel::{Code, JobId, OrgId, Result, event::QueueName},
    platform::queue::{Delivery, Depth, Posting, Queue},
};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::support::{TestApp, sqs::Sqs, until};

const HIDE: Duration = Duration::from_secs(60);

/// An application with queues in SQS.
async fn with_sqs() -> (TestApp, Sqs) {
    let sqs = Sqs::start().await;
    let test = TestApp::start_configured(&sqs.settings()).await;
    (test, sqs)
}

async fn org(test: &TestApp) -> OrgId {
    let ada = test.user("ada").await;
    let (org, _) = ada.workspace("labs").await;
    org.parse().unwrap()
}

async fn send(queue: &dyn Queue, org: OrgId, body: Value) -> JobId {
    let id = JobId::from_uuid(Uuid::now_v7());
    queue.send(QueueName::Agent, id, org, body).await.unwrap();
    id
}

async fn take(queue: &dyn Queue) -> Option<Delivery> {
    queue.receive(QueueName::Agent, HIDE).await.unwrap()
}

/// What every queue promises.
async fn keep_the_promises(test: &TestApp) {
    let (queue, org) = (&*test.app.queue, org(test).await);
    queue.ping().await.unwrap();
    assert_eq!(take(queue).await, None);

    let body = json!({ "executionId": Uuid::now_v7(), "orgId": org });
    let id = send(queue, org, body.clone()).await;
    let first = take(queue).await.unwrap();
    assert_eq!((first.id, first.org, &first.body), (id, org, &body));
    assert_eq!((first.queue, first.attempts), (QueueName::Agent, 1));
    assert_eq!(take(queue).await, None, "it is hidden");
    let other = queue.receive(QueueName::File, HIDE).await.unwrap();
    assert_eq!(other, None, "it is in the other queue");

    queue.release(&first, Duration::ZERO).await.unwrap();
    let second = take(queue).await.unwrap();
    assert_eq!((second.id, second.attempts), (id, 2));
    queue.release(&second, HIDE).await.unwrap();
    assert_eq!(take(queue).await, None, "it is kept hidden");
    queue.delete(&second).await.unwrap();
    // Whoever still believes to have it hears nothing bad: the rows decide.
    queue.delete(&second).await.unwrap();
    queue.release(&second, Duration::ZERO).await.unwrap();
    assert_eq!(take(queue).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_keeps_the_promises_of_a_queue() {
    keep_the_promises(&TestApp::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_keeps_the_promises_of_a_queue() {
    let (test, _sqs) = with_sqs().await;
    keep_the_promises(&test).await;
}

/// What was put aside wakes nobody, is shown, and comes back when somebody says so.
async fn put_aside(test: &TestApp) {
    let (queue, org) = (&*test.app.queue, org(test).await);
    let body = json!({ "executionId": 7 });
    let id = send(queue, org, body.clone()).await;
    let other = send(queue, org, json!({ "executionId": 8 })).await;
    let taken = take(queue).await.unwrap();
    let (first, second) = if taken.id == id {
        (id, other)
    } else {
        (other, id)
    };
    queue.bury(&taken).await.unwrap();
    assert_eq!(take(queue).await.map(|one| one.id), Some(second));
    assert_eq!(take(queue).await, None);

    let dead = queue.dead(QueueName::Agent, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (dead[0].id, dead[0].org, &dead[0].body),
        (first, org, &taken.body)
    );
    assert_eq!(queue.dead(QueueName::File, 10).await.unwrap(), []);
    queue.revive(&dead[0]).await.unwrap();
    let again = take(queue).await.unwrap();
    assert_eq!((again.id, again.attempts), (first, 1));
    assert_eq!(queue.dead(QueueName::Agent, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_puts_aside_what_nobody_can_handle() {
    put_aside(&TestApp::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_puts_aside_what_nobody_can_handle() {
    let (test, _sqs) = with_sqs().await;
    put_aside(&test).await;
}

/// Who waits is woken by a message, and then has it.
async fn wake(test: &TestApp) {
    let (queue, org) = (&test.app.queue, org(test).await);
    let long = Duration::from_secs(600);
    let (id, ()) = tokio::join!(
        send(&**queue, org, json!({})),
        queue.wait(QueueName::Agent, long)
    );
    let taken = until("the message", async || take(&**queue).await).await;
    assert_eq!((taken.id, taken.attempts), (id, 1));
    queue.delete(&taken).await.unwrap();
    assert_eq!(take(&**queue).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_wakes_who_waits() {
    wake(&TestApp::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_wakes_who_waits() {
    let (test, _sqs) = with_sqs().await;
    wake(&test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_twice_is_one_message_where_the_queue_can_tell() {
    let sqs = Sqs::start_with(".fifo").await;
    let fifo = TestApp::start_configured(&sqs.settings()).await;
    for test in [fifo, TestApp::start().await] {
        let (queue, org) = (&*test.app.queue, org(&test).await);
        let id = JobId::from_uuid(Uuid::now_v7());
        for _ in 0..2 {
            let sent = queue.send(QueueName::Agent, id, org, json!({})).await;
            sent.unwrap();
        }
        // Another of the same organization does not wait for the first one's end.
        let other = send(queue, org, json!({})).await;
        let taken = [take(queue).await, take(queue).await, take(queue).await];
        let mut ids: Vec<JobId> = taken.into_iter().flatten().map(|one| one.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, [id, other]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_in_vain_too_often_is_put_aside() {
    let (test, sqs) = with_sqs().await;
    let (queue, org) = (&*test.app.queue, org(&test).await);
    send(queue, org, json!({ "executionId": 7 })).await;
    for _ in 0..2 {
        let taken = take(queue).await.unwrap();
        queue.release(&taken, Duration::ZERO).await.unwrap();
    }
    assert_eq!(take(queue).await, None);
    assert_eq!(sqs.messages(&sqs.dead_url).await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_sender_needs_only_the_body() {
    let (test, sqs) = with_sqs().await;
    let org = org(&test).await;
    let body = json!({ "executionId": Uuid::now_v7(), "nodeId": Uuid::now_v7(), "orgId": org });
    for text in [body.to_string(), "nobody's".to_owned()] {
        let sent = sqs.client.send_message().queue_url(&sqs.agent_url);
        sent.message_body(text).send().await.unwrap();
    }
    let taken = [take(&*test.app.queue).await, take(&*test.app.queue).await];
    let taken: Vec<Delivery> = taken.into_iter().flatten().collect();
    assert_eq!(taken.len(), 1, "the other is left for somebody to look at");
    assert_eq!((taken[0].org, &taken[0].body), (org, &body));
    assert_eq!(sqs.messages(&sqs.agent_url).await, (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_and_a_file_go_through_sqs_to_their_ends() {
    let (test, sqs) = with_sqs().await;
    let ada = test.user("ada").await;
    let (org, project) = ada.workspace("labs").await;
    // `upload` steps a file worker, which is woken by the file's message.
    test.upload(
        &ada,
        &org,
        "report.md",
        "text/markdown",
        b"# Report\n\nAll well.",
    )
    .await;
    assert_eq!(sqs.messages(&sqs.file_url).await, (0, 0));

    let node = ada
        .post(
            &format!("/projects/{project}/nodes"),
            json!({ "title": "n" }),
        )
        .await
        .id();
    let execution = ada
        .post(&format!("/nodes/{node}/execute"), json!({}))
        .await
        .expect(201);
    let execution = execution["execution"]["id"].as_str().unwrap();
    test.relay().await;
    assert_eq!(sqs.messages(&sqs.agent_url).await, (1, 0));
    let message = sqs.client.receive_message().queue_url(&sqs.agent_url);
    let seen = message.visibility_timeout(0).send().await.unwrap();
    let seen = seen.messages.unwrap().remove(0).body.unwrap();
    let promised = json!({ "executionId": execution, "nodeId": node, "orgId": org });
    assert_eq!(serde_json::from_str::<Value>(&seen).unwrap(), promised);

    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    let stop = CancellationToken::new();
    assert!(worker.step(&stop).await.unwrap());
    let ended = ada.get(&format!("/executions/{execution}")).await;
    assert_eq!(ended.expect(200)["execution"]["status"], "complete");
    assert_eq!(sqs.messages(&sqs.agent_url).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_away_loses_no_job() {
    let sqs = Sqs::start().await;
    let mut settings = sqs.settings();
    // Nothing listens there.
    settings[4].1 = "http://127.0.0.1:9".into();
    settings[1].1 = "http://127.0.0.1:9/agent".into();
    let test = TestApp::start_configured(&settings).await;
    let (queue, org) = (&test.app.queue, org(&test).await);
    let id = JobId::from_uuid(Uuid::now_v7());
    let refused = queue.send(QueueName::Agent, id, org, json!({})).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        refused.retryable(),
        "the relay keeps what it may send again"
    );
}

/// A queue that is never empty: of others' work, as far as anybody can see.
#[derive(Debug)]
struct Endless(OrgId);

#[async_trait]
impl Queue for Endless {
    async fn send_all(&self, _: &[Posting]) -> Result<()> {
        Ok(())
    }

    async fn receive(&self, queue: QueueName, _: Duration) -> Result<Option<Delivery>> {
        tokio::task::yield_now().await;
        Ok(Some(Delivery {
            queue,
            id: JobId::from_uuid(Uuid::now_v7()),
            org: self.0,
            body: json!({ "executionId": Uuid::now_v7(), "orgId": self.0 }),
            attempts: 1,
            receipt: None,
        }))
    }

    async fn wait(&self, _: QueueName, _: Duration) {}

    async fn delete(&self, _: &Delivery) -> Result<()> {
        Ok(())
    }

    async fn release(&self, _: &Delivery, _: Duration) -> Result<()> {
        Ok(())
    }

    async fn bury(&self, _: &Delivery) -> Result<()> {
        Ok(())
    }

    async fn dead(&self, _: QueueName, _: usize) -> Result<Vec<Delivery>> {
        Ok(Vec::new())
    }

    async fn revive(&self, _: &Delivery) -> Result<()> {
        Ok(())
    }

    async fn depths(&self) -> Result<Vec<Depth>> {
        Ok(Vec::new())
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_never_empty_does_not_keep_abandoned_runs_waiting() {
    let settings = [("agent.sweep_seconds", "1".to_owned())];
    let test = TestApp::start_configured(&settings).await;
    let ada = test.user("ada").await;
    let (org, project) = ada.workspace("labs").await;
    let mut app = App::clone(&test.app);
    app.queue = Arc::new(Endless(org.parse().unwrap()));
    let node = ada
        .post(
            &format!("/projects/{project}/nodes"),
            json!({ "title": "n" }),
        )
        .await
        .id();
    let path = format!("/nodes/{node}/execute");
    let answer = ada.post(&path, json!({})).await.expect(201);
    let path = format!(
        "/executions/{}",
        answer["execution"]["id"].as_str().unwrap()
    );

    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let worker = AgentWorker::register(Arc::new(app)).await.unwrap();
    tasks.spawn(worker.run(stop.clone()));
    until("the run's end", async || {
        let run = ada.get(&path).await.expect(200);
        (run["execution"]["status"] == "complete").then_some(())
    })
    .await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
