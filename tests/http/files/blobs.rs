//! The signed addresses of the folder backend.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::stream;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Granted, MARKDOWN, files_in, grant, org, put, upload, uuid, work, worker};
use crate::support::{Client, TestApp};

async fn granted(test: &TestApp) -> (Client, Granted) {
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "Übersicht \"1\".md", "contentType": MARKDOWN });
    let file = grant(&ada, &org, body).await;
    (ada, file)
}

/// The folder's objects and unfinished uploads.
fn stored(test: &TestApp) -> usize {
    files_in(test, "objects").len() + files_in(test, "incoming").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_comes_back_as_an_attachment() {
    let test = TestApp::start().await;
    let (ada, file) = granted(&test).await;
    let answer = put(&file.url, MARKDOWN, "# Ü").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let sent = answer.headers["etag"].clone();
    assert!(ada.get(&file.path()).await.body["downloadUrl"].is_null());
    let confirmed = ada.post_empty(&file.confirm_path()).await.expect(200);
    let hash = confirmed["sha256"].as_str().unwrap();
    assert_eq!(sent.to_str().unwrap(), format!("\"{hash}\""));

    let url = ada.get(&file.path()).await.expect(200)["downloadUrl"].clone();
    let anonymous = test.anonymous();
    let answer = anonymous
        .send(anonymous.http.get(url.as_str().unwrap()))
        .await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "# Ü"));
    assert_eq!(answer.headers["content-type"], MARKDOWN);
    assert_eq!(answer.headers["content-length"], "4");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(
        answer.headers["content-security-policy"],
        "default-src 'none'; sandbox"
    );
    assert_eq!(
        answer.headers["content-disposition"],
        "attachment; filename=\"_bersicht \\\"1\\\".md\"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.md"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_was_not_signed_is_refused() {
    let test = TestApp::start().await;
    let (_, file) = granted(&test).await;
    let answer = put(&file.url, "text/html", "<script>").await;
    answer.expect_problem(403, "SIGNATURE_INVALID");
    assert_eq!(stored(&test), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_or_foreign_address_is_refused() {
    let test = TestApp::start().await;
    let (ada, file) = granted(&test).await;
    let other = uuid().to_string();
    let (start, signature) = file.url.rsplit_once("signature=").unwrap();
    let flipped = if signature.starts_with('0') { "1" } else { "0" };
    for url in [
        file.url.replace(&file.id, &other),
        file.url.replace("expires=1", "expires=2"),
        format!("{start}signature={flipped}{}", &signature[1..]),
    ] {
        let answer = put(&url, MARKDOWN, "x").await;
        answer.expect_problem(403, "SIGNATURE_INVALID");
        let read = ada.send(ada.http.get(&url)).await;
        read.expect_problem(403, "SIGNATURE_INVALID");
    }
    let unsigned = file.url.split('?').next().unwrap();
    let answer = put(unsigned, MARKDOWN, "x").await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    assert_eq!(stored(&test), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_expires() {
    let test = TestApp::start_with_manual_clock().await;
    let (_, file) = granted(&test).await;
    test.clock.advance(TimeDelta::seconds(899));
    put(&file.url, MARKDOWN, "x").await.expect(200);
    test.clock.advance(TimeDelta::seconds(1));
    let answer = put(&file.url, MARKDOWN, "y").await;
    answer.expect_problem(403, "SIGNATURE_INVALID");
    assert!(answer.text.contains("expired"), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_whether_it_is_declared_or_not() {
    let test = TestApp::start_configured(&[("storage.upload_limit_bytes", "100000".into())]).await;
    let (_, file) = granted(&test).await;
    let declared = put(&file.url, MARKDOWN, vec![b'x'; 100_001]).await;
    declared.expect_problem(413, "BODY_TOO_LARGE");
    let part = || Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 30_000]));
    let pieces = stream::iter([part(), part(), part(), part()]);
    let streamed = put(&file.url, MARKDOWN, reqwest::Body::wrap_stream(pieces)).await;
    streamed.expect_problem(413, "BODY_TOO_LARGE");
    assert_eq!(stored(&test), 0);
    put(&file.url, MARKDOWN, vec![b'x'; 100_000])
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing() {
    let test = TestApp::start().await;
    let (ada, file) = granted(&test).await;
    let address = test.url.strip_prefix("http://").unwrap();
    let target = file.url.strip_prefix(&test.url).unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT {target} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {MARKDOWN}\r\n\
         Content-Length: 1000000\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&[b'x'; 50_000]).await.unwrap();
    until(|| !files_in(&test, "incoming").is_empty()).await;
    drop(socket);
    until(|| files_in(&test, "incoming").is_empty()).await;
    assert_eq!(stored(&test), 0);
    let answer = ada.post_empty(&file.confirm_path()).await;
    answer.expect_problem(409, "UPLOAD_MISSING");
}

/// Waits for a state, and fails if it does not come.
async fn until(state: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !state() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_can_be_replaced_until_they_are_confirmed_and_not_after() {
    let test = TestApp::start().await;
    let (ada, file) = granted(&test).await;
    put(&file.url, MARKDOWN, "# one").await.expect(200);
    put(&file.url, MARKDOWN, "# two").await.expect(200);
    ada.post_empty(&file.confirm_path()).await.expect(200);
    let late = put(&file.url, MARKDOWN, "# three").await;
    late.expect_problem(409, "CONFLICT");
    work(&test, &worker(&test).await).await;
    assert_eq!(ada.get(&file.text_path()).await.text, "# two");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_changed_behind_our_back_are_not_read_as_what_was_confirmed() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.md", MARKDOWN, "# one").await;
    let key = glassbox::platform::blobs::BlobKey::parse(&format!("{org}/{}", file.id)).unwrap();
    let blobs = &test.app.blobs;
    blobs
        .put(&key, MARKDOWN, Bytes::from("# two"))
        .await
        .unwrap();
    work(&test, &worker(&test).await).await;
    let failed = ada.get(&file.path()).await.expect(200);
    assert_eq!(failed["processingStatus"], "failed");
    assert_eq!(failed["metadata"]["outcome"], "altered");
}
