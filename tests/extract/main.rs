//! Hostile and honest documents, read by the real program in a real child process.
//!
//! Each hostile one must end with its class and a sentence, and leave this process
//! able to read the next document.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "clippy takes helpers of an integration test for production code"
)]

mod build;
mod hostile;
mod tools;

use std::path::Path;
use std::time::{Duration, Instant};

use glassbox::ingest::extract::{Extracted, Failure, FailureClass, Format};
use glassbox::ingest::sandbox::{Limits, Sandbox};
use pdf_extract::{
    Document, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat,
};

use build::{docx, hello, page, stream, zlib_bomb};

const SAMPLE: &[u8] = include_bytes!("../../src/cli/dev/sample.pdf");

/// The limits of production, and no tools, which only some machines have.
fn alone() -> Limits {
    Limits {
        tools: String::new(),
        ..Limits::default()
    }
}

fn sandbox(limits: Limits) -> Sandbox {
    Sandbox {
        program: env!("CARGO_BIN_EXE_glassbox").into(),
        limits,
    }
}

async fn read_within(limits: Limits, format: Format, bytes: &[u8]) -> Result<Extracted, Failure> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    sandbox(limits).extract(format, file.path()).await.unwrap()
}

async fn read(format: Format, bytes: &[u8]) -> Result<Extracted, Failure> {
    read_within(alone(), format, bytes).await
}

/// Reads a hostile document, then a good one: the first must fail with a sentence,
/// the second must not suffer from it.
async fn refusal_within(limits: Limits, format: Format, bytes: &[u8]) -> FailureClass {
    let failure = read_within(limits, format, bytes).await.unwrap_err();
    assert!(
        failure.message.ends_with('.') && failure.message.len() > 10,
        "{failure:?}"
    );
    assert_eq!(
        read(Format::Text, b"still here").await.unwrap().text,
        "still here"
    );
    failure.class
}

async fn refusal(format: Format, bytes: &[u8]) -> FailureClass {
    refusal_within(alone(), format, bytes).await
}

#[tokio::test]
async fn the_sample_is_read_with_its_pages() {
    let extracted = read(Format::Pdf, SAMPLE).await.unwrap();
    assert_eq!(extracted.metadata.pages, Some(8));
    assert_eq!(extracted.segments.len(), 8);
    assert!(extracted.text.contains("CHG-2291"));
}

#[tokio::test]
async fn a_small_pdf_a_docx_and_markdown_are_read() {
    assert_eq!(
        read(Format::Pdf, &hello()).await.unwrap().text,
        "Hello, world."
    );
    let document = docx(b"<d><p><r><t>A &amp; B</t></r></p></d>");
    assert_eq!(read(Format::Docx, &document).await.unwrap().text, "A & B");
    let markdown = read(Format::Markdown, b"# A\ntext\n").await.unwrap();
    assert_eq!(markdown.segments[0].heading.as_deref(), Some("A"));
}

#[tokio::test]
async fn nul_never_comes_out() {
    let extracted = read(Format::Text, b"a\0b\r\n\0c").await.unwrap();
    assert_eq!(extracted.text, "ab\nc");
}

#[tokio::test]
async fn an_empty_file_has_no_text() {
    for format in [Format::Text, Format::Markdown, Format::Pdf, Format::Docx] {
        assert_eq!(refusal(format, b"").await, FailureClass::NoText);
    }
}

#[tokio::test]
async fn a_pdf_without_words_has_no_text() {
    let drawing = page(stream("", b"0 0 100 100 re f"), "", &[]);
    assert_eq!(refusal(Format::Pdf, &drawing).await, FailureClass::NoText);
}

#[tokio::test]
async fn a_form_that_draws_itself_is_a_crash() {
    let form = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>",
        b"/X Do",
    );
    let bytes = page(stream("", b"/X Do"), "/XObject << /X 6 0 R >>", &[form]);
    assert_eq!(refusal(Format::Pdf, &bytes).await, FailureClass::Crashed);
}

#[tokio::test]
async fn a_pdf_that_inflates_to_a_gigabyte_runs_out_of_memory() {
    let bytes = page(stream("/Filter /FlateDecode", &zlib_bomb(1 << 30)), "", &[]);
    assert!(bytes.len() < 8 << 20);
    // Less than the default, only because unpacking is slow without optimization.
    let limits = Limits {
        memory_bytes: 256 << 20,
        ..alone()
    };
    assert_eq!(
        refusal_within(limits, Format::Pdf, &bytes).await,
        FailureClass::Memory
    );
}

