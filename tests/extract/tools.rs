//! Programs beside ours: when they are asked, what they can't do, and how they end. Ours
//! are scripts, so that every machine has them.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use glassbox::ingest::extract::{Extracted, Failure, FailureClass, Format};
use glassbox::ingest::sandbox::Limits;
use tempfile::TempDir;

use super::build::{page, pdf, stream};
use super::{alone, hostile, read_within};

/// A folder with these programs, each a script of bash.
fn folder(programs: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, body) in programs {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    folder
}

fn limits(folder: &TempDir) -> Limits {
    Limits {
        tools: folder.path().to_str().unwrap().to_owned(),
        ..alone()
    }
}

async fn read_with(folder: &TempDir, format: Format, bytes: &[u8]) -> Result<Extracted, Failure> {
    read_within(limits(folder), format, bytes).await
}

fn image() -> Vec<u8> {
    let mut images = hostile::honest().into_iter();
    images.find(|(name, ..)| *name == "png").unwrap().2
}

/// On this our own reader overflows its stack.
fn deadly() -> Vec<u8> {
    let form = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>",
        b"/X Do",
    );
    page(stream("", b"/X Do"), "/XObject << /X 6 0 R >>", &[form])
}

/// Two pages that show an image, and between them one with nothing.
fn scan() -> Vec<u8> {
    let shows = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 6 0 R /Resources << /XObject << /I 7 0 R >> >> >>";
    pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 3 /Kids [3 0 R 4 0 R 5 0 R] >>".to_vec(),
        shows.to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>".to_vec(),
        shows.to_vec(),
        stream("", b"9 0 0 9 0 0 cm /I Do"),
        stream(
            "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray",
            b"\xFF",
        ),
    ])
}

#[tokio::test]
async fn neither_we_nor_a_tool_reach_the_network_or_see_our_environment() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let body = format!(
        "cat > /dev/null\n(exec 3<>/dev/tcp/127.0.0.1/{port}) 2> /dev/null && echo reached || echo refused\n\
         echo \"home=$HOME cargo=$CARGO_MANIFEST_DIR\""
    );
    let folder = folder(&[("tesseract", &body)]);
    let read = read_with(&folder, Format::Image, &image()).await.unwrap();
    assert_eq!(read.text, "refused\nhome= cargo=");
    assert_eq!(read.metadata.reader.as_deref(), Some("tesseract"));
}

#[tokio::test]
async fn a_pdf_that_kills_our_reader_is_left_to_another() {
    let folder = folder(&[("pdftotext", "printf 'first\\fsecond\\f'")]);
    let read = read_with(&folder, Format::Pdf, &deadly()).await.unwrap();
    let pages: Vec<_> = read.segments.iter().map(|s| s.page).collect();
    assert_eq!(
        (pages, read.text.as_str()),
        (vec![Some(1), Some(2)], "first\n\nsecond")
    );
    assert_eq!(read.metadata.reader.as_deref(), Some("pdftotext"));
    assert_eq!(read.metadata.pages, Some(2));
}

#[tokio::test]
async fn where_the_other_fails_too_the_first_verdict_stands() {
    let folder = folder(&[("pdftotext", "exit 1")]);
    let failure = read_with(&folder, Format::Pdf, &deadly())
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Crashed);
    let failure = read_with(&folder, Format::Pdf, b"%PDF-1.4")
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Malformed);
}

#[tokio::test]
async fn scanned_pages_are_read_or_named() {
    // What is drawn names its page, and what reads it reads that.
    let draw =
        "while [ $# -gt 1 ]; do [ \"$1\" = -f ] && page=$2; shift; done; echo \"page $page\"";
    let all = folder(&[("pdftoppm", draw), ("tesseract", "cat")]);
    let read = read_with(&all, Format::Pdf, &scan()).await.unwrap();
    assert_eq!(read.text, "page 1\n\npage 3");
    assert_eq!(read.metadata.ocr_pages, [1, 3]);

    let none = folder(&[]);
    let failure = read_with(&none, Format::Pdf, &scan()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsOcr);

    let first = "read line; [ \"$line\" = 'page 1' ] && echo one || exit 1";
    let some = folder(&[("pdftoppm", draw), ("tesseract", first)]);
    let read = read_with(&some, Format::Pdf, &scan()).await.unwrap();
    assert_eq!(read.text, "one");
    assert_eq!(read.metadata.scanned_pages, [3]);
}

#[tokio::test]
async fn a_tool_that_hangs_or_never_stops_talking_is_ended() {
    for body in ["exec sleep 1000", "while :; do echo words; done"] {
        let folder = folder(&[("tesseract", body)]);
        let begun = Instant::now();
        let limits = Limits {
            cpu: Duration::from_secs(2),
            ..limits(&folder)
        };
        let read = read_within(limits, Format::Image, &image()).await;
        assert_eq!(read.unwrap_err().class, FailureClass::Malformed, "{body}");
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
    }
}
