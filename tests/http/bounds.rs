//! Runs that would grow without end: how far they come, what is said of it, and what a step
//! costs late in a long one.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use glassbox::{
    agent::{drive::Point, worker::AgentWorker},
    platform::llm::{ChatAnswer, ChatRequest, Delta, Message, Model, ModelError},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        Database, TestApp,
        model::{Scripted, call, calls, says},
    },
    workbench::Workbench,
};

/// What went over the wire between the program and Postgres, in bytes.
#[derive(Default)]
pub struct Wire {
    sent: AtomicU64,
    read: AtomicU64,
}

impl Wire {
    pub fn now(&self) -> [u64; 2] {
        [&self.sent, &self.read].map(|count| count.load(Ordering::SeqCst))
    }
}

/// Stands between the program and Postgres; answers the address to use instead of `url`.
pub async fn count_bytes(url: &str, wire: Arc<Wire>) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    let (role, rest) = rest.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let socket = percent_decode_str(host).decode_utf8().unwrap();
    let socket = PathBuf::from(socket.as_ref()).join(".s.PGSQL.5432");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await.unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let wire = [Arc::clone(&wire), Arc::clone(&wire)];
            let [there, back] = wire;
            tokio::spawn(async move { pass(from_client, to_server, &there.sent).await });
            tokio::spawn(async move { pass(from_server, to_client, &back.read).await });
        }
    });
    format!("postgres://{role}@127.0.0.1:{port}/{database}")
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    count: &AtomicU64,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(u64::try_from(read).unwrap(), Ordering::SeqCst);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Makes the same call for ever, and remembers nothing.
struct Loops;

#[async_trait]
impl Model for Loops {
    async fn chat(&self, _: &ChatRequest, _: Delta<'_>) -> Result<ChatAnswer, ModelError> {
        Ok(call("list_inputs", "{}"))
    }
}

