//! What arrived under an upload's address, judged against what was declared of it.
//!
//! A type is believed unless the bytes say otherwise: they begin like another kind of file, or
//! not like the one that was declared. What has no signature, such as most kinds of text, can't
//! be told apart here; whoever reads the file sees to that.

use super::model::File;

/// Bytes from the beginning that are looked at.
pub(super) const HEAD: usize = 2048;
/// Readers accept a PDF header anywhere in the first KiB (ISO 32000, annex H.3.4.1 of 1.7).
const PDF_WITHIN: usize = 1024;

/// What arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    /// Bytes.
    pub size: u64,
    /// Their SHA-256; `None` of those that are too many to be looked at.
    pub sha256: Option<String>,
    /// The first [`HEAD`] of them.
    pub head: Vec<u8>,
}

impl Arrival {
    /// The size and hash of what arrived for `file`, or why it is refused: a sentence.
    pub fn judge(&self, file: &File, limit: u64) -> Result<(i64, String), String> {
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        let hash = match &self.sha256 {
            Some(hash) if self.size <= limit => hash,
            _ => {
                return Err(format!(
                    "The upload has {size} bytes; at most {limit} are accepted. Upload a smaller file."
                ));
            }
        };
        if let Some(declared) = file.size_bytes.filter(|declared| *declared != size) {
            return Err(format!(
                "The upload has {size} bytes, but {declared} were declared. Upload the file again."
            ));
        }
        if let Some(declared) = file.sha256.as_ref().filter(|declared| *declared != hash) {
            return Err(format!(
                "The upload's SHA-256 is {hash}, but {declared} was declared. Upload the file again."
            ));
        }
        match contradiction(&file.content_type, &self.head) {
            Some(why) => Err(format!("{why} Upload the file under its own type.")),
            None => Ok((size, hash.clone())),
        }
    }
}

/// Kinds of files that begin with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pdf,
    Zip,
    Ole,
    Png,
    Jpeg,
    Gif,
    Webp,
    Tiff,
    Gzip,
    SevenZip,
    Program,
    Database,
}

impl Kind {
    /// With its article, as a sentence has it.
    fn name(self) -> &'static str {
        match self {
            Kind::Pdf => "a PDF",
            Kind::Zip => "a ZIP archive or an office document",
            Kind::Ole => "an older office document",
            Kind::Png => "a PNG image",
            Kind::Jpeg => "a JPEG image",
            Kind::Gif => "a GIF image",
            Kind::Webp => "a WebP image",
            Kind::Tiff => "a TIFF image",
            Kind::Gzip => "a gzip archive",
            Kind::SevenZip => "a 7-Zip archive",
            Kind::Program => "a program",
            Kind::Database => "a database",
        }
    }
}

/// The kind that the bytes begin like.
fn kind(head: &[u8]) -> Option<Kind> {
    const SIGNATURES: &[(&[u8], Kind)] = &[
        (b"%PDF-", Kind::Pdf),
        (b"PK\x03\x04", Kind::Zip),
        (b"PK\x05\x06", Kind::Zip),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Kind::Ole),
        (b"\x89PNG\r\n\x1A\n", Kind::Png),
        (b"\xFF\xD8\xFF", Kind::Jpeg),
        (b"GIF87a", Kind::Gif),
        (b"GIF89a", Kind::Gif),
        (b"II*\0", Kind::Tiff),
        (b"MM\0*", Kind::Tiff),
        (b"\x1F\x8B\x08", Kind::Gzip),
        (b"7z\xBC\xAF\x27\x1C", Kind::SevenZip),
        (b"\x7FELF", Kind::Program),
        (b"\xCF\xFA\xED\xFE", Kind::Program),
        (b"SQLite format 3\0", Kind::Database),
    ];
    let signed = SIGNATURES.iter().find(|(sign, _)| head.starts_with(sign));
    if let Some((_, kind)) = signed {
        return Some(*kind);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some(Kind::Webp);
    }
    // Two letters begin many a text; the zeros of a program's header are in none.
    let is_program =
        head.starts_with(b"MZ") && head.iter().take(64).filter(|b| **b == 0).count() > 8;
    is_program.then_some(Kind::Program)
}