#[tokio::test]
async fn deep_nesting_ends_without_harm() {
    let mut deep = b"[".repeat(200_000);
    deep.extend(b"]".repeat(200_000));
    let bytes = page(stream("", b"BT /F1 12 Tf (x) Tj ET"), "", &[deep]);
    // The parser gives up on the array, or on the file; both are answers.
    if let Err(failure) = read(Format::Pdf, &bytes).await {
        assert!(failure.message.ends_with('.'), "{failure:?}");
    }
    assert_eq!(
        read(Format::Text, b"still here").await.unwrap().text,
        "still here"
    );
}

#[tokio::test]
async fn a_truncated_pdf_is_malformed() {
    assert_eq!(
        refusal(Format::Pdf, &SAMPLE[..9000]).await,
        FailureClass::Malformed
    );
}

#[tokio::test]
async fn an_encrypted_pdf_is_told_apart_and_an_owner_password_does_not_matter() {
    let encrypted = |user_password: &str| {
        let mut document = Document::load_mem(&hello()).unwrap();
        let id = Object::String(b"0123456789abcdef".to_vec(), StringFormat::Literal);
        document.trailer.set("ID", vec![id.clone(), id]);
        let version = EncryptionVersion::V2 {
            document: &document,
            owner_password: "owner",
            user_password,
            key_length: 128,
            permissions: Permissions::all(),
        };
        let state = EncryptionState::try_from(version).unwrap();
        document.encrypt(&state).unwrap();
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    };
    assert_eq!(
        refusal(Format::Pdf, &encrypted("secret")).await,
        FailureClass::Encrypted
    );
    assert_eq!(
        read(Format::Pdf, &encrypted("")).await.unwrap().text,
        "Hello, world."
    );
}

#[tokio::test]
async fn a_docx_bomb_is_too_large_and_a_doctype_is_malformed() {
    let mut bomb = b"<d><p><r><t>".to_vec();
    bomb.resize(96 << 20, b'a');
    assert_eq!(
        refusal(Format::Docx, &docx(&bomb)).await,
        FailureClass::TooLarge
    );
    let doctype = docx(b"<!DOCTYPE d [<!ENTITY a \"aaaa\">]><d><p><r><t>&a;</t></r></p></d>");
    assert_eq!(
        refusal(Format::Docx, &doctype).await,
        FailureClass::Malformed
    );
}

/// Work for several seconds of CPU.
fn slow_pdf() -> Vec<u8> {
    let mut content = b"BT /F1 12 Tf 72 700 Td ".to_vec();
    content.extend(b"(aaaaaaaa) Tj ".repeat(1_000_000));
    content.extend(b"ET");
    page(stream("", &content), "", &[])
}

#[tokio::test]
async fn cpu_time_and_wall_time_both_end_in_a_timeout() {
    let bytes = slow_pdf();
    let roomy = Limits {
        memory_bytes: 8 << 30,
        ..alone()
    };
    let cpu = Limits {
        cpu: Duration::from_secs(1),
        ..roomy.clone()
    };
    assert_eq!(
        refusal_within(cpu, Format::Pdf, &bytes).await,
        FailureClass::Timeout
    );

    let begun = Instant::now();
    let wall = Limits {
        wall: Duration::from_millis(200),
        ..roomy
    };
    assert_eq!(
        refusal_within(wall, Format::Pdf, &bytes).await,
        FailureClass::Timeout
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn input_and_output_are_capped() {
    let long = "words ".repeat(1000);
    let input = Limits {
        input_bytes: 5999,
        ..alone()
    };
    assert_eq!(
        refusal_within(input, Format::Text, long.as_bytes()).await,
        FailureClass::TooLarge
    );
    let output = Limits {
        output_bytes: 2000,
        ..alone()
    };
    assert_eq!(
        refusal_within(output, Format::Text, long.as_bytes()).await,
        FailureClass::TooLarge
    );
}

#[tokio::test]
async fn a_missing_file_or_program_is_our_error_and_no_verdict_on_the_document() {
    let here = sandbox(alone());
    assert!(
        here.extract(Format::Text, Path::new("/nowhere/at/all"))
            .await
            .is_err()
    );
    let nowhere = Sandbox {
        program: "/nowhere/at/all".into(),
        limits: alone(),
    };
    assert!(
        nowhere
            .extract(Format::Text, Path::new("/dev/null"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_child_gets_none_of_our_environment() {
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/tell-environment.sh"
    );
    let probe = Sandbox {
        program: program.into(),
        limits: alone(),
    };
    let answer = probe
        .extract(Format::Text, Path::new("/dev/null"))
        .await
        .unwrap();
    // Cargo gives a test a dozen variables of its own, so none means none.
    assert_eq!(answer.unwrap_err().message, "home= cargo=0");
}
