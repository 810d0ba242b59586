//! Executions while everything around them dies: separate processes of the built program on
//! one Postgres, one Redis, one server like SQS and one tool server outside, killed, hung and
//! restarted at moments that a seed decides.
//!
//! Afterwards every run has completed, each output is there once, no effect outside happened
//! twice, each is as the journals tell it, no journal has a gap, and `glassbox doctor` finds
//! nothing. `CHAOS_RUNS` says how many runs (20 in CI),
//! `CHAOS_SEED` which plan, `CHAOS_QUEUE` what is behind the queue: `sqs`, or `postgres`.

mod model;
mod outside;
mod plan;
mod system;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use self::{
    model::OUTPUTS,
    plan::{Fault, Plan},
    system::System,
};
use super::support::Client;

/// How long runs may take from the last fault on.
const PATIENCE: Duration = Duration::from_secs(60);
/// Faults at least: each kind once.
const FAULTS: usize = 12;
/// So many runs at a time are started and not ended.
const AT_ONCE: usize = 20;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_well_whatever_dies_around_them() {
    let runs = setting("CHAOS_RUNS").unwrap_or(20);
    let runs = usize::try_from(runs).unwrap();
    let random = || uuid::Uuid::new_v4().as_u64_pair().0;
    let seed = setting("CHAOS_SEED").unwrap_or_else(random);
    let queue = std::env::var("CHAOS_QUEUE").unwrap_or_default();
    let queue = if queue.is_empty() { "sqs" } else { &queue };
    assert!(["sqs", "postgres"].contains(&queue), "{queue}");
    println!("CHAOS_SEED={seed} CHAOS_RUNS={runs} CHAOS_QUEUE={queue}");
    let model = model::start().await;
    let mut system = System::start(&format!("{}/v1", model.uri()), queue == "sqs").await;
    let tools = system.counter.settings();
    let starting = tokio::spawn(start_runs(system.url(), tools, runs));
    let (mut faults, mut revived) = (0, 0);
    let is_there = |fault: &Fault| queue == "sqs" || !matches!(fault, Fault::KillQueue);
    for (pause, fault) in Plan::new(seed).filter(|(_, fault)| is_there(fault)) {
        sleep(pause).await;
        let left = runs.saturating_sub(ended(&system).await);
        if faults >= FAULTS && left < AT_ONCE {
            break;
        }
        println!("{fault:?} after {pause:?}, {left} runs to go");
        system.suffer(fault).await;
        revived += system.revive();
        faults += 1;
    }
    starting.await.unwrap();
    let last_fault = Instant::now();
    while ended(&system).await < runs || active(&system).await > 0 {
        if last_fault.elapsed() > PATIENCE {
            let left = left_behind(&system).await;
            panic!("left behind: {left:#?}\nlogs in {}", system.keep_logs());
        }
        revived += system.revive();
        sleep(Duration::from_millis(200)).await;
    }
    let took = last_fault.elapsed();
    println!("all ended {took:?} after the last of {faults} faults; {revived} gave up meanwhile");
    let calls = system.rows(CALLS_OUTSIDE).await;
    println!("{} calls outside, {}", calls.len(), told(&calls));
    let wrong = wrongs(&system, runs, &calls).await;
    if !wrong.is_empty() {
        panic!("{}\nlogs in {}", wrong.join("\n"), system.keep_logs());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_do_nothing_twice_while_all_workers_are_replaced_one_after_the_other() {
    /// Workers that end while they work.
    const REPLACED: usize = 6;
    /// Answers that a whole run and its two parts need.
    const ANSWERS: usize = 12 + 2 * 2;
    let model = model::start().await;
    let mut system = System::start(&format!("{}/v1", model.uri()), false).await;
    let (tools, runs) = (system.counter.settings(), 8);
    let starting = tokio::spawn(start_runs(system.url(), tools, runs));
    let asked = async || model.received_requests().await.unwrap().len();
    for n in 0..REPLACED {
        let before = asked().await;
        while asked().await < before + 10 {
            sleep(Duration::from_millis(10)).await;
        }
        let status = system.replace_worker(n % 2).await;
        assert_eq!(status.code(), Some(0), "{}", system.keep_logs());
    }
    starting.await.unwrap();
    while ended(&system).await < runs || active(&system).await > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    let calls = system.rows(CALLS_OUTSIDE).await;
    assert!(
        told(&calls).ends_with(" 0 are in doubt"),
        "{}",
        told(&calls)
    );
    let wrong = wrongs(&system, runs, &calls).await;
    assert!(
        wrong.is_empty(),
        "{}\nlogs in {}",
        wrong.join("\n"),
        system.keep_logs()
    );
    assert_eq!(asked().await, runs * ANSWERS, "none was asked for twice");
}

/// Starts runs one after the other, trying again what a fault spoiled.
async fn start_runs(url: String, tools: Value, runs: usize) {
    let anyone = Client::new(&url, None);
    let who = json!({ "userId": "ada", "email": "ada@example.com" });
    let signed = insist(&anyone, "/auth/dev-token", &who).await;
    let ada = Client::new(&url, Some(signed["token"].as_str().unwrap()));
    let settings = json!({ "mcpServers": tools });
    let org = json!({ "name": "Labs", "slug": "labs", "settings": settings });
    insist(&ada, "/orgs", &org).await;
    let org = loop {
        // The answer to the first try may have got lost.
        if let Some((200, orgs)) = attempt(ada.request("GET", "/orgs")).await {
            break orgs["data"][0]["id"].as_str().unwrap().to_owned();
        }
        sleep(Duration::from_millis(50)).await;
    };
    let project = json!({ "name": "Chaos" });
    let project = insist(&ada, &format!("/orgs/{org}/projects"), &project).await;
    let nodes = format!("/projects/{}/nodes", project["id"].as_str().unwrap());
    for n in 0..runs {
        let node = insist(&ada, &nodes, &json!({ "title": format!("run {n}") })).await;
        let node = node["id"].as_str().unwrap();
        let input = json!({ "inputType": "text", "textContent": "The tide is high." });
        insist(&ada, &format!("/nodes/{node}/inputs"), &input).await;
        let run = json!({ "model": "openai/scripted" });
        insist(&ada, &format!("/nodes/{node}/execute"), &run).await;
    }
}

/// Posts until it was done. What was done though the answer got lost is a conflict then.
async fn insist(client: &Client, path: &str, body: &Value) -> Value {
    let begun = Instant::now();
    loop {
        if let Some((status, answer)) = attempt(client.request("POST", path).json(body)).await {
            if status < 300 || status == 409 {
                return answer;
            }
            assert!(status >= 500, "{path}: {status} {answer}");
        }
        assert!(begun.elapsed() < PATIENCE, "{path} was asked for in vain");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn attempt(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let answer = request.timeout(Duration::from_secs(10)).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}

async fn number(system: &System, query: &str) -> usize {
    let rows = system
        .rows(&format!("select to_jsonb(({query})) as document"))
        .await;
    usize::try_from(rows[0].as_u64().unwrap()).unwrap()
}

/// Runs that people started and that have ended.
async fn ended(system: &System) -> usize {
    let query = "select count(*) from agent_executions where parent_execution_id is null \
                 and status in ('complete', 'failed', 'cancelled')";
    number(system, query).await
}

async fn active(system: &System) -> usize {
    let query = "select count(*) from agent_executions \
                 where status not in ('complete', 'failed', 'cancelled')";
    number(system, query).await
}

async fn left_behind(system: &System) -> Vec<Value> {
    system
        .rows(
            "select jsonb_build_object('id', e.id, 'status', e.status, 'entries', e.last_sequence, \
             'worker', e.lease_worker, 'parent', e.parent_execution_id, 'heartbeat', \
             now() - w.heartbeat_at) as document from agent_executions e \
             left join workers w on w.id = e.lease_worker \
             where e.status not in ('complete', 'failed', 'cancelled')",
        )
        .await
}

/// What the journals say of calls of the tools outside.
const CALLS_OUTSIDE: &str = "select jsonb_build_object( \
    'key', t.execution_id || ':' || (t.event_data ->> 'callId'), \
    'tool', t.event_data -> 'tool', 'result', t.event_data -> 'result') as document \
    from agent_trace_events t where t.event_type = 'tool_call' \
    and starts_with(t.event_data ->> 'tool', 'counter__')";

/// How the calls went, so that a run in which none went well is seen.
fn told(calls: &[Value]) -> String {
    let part =
        |of: &dyn Fn(&Value) -> bool| calls.iter().filter(|call| of(&call["result"])).count();
    let unknown = part(&|result| result["error"]["code"] == "OUTCOME_UNKNOWN");
    let well = part(&|result| result.get("error").is_none());
    format!("{well} went well, {unknown} are in doubt")
}

/// Everything that is not as it must be.
async fn wrongs(system: &System, runs: usize, calls: &[Value]) -> Vec<String> {
    let whole = format!("array['{}']", OUTPUTS.join("','"));
    let labels = "coalesce((select array_agg(o.label order by o.created_at, o.id) \
                  from node_outputs o where o.node_id = e.node_id), '{}')";
    let below =
        "(select array_agg(n.title order by n.title) from nodes n where n.parent_id = e.node_id)";
    let mut wrong = Vec::new();
    for (what, which) in [
        ("not complete", "e.status <> 'complete'".to_owned()),
        (
            "outputs",
            format!(
                "{labels} <> case when e.parent_execution_id is null then {whole} else array['part'] end"
            ),
        ),
        (
            "sub-nodes",
            format!(
                "e.parent_execution_id is null and {below} is distinct from array['note', 'part a', 'part b']"
            ),
        ),
        (
            "children",
            "e.parent_execution_id is null and 2 <> (select count(*) \
            from agent_executions c where c.parent_execution_id = e.id)"
                .to_owned(),
        ),
        (
            "a gap",
            "exists (select from agent_trace_events t where t.execution_id = e.id \
            having count(*) <> e.last_sequence or max(t.sequence_number) <> e.last_sequence \
                or count(distinct t.sequence_number) <> e.last_sequence)"
                .to_owned(),
        ),
        (
            "a call with two results",
            "exists (select from agent_trace_events t where t.execution_id = e.id \
            and t.event_type = 'tool_call' group by t.event_data ->> 'callId' having count(*) > 1)"
                .to_owned(),
        ),
    ] {
        let query = format!(
            "select jsonb_build_object('id', e.id, 'status', e.status, 'error', e.error_message, \
             'outputs', {labels}, 'below', {below}) as document from agent_executions e where {which}"
        );
        let rows = system.rows(&query).await;
        wrong.extend(rows.iter().map(|row| format!("{what}: {row}")));
    }
    let ended = ended(system).await;
    if ended != runs {
        wrong.push(format!("{ended} runs instead of {runs}"));
    }
    wrong.extend(system.counter.wrongs(calls));
    let doctor = system
        .command("doctor")
        .args(["--json", "--all"])
        .stdout(std::process::Stdio::piped())
        .output()
        .await
        .unwrap();
    if !doctor.status.success() {
        wrong.push(format!(
            "doctor: {}",
            String::from_utf8_lossy(&doctor.stdout)
        ));
    }
    wrong
}
