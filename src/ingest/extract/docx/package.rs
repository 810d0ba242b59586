//! The ZIP around the parts, opened with caps: a small file can unpack to any size.

use std::io::{Cursor, Read};

use encoding_rs::Encoding;
use zip::ZipArchive;
use zip::result::ZipError;

use super::super::{Failure, FailureClass};
use super::xml::{self, Token};

/// Entries of one document. Large reports with hundreds of pictures have a few
/// thousand.
const MAX_ENTRIES: usize = 10_000;
/// Bytes of one part, unpacked. A book of 1,000 pages has about 10 MB of XML.
const MAX_PART: u64 = 64 << 20;
/// Bytes of all parts that are read, unpacked.
const MAX_TOTAL: u64 = 128 << 20;
/// How far a part may unpack: DEFLATE reaches 1,032 to 1, real XML of Word up to
/// about 60 to 1.
const MAX_RATIO: u64 = 250;
/// Parts below this size are not asked for their ratio, which says nothing there.
const RATIO_FROM: u64 = 1 << 20;

/// An opened document.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// The bytes unpacked so far.
    unpacked: u64,
}

impl<'a> Package<'a> {
    /// Reads the ZIP's directory.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Failure> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(refusal)?;
        if archive.len() > MAX_ENTRIES {
            return Err(too_large());
        }
        Ok(Package {
            archive,
            unpacked: 0,
        })
    }

    /// The name of the part that holds the body, from the package's relations;
    /// where it is nearly always, if they don't say.
    pub(super) fn main_part(&mut self) -> Result<String, Failure> {
        let mut found = None;
        if let Some(source) = self.part("_rels/.rels")? {
            xml::read(&source, |token| {
                if let Token::Start("Relationship", attributes) = token
                    && attributes
                        .get("Type")
                        .is_some_and(|t| t.ends_with("/officeDocument"))
                {
                    found = attributes.get("Target");
                }
            })?;
        }
        let found = found.unwrap_or_else(|| "word/document.xml".to_owned());
        Ok(found.trim_start_matches('/').to_owned())
    }

    /// The names of the parts that begin with `prefix` and end with `.xml`, but for
    /// those in deeper folders, shortest first, so that `header2` is before `header10`.
    pub(super) fn names(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .archive
            .file_names()
            .filter_map(Result::ok)
            .filter(|name| {
                let rest = name.strip_prefix(prefix);
                rest.and_then(|r| r.strip_suffix(".xml"))
                    .is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
            })
            .map(|name| name.into_owned())
            .collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    /// The text of a part; `None` if there is no such part.
    ///
    /// The sizes that the ZIP declares are not believed: what comes out is counted.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let room = MAX_PART.min(MAX_TOTAL.saturating_sub(self.unpacked));
        let entry = match self.archive.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(refusal(error)),
        };
        let packed = entry.compressed_size().max(1);
        let limit = room.min(packed.saturating_mul(MAX_RATIO).max(RATIO_FROM));
        let mut bytes = Vec::new();
        entry
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| damaged())?;
        let length = bytes.len() as u64;
        if length > limit {
            return Err(too_large());
        }
        self.unpacked += length;
        decode(&bytes).map(Some)
    }
}

/// XML parts are UTF-8, or UTF-16 with a byte order mark.
fn decode(bytes: &[u8]) -> Result<String, Failure> {
    let encoding = Encoding::for_bom(bytes).map_or(encoding_rs::UTF_8, |(encoding, _)| encoding);
    let (text, _, broken) = encoding.decode(bytes);
    if broken {
        Err(damaged())
    } else {
        Ok(text.into_owned())
    }
}

fn refusal(error: ZipError) -> Failure {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            Failure::new(
                FailureClass::Encrypted,
                "The document is protected by a password; upload a copy without one.",
            )
        }
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            Failure::new(
                FailureClass::Unsupported,
                "The document is packed in a way that Word does not use.",
            )
        }
        _ => damaged(),
    }
}

fn too_large() -> Failure {
    Failure::new(
        FailureClass::TooLarge,
        "The document unpacks to more than we read.",
    )
}

fn damaged() -> Failure {
    Failure::malformed("The document is damaged, or not a .docx.")
}
