//! `glassbox file-worker`, killed at any moment of any file, and its memory.

#![expect(
    clippy::print_stdout,
    reason = "what was measured is for whoever runs this with --nocapture"
)]

use std::process::Stdio;

use glassbox::{
    config::Override,
    kernel::{JobId, canonical, event::QueueName},
};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::{
    drain,
    support::{Client, TestApp, s3::S3, sqs::Sqs, until, until_within},
};

/// How long hundreds of megabytes may take on a busy machine.
const LONG: std::time::Duration = std::time::Duration::from_mins(5);

const SAMPLE: &[u8] = include_bytes!("../../src/cli/dev/sample.pdf");

struct Scene {
    test: TestApp,
    settings: Vec<Override>,
    ada: Client,
    org: String,
}

impl Scene {
    /// A server in this process, whose workers are programs of their own.
    async fn set(more: Vec<Override>) -> Self {
        let mut settings = more;
        for (name, value) in [
            // A dead worker is noticed soon.
            ("agent.lease_seconds", "3"),
            ("agent.heartbeat_seconds", "1"),
            ("agent.sweep_seconds", "1"),
            ("ingest.max_attempts", "1000"),
        ] {
            settings.push((name, value.to_owned()));
        }
        let test = TestApp::start_configured(&settings).await;
        test.relay_always();
        let ada = test.user("ada").await;
        let (org, _) = ada.workspace("labs").await;
        Scene {
            test,
            settings,
            ada,
            org,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
        let folder = &self.test.app.config.storage.folder;
        command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--env", "test"])
            .args(arguments)
            .env("GLASSBOX_DATABASE__URL", self.test.database.app_url())
            .env("GLASSBOX_AUTH__SIGNING_KEY", "07".repeat(32))
            .env("GLASSBOX_STORAGE__URL_SECRET", "x".repeat(32))
            .env("GLASSBOX_STORAGE__FOLDER", folder)
            .env("GLASSBOX_LOG__FILTER", "off")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for (name, value) in &self.settings {
            let name = name.to_uppercase().replace('.', "__");
            command.env(format!("GLASSBOX_{name}"), value);
        }
        command
    }

    fn worker(&self) -> Child {
        let mut command = self.command(&["file-worker"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// What a command printed, and what it ended with.
    async fn output(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let output = self.command(arguments).output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (said, output.status.code())
    }

    /// Uploads and confirms; answers the file's id.
    async fn upload(&self, name: &str, kind: &str, bytes: impl Into<Vec<u8>>) -> String {
        let bytes = bytes.into();
        let body = json!({
            "filename": name, "contentType": kind,
            "sizeBytes": bytes.len(), "sha256": canonical::sha256(&bytes),
        });
        let path = format!("/orgs/{}/files/upload", self.org);
        let upload = self.ada.post(&path, body).await.expect(200);
        let mut put = reqwest::Client::new().put(upload["uploadUrl"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        let sent = put.body(bytes).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        let id = upload["fileId"].as_str().unwrap().to_owned();
        let path = format!("/files/{id}/confirm");
        self.ada.post_empty(&path).await.expect(200);
        id
    }

    /// How many workers there were so far.
    async fn workers(&self) -> usize {
        let count = "select count(*)::text as text from workers";
        self.test.database.text(count).await.parse().unwrap()
    }

    async fn file(&self, id: &str) -> Value {
        self.ada.get(&format!("/files/{id}")).await.expect(200)
    }

    async fn ended(&self, id: &str) -> Option<Value> {
        let file = self.file(id).await;
        ["complete", "failed"]
            .contains(&file["processingStatus"].as_str().unwrap())
            .then_some(file)
    }

    /// The same for what takes long.
    async fn ended_at_last(&self, id: &str) -> Value {
        until_within(LONG, "the file's end", async || self.ended(id).await).await
    }

    /// A node that uses the file, so that its events are told and can be counted.
    async fn use_in_a_node(&self, file: &str) {
        let path = format!("/orgs/{}/projects", self.org);
        let project = self.ada.post(&path, json!({ "name": "P" })).await.id();
        let path = format!("/projects/{project}/nodes");
        let node = self.ada.post(&path, json!({ "title": "N" })).await.id();
        let input = json!({ "inputType": "file", "fileId": file });
        let path = format!("/nodes/{node}/inputs");
        self.ada.post(&path, input).await.expect(201);
    }
}

/// Kills a worker so long after it began, for each of these times, then lets one live.
async fn survive(scene: &Scene, milliseconds: impl IntoIterator<Item = u64>) {
    let mut files = Vec::new();
    for number in 0..4 {
        let text = format!("# Note {number}\n\n{}", "Sound. ".repeat(2_000));
        let note = scene.upload("note.md", "text/markdown", text.clone()).await;
        let page = scene.upload("page.pdf", "application/pdf", SAMPLE).await;
        files.push((note, Some(text.trim_end().to_owned())));
        files.push((page, None));
    }
    for (file, _) in &files {
        scene.use_in_a_node(file).await;
    }
    for time in milliseconds {
        let known = scene.workers().await;
        let mut worker = scene.worker();
        let begun = async || (scene.workers().await > known).then_some(());
        until("the worker", begun).await;
        tokio::time::sleep(std::time::Duration::from_millis(time)).await;
        worker.kill().await.unwrap();
    }
    let mut worker = scene.worker();
    for (id, text) in &files {
        let file = until("the file's end", async || scene.ended(id).await).await;
        assert_eq!(file["processingStatus"], "complete", "{file}");
        let found = file["extractedText"].as_str().unwrap();
        match text {
            Some(text) => assert_eq!(found.trim_end(), text),
            None => assert!(found.contains("CHG-2291"), "{found}"),
        }
        let told = format!(
            "select count(*)::text as text from outbox where topic = 'event' \
             and payload ->> 'fileId' = '{id}' and payload ->> 'processingStatus' = 'complete'"
        );
        assert_eq!(scene.test.database.text(&told).await, "1", "it ended once");
    }
    worker.kill().await.unwrap();
    let tries = "select sum(attempts)::text as text from files";
    let tries: usize = scene.test.database.text(tries).await.parse().unwrap();
    println!("{tries} tries of {} files", files.len());
    assert!(tries > files.len(), "no worker was killed at a file");
    let left = "select count(*)::text as text from jobs where dead_at is not null";
    assert_eq!(scene.test.database.text(left).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_file_worker_leaves_every_file_to_be_read_once() {
    let scene = Scene::set(Vec::new()).await;
    survive(&scene, (0..16).map(|n| 11 * n)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_file_worker_leaves_every_file_to_be_read_once_over_s3() {
    let s3 = S3::start().await;
    let scene = Scene::set(s3.settings()).await;
    survive(&scene, (0..8).map(|n| 23 * n)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_file_worker_reads_no_file_twice() {
    let scene = Scene::set(Vec::new()).await;
    let mut files = Vec::new();
    for _ in 0..6 {
        files.push(scene.upload("page.pdf", "application/pdf", SAMPLE).await);
    }
    let begun = async || {
        let count = "select count(*)::text as text from files where attempts > 0";
        let count: usize = scene.test.database.text(count).await.parse().unwrap();
        count
    };
    let mut workers = 0;
    while begun().await < files.len() {
        let before = begun().await;
        let mut worker = scene.worker();
        let at_one = async || (begun().await > before).then_some(());
        until("a file that is read", at_one).await;
        assert_eq!(drain::end(&mut worker).await.code(), Some(0));
        workers += 1;
    }
    assert!(workers > 1);
    for id in &files {
        assert_eq!(scene.file(id).await["processingStatus"], "complete");
    }
    let tries = "select sum(attempts)::text as text from files";
    assert_eq!(
        scene.test.database.text(tries).await,
        files.len().to_string()
    );
}

/// The most memory that a process has had, in MiB.
fn peak(process: &Child) -> u64 {
    let path = format!("/proc/{}/status", process.id().unwrap());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() >> 10
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_does_not_come_into_the_workers_memory() {
    let s3 = S3::start().await;
    for storage in [Vec::new(), s3.settings()] {
        let mut settings = storage;
        settings.push(("storage.upload_limit_bytes", (1_u64 << 30).to_string()));
        let scene = Scene::set(settings).await;
        let worker = scene.worker();
        let small = scene.upload("a.txt", "text/plain", "words").await;
        until("the small file", async || scene.ended(&small).await).await;
        let before = peak(&worker);
        let text = "The tide is high at noon. ".repeat((200 << 20) / 26);
        let large = scene.upload("large.txt", "text/plain", text).await;
        let file = scene.ended_at_last(&large).await;
        let after = peak(&worker);
        let whole = "The tide is high at noon. ".repeat((20 << 20) / 26);
        let whole = scene.upload("whole.txt", "text/plain", whole).await;
        scene.ended_at_last(&whole).await;
        println!("a text of 20 MB, kept whole: {} MiB", peak(&worker));
        println!(
            "{}: {before} MiB, then {after} MiB; {}",
            scene.settings.len(),
            file["metadata"]
        );
        assert_eq!(file["processingStatus"], "failed", "it has too much text");
        assert!(after < 150, "{after} MiB");
    }
}

/// A message that nobody can handle is put aside, told of, shown, and delivered again.
async fn give_a_second_chance(settings: Vec<Override>) {
    let scene = Scene::set(settings).await;
    let (test, id) = (&scene.test, JobId::from_uuid(uuid::Uuid::now_v7()));
    let org = scene.org.parse().unwrap();
    let body = json!({ "deleteKey": "another's/key" });
    let sent = test.app.queue.send(QueueName::File, id, org, body);
    sent.await.unwrap();
    assert_eq!(
        scene.output(&["doctor"]).await,
        ("Nothing found.\n".into(), Some(0))
    );
    let worker = test.file_worker().await;
    assert!(worker.step().await.unwrap());
    assert!(!worker.step().await.unwrap());

    let (found, code) = scene.output(&["doctor", "--json"]).await;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        (&found["findings"][0]["check"], code),
        (&json!("dead_letter"), Some(1))
    );
    let (line, _) = scene.output(&["dead-letters", "--json"]).await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["id"], &line["queue"]),
        (&json!(id), &json!("file")),
        "{line}"
    );
    let (none, _) = scene.output(&["dead-letters", "--retry", &scene.org]).await;
    assert_eq!(none, "No message was put aside.\n", "none has that id");
    let (said, code) = scene.output(&["dead-letters", "--retry"]).await;
    assert!(said.ends_with("Delivered again: 1.\n"), "{said}");
    assert_eq!(code, Some(0));
    assert!(worker.step().await.unwrap(), "it came again");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_get_a_second_chance() {
    give_a_second_chance(Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_get_a_second_chance_over_sqs_and_s3() {
    let (sqs, s3) = (Sqs::start().await, S3::start().await);
    give_a_second_chance([sqs.settings().to_vec(), s3.settings()].concat()).await;
}
