//! What many runs cost while they wait, and what one step leaves in the database.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use glassbox::{
    agent::worker::AgentWorker,
    platform::llm::{ChatAnswer, ChatRequest, Delta, Model, ModelError},
};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    bounds::{Wire, count_bytes},
    support::{
        Database, TestApp,
        model::{call, says},
    },
    workbench::Workbench,
};

/// Makes `number` nodes with a run each, which has this status and what else `extra` sets.
async fn runs(bench: &Workbench, number: usize, status: &str, extra: (&str, &str)) {
    let (columns, values) = extra;
    let (org, project) = (&bench.org, &bench.project);
    let sql = format!(
        "insert into nodes (id, org_id, project_id, title, status, author_type, version, \
             created_at, updated_at) \
         select gen_random_uuid(), '{org}', '{project}', 'task ' || n, 'draft', 'human', 1, \
             now(), now() from generate_series(1, {number}) n; \
         insert into agent_executions (id, org_id, project_id, node_id, status, model_id, \
             thread_id, started_by, created_at, updated_at {columns}) \
         select gen_random_uuid(), org_id, project_id, id, '{status}', 'script/ed', 'thread', \
             (select id from users where cognito_sub = 'ada'), now(), now() {values} \
         from nodes where title like 'task %'; \
         analyze nodes; analyze agent_executions"
    );
    for statement in sql.split("; ") {
        bench.test.database.execute(statement).await;
    }
}

async fn worker(bench: &Workbench) -> AgentWorker {
    AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_runs_that_wait_for_people_cost_a_worker_nothing() {
    let wire = Arc::new(Wire::default());
    let database = Database::create().await;
    let url = count_bytes(&database.app_url(), Arc::clone(&wire)).await;
    let settings = [("database.url", url)];
    let bench = Workbench::of(TestApp::start_on_database(database, &settings).await).await;
    bench.test.relay().await;
    let worker = worker(&bench).await;
    let idle = async || {
        let (before, begun) = (wire.now(), Instant::now());
        for _ in 0..20 {
            let stop = CancellationToken::new();
            assert!(!worker.step(&stop).await.unwrap());
        }
        let [sent, read] = wire.now();
        ((sent - before[0], read - before[1]), begun.elapsed() / 20)
    };
    idle().await;
    let (few, took) = idle().await;
    println!("with none waiting: {few:?} bytes in 20 looks, {took:?} each");
    let request = (
        ", human_input_request, last_sequence, head_hash",
        ", '[]', 3, 'hash'",
    );
    runs(&bench, 10_000, "awaiting_input", request).await;
    let asked = "insert into human_requests (id, org_id, execution_id, call_id, request_type, \
                     prompt, status, created_at, expires_at) \
                 select gen_random_uuid(), org_id, id, 'call', 'question', 'Which?', 'pending', \
                     now(), now() + interval '30 days' from agent_executions";
    bench.test.database.execute(asked).await;
    bench.test.database.execute("analyze human_requests").await;
    let (many, took) = idle().await;
    println!("with 10,000 waiting: {many:?} bytes in 20 looks, {took:?} each");
    assert_eq!(many, few, "nothing of what waits is looked at");
    let held = bench.count("agent_executions where lease_worker is not null");
    assert_eq!(held.await, 0);
}

/// Thinks until it is let go.
struct Slow(Arc<Semaphore>);

#[async_trait]
impl Model for Slow {
    async fn chat(&self, _: &ChatRequest, _: Delta<'_>) -> Result<ChatAnswer, ModelError> {
        let _asked = self.0.acquire().await.unwrap();
        std::future::pending().await
    }
}

/// Megabytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_runs_that_wait_for_a_model_fit_in_one_worker() {
    // The short form has a hundred.
    let full = std::env::var("GLASSBOX_SOAK").is_ok_and(|form| form == "full");
    let number: usize = if full { 1_000 } else { 100 };
    let settings = [
        ("agent.concurrency", number.to_string()),
        ("agent.heartbeat_seconds", "1".to_owned()),
        ("agent.sweep_seconds", "1".to_owned()),
    ];
    let asked = Arc::new(Semaphore::new(number));
    let test = TestApp::start_configured(&settings).await;
    let bench = Workbench::of(test.with_model(Slow(Arc::clone(&asked)))).await;
    bench.test.relay().await;
    runs(&bench, number, "pending", ("", "")).await;
    let (before, begun) = (resident(), Instant::now());
    let stop = CancellationToken::new();
    let work = tokio::spawn(worker(&bench).await.run(stop.clone()));
    while asked.available_permits() > 0 {
        assert!(!work.is_finished());
        assert!(begun.elapsed().as_secs() < 120, "{asked:?}");
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let after = resident();
    println!(
        "{number} runs wait for a model after {:?}: {after} MB, {before} MB before",
        begun.elapsed(),
    );
    stop.cancel();
    work.await.unwrap();
    let held = bench.count("agent_executions where lease_worker is not null");
    assert_eq!(held.await, 0, "all were given back");
    // In the short form other tests share this process.
    assert!(
        !full || after < before + 200,
        "{before} MB became {after} MB"
    );
}

/// Reads a passage of a kilobyte again and again.
struct Reads(String);

#[async_trait]
impl Model for Reads {
    async fn chat(&self, request: &ChatRequest, _: Delta<'_>) -> Result<ChatAnswer, ModelError> {
        if request.messages.len() < 400 {
            let arguments = json!({ "inputId": self.0 });
            return Ok(call("read_input", &arguments.to_string()));
        }
        Ok(says("Done."))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_a_kilobyte_leaves_less_than_three() {
    let settings = [
        ("agent.max_iterations", "1000".to_owned()),
        ("agent.max_tokens", "1000000000".to_owned()),
    ];
    let mut bench = Workbench::of(TestApp::start_configured(&settings).await).await;
    let node = bench.titled("A task").await;
    // Of random letters, so that nothing of it is pressed away.
    let text: String = (0..32)
        .map(|_| uuid::Uuid::new_v4().simple().to_string())
        .collect();
    let input = json!({ "inputType": "text", "textContent": text });
    let path = format!("/nodes/{node}/inputs");
    let input = bench.ada.post(&path, input).await.id();
    bench.test = bench.test.with_model(Reads(input));
    let start = json!({ "model": "script/ed" });
    let path = format!("/nodes/{node}/execute");
    bench.ada.post(&path, start).await.expect(201);
    bench.test.relay().await;
    let size = "select pg_total_relation_size('agent_trace_events') as bytes";
    let size = async || bench.rows(size).await[0]["bytes"].as_u64().unwrap();
    let before = size().await;
    let stop = CancellationToken::new();
    assert!(worker(&bench).await.step(&stop).await.unwrap());
    let bytes = size().await - before;
    let steps = bench.count("agent_trace_events where event_type = 'tool_call'");
    let steps = u64::try_from(steps.await).unwrap();
    assert!(steps > 190, "{steps}");
    println!(
        "{} bytes a step of a kilobyte, in {steps} steps",
        bytes / steps
    );
    // Whole pages are counted, so a tenth more than what is aimed at is allowed.
    assert!(bytes / steps < 3_380, "{bytes} bytes in {steps} steps");
}
