//! Asking, confirming, listing, deleting.

use serde_json::json;

use super::{MARKDOWN, files_in, grant, org, put, upload, use_in_a_node, work, worker};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_says_how_to_send_the_bytes() {
    let test = TestApp::start_with_manual_clock().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN, "sizeBytes": 3 });
    let answer = ada
        .post(&format!("/orgs/{org}/files/upload"), body)
        .await
        .expect(200);
    assert_eq!(answer["method"], "PUT");
    assert_eq!(answer["headers"], json!({ "Content-Type": MARKDOWN }));
    assert_eq!(answer["expiresIn"], 900);
    assert_eq!(answer["expiresAt"], "2026-01-28T09:45:00Z");
    let file = answer["fileId"].as_str().unwrap();
    let address = format!("{}/api/v1/blobs/{org}/{file}?", test.url);
    assert!(answer["uploadUrl"].as_str().unwrap().starts_with(&address));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_types_and_sizes_are_refused() {
    let test = TestApp::start_configured(&[("storage.upload_limit_bytes", "100".into())]).await;
    let ada = test.user("ada").await;
    let path = format!("/orgs/{}/files/upload", org(&ada, "labs").await);
    let bad = json!({ "filename": "a/b", "contentType": "text" });
    let answer = ada.post(&path, bad).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    let fields = answer.body["details"]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 2, "{fields:?}");
    let negative = json!({ "filename": "a", "contentType": MARKDOWN, "sizeBytes": -1 });
    let answer = ada.post(&path, negative).await;
    answer.expect_problem(400, "VALIDATION_FAILED");
    let large = json!({ "filename": "a", "contentType": MARKDOWN, "sizeBytes": 101 });
    let answer = ada.post(&path, large).await;
    answer.expect_problem(413, "BODY_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_under_a_key_is_kept_with_its_change() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let file = grant(&ada, &org, body).await;
    let keyed = async || {
        let request = ada.request("POST", &file.confirm_path());
        ada.send(request.header("Idempotency-Key", "k1")).await
    };
    keyed().await.expect_problem(409, "UPLOAD_MISSING");
    put(&file.url, MARKDOWN, "# A").await.expect(200);
    let (first, second) = (keyed().await, keyed().await);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(first.expect(200), second.expect(200));
    assert_eq!(work(&test, &worker(&test).await).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_twice_gives_the_same_answer_and_one_job() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    let first = ada.get(&file.path()).await.expect(200);
    let again = ada.post_empty(&file.confirm_path()).await.expect(200);
    assert_eq!(again["processingStatus"], "pending");
    assert_eq!(again["sha256"], first["sha256"]);
    assert_eq!(again["sizeBytes"], 3);
    assert_eq!(work(&test, &worker(&test).await).await, 1);
    let after = ada.post_empty(&file.confirm_path()).await.expect(200);
    assert_eq!(after["processingStatus"], "complete");
    assert_eq!(work(&test, &worker(&test).await).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_confirmations_at_once_queue_one_job() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let file = grant(&ada, &org, body).await;
    put(&file.url, MARKDOWN, "# A").await;
    let path = file.confirm_path();
    let (one, two) = tokio::join!(ada.post_empty(&path), ada.post_empty(&path));
    assert_eq!((one.status, two.status), (200, 200));
    assert_eq!(work(&test, &worker(&test).await).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_without_bytes_is_refused_and_can_be_made_good() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let file = grant(&ada, &org, body).await;
    let answer = ada.post_empty(&file.confirm_path()).await;
    answer.expect_problem(409, "UPLOAD_MISSING");
    put(&file.url, MARKDOWN, "# A").await.expect(200);
    ada.post_empty(&file.confirm_path()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_about_the_size_fails_the_file_and_removes_its_bytes() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN, "sizeBytes": 4 });
    let file = grant(&ada, &org, body).await;
    put(&file.url, MARKDOWN, "# A").await.expect(200);
    for _ in 0..2 {
        let answer = ada.post_empty(&file.confirm_path()).await;
        answer.expect_problem(422, "UNPROCESSABLE");
    }
    let failed = ada.get(&file.path()).await.expect(200);
    assert_eq!(failed["processingStatus"], "failed");
    assert!(
        failed["processingError"]
            .as_str()
            .unwrap()
            .contains("3 bytes")
    );
    assert!(failed["downloadUrl"].is_null());
    assert_eq!(work(&test, &worker(&test).await).await, 1);
    assert!(files_in(&test, "objects").is_empty());
    let late = put(&file.url, MARKDOWN, "# AB").await;
    late.expect_problem(409, "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_about_hash_or_type_fails_the_file_and_removes_its_bytes() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let hash = "0a".repeat(32);
    for (body, bytes, why) in [
        (
            json!({ "contentType": MARKDOWN, "sha256": hash }),
            "# A",
            "SHA-256",
        ),
        (
            json!({ "contentType": "application/pdf" }),
            "# A",
            "application/pdf",
        ),
        (
            json!({ "contentType": "text/plain" }),
            "%PDF-1.7\n",
            "a PDF",
        ),
        (json!({ "contentType": "image/png" }), "GIF89a", "a GIF"),
    ] {
        let mut body = body;
        body["filename"] = json!("a");
        let kind = body["contentType"].as_str().unwrap().to_owned();
        let file = grant(&ada, &org, body).await;
        put(&file.url, &kind, bytes).await.expect(200);
        let answer = ada.post_empty(&file.confirm_path()).await;
        answer.expect_problem(422, "UNPROCESSABLE");
        let failed = ada.get(&file.path()).await.expect(200);
        assert_eq!(failed["processingStatus"], "failed");
        let said = failed["processingError"].as_str().unwrap();
        assert!(said.contains(why) && said.ends_with('.'), "{said}");
        assert_eq!(work(&test, &worker(&test).await).await, 1);
        assert!(files_in(&test, "objects").is_empty());
        let again = ada.post_empty(&format!("{}/reprocess", file.path())).await;
        again.expect_problem(409, "CONFLICT");
    }
    let odd = json!({ "filename": "a", "contentType": MARKDOWN, "sha256": "0A" });
    let odd = ada.post(&format!("/orgs/{org}/files/upload"), odd).await;
    odd.expect_problem(400, "VALIDATION_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_again_on_request() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    let again = format!("{}/reprocess", file.path());
    let waiting = ada.post_empty(&again).await.expect(200);
    assert_eq!(waiting["processingStatus"], "pending");
    assert_eq!(
        work(&test, &worker(&test).await).await,
        1,
        "it was queued once"
    );
    test.database
        .execute(&format!(
            "update files set processing_status = 'failed', processing_error = 'Odd.', \
             attempts = 3 where id = '{}'",
            file.id
        ))
        .await;
    let pending = ada.post_empty(&again).await.expect(200);
    assert_eq!(pending["processingStatus"], "pending");
    assert!(pending["processingError"].is_null());
    assert_eq!(ada.get(&file.text_path()).await.text, "# A", "until then");
    assert_eq!(work(&test, &worker(&test).await).await, 1);
    let done = ada.get(&file.path()).await.expect(200);
    assert_eq!(done["processingStatus"], "complete", "{done}");
    assert_eq!(done["extractedText"], "# A");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_pages_and_filters_and_carries_no_text() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    for name in ["a.md", "b.md", "c.md"] {
        upload(&ada, &org, name, MARKDOWN, "# words").await;
    }
    work(&test, &worker(&test).await).await;
    upload(&ada, &org, "d.md", MARKDOWN, "# more").await;
    let path = format!("/orgs/{org}/files");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada
            .get(&format!("{path}?limit=3{cursor}"))
            .await
            .expect(200);
        assert_eq!(page["total"], 4);
        for file in page["data"].as_array().unwrap() {
            assert!(file["extractedText"].is_null());
            seen.push(file["filename"].as_str().unwrap().to_owned());
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["d.md", "c.md", "b.md", "a.md"]);
    let pending = ada.get(&format!("{path}?status=pending")).await.expect(200);
    assert_eq!(pending["total"], 1);
    assert_eq!(pending["data"][0]["filename"], "d.md");
    let odd = ada.get(&format!("{path}?status=odd")).await;
    odd.expect_problem(400, "VALIDATION_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_takes_its_bytes_with_it() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    ada.delete(&file.path()).await.expect(204);
    ada.get(&file.path()).await.expect_problem(404, "NOT_FOUND");
    assert_eq!(files_in(&test, "objects").len(), 1);
    // The message that it is there to be read, and the one to remove its bytes.
    assert_eq!(work(&test, &worker(&test).await).await, 2);
    assert!(files_in(&test, "objects").is_empty());
    let late = put(&file.url, MARKDOWN, "# A").await;
    late.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_node_uses_is_not_deleted() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    use_in_a_node(&test, &org, &file.id).await;
    let answer = ada.delete(&file.path()).await;
    answer.expect_problem(409, "CONFLICT");
    work(&test, &worker(&test).await).await;
    assert_eq!(files_in(&test, "objects").len(), 1);
    assert_eq!(ada.get(&file.text_path()).await.text, "# A");
}
