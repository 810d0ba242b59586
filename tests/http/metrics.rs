//! `/metrics`: what it tells of requests, runs, files and what waits, and what it does not.

use std::{collections::BTreeSet, sync::Arc};

use chrono::TimeDelta;
use glassbox::{
    agent::worker::AgentWorker,
    ingest::indexer,
    server::{
        self,
        metrics::{self, Reach},
    },
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    support::{Scrape, Socket, TestApp, model::Scripted, sqs::Sqs, until},
    workbench::{NOTHING, Workbench},
};

/// The metrics of a test's program, on a port of their own.
struct Told {
    address: String,
    _stop: DropGuard,
}

impl Told {
    fn of(test: &TestApp, reach: Reach) -> Self {
        let listener = server::listen("127.0.0.1", 0).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        let app = Arc::clone(&test.app);
        tokio::spawn(metrics::serve(app, listener, reach, stop.clone()));
        Told {
            address,
            _stop: stop.drop_guard(),
        }
    }

    async fn scrape(&self) -> Scrape {
        Scrape::of(&self.address).await
    }
}

/// What the program tells now; nothing of it was read for an earlier scrape.
async fn scrape(test: &TestApp) -> Scrape {
    Told::of(test, Reach::Installation).scrape().await
}

const REQUESTS: &str = "glassbox_http_requests_total";
const TIMES: &str = "glassbox_http_request_duration_seconds_count";

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_the_templates_of_their_routes() {
    let bench = Workbench::start().await;
    let node = bench.titled("A").await;
    for _ in 0..3 {
        bench.read(&node).await;
    }
    let missing = format!("/nodes/{NOTHING}");
    bench
        .ada
        .get(&missing)
        .await
        .expect_problem(404, "NOT_FOUND");
    let stranger = bench.test.anonymous();
    stranger
        .get(&missing)
        .await
        .expect_problem(401, "UNAUTHENTICATED");
    stranger.get("//health/live").await.expect(200);

    let told = scrape(&bench.test).await;
    let count = |route: &str, status: &str| {
        told.get(
            REQUESTS,
            &[("method", "GET"), ("route", route), ("status", status)],
        )
    };
    assert_eq!(count("/api/v1/nodes/{nodeId}", "200"), 3.0);
    assert_eq!(count("/api/v1/nodes/{nodeId}", "404"), 1.0);
    assert_eq!(count("/api/v1/nodes/{nodeId}", "401"), 1.0);
    assert_eq!(count("/health/live", "200"), 1.0);
    let timed = [("method", "GET"), ("route", "/api/v1/nodes/{nodeId}")];
    assert_eq!(told.get(TIMES, &timed), 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_makes_up_is_no_new_series() {
    let bench = Workbench::start().await;
    let ask = async |id: &str| {
        for path in ["/nodes/ID", "/ID", "//ID", "//docs/ID", "/orgs/ID/nothing"] {
            bench.ada.get(&path.replace("ID", id)).await;
        }
        for method in ["ID", "DELETE"] {
            let method = method.replace("ID", &format!("X{}", &id[..4].to_uppercase()));
            let request = bench.ada.request(&method, "/orgs");
            request.send().await.unwrap();
        }
    };
    ask("aaaa0000-0000-7000-8000-000000000001").await;
    let before = scrape(&bench.test).await;
    let made_up = [("method", "_OTHER"), ("route", "other"), ("status", "405")];
    assert_eq!(before.get(REQUESTS, &made_up), 1.0);
    let asked = async || {
        ask("bbbb0000-0000-7000-8000-000000000002").await;
        ask("cccc0000-0000-7000-8000-000000000003").await;
    };
    asked().await;
    let after = scrape(&bench.test).await;
    assert_eq!(after.get(REQUESTS, &made_up), 3.0);
    assert_eq!(after.series(), before.series());
    for (name, labels) in after.series() {
        let has_id = |text: &String| text.contains("0000-") || text.contains(&bench.org);
        assert!(!labels.values().any(has_id), "{name} {labels:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_client_went_away_is_counted_too() {
    let bench = Workbench::start().await;
    let mut holder = bench.test.database.admin().await;
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut holder,
        "begin; lock table organizations in access exclusive mode",
    )
    .await
    .unwrap();
    let address = bench.test.url.strip_prefix("http://").unwrap();
    let mut wire = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /api/v1/orgs HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n\r\n",
        bench.ada.token()
    );
    wire.write_all(head.as_bytes()).await.unwrap();
    let waiting = "select count(*)::text as text from pg_stat_activity \
                   where datname = current_database() and wait_event_type = 'Lock'";
    until("the request to wait", async || {
        (bench.test.database.text(waiting).await == "1").then_some(())
    })
    .await;
    wire.set_zero_linger().unwrap();
    drop(wire);
    let told = Told::of(&bench.test, Reach::Process);
    let given_up = [
        ("method", "GET"),
        ("route", "/api/v1/orgs"),
        ("status", "aborted"),
    ];
    until("the request to be counted", async || {
        told.scrape().await.find(REQUESTS, &given_up)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_moves_the_figures_of_executions_and_of_models() {
    let bench = Workbench::start().await;
    let node = bench.titled("Say something").await;
    let execute = format!("/nodes/{node}/execute");
    bench.ada.post(&execute, json!({})).await.expect(201);
    // Refused, so it does not count.
    bench
        .ada
        .post(&execute, json!({}))
        .await
        .expect_problem(409, "EXECUTION_ACTIVE");
    bench.test.relay().await;

    let told = scrape(&bench.test).await;
    assert_eq!(told.get("glassbox_executions_created_total", &[]), 1.0);
    assert_eq!(
        told.get("glassbox_executions", &[("status", "pending")]),
        1.0
    );
    assert_eq!(
        told.get("glassbox_executions", &[("status", "paused")]),
        0.0
    );
    assert_eq!(messages(&told, "agent", "waiting"), 1.0);
    let ended =
        |told: &Scrape, status| told.get("glassbox_executions_ended_total", &[("status", status)]);
    assert_eq!(ended(&told, "complete"), 0.0);

    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}

    let told = scrape(&bench.test).await;
    assert_eq!(ended(&told, "complete"), 1.0);
    assert_eq!(ended(&told, "failed"), 0.0);
    assert_eq!(
        told.get("glassbox_executions", &[("status", "pending")]),
        0.0
    );
    assert_eq!(messages(&told, "agent", "waiting"), 0.0);
    let path = format!("/nodes/{node}/execution");
    let run = bench.ada.get(&path).await.expect(200)["execution"].clone();
    let tokens = |direction| told.get("glassbox_llm_tokens_total", &[("direction", direction)]);
    assert_eq!(
        json!(tokens("input")),
        run["totalTokensIn"].as_f64().unwrap()
    );
    assert_eq!(
        json!(tokens("output")),
        run["totalTokensOut"].as_f64().unwrap()
    );
    assert!(tokens("input") > 0.0);
    assert_eq!(
        told.get("glassbox_llm_cost_usd_total", &[]),
        run["estimatedCostUsd"].as_f64().unwrap()
    );
    let trace = format!("/executions/{}/trace", run["id"].as_str().unwrap());
    let trace = bench.ada.get(&trace).await.expect(200);
    let steps: f64 = told
        .all("glassbox_execution_steps_total")
        .iter()
        .map(|(_, count)| count)
        .sum();
    assert_eq!(steps, trace["data"].as_array().unwrap().len() as f64);
    let calls = told.get("glassbox_execution_steps_total", &[("type", "llm_call")]);
    assert_eq!(
        told.get("glassbox_llm_call_duration_seconds_count", &[]),
        calls
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_cancels_is_counted_by_the_server_that_did_it() {
    let bench = Workbench::start().await;
    let node = bench.titled("Say something").await;
    let path = format!("/nodes/{node}");
    bench
        .ada
        .post(&format!("{path}/execute"), json!({}))
        .await
        .expect(201);
    let cancel = format!("{path}/execution/cancel");
    bench.ada.post_empty(&cancel).await.expect(200);
    let told = scrape(&bench.test).await;
    let cancelled = [("status", "cancelled")];
    assert_eq!(told.get("glassbox_executions_ended_total", &cancelled), 1.0);
    let ends = [("type", "execution_cancelled")];
    assert_eq!(told.get("glassbox_execution_steps_total", &ends), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_model_without_a_price_are_in_no_cost_and_told_apart() {
    let script = Scripted::calling(vec![]);
    let test = TestApp::start_with_model(script).await;
    let bench = Workbench::of(test).await;
    let node = bench.titled("Say something").await;
    let body = json!({ "model": "script/unpriced" });
    let execute = format!("/nodes/{node}/execute");
    bench.ada.post(&execute, body).await.expect(201);
    bench.test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}
    let told = scrape(&bench.test).await;
    assert!(told.get("glassbox_llm_calls_unpriced_total", &[]) > 0.0);
    assert_eq!(told.get("glassbox_llm_cost_usd_total", &[]), 0.0);
}

fn messages(told: &Scrape, queue: &str, state: &str) -> f64 {
    told.get(
        "glassbox_queue_messages",
        &[("queue", queue), ("state", state)],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_moves_the_figures_of_reading_and_of_search() {
    let bench = Workbench::start().await;
    let text = b"# Piers\n\nA pier stands on planks.\n";
    let file = bench
        .test
        .upload(&bench.ada, &bench.org, "piers.md", "text/markdown", text);
    file.await;
    let told = scrape(&bench.test).await;
    let read = [("format", "markdown"), ("outcome", "complete")];
    assert_eq!(told.get("glassbox_files_read_total", &read), 1.0);
    let format = [("format", "markdown")];
    assert_eq!(
        told.get("glassbox_file_read_duration_seconds_count", &format),
        1.0
    );
    assert_eq!(told.get("glassbox_index_waiting", &[("stage", "cut")]), 1.0);
    assert_eq!(told.find("glassbox_search_chunks_total", &[]), Some(0.0));

    while indexer::round(&bench.test.app).await.unwrap() > 0 {}
    let told = scrape(&bench.test).await;
    assert_eq!(told.get("glassbox_index_waiting", &[("stage", "cut")]), 0.0);
    assert_eq!(
        told.get("glassbox_index_waiting", &[("stage", "embed")]),
        0.0
    );
    assert_eq!(told.get("glassbox_search_chunks_total", &[]), 1.0);
    assert_eq!(told.get("glassbox_search_vectors_total", &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_with_its_age() {
    let bench = Workbench::of(TestApp::start_with_manual_clock().await).await;
    let test = &bench.test;
    test.relay().await;
    let told = Told::of(test, Reach::Installation);
    let now = told.scrape().await;
    let waiting = |told: &Scrape, topic| told.get("glassbox_outbox_waiting", &[("topic", topic)]);
    let age =
        |told: &Scrape, topic| told.get("glassbox_outbox_oldest_age_seconds", &[("topic", topic)]);
    let queued = |told: &Scrape| {
        told.get(
            "glassbox_queue_oldest_message_age_seconds",
            &[("queue", "agent")],
        )
    };
    assert_eq!((waiting(&now, "event"), age(&now, "event")), (0.0, 0.0));

    let node = bench.titled("Say something").await;
    let execute = format!("/nodes/{node}/execute");
    bench.ada.post(&execute, json!({})).await.expect(201);
    let soon = told.scrape().await;
    assert_eq!(
        waiting(&soon, "event"),
        0.0,
        "what was read a moment ago is told again"
    );
    test.clock.advance(TimeDelta::seconds(60));
    let later = told.scrape().await;
    assert_eq!((waiting(&later, "job"), age(&later, "job")), (1.0, 60.0));
    assert!(waiting(&later, "event") >= 2.0);
    assert_eq!(age(&later, "event"), 60.0);

    let relayed = [("topic", "job")];
    let before = later.get("glassbox_outbox_relayed_total", &relayed);
    test.relay().await;
    test.clock.advance(TimeDelta::seconds(30));
    let passed_on = told.scrape().await;
    assert_eq!(
        (waiting(&passed_on, "job"), age(&passed_on, "job")),
        (0.0, 0.0)
    );
    let after = passed_on.get("glassbox_outbox_relayed_total", &relayed);
    assert_eq!(after - before, 1.0);
    assert_eq!(messages(&passed_on, "agent", "waiting"), 1.0);
    assert_eq!(queued(&passed_on), 30.0);

    test.app
        .queue
        .receive(
            glassbox::kernel::event::QueueName::Agent,
            std::time::Duration::from_secs(60),
        )
        .await
        .unwrap()
        .unwrap();
    test.clock.advance(TimeDelta::seconds(10));
    let taken = told.scrape().await;
    assert_eq!(messages(&taken, "agent", "waiting"), 0.0);
    assert_eq!(
        (messages(&taken, "agent", "hidden"), queued(&taken)),
        (1.0, 0.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sqs_it_tells_how_many_wait_and_leaves_the_rest_to_its_own_figures() {
    let sqs = Sqs::start().await;
    let bench = Workbench::of(TestApp::start_configured(&sqs.settings()).await).await;
    let node = bench.titled("Say something").await;
    let execute = format!("/nodes/{node}/execute");
    bench.ada.post(&execute, json!({})).await.expect(201);
    bench.test.relay().await;
    let told = scrape(&bench.test).await;
    assert_eq!(messages(&told, "agent", "waiting"), 1.0);
    assert_eq!(messages(&told, "agent", "hidden"), 0.0);
    assert_eq!(messages(&told, "file", "waiting"), 0.0);
    let ages = told.all("glassbox_queue_oldest_message_age_seconds");
    assert!(ages.is_empty(), "{ages:?}");
    let dead = [("queue", "agent"), ("state", "dead")];
    assert_eq!(told.find("glassbox_queue_messages", &dead), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn open_sockets_and_streams_are_counted_while_they_are_open() {
    let bench = Workbench::start().await;
    let told = Told::of(&bench.test, Reach::Process);
    let open = async || {
        let told = told.scrape().await;
        ["socket", "stream"].map(|kind| told.get("glassbox_live_connections", &[("kind", kind)]))
    };
    assert_eq!(open().await, [0.0, 0.0]);
    let socket = Socket::open(&bench.test.url, &bench.ada).await;
    assert_eq!(open().await, [1.0, 0.0]);
    let path = format!("/projects/{}/events", bench.project);
    let stream = bench.ada.request("GET", &path).send().await.unwrap();
    assert_eq!(open().await, [1.0, 1.0]);
    drop(socket);
    until("the socket to be gone", async || {
        (open().await == [0.0, 1.0]).then_some(())
    })
    .await;
    drop(stream);
    until("the stream to be gone", async || {
        (open().await == [0.0, 0.0]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_database_are_told() {
    let test = TestApp::start().await;
    let told = Told::of(&test, Reach::Process);
    let most = test.app.config.database.max_connections as f64;
    assert_eq!(
        told.scrape().await.get("glassbox_db_connections_max", &[]),
        most
    );
    let used = |told: &Scrape| told.get("glassbox_db_connections", &[("state", "used")]);
    let before = used(&told.scrape().await);
    let scope = glassbox::kernel::Scope::Nobody;
    let during = test
        .app
        .db
        .tx(scope, async |tx| {
            tx.settle().await?;
            Ok(used(&told.scrape().await))
        })
        .await
        .unwrap();
    assert!(during >= before.max(1.0), "{before} {during}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_in_time_is_left_out_and_said() {
    let test = TestApp::start_with_manual_clock().await;
    let told = Told::of(&test, Reach::Installation);
    let success =
        |told: &Scrape, source| told.get("glassbox_scrape_success", &[("source", source)]);
    let good = told.scrape().await;
    assert_eq!(
        (success(&good, "database"), success(&good, "queue")),
        (1.0, 1.0)
    );
    let mut holder = test.database.admin().await;
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut holder,
        "begin; lock table jobs in access exclusive mode",
    )
    .await
    .unwrap();
    test.clock.advance(TimeDelta::seconds(5));
    let without = told.scrape().await;
    assert_eq!(
        (success(&without, "database"), success(&without, "queue")),
        (1.0, 0.0)
    );
    assert!(without.all("glassbox_queue_messages").is_empty());
    assert_eq!(without.all("glassbox_outbox_waiting").len(), 2);

    drop(holder);
    test.clock.advance(TimeDelta::seconds(5));
    let again = told.scrape().await;
    assert_eq!(success(&again, "queue"), 1.0);
    assert_eq!(messages(&again, "file", "waiting"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_tells_of_itself_and_not_of_what_all_share() {
    let bench = Workbench::start().await;
    let own = Told::of(&bench.test, Reach::Process)
        .scrape()
        .await
        .families();
    let all = scrape(&bench.test).await.families();
    let shared: BTreeSet<_> = all.difference(&own).map(String::as_str).collect();
    let expected = [
        "glassbox_executions",
        "glassbox_index_oldest_age_seconds",
        "glassbox_index_waiting",
        "glassbox_outbox_oldest_age_seconds",
        "glassbox_outbox_waiting",
        "glassbox_queue_messages",
        "glassbox_queue_oldest_message_age_seconds",
        "glassbox_scrape_success",
    ];
    assert!(shared.is_superset(&expected.into()), "{shared:?}");
    for family in ["glassbox_build_info", "process_cpu_seconds_total"] {
        assert!(own.contains(family), "{own:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_answers_nothing_else_and_the_api_has_no_metrics() {
    let test = TestApp::start().await;
    let told = Told::of(&test, Reach::Process);
    let http = reqwest::Client::new();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/metrics/"),
        ("POST", "/metrics"),
        ("GET", "/health"),
        ("GET", "/openapi.json"),
        ("GET", "/api/v1/orgs"),
        ("POST", "/api/v1/auth/dev-token"),
    ] {
        let url = format!("http://{}{path}", told.address);
        let answer = http
            .request(method.parse().unwrap(), url)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{method} {path}");
    }
    test.anonymous()
        .get("//metrics")
        .await
        .expect_problem(404, "ROUTE_NOT_FOUND");
}
