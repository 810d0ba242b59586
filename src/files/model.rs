//! Files as the program and its clients know them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    kernel::{
        Code, Error, FileId, OrgId, Result, Timestamp, UserId, WorkerId,
        event::{Job, QueueName},
        field::Fields,
        text::text_enum,
    },
    platform::blobs::{BlobInfo, BlobKey, SignedRequest},
};

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
pub const LOCAL_BUCKET: &str = "local";

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
    /// The hexadecimal SHA-256 of its bytes, once the upload is confirmed.
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
}

impl File {
    /// Where its bytes are.
    pub fn key(&self) -> Result<BlobKey> {
        BlobKey::parse(&self.storage_key).map_err(Error::internal)
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

    /// The wake-up of those who remove its bytes.
    pub fn deletion_job(&self) -> Job {
        Job {
            queue: QueueName::File,
            org: self.org_id,
            body: json!({ "deleteKey": self.storage_key }),
        }
    }

    /// What an upload that was confirmed turned out to be, or why it is refused.
    pub(super) fn judge(&self, found: &BlobInfo, limit: u64) -> Result<i64, String> {
        if found.size > limit {
            return Err(format!(
                "The upload has {} bytes; at most {limit} are accepted. Upload a smaller file.",
                found.size
            ));
        }
        let size = i64::try_from(found.size).unwrap_or(i64::MAX);
        match self.size_bytes {
            Some(declared) if declared != size => Err(format!(
                "The upload has {size} bytes, but {declared} were declared. Upload the file again."
            )),
            _ => Ok(size),
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

/// What asks for an upload.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileUpload {
    /// 1 to 255 characters, without a slash or control characters.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = "^[^/\\x00-\\x1f\\x7f-\\x9f]*[^/\\s\\x00-\\x1f\\x7f-\\x9f][^/\\x00-\\x1f\\x7f-\\x9f]*$",
        example = "incident-review.pdf"
    )]
    pub filename: String,
    /// The media type that the bytes will be sent with.
    #[schema(
        min_length = 3,
        max_length = 200,
        pattern = "^[A-Za-z0-9!#$&^_.+-]{1,90}/[A-Za-z0-9!#$&^_.+-]{1,90}$",
        example = "application/pdf"
    )]
    pub content_type: String,
    /// Their number; an upload of another size is refused.
    #[schema(minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    pub size_bytes: Option<u64>,
}

impl FileUpload {
    /// Checks every field. `limit` is the size of the largest upload in bytes.
    pub(super) fn check(&self, limit: u64) -> Result<()> {
        let mut fields = Fields::default();
        check_filename(&mut fields, &self.filename);
        fields.check(
            is_media_type(&self.content_type),
            "contentType",
            "must be a media type such as application/pdf, of at most 200 characters",
        );
        fields.finish()?;
        if self.size_bytes.is_some_and(|size| size > limit) {
            return Err(Error::new(
                Code::BodyTooLarge,
                format!("A file may have at most {limit} bytes."),
            ));
        }
        Ok(())
    }
}

fn check_filename(fields: &mut Fields, name: &str) {
    fields.length("filename", name, 1, 255);
    fields.not_blank("filename", name);
    fields.check(
        !name.chars().any(|c| c == '/' || c.is_control()),
        "filename",
        "must not contain a slash or control characters",
    );
}

/// `type/subtype` of token characters (RFC 9110, 5.6.2), then parameters, which need
/// only be printable: the text goes into a header and a signature.
fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    text.len() <= 200
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && essence
            .split_once('/')
            .is_some_and(|(main, sub)| token(main) && token(sub))
}

/// An upload that was granted: a file without bytes, and how to send them.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The file.
    pub file: FileId,
    /// The request that sends its bytes.
    pub request: SignedRequest,
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

/// A part of a file's text that a citation can name: a page or a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// The page, counted from 1; only documents with pages, such as PDF.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<u32>,
    /// The headings above, outermost first: `Findings > Root cause`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heading: Option<String>,
    /// Where it starts, in characters of the text.
    pub start: usize,
    /// Where it ends, exclusive, in characters of the text.
    pub end: usize,
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

    const LIMIT: u64 = 1000;

    fn upload(filename: &str, content_type: &str, size_bytes: Option<u64>) -> FileUpload {
        FileUpload {
            filename: filename.to_owned(),
            content_type: content_type.to_owned(),
            size_bytes,
        }
    }

    #[test]
    fn odd_names_and_types_are_refused_together() {
        for name in ["", " ", "a/b", "a\nb", "a\u{7f}", &"é".repeat(256)] {
            let error = upload(name, "text/plain", None).check(LIMIT).unwrap_err();
            assert_eq!(error.code(), Code::ValidationFailed, "{name:?}");
        }
        for kind in [
            "",
            "text",
            "/",
            "text/",
            "a b/c",
            "text/plain\r\nX: y",
            "tëxt/plain",
        ] {
            let error = upload("a", kind, None).check(LIMIT).unwrap_err();
            assert_eq!(error.code(), Code::ValidationFailed, "{kind:?}");
        }
        let error = upload("", "", None).check(LIMIT).unwrap_err();
        assert_eq!(
            error.details().unwrap()["fields"].as_array().unwrap().len(),
            2
        );
    }

    #[test]
    fn ordinary_names_and_types_are_taken() {
        for (name, kind) in [
            ("Bericht Übersicht (1).pdf", "application/pdf"),
            (&"é".repeat(255), "text/markdown; charset=utf-8"),
            ("..", "application/vnd.ms-excel.sheet+xml"),
        ] {
            upload(name, kind, Some(LIMIT)).check(LIMIT).unwrap();
        }
    }

    #[test]
    fn a_declared_size_over_the_limit_is_refused_at_once() {
        let error = upload("a", "text/plain", Some(LIMIT + 1))
            .check(LIMIT)
            .unwrap_err();
        assert_eq!(error.code(), Code::BodyTooLarge);
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
