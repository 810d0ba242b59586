//! The text of one document: which format it is, and what it says.
//!
//! Everything here is a pure function of the bytes, and is meant to run in a child
//! process under limits ([`child`], started by [`super::sandbox`]): parsers of
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
mod docx;
mod format;
mod markdown;
mod pdf;
mod text;

use serde::{Deserialize, Serialize};

use crate::kernel::text::text_enum;

pub use crate::files::model::Segment;
pub use format::{Format, HEAD_BYTES};

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
    /// How many pages there are; PDF only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pages: Option<u32>,
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
        /// The document was read and holds no text, as scans do.
        NoText = "no_text",
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

/// Reads `bytes` as `format`.
///
/// It bounds what it unpacks, but not its own time, memory or stack: call it in a
/// process that may die.
pub fn extract(format: Format, bytes: &[u8]) -> Result<Extracted, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(FailureClass::NoText, "The file is empty."));
    }
    let extracted = match format {
        Format::Text => text::extract(bytes),
        Format::Markdown => markdown::extract(bytes),
        Format::Pdf => pdf::extract(bytes),
        Format::Docx => docx::extract(bytes),
    }?;
    if extracted.segments.is_empty() {
        return Err(Failure::new(
            FailureClass::NoText,
            match format {
                Format::Pdf => {
                    "The PDF has no text; its pages may be scanned images, which we don't read."
                }
                Format::Text | Format::Markdown | Format::Docx => "The file has no text.",
            },
        ));
    }
    Ok(extracted)
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

    proptest! {
        // PDF is left out: its parser may take the whole test process down.
        #[test]
        fn random_bytes_never_panic_and_give_sound_segments(
            bytes in proptest::collection::vec(any::<u8>(), 0..512),
        ) {
            for format in [Format::Text, Format::Markdown, Format::Docx] {
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
        fn a_damaged_docx_never_panics(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = docx::fixture::report();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            holds_its_promises(Format::Docx, &bytes);
        }
    }

    #[test]
    fn an_empty_file_has_no_text_in_every_format() {
        for format in [Format::Text, Format::Markdown, Format::Pdf, Format::Docx] {
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
    fn absent_metadata_is_left_out_of_the_json() {
        let json = serde_json::to_value(extract(Format::Text, b"a").unwrap()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"text": "a", "segments": [{"start": 0, "end": 1}], "metadata": {}})
        );
    }
}
