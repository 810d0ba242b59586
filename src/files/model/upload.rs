//! What clients say of a file whose bytes they will send.

use serde::Deserialize;

use crate::{
    kernel::{Code, Error, FileId, Result, field::Fields},
    platform::blobs::SignedRequest,
};

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
    /// Their SHA-256 in lower-case hexadecimal; an upload with another is refused.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: Option<String>,
}

impl FileUpload {
    /// Checks every field. `limit` is the size of the largest upload in bytes.
    pub(in super::super) fn check(&self, limit: u64) -> Result<()> {
        let mut fields = Fields::default();
        check_filename(&mut fields, &self.filename);
        fields.check(
            is_media_type(&self.content_type),
            "contentType",
            "must be a media type such as application/pdf, of at most 200 characters",
        );
        fields.check(
            self.sha256.as_deref().is_none_or(is_sha256),
            "sha256",
            "must be 64 lower-case hexadecimal digits",
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

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1000;

    fn upload(filename: &str, content_type: &str, size_bytes: Option<u64>) -> FileUpload {
        FileUpload {
            filename: filename.to_owned(),
            content_type: content_type.to_owned(),
            size_bytes,
            sha256: None,
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
    fn a_hash_is_64_lower_case_digits() {
        for (text, good) in [
            ("0a".repeat(32), true),
            ("0A".repeat(32), false),
            ("0a".repeat(31), false),
        ] {
            let upload = FileUpload {
                sha256: Some(text),
                ..upload("a", "text/plain", None)
            };
            assert_eq!(upload.check(LIMIT).is_ok(), good);
        }
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
}
