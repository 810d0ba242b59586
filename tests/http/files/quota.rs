//! What an organization's files may have together, and uploads that nobody confirms.

use chrono::TimeDelta;
use futures_util::future::join_all;
use glassbox::files::ops;
use serde_json::json;

use super::{Granted, MARKDOWN, files_in, grant, org, put, upload, use_in_a_node, work, worker};
use crate::support::{Client, TestApp};

/// A quota of 10,000 bytes, and uploads of 5,000 at most.
fn settings() -> [(&'static str, String); 2] {
    [
        ("storage.quota_bytes", "10000".into()),
        ("storage.upload_limit_bytes", "5000".into()),
    ]
}

async fn counted(test: &TestApp) -> String {
    let sql = "select coalesce(sum(bytes), 0)::text as text from storage_usage";
    test.database.text(sql).await
}

async fn nothing_is_miscounted(test: &TestApp) {
    let found = ops::doctor::usage(&test.app.db).await.unwrap();
    assert_eq!(found, None);
}

async fn ask(client: &Client, org: &str, size: u64) -> u16 {
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN, "sizeBytes": size });
    let answer = client
        .post(&format!("/orgs/{org}/files/upload"), body)
        .await;
    if answer.status != 200 {
        answer.expect_problem(422, "QUOTA_EXCEEDED");
    }
    answer.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_uploads_at_once_do_not_pass_the_quota() {
    let test = TestApp::start_configured(&settings()).await;
    let ada = test.user("ada").await;
    let (first, second) = (org(&ada, "labs").await, org(&ada, "other").await);
    let all = join_all((0..100).map(|_| ask(&ada, &first, 1_000))).await;
    assert_eq!(all.iter().filter(|status| **status == 200).count(), 10);
    assert_eq!(counted(&test).await, "10000");
    assert_eq!(ask(&ada, &first, 1).await, 422);
    assert_eq!(ask(&ada, &first, 0).await, 200, "it takes no room");
    assert_eq!(ask(&ada, &second, 5_000).await, 200, "each has its own");
    let list = ada.get(&format!("/orgs/{first}/files")).await.expect(200);
    assert_eq!(list["total"], 11, "who was refused has no file");
    nothing_is_miscounted(&test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_how_much_there_is() {
    let test = TestApp::start_configured(&settings()).await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    assert_eq!(ask(&ada, &org, 4_000).await, 200);
    assert_eq!(ask(&ada, &org, 4_000).await, 200);
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let answer = ada.post(&format!("/orgs/{org}/files/upload"), body).await;
    answer.expect_problem(422, "QUOTA_EXCEEDED");
    let details = json!({ "usedBytes": 8_000, "quotaBytes": 10_000, "neededBytes": 5_000 });
    assert_eq!(answer.body["details"], details);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_counts_for_what_it_has_until_it_is_gone() {
    let test = TestApp::start_configured(&settings()).await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let file = grant(&ada, &org, body).await;
    assert_eq!(counted(&test).await, "5000", "it may become so large");
    put(&file.url, MARKDOWN, "# A").await.expect(200);
    for _ in 0..2 {
        ada.post_empty(&file.confirm_path()).await.expect(200);
        assert_eq!(counted(&test).await, "3");
    }
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN, "sizeBytes": 9 });
    let lie = grant(&ada, &org, body).await;
    assert_eq!(counted(&test).await, "12");
    put(&lie.url, MARKDOWN, "# A").await.expect(200);
    let refused = ada.post_empty(&lie.confirm_path()).await;
    refused.expect_problem(422, "UNPROCESSABLE");
    assert_eq!(counted(&test).await, "3");
    nothing_is_miscounted(&test).await;
    ada.delete(&file.path()).await.expect(204);
    ada.delete(&lie.path()).await.expect(204);
    assert_eq!(counted(&test).await, "0");
    nothing_is_miscounted(&test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_counted_is_counted_when_a_worker_starts() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    let wrong = format!("update storage_usage set bytes = 77 where org_id = '{org}'");
    for wrong in [wrong.as_str(), "delete from storage_usage"] {
        test.database.execute(wrong).await;
        let found = ops::doctor::usage(&test.app.db).await.unwrap().unwrap();
        assert_eq!(
            (found.check, found.ids),
            ("storage_miscounted", vec![org.clone()])
        );
        assert_eq!(ops::quota::recount(&test.app.db).await.unwrap(), 1);
        assert_eq!(counted(&test).await, "3");
        nothing_is_miscounted(&test).await;
    }
}

async fn remove_unconfirmed(test: &TestApp) -> usize {
    let removed = ops::remove_unconfirmed(&test.app.db, &test.app.config.storage);
    removed.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_confirms_is_removed_after_a_day() {
    let test = TestApp::start_with_manual_clock_configured(&settings()).await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let body = json!({ "filename": "a.md", "contentType": MARKDOWN, "sizeBytes": 3 });
    let sent = grant(&ada, &org, body.clone()).await;
    put(&sent.url, MARKDOWN, "# A").await.expect(200);
    let unsent = grant(&ada, &org, body.clone()).await;
    let used = grant(&ada, &org, body.clone()).await;
    let (_, node) = use_in_a_node(&test, &org, &used.id).await;
    let confirmed = upload(&ada, &org, "b.md", MARKDOWN, "# B").await;
    test.clock.advance(TimeDelta::hours(23));
    let ada = test.user("ada").await;
    let young = grant(&ada, &org, body).await;
    test.clock.advance(TimeDelta::hours(1));
    assert_eq!(
        remove_unconfirmed(&test).await,
        0,
        "it is a day, and not more"
    );
    test.clock.advance(TimeDelta::seconds(1));
    assert_eq!(remove_unconfirmed(&test).await, 3);
    assert_eq!(remove_unconfirmed(&test).await, 0);

    let ada = test.user("ada").await;
    let status = async |file: &Granted| ada.get(&file.path()).await;
    status(&sent).await.expect_problem(404, "NOT_FOUND");
    status(&unsent).await.expect_problem(404, "NOT_FOUND");
    let failed = status(&used).await.expect(200);
    assert_eq!(failed["processingStatus"], "failed", "{node} uses it");
    assert!(
        failed["processingError"]
            .as_str()
            .unwrap()
            .contains("never")
    );
    assert_eq!(
        status(&young).await.expect(200)["processingStatus"],
        "pending"
    );
    work(&test, &worker(&test).await).await;
    assert_eq!(
        status(&confirmed).await.expect(200)["processingStatus"],
        "complete"
    );
    assert_eq!(
        files_in(&test, "objects").len(),
        1,
        "the bytes that came are gone"
    );
    assert_eq!(counted(&test).await, "6");
    nothing_is_miscounted(&test).await;
}
