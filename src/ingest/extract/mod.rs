//! The text of one document: which format it is, and what it says.
//!
//! Everything here is a function of the bytes (and of the [`Tools`] that the machine has),
//! and is meant to run in a child process under limits ([`child`], started by [`super::sandbox`]): parsers of
//! documents can overflow the stack or exhaust memory on a hostile file, and
//! neither can be caught in process.
//!
//! What an [`Extracted`] promises, whatever the format:
//! * the text has no control characters but tab and line feed, so Postgres can
//!   store it (it refuses NUL), and lines end with `\n` alone;
//! * segments are in order, don't overlap, and cover all text that isn't blank;
//! * there is some text that isn't blank; a document without is a [`Failure`].

mod assemble;
pub mod child;
mod confine;
mod csv;
mod docx;
mod email;
mod epub;
mod format;
mod html;
mod json;
mod markdown;
mod package;
mod pdf;
mod pptx;
mod properties;
mod text;
mod tools;
mod xlsx;
mod xml;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::kernel::text::text_enum;

pub use crate::files::model::Segment;
pub use format::{Format, HEAD_BYTES};
pub use tools::Tools;

/// Characters that are looked at to recognise the language.
const LANGUAGE_FROM: usize = 4_000;

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extracted {
    /// The whole text.
    pub text: String,
    /// The parts of `text` that can be cited.
    pub segments: Vec<Segment>,
    /// What the document says of itself.
    pub metadata: Metadata,
}

/// What a document says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The title, from the document's properties or its first top heading.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// The author, from the document's properties.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<String>,
    /// When it was written, as the document says it: RFC 3339, or a part of that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created: Option<String>,
    /// When it was changed last, as the document says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub modified: Option<String>,
    /// The language: as the document names it (`en-GB`), or recognised by its words, then
    /// by the three letters of ISO 639-3 (`eng`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// How many pages there are; PDF only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pages: Option<u32>,
    /// How many slides there are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slides: Option<u32>,
    /// How many sheets there are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sheets: Option<u32>,
    /// The tool that read the document, where our own reader could not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reader: Option<String>,
    /// The pages whose text was read off images; PDF only.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ocr_pages: Vec<u32>,
    /// The pages that show images and no text, and were not read; PDF only.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub scanned_pages: Vec<u32>,
    /// The pages whose content could not be read, so that nobody takes the text
    /// for the whole document; PDF only.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unreadable_pages: Vec<u32>,
}

text_enum! {
    /// Why a document gave no text.
    pub enum FailureClass {
        /// The bytes are not what the format demands.
        Malformed = "malformed",
        /// The document opens only with a password.
        Encrypted = "encrypted",
        /// A variant of the format that we don't read.
        Unsupported = "unsupported",
        /// The file, or what it unpacks to, is larger than we read.
        TooLarge = "too_large",
        /// Reading it took longer than allowed.
        Timeout = "timeout",
        /// Reading it took more memory than allowed.
        Memory = "memory",
        /// The reader died on it.
        Crashed = "crashed",
        /// The document was read and holds no text.
        NoText = "no_text",
        /// What it says stands in images, which this server can't read.
        NeedsOcr = "needs_ocr",
    }
}

/// Why a document gave no text, which is a normal result and not an error of ours:
/// the same bytes would fail again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure.
    pub class: FailureClass,
    /// One sentence for the person who uploaded the file.
    pub message: String,
}

impl Failure {
    /// A failure of `class`, explained by one sentence.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Failure {
            class,
            message: message.into(),
        }
    }

    fn malformed(message: impl Into<String>) -> Self {
        Failure::new(FailureClass::Malformed, message)
    }
}

/// What readers may use beyond the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Aids<'a> {
    /// Where the document lies.
    pub path: &'a Path,
    /// Other programs.
    pub tools: &'a Tools,
}

/// Reads `bytes` as `format`.
///
/// It bounds what it unpacks, but not its own time, memory or stack: call it in a
/// process that may die.
pub fn extract(format: Format, bytes: &[u8]) -> Result<Extracted, Failure> {
    extract_with(format, bytes, None)
}

/// The same with `aids`, without which images are not read and nothing is repaired.
pub fn extract_with(
    format: Format,
    bytes: &[u8],
    aids: Option<Aids<'_>>,
) -> Result<Extracted, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(FailureClass::NoText, "The file is empty."));
    }
    let extracted = match format {
        Format::Text => text::extract(bytes),
        Format::Markdown => markdown::extract(bytes),
        Format::Pdf => pdf::extract(bytes, aids.as_ref()),
        Format::Docx => docx::extract(bytes),
        Format::Pptx => pptx::extract(bytes),
        Format::Xlsx => xlsx::extract(bytes),
        Format::Csv => csv::extract(bytes),
        Format::Html => html::extract(bytes),
        Format::Json => json::extract(bytes),
        Format::Epub => epub::extract(bytes),
        Format::Email => email::extract(bytes),
        Format::Image => image(aids),
    }?;
    finish(format, extracted)
}

/// Reads a PDF on which our own reader died, by a tool; `None` if there is none, or it
/// does no better.
pub fn extract_otherwise(format: Format, aids: Aids<'_>) -> Option<Extracted> {
    let extracted = match format {
        Format::Pdf => pdf::extract_by_tool(&aids),
        _ => None,
    };
    finish(format, extracted?).ok()
}

