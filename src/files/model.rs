//! Files as the program and its clients know them.

mod upload;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    kernel::{
        Code, Error, FileId, OrgId, Result, Timestamp, UserId, WorkerId,
        event::{Job, QueueName},
        text::text_enum,
    },
    platform::blobs::{BlobKey, Declared},
};

pub use self::upload::{FileUpload, Upload};

text_enum! {
    /// How far a file has come on its way to text.
    pub enum ProcessingStatus {
        Pending = "pending",
        Processing = "processing",
        Complete = "complete",
        Failed = "failed",
    }
}

/// Characters of its text that a [`File`] carries; the whole is fetched apart.
pub const TEXT_PREVIEW: usize = 50_000;

/// The `storageBucket` of files in the folder backend, which has no buckets.
const LOCAL_BUCKET: &str = "local";

/// How much longer than its address an upload can take that was begun in time.
const LATE: TimeDelta = TimeDelta::hours(1);

/// A file.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Where its bytes are.
    pub storage_key: String,
    /// The storage's bucket; `local` for a folder.
    pub storage_bucket: String,
    /// Its name, as the uploader calls it.
    pub filename: String,
    /// Its media type, as the uploader declared it.
    pub content_type: String,
    /// Its size; once the upload is confirmed, the real one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size_bytes: Option<i64>,
    /// The hexadecimal SHA-256 of its bytes: as it was declared; once the upload is confirmed,
    /// the real one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sha256: Option<String>,
    /// How far it has come on its way to text.
    pub processing_status: ProcessingStatus,
    /// Its text, cut at 50,000 characters; never in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub extracted_text: Option<String>,
    /// Whether there is more text than that; `GET /files/{fileId}/text` has it all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub extracted_text_truncated: bool,
    /// Why there is no text, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub processing_error: Option<String>,
    /// What the document says of itself (`title`, `author`, `pages`), and how reading
    /// it went (`format`, `outcome`).
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// When the upload was asked for.
    pub created_at: DateTime<Utc>,
    /// Who uploaded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub uploaded_by: Option<UserId>,
    /// When its bytes were found to be there.
    #[serde(skip)]
    pub confirmed_at: Option<Timestamp>,
    /// What it counts for while its upload is open.
    #[serde(skip)]
    pub reserved_bytes: Option<i64>,
}

impl File {
    /// What it counts for under the organization's quota, in bytes.
    pub(super) fn counted(&self) -> i64 {
        match self.confirmed_at {
            Some(_) => self.size_bytes.unwrap_or(0),
            None => self.reserved_bytes.unwrap_or(0),
        }
    }

    /// Where its bytes are.
    pub fn key(&self) -> Result<BlobKey> {
        BlobKey::parse(&self.storage_key).map_err(Error::internal)
    }

    /// What is declared of bytes that have not arrived.
    pub(super) fn declared(&self) -> Declared<'_> {
        Declared {
            content_type: &self.content_type,
            size: self.size_bytes.and_then(|size| u64::try_from(size).ok()),
            sha256: self.sha256.as_deref(),
        }
    }

    /// Cuts the text to `limit` characters and notes that it was cut.
    pub(super) fn cut_text(&mut self, limit: usize) {
        let Some(text) = &mut self.extracted_text else {
            return;
        };
        if let Some((end, _)) = text.char_indices().nth(limit) {
            text.truncate(end);
            self.extracted_text_truncated = true;
        }
    }

    /// The wake-up of those who read it. The body is part of the wire contract.
    pub fn job(&self) -> Job {
        let mut body = json!({
            "fileId": self.id,
            "orgId": self.org_id,
            "storageKey": self.storage_key,
            "filename": self.filename,
            "contentType": self.content_type,
        });
        if let (Some(user), Some(fields)) = (self.uploaded_by, body.as_object_mut()) {
            fields.insert("uploadedBy".to_owned(), json!(user));
        }
        Job {
            queue: QueueName::File,
            org: self.org_id,
            body,
        }
    }

    /// The wake-up of those who remove its bytes. Where the storage takes uploads itself, bytes
    /// may come for as long as the address of the upload works, `url_ttl`, though the file is
    /// gone; so they are removed once more after that.
    pub fn deletion_job(&self, url_ttl: TimeDelta) -> Job {
        let mut body = json!({ "deleteKey": self.storage_key });
        if self.storage_bucket != LOCAL_BUCKET
            && let Some(fields) = body.as_object_mut()
        {
            let until = self.created_at + url_ttl + LATE;
            fields.insert("until".to_owned(), json!(until));
        }
        Job {
            queue: QueueName::File,
            org: self.org_id,
            body,
        }
    }
}

