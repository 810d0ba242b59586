//! PDF: one segment a page, read by pdf-extract; what it can't read, by the tools that
//! the machine has.
//!
//! Its parser panics on many damaged files, so every call into it is behind
//! `catch_unwind`. On hostile ones it also overflows the stack or asks for all the
//! memory, which nothing in this process can catch: see the parent module.
//!
//! [`fonts`] spares it work that it does again for each page, [`layout`] makes lines out
//! of the characters that it finds, [`outline`] tells which section a page is in.

mod fonts;
mod layout;
mod outline;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, Error as PdfError, Object, ObjectId};

use super::assemble::{Assembly, Place, one_line};
use super::{Aids, Extracted, Failure, FailureClass, Metadata};
use layout::Layout;

/// What is known of a document's pages.
#[derive(Debug, Default)]
struct Pages {
    texts: BTreeMap<u32, String>,
    headings: BTreeMap<u32, String>,
    metadata: Metadata,
}

/// Each page as a segment. A page that can't be read is named in the metadata; if
/// none can, the document is malformed.
pub(super) fn extract(bytes: &[u8], aids: Option<&Aids<'_>>) -> Result<Extracted, Failure> {
    let read = guarded(|| open(bytes)).unwrap_or_else(|| Err(damaged()));
    let read = read.and_then(|document| pages(document, aids));
    match (read, aids) {
        (Ok(pages), _) => assemble(pages),
        (Err(failure), Some(aids)) if failure.class == FailureClass::Malformed => {
            extract_by_tool(aids).ok_or(failure)
        }
        (Err(failure), _) => Err(failure),
    }
}

/// The pages as pdftotext reads them, which repairs what it can; `None` if it isn't there
/// or gives up as well.
pub(super) fn extract_by_tool(aids: &Aids<'_>) -> Option<Extracted> {
    let text = aids.tools.pdf_text(aids.path, None)?;
    let mut pages = Pages::default();
    // Each page ends with a form feed.
    for (page, text) in (1..).zip(text.split_terminator('\u{C}')) {
        pages.metadata.pages = Some(page);
        pages.texts.insert(page, text.to_owned());
    }
    pages.metadata.reader = Some("pdftotext".to_owned());
    assemble(pages).ok()
}

fn assemble(pages: Pages) -> Result<Extracted, Failure> {
    let mut assembly = Assembly::default();
    for (page, text) in &pages.texts {
        let place = Place {
            heading: pages.headings.get(page).cloned(),
            ..Place::page(*page)
        };
        assembly.block(place, &tidy(text));
    }
    let extracted = assembly.finish(pages.metadata);
    if extracted.segments.is_empty() && !extracted.metadata.scanned_pages.is_empty() {
        return Err(Failure::new(
            FailureClass::NeedsOcr,
            "The PDF's pages are images. Reading those takes Tesseract and Poppler, which are not installed on this server, or more time than we allow.",
        ));
    }
    Ok(extracted)
}

/// All pages: in one go, then those one by one that this left out.
fn pages(mut document: Document, aids: Option<&Aids<'_>>) -> Result<Pages, Failure> {
    let all = guarded(|| document.get_pages()).unwrap_or_default();
    if all.is_empty() {
        return Err(Failure::malformed("The PDF is damaged: it has no pages."));
    }
    guarded(|| fonts::spare(&mut document));
    let document = document;
    let mut layout = Layout::default();
    guarded(|| pdf_extract::output_doc(&document, &mut layout).is_ok());
    let mut texts = layout.into_pages();
    let mut unreadable = Vec::new();
    for page in all.keys() {
        if texts.contains_key(page) {
            continue;
        }
        let text = page_text(&document, *page)
            .or_else(|| aids.and_then(|aids| aids.tools.pdf_text(aids.path, Some(*page))));
        match text {
            Some(text) => drop(texts.insert(*page, text)),
            None => unreadable.push(*page),
        }
    }
    if unreadable.len() == all.len() {
        return Err(Failure::malformed(
            "The PDF is damaged: none of its pages can be read.",
        ));
    }
    let mut pages = Pages {
        texts,
        headings: guarded(|| outline::headings(&document, &all)).unwrap_or_default(),
        metadata: describe(&document),
    };
    pages.metadata.pages = u32::try_from(all.len()).ok();
    pages.metadata.unreadable_pages = unreadable;
    read_scans(&document, &all, &mut pages, aids);
    Ok(pages)
}

/// Pages without words that show images: reads them if there are tools and time for it,
/// and names the others.
fn read_scans(
    document: &Document,
    all: &BTreeMap<u32, ObjectId>,
    pages: &mut Pages,
    aids: Option<&Aids<'_>>,
) {
    for (page, id) in all {
        let wordless = pages.texts.get(page).is_some_and(|t| t.trim().is_empty());
        if !wordless || !guarded(|| shows_image(document, *id)).unwrap_or(false) {
            continue;
        }
        match aids.and_then(|aids| aids.tools.scanned_page(aids.path, *page)) {
            Some(text) => {
                pages.texts.insert(*page, text);
                pages.metadata.ocr_pages.push(*page);
            }
            None => pages.metadata.scanned_pages.push(*page),
        }
    }
}

