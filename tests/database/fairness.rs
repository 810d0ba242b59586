//! Organizations take turns: in the queue and in the look for abandoned executions, one
//! with thousands of them delays nobody else, and costs nobody anything.

use std::time::Duration;

use glassbox::{
    executions::ops as executions,
    kernel::{OrgId, event::QueueName},
    platform::queue::Queue,
};
use uuid::Uuid;

use crate::{
    rows::{Tenant, count, scope, two_tenants},
    support::{Database, TestApp},
};

const HIDE: Duration = Duration::from_secs(60);
const MANY: i64 = 10_000;

/// Puts `number` messages of a tenant into the agent queue, older than any other.
async fn queue_many(database: &Database, tenant: Tenant, number: i64) {
    let org = tenant.org();
    let sql = format!(
        "insert into jobs (id, org_id, queue, body, run_at, created_at) \
         select gen_random_uuid(), '{org}', 'agent', to_jsonb(n), \
             now() - interval '1 hour' + n * interval '1 millisecond', now() \
         from generate_series(1, {number}) n"
    );
    database.execute(&sql).await;
}

/// Whose the next `number` messages of the agent queue are.
async fn owners(queue: &dyn Queue, number: usize) -> Vec<Uuid> {
    let mut owners = Vec::new();
    for _ in 0..number {
        let delivery = queue.receive(QueueName::Agent, HIDE).await.unwrap();
        owners.extend(delivery.map(|delivery| delivery.org.uuid()));
    }
    owners
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_of_one_organization_delay_anothers_by_one() {
    let test = TestApp::start().await;
    let (a, b) = two_tenants(&test.database).await;
    test.database.execute("delete from jobs").await;
    queue_many(&test.database, a, MANY).await;
    assert_eq!(owners(&*test.app.queue, 2).await, [a.org(), a.org()]);
    queue_many(&test.database, b, 1).await;
    assert_eq!(owners(&*test.app.queue, 2).await, [b.org(), a.org()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_take_turns_and_each_has_its_oldest_first() {
    let test = TestApp::start().await;
    let tenants = [1, 2, 3].map(|number| Tenant { number });
    for tenant in tenants {
        tenant.insert(&test.database).await;
    }
    test.database.execute("delete from jobs").await;
    for (tenant, number) in tenants.into_iter().zip([4, 1, 2]) {
        queue_many(&test.database, tenant, number).await;
    }
    let [a, b, c] = tenants.map(Tenant::org);
    let mut taken = Vec::new();
    while let Some(next) = test
        .app
        .queue
        .receive(QueueName::Agent, HIDE)
        .await
        .unwrap()
    {
        taken.push((next.org.uuid(), next.body.as_i64().unwrap()));
    }
    let turns = [(a, 1), (b, 1), (c, 1), (a, 2), (c, 2), (a, 3), (a, 4)];
    assert_eq!(taken, turns);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_not_due_yet_hold_up_nobody() {
    let test = TestApp::start().await;
    let (a, b) = two_tenants(&test.database).await;
    test.database.execute("delete from jobs").await;
    queue_many(&test.database, a, 100).await;
    test.database
        .execute("update jobs set run_at = now() + interval '1 hour'")
        .await;
    queue_many(&test.database, b, 2).await;
    assert_eq!(owners(&*test.app.queue, 3).await, [b.org(), b.org()]);
}

/// How many pages taking the next message after organization `last` reads, undone.
async fn pages(database: &Database, last: Uuid) -> u64 {
    let take = include_str!("../../src/platform/queue/take.sql")
        .replace("$1", "'agent'")
        .replace("$2", &format!("'{last}'::uuid"))
        .replace("$3", "now()")
        .replace("$4", "now() + interval '1 minute'");
    let mut app = database.app().await;
    let conn = &mut app;
    diesel_async::SimpleAsyncConnection::batch_execute(conn, "begin")
        .await
        .unwrap();
    scope(conn, "system", "on").await;
    let plan = crate::rows::plan(conn, &format!("(analyze, buffers, summary off) {take}")).await;
    let top = plan.lines().next().unwrap();
    assert!(top.contains("actual") && top.contains(" rows=1"), "{plan}");
    let first = plan.lines().find(|line| line.contains("Buffers:")).unwrap();
    let numbers = first.split_whitespace().filter_map(|word| {
        let (kind, number) = word.split_once('=')?;
        matches!(kind, "hit" | "read").then(|| number.parse::<u64>().unwrap())
    });
    let sum = numbers.sum();
    assert!(sum < 100, "{plan}");
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_a_message_costs_the_same_beside_ten_thousand() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    let few = pages(&database, a.org()).await;
    queue_many(&database, a, MANY).await;
    // The statistics know nothing of them yet, which is when a plan goes wrong.
    let many = pages(&database, a.org()).await;
    assert!(many <= few + 20, "{few} pages, then {many}");
    database.execute("analyze jobs").await;
    for last in [a.org(), b.org(), Uuid::nil()] {
        let many = pages(&database, last).await;
        assert!(many <= few + 20, "{few} pages, then {many}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_abandoned_runs_of_one_organization_do_not_hide_anothers() {
    let test = TestApp::start().await;
    let (a, b) = two_tenants(&test.database).await;
    let (org, project) = (a.org(), a.id(7));
    let sql = format!(
        "with node as (insert into nodes (id, org_id, project_id, title, status, author_type, \
             version, created_at, updated_at) \
             select gen_random_uuid(), '{org}', '{project}', 'n', 'draft', 'human', 1, now(), now() \
             from generate_series(1, 1000) returning id) \
         insert into agent_executions (id, org_id, project_id, node_id, status, model_id, \
             thread_id, created_at, updated_at) \
         select gen_random_uuid(), '{org}', '{project}', id, 'pending', 'demo/analyst', \
             id::text, now() - interval '1 hour', now() from node"
    );
    test.database.execute(&sql).await;
    let mut admin = test.database.admin().await;
    let pending = count(&mut admin, "agent_executions where status = 'pending'").await;
    assert_eq!(pending, 1002);
    let found = async |served: Uuid| {
        let now = test.app.db.clock().now();
        let found = executions::abandoned(&test.app, now, OrgId::from_uuid(served)).await;
        let found = found.unwrap().into_iter().map(|(org, _)| org.uuid());
        found.collect::<Vec<_>>()
    };
    let from_the_start = found(Uuid::nil()).await;
    assert_eq!(from_the_start.len(), 20);
    assert_eq!(from_the_start[..3], [a.org(), b.org(), a.org()]);
    assert_eq!(found(a.org()).await[..2], [b.org(), a.org()]);
    assert_eq!(found(b.org()).await[..2], [a.org(), b.org()]);
}
