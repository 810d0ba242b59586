//! What every storage promises, over the folder and over a server that speaks like S3; and the
//! way of a file from its upload to a run's outputs over the latter.

use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use glassbox::{
    agent::worker::AgentWorker,
    executions::ops::payloads,
    files,
    kernel::{Code, canonical},
    platform::blobs::{BlobInfo, BlobKey, Blobs, Declared, OldKeys, SignedRequest},
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Answer, Client, TestApp, epoch, model::Scripted, s3::S3};

const TTL: std::time::Duration = std::time::Duration::from_secs(900);
const MARKDOWN: &str = "text/markdown";

/// An application with its files in S3.
async fn with_s3() -> (TestApp, S3) {
    with_s3_and(&[]).await
}

async fn with_s3_and(more: &[(&'static str, String)]) -> (TestApp, S3) {
    let s3 = S3::start().await;
    let settings = [s3.settings(), more.to_vec()].concat();
    (TestApp::start_configured(&settings).await, s3)
}

fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).unwrap()
}

async fn read(blobs: &dyn Blobs, at: &BlobKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = blobs.open(at).await.unwrap();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn keys(blobs: &dyn Blobs, before: TimeDelta) -> Vec<String> {
    let mut found = Vec::new();
    let mut old = OldKeys::new(blobs, chrono::Utc::now() + before);
    while let Some(page) = old.page().await.unwrap() {
        found.extend(page);
    }
    found.sort();
    found
}

/// What every storage promises to the program.
async fn keep_the_promises(blobs: &dyn Blobs) {
    blobs.ping().await.unwrap();
    let at = key("org/1/file-2.md");
    assert_eq!(blobs.head(&at).await.unwrap(), None);
    assert_eq!(blobs.open(&at).await.unwrap_err().code(), Code::NotFound);
    let info = BlobInfo {
        size: 5,
        sha256: Some(canonical::sha256(b"hello")),
        content_type: Some("text/plain; charset=utf-8".into()),
    };
    for _ in 0..2 {
        let bytes = Bytes::from_static(b"hello");
        let put = blobs.put(&at, "text/plain; charset=utf-8", bytes).await;
        assert_eq!(put.unwrap(), info, "again is the same");
    }
    assert_eq!(blobs.head(&at).await.unwrap(), Some(info.clone()));
    assert_eq!(blobs.open(&at).await.unwrap().info(), &info);
    assert_eq!(read(blobs, &at).await, b"hello");

    blobs.put(&at, "a/b", Bytes::new()).await.unwrap();
    assert_eq!(read(blobs, &at).await, b"", "the new bytes");
    let large = Bytes::from(b"0123456789abcdef".repeat(200_000));
    blobs
        .put(&key("org/1"), "a/b", large.clone())
        .await
        .unwrap();
    let mut reader = blobs.open(&key("org/1")).await.unwrap();
    assert_eq!(reader.info().size, large.len() as u64);
    blobs.put(&key("org/1"), "a/b", Bytes::new()).await.unwrap();
    let mut begun = Vec::new();
    reader.read_to_end(&mut begun).await.unwrap();
    assert!(begun == large, "who has begun reads what it began with");
    let odd = blobs.put(&at, "a/b\r\nx: y", Bytes::new()).await;
    assert_eq!(odd.unwrap_err().code(), Code::ValidationFailed);

    let later = TimeDelta::hours(1);
    assert_eq!(keys(blobs, later).await, ["org/1", "org/1/file-2.md"]);
    assert_eq!(keys(blobs, -later).await, Vec::<String>::new());
    for _ in 0..2 {
        blobs.delete(&at).await.unwrap();
        assert_eq!(blobs.head(&at).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_keeps_the_promises_of_a_storage() {
    keep_the_promises(&*TestApp::start().await.app.blobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_the_promises_of_a_storage() {
    let (test, s3) = with_s3().await;
    keep_the_promises(&*test.app.blobs).await;
    assert_eq!(s3.keys().await, ["glassbox/org/1"], "below the prefix");
    let head = s3.client.head_object().bucket(&s3.bucket);
    let head = head.key("glassbox/org/1").send().await.unwrap();
    assert_eq!(head.server_side_encryption.unwrap().as_str(), "AES256");
}

/// Sends bytes as the answer to the upload says, as somebody without a token.
async fn send(upload: &Value, bytes: impl Into<reqwest::Body>) -> reqwest::Response {
    let mut request = reqwest::Client::new().put(upload["uploadUrl"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body(bytes).send().await.unwrap()
}

async fn grant(client: &Client, org: &str, body: Value) -> Value {
    let path = format!("/orgs/{org}/files/upload");
    client.post(&path, body).await.expect(200)
}

async fn confirm(client: &Client, upload: &Value) -> Answer {
    let id = upload["fileId"].as_str().unwrap();
    client.post_empty(&format!("/files/{id}/confirm")).await
}

/// Relays, then works until the file queue is empty.
async fn work(test: &TestApp) {
    test.relay().await;
    let worker = test.file_worker().await;
    while worker.step().await.unwrap() {}
}

/// What every storage promises to those who upload.
async fn serve_an_upload(test: &TestApp) {
    let ada = test.user("ada").await;
    let (org, _) = ada.workspace("labs").await;
    let text = "# Übersicht";
    let body = json!({
        "filename": "Übersicht \"1\".md", "contentType": MARKDOWN,
        "sizeBytes": text.len(), "sha256": canonical::sha256(text.as_bytes()),
    });
    let upload = grant(&ada, &org, body).await;
    assert_eq!(upload["headers"]["Content-Type"], MARKDOWN);
    let missing = confirm(&ada, &upload).await;
    missing.expect_problem(409, "UPLOAD_MISSING");

    let mut lying = upload.clone();
    lying["headers"]["Content-Type"] = json!("text/html");
    assert_eq!(send(&lying, text).await.status(), 403, "another type");
    assert_eq!(send(&upload, text).await.status(), 200);
    let file = confirm(&ada, &upload).await.expect(200);
    assert_eq!(file["sizeBytes"], text.len());
    assert_eq!(file["sha256"], canonical::sha256(text.as_bytes()));
    assert_eq!(file["storageBucket"], test.app.blobs.bucket());
    let late = send(&upload, text).await.status().as_u16();
    assert!([409, 412].contains(&late), "its address takes nothing more");

    work(test).await;
    let path = format!("/files/{}", file["id"].as_str().unwrap());
    let file = ada.get(&path).await.expect(200);
    assert_eq!(file["extractedText"], text, "{file}");
    let url = file["downloadUrl"].as_str().unwrap();
    let download = reqwest::get(url).await.unwrap();
    assert_eq!(download.status(), 200);
    let name = download.headers()["content-disposition"].to_str().unwrap();
    assert!(
        name.starts_with("attachment; filename=\"_bersicht "),
        "{name}"
    );
    assert!(
        name.contains("filename*=UTF-8''%C3%9Cbersicht%20"),
        "{name}"
    );
    assert_eq!(download.headers()["content-type"], MARKDOWN);
    assert_eq!(download.text().await.unwrap(), text);
    let other = url.replace(file["id"].as_str().unwrap(), &Uuid::now_v7().to_string());
    assert_eq!(reqwest::get(other).await.unwrap().status(), 403);

    ada.delete(&path).await.expect(204);
    work(test).await;
    assert_eq!(keys(&*test.app.blobs, TimeDelta::hours(1)).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_serves_an_upload() {
    serve_an_upload(&TestApp::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_serves_an_upload() {
    let (test, _s3) = with_s3().await;
    serve_an_upload(&test).await;
}

async fn put_signed(request: &SignedRequest, body: &'static str) -> u16 {
    let mut put = reqwest::Client::new().put(&request.url);
    for (name, value) in &request.headers {
        put = put.header(name, value);
    }
    put.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_refuses_what_was_not_signed() {
    let (test, s3) = with_s3().await;
    let blobs = &test.app.blobs;
    let hash = canonical::sha256(b"hello");
    let declared = Declared {
        content_type: "text/plain",
        size: Some(5),
        sha256: Some(&hash),
    };
    let (at, now) = (key("a"), test.app.db.now());
    let sign = async |now| blobs.sign_put(&at, declared, now, TTL).await.unwrap();
    let good = sign(now).await;
    assert_eq!(good.headers["If-None-Match"], "*");
    assert!(!good.headers.contains_key("Host") && !good.headers.contains_key("Content-Length"));
    assert_eq!(put_signed(&good, "hello!").await, 403, "a longer one");
    assert_eq!(put_signed(&good, "hellO").await, 400, "another of its size");
    for name in good.headers.keys() {
        let mut without = good.clone();
        without.headers.remove(name);
        assert_eq!(put_signed(&without, "hello").await, 403, "without {name}");
    }
    let old = sign(now - TimeDelta::seconds(901)).await;
    assert_eq!(put_signed(&old, "hello").await, 403, "an expired one");
    let mut elsewhere = good.clone();
    elsewhere.url = good.url.replace("/glassbox/a?", "/glassbox/b?");
    assert_eq!(put_signed(&elsewhere, "hello").await, 403, "another key");
    assert_eq!(s3.keys().await, Vec::<String>::new());

    assert_eq!(put_signed(&good, "hello").await, 200);
    assert_eq!(put_signed(&good, "hello").await, 412, "once");
    let info = blobs.head(&at).await.unwrap().unwrap();
    assert_eq!((info.size, info.sha256), (5, Some(hash)));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_sent_to_the_address_by_which_they_reach_the_storage() {
    let public = (
        "storage.public_endpoint",
        "https://files.example.com".into(),
    );
    let (test, _s3) = with_s3_and(&[public]).await;
    let (at, now) = (key("a"), test.app.db.now());
    let request = test.app.blobs.sign_get(&at, "a", now, TTL);
    let url = request.await.unwrap().url;
    assert!(url.starts_with("https://files.example.com/files-"), "{url}");
    test.app.blobs.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_that_is_away_is_told_from_a_blob_that_is_missing() {
    let s3 = S3::start().await;
    let nobody = ("storage.endpoint", "http://127.0.0.1:9".to_owned());
    let settings = [s3.settings(), vec![nobody]].concat();
    let test = TestApp::start_configured(&settings).await;
    let blobs = &test.app.blobs;
    let at = key("a");
    for error in [
        blobs.ping().await.unwrap_err(),
        blobs.head(&at).await.unwrap_err(),
        blobs.open(&at).await.unwrap_err(),
        blobs.put(&at, "a/b", Bytes::new()).await.unwrap_err(),
        blobs.delete(&at).await.unwrap_err(),
        blobs.list(None).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), Code::Unavailable);
    }
    let health = test.anonymous().get("//health").await.expect(503);
    assert_ne!(health["checks"]["storage"], "ok", "{health}");
    assert_eq!(health["checks"]["database"], "ok", "{health}");
}

/// Reads the input it was given and says so in an output of 180,000 characters.
fn reader() -> Scripted {
    Scripted::calling(vec![
        ("list_inputs", json!({})),
        (
            "add_output",
            json!({ "label": "Long", "text": "The tide is high. ".repeat(10_000) }),
        ),
        ("mark_complete", json!({ "summary": "Done." })),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_a_runs_output_over_s3() {
    let (test, s3) = with_s3().await;
    let test = test.with_model(reader());
    let ada = test.user("ada").await;
    let (org, project) = ada.workspace("labs").await;
    let text = b"# Pilings\n\nAll sound.";
    let file = test.upload(&ada, &org, "pilings.md", MARKDOWN, text).await;
    let nodes = format!("/projects/{project}/nodes");
    let node = ada.post(&nodes, json!({ "title": "A task" })).await.id();
    let input = json!({ "inputType": "file", "fileId": file });
    ada.post(&format!("/nodes/{node}/inputs"), input)
        .await
        .expect(201);
    let start = json!({ "model": "script/ed" });
    let run = ada.post(&format!("/nodes/{node}/execute"), start).await;
    let run = run.expect(201)["execution"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&test.app)).await.unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {
        test.relay().await;
    }
    let state = ada.get(&format!("/executions/{run}")).await.expect(200);
    assert_eq!(state["execution"]["status"], "complete", "{state}");

    let outputs = ada.get(&format!("/nodes/{node}")).await.expect(200)["outputs"].clone();
    let output = outputs[0]["fileId"].as_str().unwrap();
    let output = ada.get(&format!("/files/{output}")).await.expect(200);
    let url = output["downloadUrl"].as_str().unwrap();
    let bytes = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert_eq!(canonical::sha256(bytes.as_bytes()), output["sha256"]);
    assert_eq!(bytes.len(), 180_000);
    let found = ada.get(&format!("/executions/{run}/verify")).await;
    let found = found.expect(200);
    assert_eq!(
        (&found["valid"], &found["payloadsApart"]),
        (&json!(true), &json!(2))
    );
    // The file, the output, and what two entries keep apart.
    assert_eq!(s3.keys().await.len(), 4);

    let blobs = &*test.app.blobs;
    test.app
        .blobs
        .put(
            &key(&format!("{org}/payloads/{run}/{}.json", "0".repeat(64))),
            "a/b",
            Bytes::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        payloads::sweep(&test.app.db, blobs).await.unwrap(),
        0,
        "it is young"
    );
    assert!(
        files::ops::doctor::doctor(&test.app.db, blobs, payloads::is_key)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_found_in_s3_on_every_page() {
    let s3 = S3::start().await;
    let test = TestApp::start_with_manual_clock_configured(&s3.settings()).await;
    for number in 0..1_005 {
        let put = s3.client.put_object().bucket(&s3.bucket);
        let put = put.key(format!("glassbox/left/{number:04}"));
        put.body(Bytes::new().into()).send().await.unwrap();
    }
    // The storage has the machine's clock, and the program one of its own.
    test.clock
        .advance(chrono::Utc::now() + TimeDelta::hours(2) - epoch());
    let found = files::ops::doctor::doctor(&test.app.db, &*test.app.blobs, payloads::is_key);
    let found = found.await.unwrap().unwrap();
    assert_eq!(found.check, "orphaned_blob");
    assert!(found.what.contains("1005"), "{}", found.what);
    assert_eq!(found.ids.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_come_after_their_file_was_deleted_are_removed() {
    let s3 = S3::start().await;
    let test = TestApp::start_with_manual_clock_configured(&s3.settings()).await;
    test.clock.advance(chrono::Utc::now() - epoch());
    let ada = test.user("ada").await;
    let (org, _) = ada.workspace("labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let upload = grant(&ada, &org, body).await;
    assert_eq!(send(&upload, "# A").await.status(), 200);
    confirm(&ada, &upload).await.expect(200);
    let path = format!("/files/{}", upload["fileId"].as_str().unwrap());
    ada.delete(&path).await.expect(204);
    work(&test).await;
    assert_eq!(s3.keys().await.len(), 0);
    assert_eq!(
        send(&upload, "# A").await.status(),
        200,
        "its address works"
    );
    work(&test).await;
    assert_eq!(s3.keys().await.len(), 1);
    test.clock.advance(TimeDelta::hours(2));
    work(&test).await;
    assert_eq!(s3.keys().await.len(), 0);
}
