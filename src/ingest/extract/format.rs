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
        Pptx = "pptx",
        Xlsx = "xlsx",
        /// Values separated by commas, semicolons, tabs or bars.
        Csv = "csv",
        Html = "html",
        /// JSON and JSON Lines.
        Json = "json",
        Epub = "epub",
        /// A letter with its head, `.eml`.
        Email = "email",
        /// Read by Tesseract, where it is installed.
        Image = "image",
    }
}

/// The names' ends and media types that claim a format.
const CLAIMS: &[(Format, &[&str], &[&str])] = &[
    (Format::Text, &["txt", "text", "log"], &[]),
    (
        Format::Markdown,
        &["md", "markdown", "mdown", "mkd"],
        &["text/markdown", "text/x-markdown"],
    ),
    (Format::Pdf, &["pdf"], &["application/pdf"]),
    (
        Format::Docx,
        &["docx", "docm", "dotx"],
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ),
    (
        Format::Pptx,
        &["pptx", "pptm", "ppsx"],
        &["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
    ),
    (
        Format::Xlsx,
        &["xlsx", "xlsm"],
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
    ),
    (
        Format::Csv,
        &["csv", "tsv", "tab"],
        &["text/csv", "text/tab-separated-values"],
    ),
    (
        Format::Html,
        &["html", "htm", "xhtml"],
        &["text/html", "application/xhtml+xml"],
    ),
    (
        Format::Json,
        &["json", "jsonl", "ndjson"],
        &[
            "application/json",
            "application/jsonl",
            "application/x-ndjson",
        ],
    ),
    (Format::Epub, &["epub"], &["application/epub+zip"]),
    (Format::Email, &["eml"], &["message/rfc822"]),
];
/// How images begin: PNG, JPEG, TIFF in both orders, GIF.
const IMAGES: [&[u8]; 6] = [
    b"\x89PNG\r\n\x1A\n",
    b"\xFF\xD8\xFF",
    b"II*\0",
    b"MM\0*",
    b"GIF87a",
    b"GIF89a",
];
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
            return package(head, claimed);
        }
        if head.starts_with(OLE_MAGIC) {
            // Read on for the sake of a better sentence: it is behind a password.
            return claimed.filter(|f| matches!(f, Format::Docx | Format::Pptx | Format::Xlsx));
        }
        if is_image(head) {
            return Some(Format::Image);
        }
        if head.is_empty() {
            return claimed.or(Some(Format::Text));
        }
        text::is_text(head).then(|| match claimed {
            Some(
                format @ (Format::Markdown
                | Format::Csv
                | Format::Html
                | Format::Json
                | Format::Email),
            ) => format,
            _ if is_html(head) => Format::Html,
            _ if is_email(head) => Format::Email,
            _ => Format::Text,
        })
    }

    /// The format that name or declared type claim, the name first: browsers send
    /// `application/octet-stream` or nothing for Markdown.
    fn claimed(filename: &str, content_type: &str) -> Option<Format> {
        let extension = filename
            .rsplit_once('.')
            .map(|(_, e)| e.to_ascii_lowercase());
        let by_name = extension.and_then(|extension| {
            let claim =
                |(_, names, _): &&(Format, &[&str], &[&str])| names.contains(&extension.as_str());
            CLAIMS.iter().find(claim)
        });
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        let by_type = || {
            let claim =
                |(_, _, types): &&(Format, &[&str], &[&str])| types.contains(&essence.as_str());
            CLAIMS.iter().find(claim)
        };
        by_name.or_else(by_type).map(|(format, ..)| *format)
    }
}

/// The names of a ZIP's first entries stand uncompressed in its head, and so does an
/// EPUB's type. A file whose head tells nothing is what it claims to be.
fn package(head: &[u8], claimed: Option<Format>) -> Option<Format> {
    if contains(head, b"mimetypeapplication/epub+zip") {
        return Some(Format::Epub);
    }
    let told = [
        (b"word/".as_slice(), Format::Docx),
        (b"ppt/", Format::Pptx),
        (b"xl/", Format::Xlsx),
    ];
    let mut told = told
        .into_iter()
        .filter(|(folder, _)| contains(head, folder));
    match (told.next(), told.next()) {
        (Some((_, format)), None) => Some(format),
        // A document may hold another; which is which, only its name tells.
        (Some((_, format)), Some(_)) => claimed.or(Some(format)),
        (None, _) => claimed,
    }
    .filter(|format| {
        matches!(
            format,
            Format::Docx | Format::Pptx | Format::Xlsx | Format::Epub
        )
    })
}

fn is_image(head: &[u8]) -> bool {
    let webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
    // The size that a bitmap tells, and zeros, follow its two letters.
    let bitmap = head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]);
    webp || bitmap || IMAGES.iter().any(|magic| head.starts_with(magic))
}

fn is_html(head: &[u8]) -> bool {
    let start = head.trim_ascii_start();
    let starts = |with: &[u8]| {
        let start = start.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    starts(b"<!doctype html") || starts(b"<html")
}

/// Letters that were received begin so; others only look like text.
fn is_email(head: &[u8]) -> bool {
    (head.starts_with(b"Return-Path: ") || head.starts_with(b"Received: "))
        && contains(head, b"\nFrom: ")
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
            Format::detect("a.zip", "", b"PK\x03\x04....holiday.jpg"),
            None
        );
        assert_eq!(
            Format::detect("a.md", "", b"PK\x03\x04....holiday.jpg"),
            None
        );
        assert_eq!(
            Format::detect("a.doc", "application/msword", OLE_MAGIC),
            None
        );
        assert_eq!(Format::detect("a.docx", "", OLE_MAGIC), Some(Format::Docx));
    }

    #[test]
    fn a_package_is_what_its_folders_say() {
        for (name, head, format) in [
            (
                "a.docx",
                b"PK\x03\x04....ppt/slides".as_slice(),
                Format::Pptx,
            ),
            ("a.zip", b"PK\x03\x04....xl/workbook.xml", Format::Xlsx),
            (
                "a.docx",
                b"PK\x03\x04..xl/book.xml..word/document.xml",
                Format::Docx,
            ),
            (
                "a",
                b"PK\x03\x04....mimetypeapplication/epub+zipPK",
                Format::Epub,
            ),
        ] {
            assert_eq!(Format::detect(name, "", head), Some(format), "{name}");
        }
    }

    #[test]
    fn names_tell_kinds_of_text_apart_and_some_tell_it_themselves() {
        for (name, head, format) in [
            ("a.csv", b"a,b".as_slice(), Format::Csv),
            ("a.TSV", b"a\tb", Format::Csv),
            ("a.json", b"{}", Format::Json),
            ("a.htm", b"<p>", Format::Html),
            ("a", b"\n<!DOCTYPE HTML><p>", Format::Html),
            ("a.eml", b"From: a", Format::Email),
            ("a", b"Received: by x\r\nFrom: a\r\n", Format::Email),
            ("a.xlsx", b"no package", Format::Text),
            ("a.txt", b"\x89PNG\r\n\x1A\n\0\0", Format::Image),
        ] {
            assert_eq!(Format::detect(name, "", head), Some(format), "{name}");
        }
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