/// What a declared type means for the bytes.
enum Expected {
    /// They begin like one of these.
    One(&'static [Kind]),
    /// They begin like nothing that has a signature.
    Text,
    /// Anything.
    Any,
}

fn expected(content_type: &str) -> Expected {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/pdf" => Expected::One(&[Kind::Pdf]),
        "image/png" => Expected::One(&[Kind::Png]),
        "image/jpeg" => Expected::One(&[Kind::Jpeg]),
        "image/gif" => Expected::One(&[Kind::Gif]),
        "image/webp" => Expected::One(&[Kind::Webp]),
        "image/tiff" => Expected::One(&[Kind::Tiff]),
        "application/zip" | "application/epub+zip" => Expected::One(&[Kind::Zip]),
        "application/json" | "application/xml" | "application/yaml" => Expected::Text,
        // A document behind a password is one of the older kind around it.
        office if office.starts_with("application/vnd.openxmlformats-officedocument.") => {
            Expected::One(&[Kind::Zip, Kind::Ole])
        }
        open if open.starts_with("application/vnd.oasis.opendocument.") => {
            Expected::One(&[Kind::Zip])
        }
        text if text.starts_with("text/") || text.ends_with("+json") || text.ends_with("+xml") => {
            Expected::Text
        }
        _ => Expected::Any,
    }
}

/// How the bytes contradict the declared type, as a sentence. An empty file contradicts none.
fn contradiction(content_type: &str, head: &[u8]) -> Option<String> {
    let found = kind(head);
    let fits = match expected(content_type) {
        Expected::One(kinds) => {
            let within = head.get(..PDF_WITHIN).unwrap_or(head);
            let late = kinds.contains(&Kind::Pdf) && within.windows(5).any(|five| five == b"%PDF-");
            head.is_empty() || late || found.is_some_and(|found| kinds.contains(&found))
        }
        Expected::Text => found.is_none(),
        Expected::Any => true,
    };
    let is = found.map_or("something else", Kind::name);
    (!fits).then(|| format!("The upload was declared as {content_type}, but it is {is}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    #[test]
    fn bytes_that_are_what_was_declared_are_taken() {
        let mut late = vec![b'\n'; 1000];
        late.extend(b"%PDF-1.7");
        let program: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0\xB8\0\0\0\0\0\0\0";
        for (kind, head) in [
            ("application/pdf", b"%PDF-1.7\n".as_slice()),
            ("application/pdf", &late),
            ("application/pdf", b""),
            (DOCX, b"PK\x03\x04rest"),
            (DOCX, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
            ("image/jpeg", b"\xFF\xD8\xFF\xE0"),
            ("image/webp", b"RIFF\x01\x02\x03\x04WEBPVP8 "),
            ("text/plain; charset=utf-16", b"\xFF\xFEh\0i\0"),
            (
                "text/plain",
                b"MZ is a man's initials. A PDF begins with %PDF-.",
            ),
            ("text/markdown", b"# A"),
            ("application/json", b"{}"),
            ("application/octet-stream", program),
            ("model/gltf-binary", b"PK\x03\x04"),
        ] {
            assert_eq!(contradiction(kind, head), None, "{kind} {head:?}");
        }
    }

    #[test]
    fn bytes_that_are_something_else_are_refused_by_name() {
        let program: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0\xB8\0\0\0\0\0\0\0";
        for (kind, head, name) in [
            ("application/pdf", b"PK\x03\x04".as_slice(), "ZIP"),
            ("application/pdf", b"words", "something else"),
            (DOCX, b"%PDF-1.7", "a PDF"),
            ("image/png", b"GIF89a", "GIF"),
            ("text/plain", b"\x7FELF\x02\x01", "a program"),
            ("text/csv", program, "a program"),
            ("TEXT/HTML ; charset=utf-8", b"\x89PNG\r\n\x1A\n", "PNG"),
            ("image/svg+xml", b"\x1F\x8B\x08", "gzip"),
        ] {
            let why = contradiction(kind, head).unwrap();
            assert!(why.contains(name) && why.ends_with('.'), "{why}");
        }
    }
}
