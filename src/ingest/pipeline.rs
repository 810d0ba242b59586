//! One file from its bytes to its text: fetch, recognise, extract in the sandbox.
//!
//! What is wrong with the file is a [`Reading`] like any other and final; an error is
//! a fault of ours, and another try may go better. Nothing here writes to the
//! database, and no transaction is open while it runs.

use std::io;

use bytes::BytesMut;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    extract::{Extracted, Failure, FailureClass, Format, HEAD_BYTES, Metadata},
    sandbox::Sandbox,
};
use crate::{
    files::model::{Claim, Reading},
    kernel::{Code, Error, Result, error::Kind},
    platform::blobs::{BlobReader, Blobs},
};

/// Bytes that are in memory at a time on their way from the storage.
const BUFFER: usize = 64 << 10;

/// The file on this machine's disk; removed when dropped.
struct Fetched {
    path: TempPath,
    head: Vec<u8>,
    sha256: String,
}

/// Reads the file of `claim`.
pub async fn read(blobs: &dyn Blobs, sandbox: &Sandbox, claim: &Claim) -> Result<Reading> {
    let blob = match blobs.open(&claim.key).await {
        Ok(blob) => blob,
        Err(error) if error.code().kind() == Kind::NotFound => {
            return Ok(failed(None, "missing", "The file's bytes are gone."));
        }
        Err(error) => return Err(error),
    };
    let fetched = fetch(blob).await?;
    if fetched.sha256 != claim.sha256 {
        let sentence = "The file's bytes are not those that were confirmed. Upload it again.";
        return Ok(failed(None, "altered", sentence));
    }
    let Some(format) = Format::detect(&claim.filename, &claim.content_type, &fetched.head) else {
        let sentence = "We read PDF, .docx, .pptx, .xlsx, EPUB, HTML, e-mail, JSON, CSV, Markdown, plain text and images; this is none of them.";
        return Ok(failure(
            None,
            &Failure::new(FailureClass::Unsupported, sentence),
        ));
    };
    Ok(match sandbox.extract(format, &fetched.path).await? {
        Ok(extracted) => text(format, extracted),
        Err(reason) => failure(Some(format), &reason),
    })
}

/// Copies the bytes to a temporary file, which only this user may read.
async fn fetch(mut blob: BlobReader) -> Result<Fetched> {
    let (file, path) = tempfile::Builder::new()
        .prefix("glassbox-file-")
        .tempfile()
        .map_err(disk)?
        .into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut hash = Sha256::new();
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let mut buffer = BytesMut::with_capacity(BUFFER);
    while blob.read_buf(&mut buffer).await.map_err(broken_off)? > 0 {
        hash.update(&buffer);
        let missing = HEAD_BYTES.saturating_sub(head.len());
        head.extend(buffer.iter().take(missing));
        file.write_all(&buffer).await.map_err(disk)?;
        buffer.clear();
    }
    file.flush().await.map_err(disk)?;
    Ok(Fetched {
        path,
        head,
        sha256: hex::encode(hash.finalize()),
    })
}

/// It may pass, and says nothing of the file.
fn broken_off(error: io::Error) -> Error {
    Error::new(
        Code::Unavailable,
        "The file storage broke off in the middle.",
    )
    .because(error)
}

/// So may this: others may need the room that is missing.
fn disk(error: io::Error) -> Error {
    Error::new(Code::Unavailable, "The worker's disk takes nothing.").because(error)
}

fn text(format: Format, extracted: Extracted) -> Reading {
    Reading::Text {
        metadata: describe(Some(format), "complete", Some(extracted.metadata)),
        segments: extracted.segments,
        text: extracted.text,
    }
}

fn failure(format: Option<Format>, reason: &Failure) -> Reading {
    failed(format, &reason.class.to_string(), &reason.message)
}

fn failed(format: Option<Format>, outcome: &str, sentence: &str) -> Reading {
    Reading::Failure {
        sentence: sentence.to_owned(),
        metadata: describe(format, outcome, None),
    }
}

/// The file's metadata: what the document says of itself, and how reading it went.
fn describe(format: Option<Format>, outcome: &str, document: Option<Metadata>) -> Value {
    let mut fields = match serde_json::to_value(document.unwrap_or_default()) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    if let Some(format) = format {
        fields.insert("format".to_owned(), json!(format));
    }
    fields.insert("outcome".to_owned(), json!(outcome));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_tell_of_the_document_and_of_the_reading() {
        let document = Metadata {
            title: Some("Review".to_owned()),
            pages: Some(3),
            ..Metadata::default()
        };
        assert_eq!(
            describe(Some(Format::Pdf), "complete", Some(document)),
            json!({ "title": "Review", "pages": 3, "format": "pdf", "outcome": "complete" })
        );
        assert_eq!(
            describe(None, "missing", None),
            json!({ "outcome": "missing" })
        );
    }
}
