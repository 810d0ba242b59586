//! PDF: one segment a page, read by pdf-extract.
//!
//! Its parser panics on many damaged files, so every call into it is behind
//! `catch_unwind`. On hostile ones it also overflows the stack or asks for all the
//! memory, which nothing in this process can catch: see the parent module.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, Error as PdfError, Object, PlainTextOutput};

use super::assemble::{Assembly, one_line};
use super::{Extracted, Failure, FailureClass, Metadata};

/// Each page as a segment. A page that can't be read is named in the metadata; if
/// none can, the document is malformed.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let document = guarded(|| open(bytes)).unwrap_or_else(|| Err(damaged()))?;
    let pages = guarded(|| document.get_pages()).unwrap_or_default();
    if pages.is_empty() {
        return Err(Failure::malformed("The PDF is damaged: it has no pages."));
    }

    let mut assembly = Assembly::default();
    let mut unreadable_pages = Vec::new();
    for page in pages.keys().copied() {
        match page_text(&document, page) {
            Some(text) => assembly.block(Some(page), None, &tidy(&text)),
            None => unreadable_pages.push(page),
        }
    }
    if unreadable_pages.len() == pages.len() {
        return Err(Failure::malformed(
            "The PDF is damaged: none of its pages can be read.",
        ));
    }
    Ok(assembly.finish(Metadata {
        title: guarded(|| property(&document, b"Title")).flatten(),
        author: guarded(|| property(&document, b"Author")).flatten(),
        pages: u32::try_from(pages.len()).ok(),
        unreadable_pages,
    }))
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
///
/// Pages are asked for one by one, because pdf-extract's own loop over the pages
/// ends at the first bad one as though the document ended there.
fn page_text(document: &Document, page: u32) -> Option<String> {
    let by_layout = guarded(|| {
        let mut text = String::new();
        let mut output = PlainTextOutput::new(&mut text);
        let done = pdf_extract::output_doc_page(document, &mut output, page);
        done.ok().map(|()| text)
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

/// A page's text with the traces of typesetting removed: ligatures are spelled out,
/// so that a search for "office" finds them; spaces at line ends go, and at most
/// one blank line stays in a row.
fn tidy(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut blank = 0;
    for line in page.lines() {
        let line = line.trim_end();
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank > 1 {
            continue;
        }
        for c in line.chars() {
            match ligature(c) {
                Some(letters) => out.push_str(letters),
                None => out.push(c),
            }
        }
        out.push('\n');
    }
    out
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

    /// The document that `glassbox dev` ships, which also is the reference here.
    const SAMPLE: &[u8] = include_bytes!("../../cli/dev/sample.pdf");

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
}