/// Whether a page's own resources have an image.
fn shows_image(document: &Document, page: ObjectId) -> bool {
    let Ok((own, inherited)) = document.get_page_resources(page) else {
        return false;
    };
    let inherited = inherited
        .iter()
        .filter_map(|id| document.get_dictionary(*id).ok());
    own.into_iter().chain(inherited).any(|resources| {
        let objects = resources
            .get(b"XObject")
            .and_then(|objects| document.dereference(objects))
            .and_then(|(_, objects)| objects.as_dict());
        objects.is_ok_and(|objects| {
            objects.iter().any(|(_, object)| {
                let stream = document.dereference(object).map(|(_, object)| object);
                let kind = stream.and_then(Object::as_stream);
                let kind = kind.and_then(|image| image.dict.get(b"Subtype"));
                kind.and_then(Object::as_name)
                    .is_ok_and(|kind| kind == b"Image")
            })
        })
    })
}

/// What the document information dictionary says.
fn describe(document: &Document) -> Metadata {
    let said = |key: &[u8]| guarded(|| property(document, key)).flatten();
    Metadata {
        title: said(b"Title"),
        author: said(b"Author"),
        created: said(b"CreationDate").and_then(|date| moment(&date)),
        modified: said(b"ModDate").and_then(|date| moment(&date)),
        ..Metadata::default()
    }
}

/// A date of a PDF, `D:20261123101500+01'00'` (ISO 32000-1, 7.9.4), as RFC 3339 has it;
/// as much of it as is there.
fn moment(date: &str) -> Option<String> {
    let date = date.strip_prefix("D:").unwrap_or(date);
    let digits: String = date.chars().take_while(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range);
    let day = format!("{}-{}-{}", part(0..4)?, part(4..6)?, part(6..8)?);
    let (Some(hour), Some(minute)) = (part(8..10), part(10..12)) else {
        return Some(day);
    };
    let second = part(12..14).unwrap_or("00");
    let zone: String = date
        .chars()
        .skip(digits.len())
        .filter(|c| *c != '\'')
        .collect();
    let zone = match (zone.get(..1), zone.get(1..3), zone.get(3..5)) {
        (Some(sign @ ("+" | "-")), Some(hours), minutes) => {
            format!("{sign}{hours}:{}", minutes.unwrap_or("00"))
        }
        (Some("Z"), ..) => "Z".to_owned(),
        _ => String::new(),
    };
    Some(format!("{day}T{hour}:{minute}:{second}{zone}"))
}

/// Parses the file and, if it has only an owner password (which restricts printing
/// and such, not reading), decrypts it.
fn open(bytes: &[u8]) -> Result<Document, Failure> {
    let mut document = Document::load_mem(bytes).map_err(|error| refusal(&error))?;
    if document.is_encrypted() {
        document.decrypt("").map_err(|error| refusal(&error))?;
    } else if document.trailer.has(b"Encrypt") && !document.was_encrypted() {
        // The parser overlooks an encryption dictionary that isn't an object of its
        // own; the text would come out as noise.
        return Err(locked());
    }
    Ok(document)
}

fn refusal(error: &PdfError) -> Failure {
    match error {
        PdfError::InvalidPassword | PdfError::Decryption(_) => locked(),
        _ => damaged(),
    }
}

fn locked() -> Failure {
    Failure::new(
        FailureClass::Encrypted,
        "The PDF is protected by a password; upload a copy without one.",
    )
}

fn damaged() -> Failure {
    Failure::malformed("The PDF is damaged, or not a PDF.")
}

/// The text of one page: by layout, or, where that reader gives up, in the order
/// of the page's operators, which is nearly as good. `None` if both fail.
fn page_text(document: &Document, page: u32) -> Option<String> {
    let by_layout = guarded(|| {
        let mut layout = Layout::default();
        let done = pdf_extract::output_doc_page(document, &mut layout, page);
        done.ok().and_then(|()| layout.into_pages().remove(&page))
    });
    by_layout
        .flatten()
        .or_else(|| guarded(|| document.extract_text(&[page]).ok()).flatten())
}

/// Runs `parse`; a panic in it gives `None`. All state it may have left half done
/// is either dropped with it or a document that it only read.
fn guarded<T>(parse: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(parse)).ok()
}

/// An entry of the document information dictionary.
fn property(document: &Document, key: &[u8]) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let (_, info) = document.dereference(info).ok()?;
    let (_, value) = document
        .dereference(info.as_dict().ok()?.get(key).ok()?)
        .ok()?;
    let text = match value {
        Object::String(..) => pdf_extract::decode_text_string(value).ok()?,
        _ => return None,
    };
    Some(one_line(&text)).filter(|text| !text.is_empty())
}