fn finish(format: Format, mut extracted: Extracted) -> Result<Extracted, Failure> {
    if extracted.segments.is_empty() {
        let sentence = match format {
            Format::Image => "No text was found in the image.",
            _ => "The file has no text.",
        };
        return Err(Failure::new(FailureClass::NoText, sentence));
    }
    if extracted.metadata.language.is_none() {
        extracted.metadata.language = language(&extracted.text);
    }
    Ok(extracted)
}

/// What stands in an image.
fn image(aids: Option<Aids<'_>>) -> Result<Extracted, Failure> {
    let Some(aids) = aids.filter(|aids| aids.tools.can_see()) else {
        return Err(Failure::new(
            FailureClass::NeedsOcr,
            "Reading images takes Tesseract, which is not installed on this server.",
        ));
    };
    let Some(text) = aids.tools.image_text(aids.path) else {
        return Err(Failure::malformed(
            "The image is damaged, or larger than we read.",
        ));
    };
    let mut assembly = assemble::Assembly::default();
    assembly.block(assemble::Place::default(), &text);
    Ok(assembly.finish(Metadata {
        reader: Some("tesseract".to_owned()),
        ..Metadata::default()
    }))
}

/// The language that a text is surely in, by its first letters.
fn language(text: &str) -> Option<String> {
    let end = text.char_indices().nth(LANGUAGE_FROM);
    let start = text.get(..end.map_or(text.len(), |(at, _)| at))?;
    let found = whatlang::detect(start).filter(whatlang::Info::is_reliable)?;
    Some(found.lang().code().to_owned())
}

impl Extracted {
    /// Whether the promises of this module hold, except that it doesn't look for
    /// text outside the segments. The parent process asks this of what a child
    /// said, because the child had hostile bytes in its hands.
    pub fn is_sound(&self) -> bool {
        let length = self.text.chars().count();
        let mut from = 0;
        for segment in &self.segments {
            if segment.start < from || segment.end <= segment.start || segment.end > length {
                return false;
            }
            from = segment.end;
        }
        !self.segments.is_empty() && !self.text.chars().any(assemble::is_unwanted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text outside all segments.
    fn uncovered(extracted: &Extracted) -> String {
        let inside = |at: usize| {
            extracted
                .segments
                .iter()
                .any(|s| (s.start..s.end).contains(&at))
        };
        let text = extracted.text.chars().enumerate();
        text.filter(|(at, _)| !inside(*at))
            .map(|(_, c)| c)
            .collect()
    }

    fn holds_its_promises(format: Format, bytes: &[u8]) {
        if let Ok(extracted) = extract(format, bytes) {
            assert!(extracted.is_sound(), "{extracted:?}");
            assert_eq!(uncovered(&extracted).trim(), "", "{extracted:?}");
        }
    }

    /// The formats that are read in this process without harm to it.
    const OURS: [Format; 10] = [
        Format::Text,
        Format::Markdown,
        Format::Docx,
        Format::Pptx,
        Format::Xlsx,
        Format::Csv,
        Format::Html,
        Format::Json,
        Format::Epub,
        Format::Email,
    ];

    proptest! {
        // PDF is left out: its parser may take the whole test process down.
        #[test]
        fn random_bytes_never_panic_and_give_sound_segments(
            bytes in proptest::collection::vec(any::<u8>(), 0..512),
        ) {
            for format in OURS {
                holds_its_promises(format, &bytes);
            }
        }

        #[test]
        fn random_markdown_gives_sound_segments(
            source in "([#>=`\\-* \n\r\t]|[a-zé漢\u{0}]{1,4}){0,60}",
        ) {
            holds_its_promises(Format::Markdown, source.as_bytes());
        }

        #[test]
        fn random_markup_gives_sound_segments(
            source in "(<(/?)(p|td|tr|table|h1|li|pre|div|title|script|svg)>|[a-z \n&;]{1,4}){0,40}",
        ) {
            holds_its_promises(Format::Html, source.as_bytes());
        }

        #[test]
        fn a_damaged_docx_never_panics(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = docx::fixture::report();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            holds_its_promises(Format::Docx, &bytes);
        }
    }

    #[test]
    fn an_empty_file_has_no_text_in_every_format() {
        for format in OURS.into_iter().chain([Format::Pdf, Format::Image]) {
            let failure = extract(format, b"").unwrap_err();
            assert_eq!(failure.class, FailureClass::NoText);
        }
    }

    #[test]
    fn overlapping_segments_and_nul_are_not_sound() {
        let good = extract(Format::Text, b"words").unwrap();
        assert!(good.is_sound());

        let mut overlapping = good.clone();
        overlapping.segments.push(overlapping.segments[0].clone());
        assert!(!overlapping.is_sound());

        let mut nul = good;
        nul.text.replace_range(0..1, "\0");
        assert!(!nul.is_sound());
    }

    #[test]
    fn the_language_is_told_by_its_words() {
        let text =
            "Die Sitzung begann um neun Uhr, und alle waren gekommen, auch die aus dem Süden.";
        let read = |text: &str| extract(Format::Text, text.as_bytes()).unwrap();
        assert_eq!(read(text).metadata.language.as_deref(), Some("deu"));
        assert_eq!(read("x = 1").metadata.language, None);
    }

    #[test]
    fn an_image_says_what_is_missing() {
        let failure = extract(Format::Image, b"\x89PNG").unwrap_err();
        assert_eq!(failure.class, FailureClass::NeedsOcr);
        assert!(failure.message.contains("Tesseract"));
    }

    #[test]
    fn absent_metadata_is_left_out_of_the_json() {
        let json = serde_json::to_value(extract(Format::Text, b"a").unwrap()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"text": "a", "segments": [{"start": 0, "end": 1}], "metadata": {}})
        );
    }
}
