//! Which format a file is in. The bytes decide; name and declared type only tell
//! apart what looks alike, because both are whatever the uploader wrote.

use crate::kernel::text::text_enum;

use super::text;

/// How many bytes from the start of a file [`Format::detect`] wants to see: enough
/// for the first entries of a ZIP, which name the kind of office document.
pub const HEAD_BYTES: usize = 8192;

text_enum! {
    /// The formats we read.
    pub enum Format {
        Text = "text",
        Markdown = "markdown",
        Pdf = "pdf",
        Docx = "docx",
    }
}

const DOCX_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
/// An OLE compound file: a `.doc`, or a `.docx` behind a password.
pub(super) const OLE_MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// Readers accept a PDF header anywhere in the first KiB (ISO 32000, annex H.3.4.1 of 1.7).
const PDF_HEADER_WITHIN: usize = 1024;

impl Format {
    /// The format of a file, from its first [`HEAD_BYTES`] bytes, its name and the
    /// content type it was uploaded with; `None` when it is none that we read.
    pub fn detect(filename: &str, content_type: &str, head: &[u8]) -> Option<Format> {
        let claimed = Self::claimed(filename, content_type);
        let start = head.get(..PDF_HEADER_WITHIN).unwrap_or(head);
        if contains(start, b"%PDF-") && (head.starts_with(b"%PDF-") || !text::is_text(head)) {
            return Some(Format::Pdf);
        }
        if head.starts_with(b"PK\x03\x04") {
            return is_docx(head, claimed).then_some(Format::Docx);
        }
        if head.starts_with(OLE_MAGIC) {
            // Read on for the sake of a better sentence: it is behind a password.
            return claimed.filter(|f| *f == Format::Docx);
        }
        if head.is_empty() {
            return claimed.or(Some(Format::Text));
        }
        text::is_text(head).then_some(match claimed {
            Some(Format::Markdown) => Format::Markdown,
            _ => Format::Text,
        })
    }

    /// The format that name or declared type claim, the name first: browsers send
    /// `application/octet-stream` or nothing for Markdown.
    fn claimed(filename: &str, content_type: &str) -> Option<Format> {
        let extension = filename
            .rsplit_once('.')
            .map(|(_, e)| e.to_ascii_lowercase());
        let by_name = match extension.as_deref() {
            Some("md" | "markdown" | "mdown" | "mkd") => Some(Format::Markdown),
            Some("pdf") => Some(Format::Pdf),
            Some("docx") => Some(Format::Docx),
            Some("txt" | "text" | "log") => Some(Format::Text),
            _ => None,
        };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        by_name.or(match essence.to_ascii_lowercase().as_str() {
            "text/markdown" | "text/x-markdown" => Some(Format::Markdown),
            "application/pdf" => Some(Format::Pdf),
            DOCX_TYPE => Some(Format::Docx),
            _ => None,
        })
    }
}

/// The names of a ZIP's first entries stand uncompressed in its head. A file whose
/// head names none of the folders of an office document is what it claims to be.
fn is_docx(head: &[u8], claimed: Option<Format>) -> bool {
    let spreadsheet_or_slides = contains(head, b"xl/") || contains(head, b"ppt/");
    contains(head, b"word/") || (claimed == Some(Format::Docx) && !spreadsheet_or_slides)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_decide_before_name_and_type() {
        let pdf = b"%PDF-1.7\n\xE2\xE3\xCF\xD3\n";
        assert_eq!(
            Format::detect("a.txt", "text/plain", pdf),
            Some(Format::Pdf)
        );
        let zip = b"PK\x03\x04\x14\0\0\0word/document.xml";
        assert_eq!(
            Format::detect("a.pdf", "application/pdf", zip),
            Some(Format::Docx)
        );
        assert_eq!(
            Format::detect("a.pdf", "application/pdf", b"words"),
            Some(Format::Text)
        );
    }

    #[test]
    fn name_and_type_tell_markdown_from_text() {
        for (name, kind) in [("A.MD", ""), ("a", "text/markdown; charset=utf-8")] {
            assert_eq!(
                Format::detect(name, kind, b"# A"),
                Some(Format::Markdown),
                "{name}"
            );
        }
        assert_eq!(
            Format::detect("a.txt", "text/markdown", b"# A"),
            Some(Format::Text)
        );
    }

    #[test]
    fn unknown_binary_is_no_format() {
        assert_eq!(
            Format::detect("a.txt", "text/plain", b"\x7FELF\x02\x01\0\0"),
            None
        );
        assert_eq!(
            Format::detect("a.xlsx", "", b"PK\x03\x04....xl/workbook.xml"),
            None
        );
        assert_eq!(
            Format::detect("a.docx", DOCX_TYPE, b"PK\x03\x04....ppt/slides"),
            None
        );
        assert_eq!(
            Format::detect("a.doc", "application/msword", OLE_MAGIC),
            None
        );
        assert_eq!(Format::detect("a.docx", "", OLE_MAGIC), Some(Format::Docx));
    }

    #[test]
    fn text_that_mentions_a_pdf_header_is_text() {
        assert_eq!(
            Format::detect("a.txt", "", b"A PDF starts with %PDF-1.7"),
            Some(Format::Text)
        );
        assert_eq!(
            Format::detect("a", "", b"\0\0junk\n%PDF-1.4\n"),
            Some(Format::Pdf)
        );
    }

    #[test]
    fn utf16_and_an_empty_file_are_text() {
        assert_eq!(
            Format::detect("a.txt", "", b"\xFF\xFEh\0i\0"),
            Some(Format::Text)
        );
        assert_eq!(Format::detect("a.bin", "", b""), Some(Format::Text));
    }

    #[test]
    fn a_head_cut_inside_a_character_is_still_text() {
        let source = "漢".repeat(3000);
        let head = &source.as_bytes()[..HEAD_BYTES];
        assert_eq!(Format::detect("a.txt", "", head), Some(Format::Text));
    }
}
