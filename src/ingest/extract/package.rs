//! The ZIP around an office document's or a book's parts, opened with caps: a small file
//! can unpack to any size, and name millions of parts.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};

use encoding_rs::Encoding;
use zip::ZipArchive;
use zip::result::ZipError;

use super::xml::{self, Token};
use super::{Failure, FailureClass};

/// Entries of one document. Large reports with hundreds of pictures have a few
/// thousand.
const MAX_ENTRIES: usize = 10_000;
/// Bytes of one part, unpacked. A book of 1,000 pages has about 10 MB of XML.
const MAX_PART: u64 = 64 << 20;
/// Bytes of all parts that are read, unpacked.
const MAX_TOTAL: u64 = 128 << 20;
/// How far a part may unpack: DEFLATE reaches 1,032 to 1, real XML of Word up to
/// about 60 to 1, tables of equal cells up to about 150 to 1.
const MAX_RATIO: u64 = 250;
/// Parts below this size are not asked for their ratio, which says nothing there.
const RATIO_FROM: u64 = 1 << 20;

/// How far from its end a ZIP's end may begin: a comment of 65,535 bytes, and the two
/// records of more than 65,535 entries.
const END_WITHIN: usize = 65_535 + 22 + 20 + 56;

/// What one part says of another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// The last word of its type, such as `slide`.
    pub(super) kind: String,
    /// The other part's name.
    pub(super) target: String,
}

/// An opened document.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// The bytes unpacked so far.
    unpacked: u64,
}

impl<'a> Package<'a> {
    /// Reads the ZIP's directory, unless it claims more entries than we read: a million
    /// of them take longer to list than a document to read.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Failure> {
        if claimed_entries(bytes).is_some_and(|claimed| claimed > MAX_ENTRIES as u64) {
            return Err(too_large());
        }
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(refusal)?;
        if archive.len() > MAX_ENTRIES {
            return Err(too_large());
        }
        Ok(Package {
            archive,
            unpacked: 0,
        })
    }

    /// The name of the main part, from the package's relations; `usual`, where it is
    /// nearly always, if they don't say.
    pub(super) fn main_part(&mut self, usual: &str) -> Result<String, Failure> {
        let relations = self.relations("")?;
        let found = relations
            .into_values()
            .find(|relation| relation.kind == "officeDocument");
        Ok(found.map_or_else(|| usual.to_owned(), |relation| relation.target))
    }

    /// What the part `name` refers to inside the package, by the names it uses for that.
    pub(super) fn relations(&mut self, name: &str) -> Result<HashMap<String, Relation>, Failure> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let mut found = HashMap::new();
        let Some(source) = self.part(&join(folder, &format!("_rels/{file}.rels")))? else {
            return Ok(found);
        };
        xml::read(&source, |token| {
            let Token::Start("Relationship", attributes) = token else {
                return;
            };
            let external = attributes.get("TargetMode").as_deref() == Some("External");
            if let (Some(kind), Some(target), false) =
                (attributes.get("Type"), attributes.get("Target"), external)
            {
                let id = attributes.get("Id").unwrap_or_default();
                // The rest of the type is a namespace, of which there are two.
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let target = join(folder, &target);
                found.insert(id, Relation { kind, target });
            }
        })?;
        Ok(found)
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

    /// Unpacks every XML part once and forgets it, for the sake of a reader that opens
    /// the package itself and has no caps of its own.
    pub(super) fn refuse_bombs(&mut self) -> Result<(), Failure> {
        for index in 0..self.archive.len() {
            let entry = self.archive.by_index(index).map_err(refusal)?;
            if !entry.name().is_ok_and(|name| name.ends_with(".xml")) {
                continue;
            }
            let room = MAX_TOTAL.saturating_sub(self.unpacked);
            let limit = room.min(allowed(entry.compressed_size()));
            let mut entry = entry.take(limit + 1);
            let length = io::copy(&mut entry, &mut io::sink()).map_err(|_| damaged())?;
            if length > limit {
                return Err(too_large());
            }
            self.unpacked += length;
        }
        self.unpacked = 0;
        Ok(())
    }

    /// The text of a part; `None` if there is no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Failure> {
        self.bytes(name)?.map(|bytes| decode(&bytes)).transpose()
    }

    /// The bytes of a part; `None` if there is no such part.
    ///
    /// The sizes that the ZIP declares are not believed: what comes out is counted.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let room = MAX_PART.min(MAX_TOTAL.saturating_sub(self.unpacked));
        let entry = match self.archive.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(refusal(error)),
        };
        let limit = room.min(allowed(entry.compressed_size()));
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
        Ok(Some(bytes))
    }
}

/// What `packed` bytes may unpack to.
fn allowed(packed: u64) -> u64 {
    packed.max(1).saturating_mul(MAX_RATIO).max(RATIO_FROM)
}

/// How many entries the end of the ZIP claims (APPNOTE 4.3.16, and 4.3.14 for more than
/// 65,535); `None` where no end is found. It may lie, but the directory is only read so far.
fn claimed_entries(bytes: &[u8]) -> Option<u64> {
    let tail = bytes.get(bytes.len().saturating_sub(END_WITHIN)..)?;
    let end = tail
        .windows(4)
        .rposition(|four| four == b"PK\x05\x06")
        .and_then(|at| tail.get(at + 10..at + 12)?.try_into().ok())
        .map(u16::from_le_bytes)?;
    if end < u16::MAX {
        return Some(u64::from(end));
    }
    let wide = tail.windows(4).rposition(|four| four == b"PK\x06\x06");
    let wide = wide.and_then(|at| tail.get(at + 32..at + 40)?.try_into().ok());
    Some(wide.map_or(u64::from(end), u64::from_le_bytes))
}

/// The part that `target` names in a part of `folder`. What leads out of the package
/// leads nowhere.
pub(super) fn join(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').filter(|step| !step.is_empty()).collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.join("/")
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
                "The document is packed in a way that office programs do not use.",
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
    Failure::malformed("The document is damaged, or not what its name says.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_from_their_folder_and_never_outside() {
        assert_eq!(join("ppt/slides", "../notes/n1.xml"), "ppt/notes/n1.xml");
        assert_eq!(join("ppt", "/word/document.xml"), "word/document.xml");
        assert_eq!(join("a", "../../../etc/passwd"), "etc/passwd");
    }

    #[test]
    fn the_claimed_number_of_entries_is_read_from_the_end() {
        let mut end = b"PK\x05\x06".to_vec();
        end.extend([0, 0, 0, 0, 3, 0, 3, 0]);
        end.extend([0; 10]);
        assert_eq!(claimed_entries(&end), Some(3));
        end[10..12].copy_from_slice(&[0xFF, 0xFF]);
        let mut wide = b"PK\x06\x06".to_vec();
        wide.extend([0; 28]);
        wide.extend(1_000_000_u64.to_le_bytes());
        wide.extend(end);
        assert_eq!(claimed_entries(&wide), Some(1_000_000));
        assert_eq!(claimed_entries(b""), None);
    }
}