/// Starts a run of a new node; answers both ids.
async fn start(bench: &Workbench) -> (String, String) {
    let node = bench.titled("A task").await;
    let path = format!("/nodes/{node}/execute");
    let run = bench.ada.post(&path, json!({ "model": "script/ed" })).await;
    let run = run.expect(201)["execution"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    (node, run)
}

async fn work(bench: &Workbench) {
    bench.test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {
        bench.test.relay().await;
    }
}

async fn state(bench: &Workbench, run: &str) -> Value {
    let path = format!("/executions/{run}");
    bench.ada.get(&path).await.expect(200)["execution"].clone()
}

async fn assert_whole(bench: &Workbench, run: &str) {
    let verified = bench.ada.get(&format!("/executions/{run}/verify")).await;
    assert_eq!(verified.expect(200)["valid"], true);
}

/// Steps after which the bytes are looked at: an answer and its call are one.
const MARKS: [u64; 4] = [50, 100, 900, 950];

#[tokio::test(flavor = "multi_thread")]
async fn a_late_step_of_a_long_loop_costs_what_an_early_one_did_and_the_loop_ends() {
    let wire = Arc::new(Wire::default());
    let database = Database::create().await;
    let url = count_bytes(&database.app_url(), Arc::clone(&wire)).await;
    let settings = [
        ("database.url", url),
        ("agent.max_iterations", "1000".to_owned()),
        ("agent.max_tokens", "1000000000".to_owned()),
    ];
    let test = TestApp::start_on_database(database, &settings).await;
    let bench = Workbench::of(test.with_model(Loops)).await;
    let (_, run) = start(&bench).await;
    bench.test.relay().await;
    let (steps, seen) = (AtomicU64::new(0), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&seen);
    let worker = AgentWorker::register(Arc::clone(&bench.test.app)).await;
    let worker = worker.unwrap().with_breakpoint(Arc::new(move |point| {
        if point == Point::AfterAppend {
            let step = steps.fetch_add(1, Ordering::SeqCst) + 1;
            if MARKS.contains(&step) {
                kept.lock().unwrap().push(wire.now());
            }
        }
        false
    }));
    assert!(worker.step(&CancellationToken::new()).await.unwrap());
    let state = state(&bench, &run).await;
    assert_eq!(state["status"], "failed");
    let why = state["errorMessage"].as_str().unwrap();
    assert!(
        why.contains("1000") && why.contains("maxIterations"),
        "{why}"
    );
    assert_whole(&bench, &run).await;

    let seen = seen.lock().unwrap().clone();
    let [a, b, c, d] = seen[..] else {
        panic!("{seen:?}")
    };
    for (way, what) in ["sent", "read"].iter().enumerate() {
        let (early, late) = (b[way] - a[way], d[way] - c[way]);
        println!("bytes {what} in 50 steps: {early} from step 50, {late} from step 900");
        assert!(
            late * 10 <= early * 12,
            "{what}: {early} bytes became {late}"
        );
    }
    let rows = bench
        .rows(&format!(
            "select (sequence_number / 100) as hundred, sum(pg_column_size(t.*)) as bytes \
             from agent_trace_events t where execution_id = '{run}' \
             and sequence_number / 100 in (1, 18) group by 1 order by 1"
        ))
        .await;
    let [early, late] = [0, 1].map(|n: usize| rows[n]["bytes"].as_u64().unwrap());
    println!("bytes stored: {early} early, {late} late");
    assert!(
        late * 10 <= early * 12,
        "stored: {early} bytes became {late}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_a_million_characters_is_kept_whole_and_told_in_part() {
    let model = Scripted::calling(vec![
        ("access_node", json!({})),
        ("mark_complete", json!({ "summary": "done" })),
    ]);
    let asked = Arc::clone(&model.asked);
    let test = TestApp::start().await.with_model(model);
    let bench = Workbench::of(test).await;
    let (node, run) = start(&bench).await;
    let outputs = format!(
        "insert into node_outputs (id, org_id, node_id, output_type, text_content, label, \
         metadata, sort_order, created_at) select gen_random_uuid(), org_id, id, 'text', \
         repeat('x', 2000), 'label ' || n, '{{}}', n, now() \
         from nodes, generate_series(1, 600) n where id = '{node}'"
    );
    bench.test.database.execute(&outputs).await;
    work(&bench).await;
    assert_eq!(state(&bench, &run).await["status"], "complete");
    let query = format!(
        "select sequence_number as number, length(event_data::text) as length, \
         payload_refs->'result'->'bytes' as bytes from agent_trace_events \
         where execution_id = '{run}' and event_data->>'tool' = 'access_node'"
    );
    let row = bench.rows(&query).await.remove(0);
    assert!(row["length"].as_u64().unwrap() < 10_000, "{row}");
    assert!(row["bytes"].as_u64().unwrap() > 1_000_000, "{row}");
    assert_whole(&bench, &run).await;
    // What went to those who watch is not the whole either.
    let longest = "select max(length(payload::text)) as longest from outbox";
    let longest = bench.rows(longest).await.remove(0);
    assert!(longest["longest"].as_u64().unwrap() < 100_000, "{longest}");

    let path = format!("/executions/{run}/trace?full=true");
    let trace = bench.ada.get(&path).await.expect(200);
    let entries = trace["data"].as_array().unwrap();
    let entry = entries
        .iter()
        .find(|entry| entry["eventData"]["tool"] == "access_node");
    let outputs = &entry.unwrap()["eventData"]["result"]["outputs"];
    assert_eq!(outputs.as_array().unwrap().len(), 600, "{outputs:.2000}");

    let last = asked.lock().unwrap().last().cloned().unwrap();
    let Some(Message::Tool { content, .. }) = last.messages.last() else {
        panic!("{:?}", last.messages.last())
    };
    assert!(content.len() <= 64 << 10, "{}", content.len());
    let note = format!("the whole is entry {}", row["number"]);
    assert!(content.contains(&note), "{}", &content[..200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_says_nothing_at_all_fails_the_run_with_a_sentence() {
    let test = TestApp::start().await;
    let model = Scripted::new(|_| Ok(says(" \n")));
    let asked = Arc::clone(&model.asked);
    let bench = Workbench::of(test.with_model(model)).await;
    let (_, run) = start(&bench).await;
    work(&bench).await;
    let state = state(&bench, &run).await;
    assert_eq!(state["status"], "failed", "{state}");
    let why = state["errorMessage"].as_str().unwrap();
    assert!(
        why.contains("script/ed") && why.contains("nothing"),
        "{why}"
    );
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert_whole(&bench, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_thousands_of_calls_has_the_first_made_and_the_model_told() {
    let more = ("create_subnode", json!({ "title": "more" }));
    let mut answers = vec![
        call("mark_complete", r#"{ "summary": "done" }"#),
        calls(&vec![more; 2_000]),
    ];
    let model = Scripted::new(move |_| Ok(answers.pop().unwrap()));
    let asked = Arc::clone(&model.asked);
    let bench = Workbench::of(TestApp::start().await.with_model(model)).await;
    let (_, run) = start(&bench).await;
    work(&bench).await;
    assert_eq!(state(&bench, &run).await["status"], "complete");
    assert_eq!(bench.count("nodes where title = 'more'").await, 64);
    let last = asked.lock().unwrap().last().cloned().unwrap();
    let told = format!("{:?}", last.messages.last().unwrap());
    assert!(told.contains("2000 calls") && told.contains("64"), "{told}");
    assert_whole(&bench, &run).await;
}
