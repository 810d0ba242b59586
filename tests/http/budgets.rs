//! Budgets: never passed, also by runs side by side, and settled to the token.

use std::sync::Arc;

use diesel_async::SimpleAsyncConnection;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    kernel::Result,
    platform::llm::{ChatAnswer, ModelError, ModelErrorKind, Usage},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        TestApp,
        model::{Gated, Scripted, call, calls},
    },
    workbench::Workbench,
};

/// An organization with a budget, and a model that says this, chosen by how much of the
/// conversation there is.
async fn bench(budget: Value, answers: Vec<ChatAnswer>) -> Workbench {
    let model = Scripted::new(move |request| {
        let turn = request.messages.len().saturating_sub(2) / 2;
        Ok(answers.get(turn).or(answers.last()).cloned().unwrap())
    });
    let test = TestApp::start_with_manual_clock().await.with_model(model);
    let bench = Workbench::of(test).await;
    spend(&bench, budget).await;
    bench
}

async fn spend(bench: &Workbench, budget: Value) {
    let settings = json!({ "settings": { "budget": budget } });
    let path = format!("/orgs/{}", bench.org);
    bench.ada.patch(&path, settings).await.expect(200);
}

/// An answer that used so many tokens.
fn using(tokens: u64, answer: ChatAnswer) -> ChatAnswer {
    let usage = Usage {
        input_tokens: tokens,
        ..Usage::default()
    };
    ChatAnswer {
        usage: Some(usage),
        ..answer
    }
}

