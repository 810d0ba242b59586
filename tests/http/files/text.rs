//! From bytes to text, and how it is read.

use std::io::{Cursor, Write};

use glassbox::{
    access::{Action, Target},
    files::{
        model::{ProcessingStatus, StoredText},
        ops,
    },
    kernel::{Code, FileId, OrgId},
    platform::blobs::BlobKey,
};
use serde_json::json;
use zip::write::SimpleFileOptions;

use super::{MARKDOWN, ctx, grant, org, upload, uuid, work, worker};
use crate::support::TestApp;

const SAMPLE: &[u8] = include_bytes!("../../../src/cli/dev/sample.pdf");
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn docx() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    writer.start_file("word/document.xml", options).unwrap();
    writer
        .write_all(b"<d><p><r><t>A &amp; B</t></r></p></d>")
        .unwrap();
    writer.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_each_format_becomes_text() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let worker = worker(&test).await;
    for (name, kind, bytes, format, words) in [
        (
            "a.md",
            MARKDOWN,
            b"# A\ntext".to_vec(),
            "markdown",
            "# A\ntext",
        ),
        (
            "a.txt",
            "text/plain",
            b"caf\xc3\xa9".to_vec(),
            "text",
            "café",
        ),
        ("a.docx", DOCX, docx(), "docx", "A & B"),
        (
            "a.html",
            "text/html",
            b"<h1>A</h1><p>b &amp; c".to_vec(),
            "html",
            "b & c",
        ),
        ("a.csv", "text/csv", b"a;b\n1;2\n".to_vec(), "csv", "1;2"),
        (
            "a.eml",
            "message/rfc822",
            b"From: a@example.org\r\nSubject: hello\r\n\r\nwords\r\n".to_vec(),
            "email",
            "Subject: hello",
        ),
        (
            "a.pdf",
            "application/pdf",
            SAMPLE.to_vec(),
            "pdf",
            "CHG-2291",
        ),
    ] {
        let file = upload(&ada, &org, name, kind, bytes).await;
        assert_eq!(work(&test, &worker).await, 1);
        let got = ada.get(&file.path()).await.expect(200);
        assert_eq!(got["processingStatus"], "complete", "{got}");
        assert_eq!(got["metadata"]["format"], format);
        assert_eq!(got["metadata"]["outcome"], "complete");
        let text = ada.get(&file.text_path()).await;
        assert!(text.text.contains(words), "{name}: {}", text.text);
        assert_eq!(got["extractedText"], text.text);
        assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_cut_in_the_file_and_whole_by_itself() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    // Longer than two pieces of the stream, with a character of three bytes in each place.
    let whole = "漢字 ".repeat(200_000);
    let whole = whole.trim_end();
    let file = upload(&ada, &org, "long.txt", "text/plain", whole).await;
    work(&test, &worker(&test).await).await;
    let got = ada.get(&file.path()).await.expect(200);
    assert_eq!(got["extractedTextTruncated"], true);
    let cut = got["extractedText"].as_str().unwrap();
    assert_eq!(cut.chars().count(), 50_000);
    assert!(whole.starts_with(cut));
    assert!(ada.get(&file.text_path()).await.text == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_text_says_why() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let waiting = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    let answer = ada.get(&waiting.text_path()).await;
    answer.expect_problem(409, "CONFLICT");
    assert_eq!(answer.body["details"]["processingStatus"], "pending");
    work(&test, &worker(&test).await).await;

    let binary = upload(
        &ada,
        &org,
        "a.bin",
        "application/octet-stream",
        [0, 159, 146, 150],
    )
    .await;
    work(&test, &worker(&test).await).await;
    let answer = ada.get(&binary.text_path()).await;
    answer.expect_problem(409, "CONFLICT");
    let file = ada.get(&binary.path()).await.expect(200);
    assert_eq!(file["metadata"]["outcome"], "unsupported");
    let why = file["processingError"].as_str().unwrap();
    assert!(answer.text.contains(why), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outline_and_its_passages_are_what_an_agent_reads() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let file = upload(&ada, &org, "a.pdf", "application/pdf", SAMPLE).await;
    work(&test, &worker(&test).await).await;
    let whole = ada.get(&file.text_path()).await.text;
    let id: FileId = file.id.parse().unwrap();
    let ctx = ctx(&test, &ada);
    ctx.tx(Action::FileRead, Target::File(id), async |tx, _| {
        let outline = ops::outline_in(tx, id).await?;
        assert_eq!(outline.status, ProcessingStatus::Complete);
        assert_eq!((outline.pages, outline.segments.len()), (Some(8), 8));
        assert_eq!(
            usize::try_from(outline.characters).unwrap(),
            whole.chars().count()
        );
        let page = &outline.segments[2];
        let passage = ops::passage_in(tx, id, page.start, page.end).await?;
        let expected: String = whole
            .chars()
            .skip(page.start)
            .take(page.end - page.start)
            .collect();
        assert_eq!(passage, expected);
        assert_eq!(ops::passage_in(tx, id, usize::MAX, usize::MAX).await?, "");
        assert_eq!(ops::passage_in(tx, id, 5, 3).await?, "");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_wrote_is_a_complete_file_at_once() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let ctx = ctx(&test, &ada);
    let id = FileId::from_uuid(uuid());
    let key = BlobKey::parse(&format!("{org}/{id}")).unwrap();
    let text = "# Brief\nwords";
    let info = test
        .app
        .blobs
        .put(&key, MARKDOWN, text.into())
        .await
        .unwrap();
    let stored = StoredText {
        id,
        key,
        bucket: "local".to_owned(),
        filename: "brief.md".to_owned(),
        content_type: MARKDOWN.to_owned(),
        size: info.size,
        sha256: info.sha256.unwrap(),
        text: text.to_owned(),
    };
    let target = Target::Org(org.parse::<OrgId>().unwrap());
    let file = ctx
        .tx(Action::FileCreate, target, async |tx, grant| {
            ops::file_store_in(tx, grant, stored.clone()).await
        })
        .await
        .unwrap();
    assert_eq!(file.processing_status, ProcessingStatus::Complete);
    assert_eq!(work(&test, &worker(&test).await).await, 0);
    assert_eq!(ada.get(&format!("/files/{id}/text")).await.text, text);
    let url = ada.get(&format!("/files/{id}")).await.body["downloadUrl"].clone();
    let bytes = ada.send(ada.http.get(url.as_str().unwrap())).await;
    assert_eq!(bytes.text, text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_of_a_file_that_was_not_read_is_refused() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let new = json!({ "filename": "a.md", "contentType": MARKDOWN });
    let id: FileId = grant(&ada, &org, new).await.id.parse().unwrap();
    let error = ctx(&test, &ada)
        .tx(Action::FileRead, Target::File(id), async |tx, _| {
            ops::passage_in(tx, id, 0, 10).await
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
}
