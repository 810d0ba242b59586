//! Who may see and do what.

use serde_json::json;

use super::{MARKDOWN, grant, org, upload, use_in_a_node, uuid, work, worker};
use crate::support::{Client, TestApp};

/// Makes the client's user a guest of the organization, behind the program's back.
async fn make_guest(test: &TestApp, guest: &Client, org: &str) -> String {
    let user = guest.get("/users/me").await.id();
    let member = uuid();
    test.database
        .execute(&format!(
            "insert into org_members (id, org_id, user_id, role, created_at) \
             values ('{member}', '{org}', '{user}', 'guest', now())"
        ))
        .await;
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_a_file() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    work(&test, &worker(&test).await).await;
    let eve = test.user("eve").await;
    let new = json!({ "filename": "a.md", "contentType": MARKDOWN });
    for answer in [
        eve.get(&file.path()).await,
        eve.get(&file.text_path()).await,
        eve.post_empty(&file.confirm_path()).await,
        eve.delete(&file.path()).await,
        eve.get(&format!("/orgs/{org}/files")).await,
        eve.post(&format!("/orgs/{org}/files/upload"), new).await,
    ] {
        answer.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(ada.get(&file.text_path()).await.text, "# A");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_only_signed_addresses_answer() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    let anonymous = test.anonymous();
    for answer in [
        anonymous.get(&file.path()).await,
        anonymous.get(&file.text_path()).await,
        anonymous.post_empty(&file.confirm_path()).await,
        anonymous.delete(&file.path()).await,
        anonymous.get(&format!("/orgs/{org}/files")).await,
    ] {
        answer.expect_problem(401, "UNAUTHENTICATED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_the_files_of_their_projects_and_uploads_none() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let used = upload(&ada, &org, "used.md", MARKDOWN, "# A").await;
    let other = upload(&ada, &org, "other.md", MARKDOWN, "# B").await;
    let (project, _) = use_in_a_node(&test, &org, &used.id).await;
    work(&test, &worker(&test).await).await;
    let guest = test.user("guest").await;
    let user = make_guest(&test, &guest, &org).await;
    let list = format!("/orgs/{org}/files");
    assert_eq!(guest.get(&list).await.expect(200)["total"], 0);

    let member = uuid();
    test.database
        .execute(&format!(
            "insert into project_members (id, org_id, project_id, user_id, role, created_at) \
             values ('{member}', '{org}', '{project}', '{user}', 'viewer', now())"
        ))
        .await;
    let seen = guest.get(&list).await.expect(200);
    assert_eq!(seen["total"], 1);
    assert_eq!(seen["data"][0]["id"], used.id);
    assert_eq!(guest.get(&used.text_path()).await.text, "# A");
    let hidden = guest.get(&other.path()).await;
    hidden.expect_problem(404, "NOT_FOUND");
    let refused = guest.delete(&used.path()).await;
    refused.expect_problem(403, "FORBIDDEN");
    let new = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let refused = guest.post(&format!("{list}/upload"), new.clone()).await;
    refused.expect_problem(403, "FORBIDDEN");
    grant(&ada, &org, new).await;
}