fn complete() -> ChatAnswer {
    call("mark_complete", r#"{ "summary": "done" }"#)
}

fn look() -> ChatAnswer {
    call("list_inputs", "{}")
}

/// Starts a run of a new node, whose answers have 100 tokens at most; answers its id.
async fn start(bench: &Workbench) -> String {
    let node = bench.titled("A task").await;
    let body = json!({ "model": "script/ed", "config": { "maxTokens": 100 } });
    let path = format!("/nodes/{node}/execute");
    let run = bench.ada.post(&path, body).await.expect(201);
    run["execution"]["id"].as_str().unwrap().to_owned()
}

async fn worker(bench: &Workbench) -> AgentWorker {
    AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap()
}

async fn work(bench: &Workbench) {
    bench.test.relay().await;
    let worker = worker(bench).await;
    while worker.step(&CancellationToken::new()).await.unwrap() {
        bench.test.relay().await;
    }
}

async fn state(bench: &Workbench, run: &str) -> Value {
    let path = format!("/executions/{run}");
    bench.ada.get(&path).await.expect(200)["execution"].clone()
}

/// What was spent and what is reserved under budgets of this kind.
async fn account(bench: &Workbench, cover: &str) -> (i64, i64) {
    let query = format!(
        "select sum(spent_tokens)::bigint as spent, sum(reserved_tokens)::bigint as reserved \
         from budgets where scope_type = '{cover}'"
    );
    let row = bench.rows(&query).await.remove(0);
    let number = |name: &str| row[name].as_i64().unwrap();
    (number("spent"), number("reserved"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_could_pass_the_budget_of_the_month_fails_with_a_sentence() {
    let bench = bench(json!({ "monthlyTokens": 50 }), vec![complete()]).await;
    let run = start(&bench).await;
    work(&bench).await;
    let run = state(&bench, &run).await;
    assert_eq!(run["status"], "failed");
    let why = run["errorMessage"].as_str().unwrap();
    assert!(why.contains("organization's budget of the month"), "{why}");
    assert_eq!(run["totalTokensIn"], 0, "the model was not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_goes_on_once_the_budget_is_raised() {
    let tight = json!({ "monthlyTokens": 50, "onExceeded": "pause" });
    let bench = bench(tight, vec![complete()]).await;
    let run = start(&bench).await;
    work(&bench).await;
    let paused = state(&bench, &run).await;
    assert_eq!(paused["status"], "paused");
    spend(&bench, json!({ "monthlyTokens": 100_000 })).await;
    let node = paused["nodeId"].as_str().unwrap();
    let resume = format!("/nodes/{node}/execution/resume");
    bench.ada.post_empty(&resume).await.expect(200);
    work(&bench).await;
    assert_eq!(state(&bench, &run).await["status"], "complete");
    assert_eq!(account(&bench, "organization").await, (110, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_execution_has_the_budget_that_the_organization_gives_each() {
    let answers = vec![using(20_000, look()), complete()];
    let bench = bench(json!({ "perExecutionTokens": 20_000 }), answers).await;
    let (first, second) = (start(&bench).await, start(&bench).await);
    work(&bench).await;
    for run in [first, second] {
        let run = state(&bench, &run).await;
        assert_eq!(run["status"], "failed", "{run}");
        assert_eq!(run["totalTokensIn"], 20_000, "one call each was within it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_side_by_side_keep_the_limit_together() {
    let answers = vec![using(1000, look()), using(1000, complete())];
    let bench = bench(json!({ "monthlyTokens": 12_000 }), answers).await;
    let mut runs = Vec::new();
    for _ in 0..10 {
        runs.push(start(&bench).await);
    }
    bench.test.relay().await;
    let mut hands = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let worker = worker(&bench).await;
        hands.spawn(async move { while worker.step(&CancellationToken::new()).await.unwrap() {} });
    }
    while let Some(ended) = hands.join_next().await {
        ended.unwrap();
    }
    let mut used = 0;
    let mut complete = 0;
    for run in &runs {
        let run = state(&bench, run).await;
        used += run["totalTokensIn"].as_i64().unwrap() + run["totalTokensOut"].as_i64().unwrap();
        match run["status"].as_str().unwrap() {
            "complete" => complete += 1,
            "failed" => {
                let why = run["errorMessage"].as_str().unwrap();
                assert!(why.contains("budget"), "{why}");
            }
            other => panic!("{other}: {run}"),
        }
    }
    assert!(used <= 12_000, "{used} tokens");
    assert!(complete > 0, "some had room");
    assert_eq!(account(&bench, "organization").await, (used, 0));
}

/// Runs a worker that dies with its `nth` answer in its hands, the first being 0; what is
/// reserved then, and what is counted of the call that it takes with it.
async fn die_with_answer(bench: &Workbench, nth: usize) -> (i64, i64) {
    let run = start(bench).await;
    bench.test.relay().await;
    let appends = std::sync::atomic::AtomicUsize::new(0);
    let dies = Arc::new(move |point| {
        let count = || appends.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        point == Point::BeforeAppend && count() == nth + 1
    });
    let dying = worker(bench).await.with_breakpoint(dies);
    assert!(dying.step(&CancellationToken::new()).await.unwrap());
    let (spent, reserved) = account(bench, "organization").await;
    assert_eq!(spent, 0);
    let row = bench
        .rows("select lost_tokens from budget_reservations")
        .await;
    bench.test.clock.advance(chrono::TimeDelta::seconds(31));
    work(bench).await;
    assert_eq!(state(bench, &run).await["status"], "complete");
    (reserved, row[0]["lost_tokens"].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_worker_had_reserved_is_counted_as_read() {
    // It dies with the answer in its hands: somebody has to pay for it. Near the limit one call
    // is reserved, and several where there is room.
    for (limit, calls) in [(8_000, 1), (100_000, 8)] {
        let bench = bench(json!({ "monthlyTokens": limit }), vec![complete()]).await;
        let (reserved, lost) = die_with_answer(&bench, 0).await;
        assert!(lost > 100, "{lost}");
        assert_eq!(reserved, calls * (lost + 100), "an answer has 100 at most");
        let spent = 110 + lost;
        assert_eq!(account(&bench, "organization").await, (spent, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_worker_had_used_of_an_allowance_is_counted_as_the_journal_says() {
    let answers = vec![using(1000, look()), using(2000, look()), complete()];
    let bench = bench(json!({ "monthlyTokens": 100_000 }), answers).await;
    let (_, lost) = die_with_answer(&bench, 2).await;
    // Two answers are in the journal, the third was lost and given again.
    let spent = 3000 + lost + 110;
    assert_eq!(account(&bench, "organization").await, (spent, 0));
}

/// A run whose model answers when it is told to, in the hands of a worker.
async fn gated(answers: Vec<ChatAnswer>) -> (Workbench, Gated, String, JoinHandle<Result<bool>>) {
    let model = Gated::new(answers);
    let test = TestApp::start_with_manual_clock().await;
    let bench = Workbench::of(test.with_model(model.clone())).await;
    spend(&bench, json!({ "monthlyTokens": 100_000 })).await;
    let run = start(&bench).await;
    bench.test.relay().await;
    let worker = worker(&bench).await;
    let working = tokio::spawn(async move { worker.step(&CancellationToken::new()).await });
    (bench, model, run, working)
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_budgets_are_left_alone_until_half_of_one_is_taken() {
    let answers = vec![look(), look(), look(), complete()];
    let (bench, model, run, working) = gated(answers).await;
    let next = async || {
        model.asked().await;
        account(&bench, "organization").await
    };
    let (spent, reserved) = next().await;
    assert_eq!(spent, 0);
    model.answer();
    assert_eq!(next().await, (0, reserved), "the second call is within");
    // Others spend until more than half is taken.
    let mut admin = bench.test.database.admin().await;
    let others = "update budgets set spent_tokens = 60000";
    admin.batch_execute(others).await.unwrap();
    model.answer();
    let (spent, single) = next().await;
    assert_eq!(spent, 60_220, "two calls are counted");
    assert!(single * 7 < reserved, "{single} for one call of {reserved}");
    model.answer();
    let (spent, single) = next().await;
    assert_eq!(spent, 60_330, "and from here on each");
    assert!(single * 7 < reserved, "{single} for one call of {reserved}");
    model.answer();
    assert!(working.await.unwrap().unwrap());
    assert_eq!(state(&bench, &run).await["status"], "complete");
    assert_eq!(account(&bench, "organization").await, (60_440, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_lowered_holds_for_a_run_with_an_allowance() {
    let (bench, model, run, working) = gated(vec![look(), complete()]).await;
    model.asked().await;
    spend(&bench, json!({ "monthlyTokens": 1000 })).await;
    model.answer();
    assert!(working.await.unwrap().unwrap());
    let run = state(&bench, &run).await;
    assert_eq!(run["status"], "failed", "{run}");
    assert_eq!(account(&bench, "organization").await, (110, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_with_its_project_has_spent_what_it_has_spent() {
    let (bench, model, _, working) = gated(vec![look(), complete()]).await;
    model.asked().await;
    model.answer();
    model.asked().await;
    let row = bench
        .rows("select lost_tokens from budget_reservations")
        .await;
    let lost = row[0]["lost_tokens"].as_i64().unwrap();
    let project = format!("/projects/{}", bench.project);
    bench.ada.delete(&project).await.expect(204);
    assert_eq!(account(&bench, "organization").await, (110 + lost, 0));
    model.answer();
    // It finds the run gone.
    assert!(working.await.unwrap().unwrap());
    assert_eq!(account(&bench, "organization").await, (110 + lost, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_between_two_calls_gives_back_what_the_next_may_cost() {
    let bench = bench(
        json!({ "monthlyTokens": 100_000 }),
        vec![look(), complete()],
    )
    .await;
    let run = start(&bench).await;
    bench.test.relay().await;
    let stop = CancellationToken::new();
    let appends = std::sync::atomic::AtomicUsize::new(0);
    let stops = stop.clone();
    let stopping = worker(&bench).await.with_breakpoint(Arc::new(move |point| {
        let count = || appends.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if point == Point::AfterAppend && count() == 1 {
            stops.cancel();
        }
        false
    }));
    assert!(stopping.step(&stop).await.unwrap());
    // The answer and what its tool said are in the journal, and paid for; nothing else is.
    assert_eq!(account(&bench, "organization").await, (110, 0));
    let entries = bench
        .rows("select event_type from agent_trace_events order by sequence_number")
        .await;
    let kinds: Vec<_> = entries.iter().map(|entry| &entry["event_type"]).collect();
    assert_eq!(kinds, ["execution_start", "llm_call", "tool_call"]);
    bench.test.clock.advance(chrono::TimeDelta::seconds(31));
    work(&bench).await;
    assert_eq!(state(&bench, &run).await["status"], "complete");
    assert_eq!(account(&bench, "organization").await, (220, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_refused_costs_nothing() {
    let refuses = Scripted::new(|_| {
        let kind = ModelErrorKind::Refused;
        Err(ModelError::new(kind, "The key is wrong."))
    });
    let test = TestApp::start_with_manual_clock().await.with_model(refuses);
    let bench = Workbench::of(test).await;
    spend(&bench, json!({ "monthlyTokens": 100_000 })).await;
    let run = start(&bench).await;
    work(&bench).await;
    assert_eq!(state(&bench, &run).await["status"], "failed");
    assert_eq!(account(&bench, "organization").await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_are_told_once_at_each_step() {
    let answers = vec![
        using(6000, look()),
        using(3000, look()),
        using(900, complete()),
    ];
    let bench = bench(json!({ "monthlyTokens": 15_000 }), answers).await;
    let first = start(&bench).await;
    work(&bench).await;
    assert_eq!(state(&bench, &first).await["status"], "complete");
    let told = |list: &Value| -> Vec<String> {
        let alerts = list["data"].as_array().unwrap().iter();
        alerts
            .filter(|notice| notice["type"] == "budget_alert")
            .map(|notice| notice["title"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = bench.ada.get("/users/me/notifications").await.expect(200);
    assert_eq!(told(&list), ["50 % of a budget is used (organization)"]);
    start(&bench).await;
    work(&bench).await;
    let list = bench.ada.get("/users/me/notifications").await.expect(200);
    assert!(
        told(&list).iter().any(|title| title.starts_with("100 %")),
        "{list}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nodes_budget_covers_all_that_is_run_below_it() {
    let start = (
        "create_subnode",
        json!({ "title": "child", "execute": true }),
    );
    let parent = [calls(&[start]), call("await_subnodes", "{}"), complete()];
    let model = Scripted::new(move |request| {
        let text = format!("{:?}", request.messages.get(1));
        let turn = request.messages.len().saturating_sub(2) / 2;
        if text.contains("# child") {
            return Ok(complete());
        }
        Ok(parent.get(turn).cloned().unwrap_or_else(complete))
    });
    let test = TestApp::start_with_manual_clock().await.with_model(model);
    let bench = Workbench::of(test).await;
    let metadata = json!({ "agentConfig": { "budget": { "tokens": 200_000 } } });
    let node = bench
        .node(json!({ "title": "parent", "metadata": metadata }))
        .await;
    let body = json!({ "model": "script/ed" });
    let path = format!("/nodes/{node}/execute");
    let run = bench.ada.post(&path, body).await.expect(201);
    let run = run["execution"]["id"].as_str().unwrap().to_owned();
    work(&bench).await;
    assert_eq!(state(&bench, &run).await["status"], "complete");
    // Three answers of the parent's and one of the child's.
    assert_eq!(account(&bench, "node").await, (4 * 110, 0));
}
