//! `glassbox trace` and `glassbox doctor`: what they say of a real run, and of one that
//! somebody changed behind the program's back.

use std::{path::Path, process::Output, sync::Arc};

use chrono::TimeDelta;
use glassbox::{
    agent::worker::AgentWorker,
    kernel::{Clock, clock::System},
    platform::blobs::{BlobKey, Blobs},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::support::{Client, TestApp, model::Scripted};

/// A server with a run that has ended, and a folder for files.
struct Scene {
    test: TestApp,
    ada: Client,
    node: String,
    run: String,
    folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        Self::of(Scripted::calling(vec![
            ("list_inputs", json!({})),
            ("mark_complete", json!({ "summary": "Done." })),
            ("mark_complete", json!({ "summary": "Done again." })),
        ]))
        .await
    }

    async fn of(model: Scripted) -> Self {
        let test = TestApp::start_with_model(model).await;
        let ada = test.user("ada").await;
        let (_, project) = ada.workspace("labs").await;
        let path = format!("/projects/{project}/nodes");
        let node = ada.post(&path, json!({ "title": "A task" })).await.id();
        let body = json!({ "model": "script/ed" });
        let answer = ada.post(&format!("/nodes/{node}/execute"), body).await;
        let run = id(&answer.expect(201));
        let scene = Scene {
            test,
            ada,
            node,
            run,
            folder: TempDir::new().unwrap(),
        };
        scene.work().await;
        scene
    }

    async fn work(&self) {
        self.test.relay().await;
        let worker = AgentWorker::register(Arc::clone(&self.test.app))
            .await
            .unwrap();
        while worker.step(&CancellationToken::new()).await.unwrap() {}
        self.test.relay().await;
    }

    /// Runs a command on the database of the server, with a folder of its own for blobs.
    async fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_glassbox"))
            .current_dir(self.folder.path())
            .args(arguments)
            .env("GLASSBOX_ENV", "test")
            .env("GLASSBOX_DATABASE__URL", self.test.database.app_url())
            .env("GLASSBOX_AUTH__SIGNING_KEY", "07".repeat(32))
            .env("GLASSBOX_VAULT__KEY", "0a".repeat(32))
            .env("GLASSBOX_STORAGE__URL_SECRET", "a".repeat(40))
            .env(
                "GLASSBOX_STORAGE__FOLDER",
                &self.test.app.config.storage.folder,
            )
            .env("GLASSBOX_LOG__FILTER", "off")
            .output()
            .await
            .unwrap()
    }

    /// Exports an execution and answers the file's name.
    async fn export(&self, execution: &str) -> String {
        let file = self.folder.path().join(format!("{execution}.jsonl"));
        let file = file.to_str().unwrap().to_owned();
        let output = self
            .command(&["trace", "export", execution, "--out", &file])
            .await;
        assert!(output.status.success(), "{output:?}");
        file
    }

    async fn doctor(&self) -> (i32, Vec<Value>) {
        let output = self.command(&["doctor", "--json", "--all"]).await;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = answer["findings"].as_array().unwrap().clone();
        (output.status.code().unwrap(), findings)
    }
}