/// A page's text with the traces of typesetting removed: ligatures are spelled out and
/// words that a line's end divides are joined, so that a search for "office" finds them;
/// spaces at line ends go, and at most one blank line stays in a row.
fn tidy(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut blank = 0;
    for line in page.lines() {
        let mut line = line.trim_end();
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank > 1 {
            continue;
        }
        if divided(&out) && line.starts_with(char::is_lowercase) {
            // Without the line's end and the hyphen before it.
            out.truncate(
                out.trim_end_matches(['\n', '-', '\u{AD}', '\u{2010}'])
                    .len(),
            );
            let (rest, after) = line.split_once(' ').unwrap_or((line, ""));
            spell(&mut out, rest);
            out.push('\n');
            line = after.trim_start();
            if line.is_empty() {
                continue;
            }
        }
        spell(&mut out, line);
        out.push('\n');
    }
    out
}

/// Whether the last line ends inside a word.
fn divided(text: &str) -> bool {
    let mut last = text.chars().rev();
    last.next() == Some('\n')
        && matches!(last.next(), Some('-' | '\u{AD}' | '\u{2010}'))
        && last.next().is_some_and(char::is_alphabetic)
}

fn spell(out: &mut String, line: &str) {
    for c in line.chars() {
        match ligature(c) {
            Some(letters) => out.push_str(letters),
            None => out.push(c),
        }
    }
}

/// The letters of a Latin ligature (Unicode block "Alphabetic Presentation Forms").
const fn ligature(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{FB00}' => "ff",
        '\u{FB01}' => "fi",
        '\u{FB02}' => "fl",
        '\u{FB03}' => "ffi",
        '\u{FB04}' => "ffl",
        '\u{FB05}' | '\u{FB06}' => "st",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
        super::extract(bytes, None)
    }

    /// The document that `glassbox dev` ships, which also is the reference here.
    const SAMPLE: &[u8] = include_bytes!("../../../cli/dev/sample.pdf");

    #[test]
    fn the_sample_reads_page_by_page() {
        let extracted = extract(SAMPLE).unwrap();
        let pages: Vec<_> = extracted.segments.iter().filter_map(|s| s.page).collect();
        let count = extracted.metadata.pages.unwrap();
        assert_eq!(pages, (1..=count).collect::<Vec<_>>());
        assert!(extracted.metadata.unreadable_pages.is_empty());
        assert!(
            extracted
                .metadata
                .title
                .unwrap()
                .contains("Lanternfish Storage")
        );
        assert!(
            extracted
                .text
                .chars()
                .all(|c| c != '\u{FFFD}' && ligature(c).is_none())
        );
    }

    /// One sentence of each page that goes over a line's end, where words get lost.
    const SENTENCES: [&str; 8] = [
        "We treat this circular dependency, rather than the change itself, as the most important lesson of the incident.",
        "A request first reaches a gateway, which authenticates it and asks the metadata service where the object lies.",
        "The rollback of CHG-2291 fails: the configuration service cannot store the new revision, because its own state lives in cluster meta-a.",
        "Between 09:14 and 12:10 the three clusters held 41 elections: 17 in meta-b, 13 in meta-a and 11 in meta-c.",
        "The runbook was last tested in March 2025. It cost 35 of the 54 minutes named above.",
        "Below 99.5% the agreement grants Enterprise customers 25% of the monthly fee and Business customers 10%.",
        "The outage began on a Tuesday morning, when nine of the eleven engineers who know the metadata service were at work.",
        "This interim measure has been in place since 9 February and was exercised on 11 February: the nine nodes were changed in 6 minutes.",
    ];

    #[test]
    fn the_sample_has_its_sentences_whole_on_their_pages() {
        let extracted = extract(SAMPLE).unwrap();
        let chars: Vec<char> = extracted.text.chars().collect();
        for (segment, sentence) in extracted.segments.iter().zip(SENTENCES) {
            let page: String = chars[segment.start..segment.end].iter().collect();
            assert!(one_line(&page).contains(sentence), "{sentence}\n{page}");
        }
    }

    #[test]
    fn not_a_pdf_and_half_a_pdf_are_malformed() {
        for bytes in [
            b"%PDF-1.7\nnothing else".as_slice(),
            &SAMPLE[..SAMPLE.len() / 2],
        ] {
            assert_eq!(extract(bytes).unwrap_err().class, FailureClass::Malformed);
        }
    }

    #[test]
    fn ligatures_are_spelled_out_and_blank_lines_collapse() {
        assert_eq!(
            tidy("e\u{FB03}cient  \n\n\n\n\u{FB01}n"),
            "efficient\n\nfin\n"
        );
    }

    #[test]
    fn a_word_that_a_line_divides_is_joined_and_a_dash_is_not() {
        assert_eq!(tidy("an in-\nterrupted word"), "an interrupted\nword\n");
        assert_eq!(
            tidy("the X-\nRay -\nand 1-\n2"),
            "the X-\nRay -\nand 1-\n2\n"
        );
    }

    #[test]
    fn dates_are_told_as_far_as_they_go() {
        let told = |date: &str| moment(date);
        assert_eq!(
            told("D:20261123101500+01'00'").as_deref(),
            Some("2026-11-23T10:15:00+01:00")
        );
        assert_eq!(
            told("D:20261123101500Z").as_deref(),
            Some("2026-11-23T10:15:00Z")
        );
        assert_eq!(told("20261123").as_deref(), Some("2026-11-23"));
        assert_eq!(told("yesterday"), None);
    }
}