/// Where a new file's bytes are.
pub(super) fn new_key(org: OrgId, file: FileId) -> Result<BlobKey> {
    BlobKey::parse(&format!("{org}/{file}")).map_err(Error::internal)
}

/// The file whose bytes are under `key`, if it is the key of a file.
pub(super) fn file_of_key(key: &BlobKey) -> Option<FileId> {
    let (_, file) = key.as_str().split_once('/')?;
    file.parse().ok()
}

/// Which files a list has.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct FileFilter {
    /// Only files in this status.
    #[param(nullable = false)]
    pub status: Option<ProcessingStatus>,
}

/// A part of a file's text that a citation can name: a page, a section, a slide, some rows
/// of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// The page, counted from 1; only documents with pages, such as PDF.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<u32>,
    /// The slide, counted from 1 in the order in which they are shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slide: Option<u32>,
    /// The sheet's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sheet: Option<String>,
    /// The cells in the notation of spreadsheets: `A2:F51`, or whole rows, `2:51`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cells: Option<String>,
    /// The headings above, outermost first: `Findings > Root cause`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heading: Option<String>,
    /// Where it starts, in characters of the text.
    pub start: usize,
    /// Where it ends, exclusive, in characters of the text.
    pub end: usize,
}

/// The number of each part as one asks for it: its page, its slide, or which of the sheets
/// it is on.
fn numbers(segments: &[Segment]) -> impl Iterator<Item = Option<u32>> {
    let mut sheets: Vec<&str> = Vec::new();
    segments.iter().map(move |segment| {
        let of_sheet = segment.sheet.as_deref().map(|sheet| {
            let at = sheets.iter().position(|known| *known == sheet);
            at.unwrap_or_else(|| {
                sheets.push(sheet);
                sheets.len() - 1
            })
        });
        let of_sheet = of_sheet.and_then(|at| u32::try_from(at + 1).ok());
        segment.page.or(segment.slide).or(of_sheet)
    })
}

/// How many pages, slides or sheets there are; `None` where a text has none of them.
pub fn pages(segments: &[Segment]) -> Option<u32> {
    numbers(segments).flatten().max()
}

/// The characters of a page, a slide or a sheet, counted from 1; `None` when none are there.
pub fn range_of_page(segments: &[Segment], page: u32) -> Option<(usize, usize)> {
    let of_page = || {
        let numbered = segments.iter().zip(numbers(segments));
        numbered.filter_map(move |(segment, number)| (number == Some(page)).then_some(segment))
    };
    let first = of_page().map(|segment| segment.start).min();
    first.zip(of_page().map(|segment| segment.end).max())
}

/// What there is to read in a file, without the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its name.
    pub filename: String,
    /// Its media type, as the uploader declared it.
    pub content_type: String,
    /// Whether there is text yet.
    pub status: ProcessingStatus,
    /// Why there is none, as a sentence.
    pub error: Option<String>,
    /// The length of its text in characters.
    pub characters: i64,
    /// How many pages it has, where the document has pages.
    pub pages: Option<u32>,
    /// The parts of the text, in order.
    pub segments: Vec<Segment>,
}

/// A text that the program wrote and that is in the blobs already.
#[derive(Debug, Clone)]
pub struct StoredText {
    /// The new file's id.
    pub id: FileId,
    /// Where its bytes are.
    pub key: BlobKey,
    /// The storage's bucket.
    pub bucket: String,
    /// Its name.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// The hexadecimal SHA-256 of the bytes.
    pub sha256: String,
    /// The same text, as search and people read it.
    pub text: String,
}