fn id(answer: &Value) -> String {
    answer["execution"]["id"].as_str().unwrap().to_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Checks a file with neither settings nor a database.
async fn verify(file: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_glassbox"))
        .current_dir(Path::new(file).parent().unwrap())
        .args(["trace", "verify", file])
        .env_clear()
        .output()
        .await
        .unwrap()
}

/// The same as a stranger would, with what `docs/TECHNICAL.md` says and nothing of ours.
async fn verify_in_python(file: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/verify_trace.py");
    Command::new("python3")
        .arg(script)
        .arg(file)
        .output()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_checked_from_its_file_alone() {
    let scene = Scene::set().await;
    let file = scene.export(&scene.run).await;
    let output = verify(&file).await;
    assert!(output.status.success(), "{output:?}");
    let path = format!("/executions/{}/verify", scene.run);
    let head = scene.ada.get(&path).await.expect(200)["headHash"].clone();
    assert!(said(&output).contains(head.as_str().unwrap()));
    assert!(verify_in_python(&file).await.status.success());

    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = text.replace("list_inputs", "read_inputs");
    let without = |n: usize| {
        let mut rest = lines.clone();
        rest.remove(n);
        rest.join("\n")
    };
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let twice = format!("{text}{}\n", lines[2]);
    let cut = lines[..lines.len() - 1].join("\n");
    let last = lines.len();
    for (what, text, entry) in [
        ("changed", changed, 1),
        ("a gap", without(3), 3),
        ("swapped", swapped.join("\n"), 3),
        ("one too many", twice, last),
        ("cut", cut, last - 1),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = verify(&file).await;
        assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
        let named = format!("broken: entry {entry} of execution {} ", scene.run);
        assert!(said(&output).contains(&named), "{what}: {output:?}");
        assert!(!verify_in_python(&file).await.status.success(), "{what}");
    }
    std::fs::write(&file, "{}\n").unwrap();
    assert_eq!(verify(&file).await.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_payloads_are_whole_in_a_file_and_missed_where_they_are_lost() {
    let text = "The tide is high. ".repeat(10_000);
    let scene = Scene::of(Scripted::calling(vec![
        ("add_output", json!({ "label": "Long", "text": text })),
        ("mark_complete", json!({ "summary": "Done." })),
    ]))
    .await;
    let file = scene.export(&scene.run).await;
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains(&text) && !written.contains("payloadRefs"));
    assert!(verify(&file).await.status.success());
    assert!(verify_in_python(&file).await.status.success());
    assert_eq!(scene.doctor().await, (0, vec![]));

    // A file that leaves a part away and only says that it lies elsewhere proves nothing.
    let path = format!("/executions/{}/trace", scene.run);
    let trace = scene.ada.get(&path).await.expect(200)["data"].clone();
    let mut lines: Vec<&str> = written.lines().collect();
    let part = trace[1].to_string();
    assert!(part.contains("payloadRefs"));
    lines[2] = &part;
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = verify(&file).await;
    assert!(said(&output).contains("broken: entry 2 "), "{output:?}");
    assert!(!verify_in_python(&file).await.status.success());

    let folder = scene.test.app.folder.clone().unwrap();
    for (key, _) in folder.list(None).await.unwrap().blobs {
        if key.contains("/payloads/") {
            let key = BlobKey::parse(&key).unwrap();
            folder.delete(&key).await.unwrap();
        }
    }
    let output = scene.command(&["trace", "export", &scene.run]).await;
    assert!(!output.status.success());
    let (code, findings) = scene.doctor().await;
    assert_eq!(code, 1);
    assert_eq!(findings[0]["check"], "broken_chain", "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_a_fork_holds_what_it_stands_on() {
    let scene = Scene::set().await;
    let path = format!("/executions/{}/fork", scene.run);
    let body = json!({ "afterSequence": 3, "edit": { "message": "Again." } });
    let fork = id(&scene.ada.post(&path, body).await.expect(201));
    scene.work().await;
    let file = scene.export(&fork).await;
    let output = verify(&file).await;
    assert!(output.status.success(), "{output:?}");
    assert!(said(&output).contains("3 of them are shared"), "{output:?}");
    assert!(verify_in_python(&file).await.status.success());
    // Another prefix that is right in itself is not the one that it was forked from.
    let text = std::fs::read_to_string(&file).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let mut header: Value = serde_json::from_str(first).unwrap();
    let parts = header["parts"].as_array_mut().unwrap();
    parts[0]["entries"] = json!(2);
    let rest: Vec<&str> = rest.lines().collect();
    parts[0]["headHash"] = serde_json::from_str::<Value>(rest[1]).unwrap()["hash"].clone();
    let header = header.to_string();
    let other = [&[header.as_str()], &rest[..2], &rest[3..]].concat();
    std::fs::write(&file, other.join("\n")).unwrap();
    let output = verify(&file).await;
    let named = format!("broken: entry 1 of execution {fork} ");
    assert!(said(&output).contains(&named), "{output:?}");
    assert!(!verify_in_python(&file).await.status.success());
    let nothing = scene.command(&["trace", "export", &scene.node]).await;
    assert_eq!(nothing.status.code(), Some(1), "a node is no execution");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_nothing_in_a_healthy_system() {
    let scene = Scene::set().await;
    assert_eq!(scene.doctor().await, (0, Vec::new()));
    let output = scene.command(&["doctor"]).await;
    assert_eq!(said(&output), "Nothing found.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_each_thing_that_is_wrong_and_what_to_do() {
    let scene = Scene::set().await;
    let folder = &scene.test.app.config.storage.folder;
    let blob = folder.join("objects/left/behind@v1");
    std::fs::create_dir_all(blob.parent().unwrap()).unwrap();
    let left = std::fs::File::create(&blob).unwrap();
    let old = System.now() - TimeDelta::hours(2);
    left.set_modified(old.into()).unwrap();
    scene
        .test
        .database
        .execute(&format!(
            "update agent_executions set total_tokens_in = 7; \
             update agent_trace_events set event_data = '{{}}' where sequence_number = 3; \
             insert into agent_executions (id, org_id, project_id, node_id, status, model_id, \
                     thread_id, created_at, updated_at) \
                 select '{waiting}', org_id, project_id, node_id, 'running', model_id, 't', \
                     now() - interval '1 hour', now() - interval '1 hour' from agent_executions; \
             insert into outbox (id, org_id, topic, name, payload, created_at) \
                 select '{waiting}', org_id, 'event', 'trace_event', '{{}}', \
                     now() - interval '2 minutes' from agent_executions limit 1; \
             insert into jobs (id, org_id, queue, body, run_at, attempts, created_at) \
                 select '{waiting}', org_id, 'agent', '{{}}', now(), 11, now() \
                 from agent_executions limit 1; \
             update nodes set locked_at = now() - interval '1 hour', locked_by = ( \
                     select user_id from org_members limit 1), \
                 lock_expires_at = now() - interval '30 minutes'; \
             create table bare (id uuid primary key, org_id uuid)",
            waiting = WAITING
        ))
        .await;
    let (code, findings) = scene.doctor().await;
    assert_eq!(code, 1);
    let about = |check: &str| {
        let found = findings.iter().find(|finding| finding["check"] == check);
        let found = found.unwrap_or_else(|| panic!("{check} was not found: {findings:#?}"));
        assert!(found["advice"].as_str().unwrap().ends_with('.'));
        found["ids"].clone()
    };
    assert_eq!(
        about("broken_chain"),
        json!([format!("{} entry 3", scene.run)])
    );
    assert!(about("totals_differ").to_string().contains(&scene.run));
    assert_eq!(about("run_without_worker"), json!([WAITING]));
    assert_eq!(about("outbox_waits"), json!([WAITING]));
    assert_eq!(about("job_returns"), json!([WAITING]));
    assert_eq!(about("lock_past_end"), json!([scene.node]));
    assert_eq!(about("orphaned_blob"), json!(["left/behind"]));
    assert_eq!(about("table_without_security"), json!(["bare"]));
    assert_eq!(findings.len(), 8, "{findings:#?}");
    let text = said(&scene.command(&["doctor"]).await);
    assert!(text.contains(&format!(
        "broken_chain: Journals are not what was written.\n  {} entry 3\n  → ",
        scene.run
    )));
}

/// The id of what is made to wait.
const WAITING: &str = "019c0000-0000-7000-8000-000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_that_can_not_look_says_so() {
    let scene = Scene::set().await;
    let output = Command::new(env!("CARGO_BIN_EXE_glassbox"))
        .current_dir(scene.folder.path())
        .arg("doctor")
        .env("GLASSBOX_ENV", "test")
        .env("GLASSBOX_DATABASE__URL", "postgres://nobody@127.0.0.1:1/x")
        .env("GLASSBOX_STORAGE__URL_SECRET", "a".repeat(40))
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
