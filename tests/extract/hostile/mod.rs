//! Files that were made to harm whoever reads them. Each must end with a verdict, under
//! the limits of memory and time, and the next document must be read as ever.
//!
//! The short form gives the slowest of them less time of the processor than production
//! does; `GLASSBOX_HOSTILE=full` gives all of it, adds a thousand damaged files, and holds
//! the next document to a second, which says something on a quiet machine only.

mod packages;
mod pdfs;
mod texts;
mod watch;

use std::time::{Duration, Instant};

use glassbox::ingest::extract::{Failure, FailureClass, Format, HEAD_BYTES};
use glassbox::ingest::sandbox::Limits;

use super::build::{docx, hello, package};

/// A file and what it is.
pub struct Hostile {
    pub name: String,
    /// What it is read as; if `None`, what it is taken for by its name and its bytes.
    pub format: Option<Format>,
    pub bytes: Vec<u8>,
}

impl Hostile {
    fn new(name: impl Into<String>, format: Format, bytes: impl Into<Vec<u8>>) -> Self {
        Hostile {
            name: name.into(),
            format: Some(format),
            bytes: bytes.into(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "`make hostile` asks so for the long form"
)]
fn full() -> bool {
    std::env::var_os("GLASSBOX_HOSTILE").is_some_and(|form| form == "full")
}

fn limits() -> Limits {
    let whole = Limits::default();
    match full() {
        true => whole,
        false => Limits {
            cpu: Duration::from_secs(3),
            ..whole
        },
    }
}

/// An honest document of each format, small.
pub fn honest() -> Vec<(&'static str, Format, Vec<u8>)> {
    let slides = package(&[
        (
            "ppt/presentation.xml",
            b"<p><sldId id=\"1\" r:id=\"a\"/></p>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            b"<r><Relationship Id=\"a\" Type=\"x/slide\" Target=\"slides/s.xml\"/></r>",
        ),
        ("ppt/slides/s.xml", b"<s><sp><p><t>words</t></p></sp></s>"),
    ]);
    let book = package(&[
        ("mimetype", b"application/epub+zip"),
        (
            "META-INF/container.xml",
            b"<c><rootfile full-path=\"b.opf\"/></c>",
        ),
        (
            "b.opf",
            b"<p><item id=\"a\" href=\"a.html\"/><itemref idref=\"a\"/></p>",
        ),
        ("a.html", b"<h1>One</h1><p>words</p>"),
    ]);
    vec![
        ("pdf", Format::Pdf, hello()),
        ("docx", Format::Docx, docx(b"<d><p><r><t>words</t></r></p></d>")),
        ("pptx", Format::Pptx, slides),
        ("xlsx", Format::Xlsx, packages::workbook(b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>7</v></c></row></sheetData></worksheet>")),
        ("epub", Format::Epub, book),
        ("html", Format::Html, b"<html><body><h1>One</h1><table><tr><td>a<td>b</table></body></html>".to_vec()),
        ("csv", Format::Csv, b"a,b\n1,\"2\n3\"\n".to_vec()),
        ("json", Format::Json, b"{\"a\": [1, {\"b\": \"c\"}]}".to_vec()),
        ("eml", Format::Email, b"From: a@example.org\r\nSubject: words\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nwords\r\n--x--\r\n".to_vec()),
        ("md", Format::Markdown, b"# One\n\n* words\n".to_vec()),
        ("txt", Format::Text, "words and w\u{f6}rter".into()),
        ("png", Format::Image, texts::png(8, 8)),
    ]
}

/// Every honest document cut at each tenth of its length, and taken for each format.
fn cut_and_confused() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (name, format, bytes) in honest() {
        for tenth in 0..10 {
            let cut = &bytes[..bytes.len() * tenth / 10];
            files.push(Hostile::new(
                format!("{name} cut at {tenth}0 %"),
                format,
                cut,
            ));
        }
        for (other, taken_for, others) in honest() {
            if other == name {
                continue;
            }
            files.push(Hostile::new(
                format!("{name} called {other}"),
                taken_for,
                bytes.clone(),
            ));
            // One after the other: both readers may find their own.
            let both = [bytes.clone(), others].concat();
            files.push(Hostile {
                name: format!("a.{other}"),
                format: None,
                bytes: both,
            });
        }
    }
    files
}

/// Honest documents with one byte, or a run of them, changed.
fn damaged(rounds: usize) -> Vec<Hostile> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut dice = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut files = Vec::new();
    for round in 0..rounds {
        for (name, format, mut bytes) in honest() {
            for _ in 0..1 + dice() % 8 {
                let at = dice() % bytes.len();
                bytes[at] = dice() as u8;
            }
            files.push(Hostile::new(
                format!("{name} damaged {round}"),
                format,
                bytes,
            ));
        }
    }
    files
}

fn all() -> Vec<Hostile> {
    let mut files = cut_and_confused();
    files.extend(pdfs::all());
    files.extend(packages::all());
    files.extend(texts::all());
    files.extend(damaged(if full() { 85 } else { 2 }));
    files
}

/// What became of a file, and how long the document after it took.
struct Judged {
    verdict: String,
    took: Duration,
    next_took: Duration,
}

/// Reads one file, then an honest one. Fails with what went wrong.
async fn judge(file: &Hostile) -> Result<Judged, String> {
    let head = &file.bytes[..file.bytes.len().min(HEAD_BYTES)];
    let format = file.format.or_else(|| Format::detect(&file.name, "", head));
    let begun = Instant::now();
    let verdict = match format {
        Some(format) => super::read_within(limits(), format, &file.bytes).await,
        None => Err(Failure::new(
            FailureClass::Unsupported,
            "Not a format of ours.",
        )),
    };
    let took = begun.elapsed();
    let begun = Instant::now();
    let next = super::read(Format::Text, b"still here").await;
    let next_took = begun.elapsed();
    if next.as_ref().map(|next| next.text.as_str()) != Ok("still here") {
        return Err(format!("the next document was not read: {next:?}"));
    }
    let verdict = match verdict {
        Ok(extracted) if !extracted.is_sound() => return Err("an unsound text".to_owned()),
        Ok(_) => "complete".to_owned(),
        Err(failure) if !failure.message.ends_with('.') => return Err(format!("{failure:?}")),
        Err(failure) => failure.class.to_string(),
    };
    Ok(Judged {
        verdict,
        took,
        next_took,
    })
}

/// How long the document after a hostile one may take.
const NEXT_WITHIN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_file_ends_with_a_verdict_and_hurts_nobody() {
    let files = all();
    assert!(files.len() >= 300, "{}", files.len());
    let watch = watch::Watch::begin();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let take = || files.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let work = async || {
        let (mut wrong, mut slowest) = (Vec::new(), Duration::ZERO);
        while let Some(file) = take() {
            match judge(file).await {
                Ok(judged) => {
                    slowest = slowest.max(judged.next_took);
                    if full() {
                        println!("{} {:?}\t{}", judged.verdict, judged.took, file.name);
                    }
                }
                Err(what) => wrong.push(format!("{}: {what}", file.name)),
            }
        }
        (wrong, slowest)
    };
    let ((mut wrong, slowest), (others, slowest_other)) = tokio::join!(work(), work());
    wrong.extend(others);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let seen = watch.end();
    let slowest = slowest.max(slowest_other);
    println!(
        "{} files, {} MiB at most, the next document after {slowest:?} at most",
        files.len(),
        seen.most_mib
    );
    assert!(seen.children > 100, "{seen:?}");
    assert!(seen.most_mib < 512, "{seen:?}");
    assert!(!full() || slowest < NEXT_WITHIN, "{slowest:?}");
}