/// A file that one worker holds for processing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The file.
    pub file: FileId,
    /// Whose it is.
    pub org: OrgId,
    /// The fence: whoever took over has a higher one.
    pub epoch: i64,
    /// How often it was claimed, this time included.
    pub attempts: i32,
    /// Where its bytes are.
    pub key: BlobKey,
    /// Its name.
    pub filename: String,
    /// Its media type, as the uploader declared it.
    pub content_type: String,
    /// The hexadecimal SHA-256 of the bytes that were confirmed.
    pub sha256: String,
}

/// What a worker that wants a file learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claiming {
    /// It holds the file now.
    Granted(Claim),
    /// Another holds it and lives.
    Held,
    /// There is nothing to do: it was deleted, is finished, or was never confirmed.
    Nothing,
    /// It was tried so often that it was given up just now.
    GivenUp,
}

/// Under which conditions a worker gets a file.
#[derive(Debug, Clone)]
pub struct ClaimRules {
    /// Who asks. It knows that it is not at the file: a lease in its own name is left
    /// from a try that could not even say that it had failed.
    pub worker: WorkerId,
    /// A worker unheard of for so long has lost its leases.
    pub lease: TimeDelta,
    /// Tries at most.
    pub max_attempts: i32,
}

/// What reading a file gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Its text.
    Text {
        /// Without NUL characters.
        text: String,
        /// Parts of it, in order.
        segments: Vec<Segment>,
        /// See [`File::metadata`].
        metadata: Value,
    },
    /// Why there is none.
    Failure {
        /// A sentence for the one who uploaded it.
        sentence: String,
        /// See [`File::metadata`].
        metadata: Value,
    },
}

/// Why there is no text of a file to be read.
pub(super) fn unread(status: ProcessingStatus, error: Option<&str>) -> Error {
    let sentence = match (status, error) {
        (ProcessingStatus::Failed, Some(error)) => format!("The file has no text. {error}"),
        (ProcessingStatus::Failed, None) => "The file has no text.".to_owned(),
        _ => "The file has not been read yet. Try again in a moment.".to_owned(),
    };
    Error::new(Code::Conflict, sentence).with_details(json!({ "processingStatus": status }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_slides_and_sheets_are_counted_alike() {
        let part =
            |page: Option<u32>, slide: Option<u32>, sheet: Option<&str>, start: usize| Segment {
                page,
                slide,
                sheet: sheet.map(str::to_owned),
                start,
                end: start + 10,
                ..Segment::default()
            };
        let paged = [part(Some(1), None, None, 0), part(Some(3), None, None, 10)];
        assert_eq!(pages(&paged), Some(3));
        assert_eq!(range_of_page(&paged, 3), Some((10, 20)));
        assert_eq!(range_of_page(&paged, 2), None);
        let shown = [part(None, Some(1), None, 0), part(None, Some(2), None, 10)];
        assert_eq!(range_of_page(&shown, 2), Some((10, 20)));
        let sheets = ["Costs", "Costs", "Income"];
        let sheets: Vec<_> = (0..3)
            .map(|n| part(None, None, Some(sheets[n]), n * 10))
            .collect();
        assert_eq!(pages(&sheets), Some(2));
        assert_eq!(range_of_page(&sheets, 1), Some((0, 20)));
        assert_eq!(range_of_page(&sheets, 2), Some((20, 30)));
        assert_eq!(pages(&[part(None, None, None, 0)]), None);
    }

    #[test]
    fn the_key_of_a_file_leads_back_to_it() {
        let ids = crate::kernel::clock::System;
        let (org, file) = (OrgId::new(&ids), FileId::new(&ids));
        let key = new_key(org, file).unwrap();
        assert_eq!(file_of_key(&key), Some(file));
        assert_eq!(file_of_key(&BlobKey::parse("a/b").unwrap()), None);
    }
}
