//! Blobs in Amazon S3, or in a server that speaks like it.
//!
//! A signed upload carries all that is known of its bytes: type, size where it was declared,
//! and SHA-256 where it was declared, so S3 itself refuses other bytes; and `If-None-Match: *`,
//! so it works once and nobody changes bytes that were confirmed. The client must send those
//! headers. A server that ignores some of them costs nothing but that early refusal: whoever
//! confirms an upload looks at the bytes.
//!
//! Nothing here holds a whole file: downloads stream, uploads go from the client to S3. What
//! the program itself stores are texts that were in its memory anyway.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::RequestChecksumCalculation,
    error::SdkError,
    operation::{
        get_object::GetObjectError, head_object::HeadObjectError, put_object::PutObjectError,
    },
    presigning::{PresignedRequest, PresigningConfig},
    primitives::ByteStream,
    types::{ChecksumMode, ServerSideEncryption},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::DateTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{
    BlobInfo, BlobKey, BlobReader, Blobs, Declared, Listing, MAX_TTL, SignedRequest, checked_type,
    signing::expiry,
};
use crate::{
    config::{Encryption, StorageConfig},
    kernel::{Code, Error, Result, Timestamp},
    platform::aws::{self, Place},
};

/// How long S3 may take to answer one try. Bytes that stream afterwards may take longer, as
/// long as they come.
const ANSWER: Duration = Duration::from_secs(60);

/// Characters that a name in a header keeps (RFC 8187, `attr-char`).
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Blobs in a bucket.
pub struct S3 {
    config: StorageConfig,
    /// Made when they are first used: finding out who we are may ask the machine's services.
    clients: OnceCell<Clients>,
}

struct Clients {
    /// Speaks to the storage.
    own: Client,
    /// Signs what clients will ask for, at the address by which they reach the storage.
    signer: Client,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.config.bucket)
            .finish_non_exhaustive()
    }
}

impl S3 {
    /// The bucket that the settings name; nothing is asked of it yet.
    pub fn new(config: &StorageConfig) -> Self {
        S3 {
            config: config.clone(),
            clients: OnceCell::new(),
        }
    }

    async fn clients(&self) -> &Clients {
        self.clients.get_or_init(|| connect(&self.config)).await
    }

    async fn own(&self) -> &Client {
        &self.clients().await.own
    }

    fn name(&self, key: &BlobKey) -> String {
        format!("{}{key}", self.config.prefix)
    }

    /// How S3 is to encrypt what is stored, if we say anything of it.
    fn encryption(&self) -> Option<ServerSideEncryption> {
        match self.config.encryption {
            Encryption::None => None,
            Encryption::Aes256 => Some(ServerSideEncryption::Aes256),
            Encryption::AwsKms => Some(ServerSideEncryption::AwsKms),
        }
    }

    fn kms_key(&self) -> Option<String> {
        let id = &self.config.kms_key_id;
        (!id.is_empty()).then(|| id.clone())
    }
}

async fn connect(config: &StorageConfig) -> Clients {
    let client = async |endpoint: &str| {
        let place = Place {
            region: &config.region,
            endpoint,
            access_key_id: &config.access_key_id,
            secret_access_key: &config.secret_access_key,
            answer: ANSWER,
        };
        let sdk = aws::connect(&place).await;
        let config = aws_sdk_s3::config::Builder::from(&sdk)
            .force_path_style(config.path_style)
            // The checksums that we want are given. The ones that would be added otherwise come
            // after the body in a form that not every server reads, and no signed request can
            // have them.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Client::from_conf(config)
    };
    let own = client(&config.endpoint).await;
    let signer = match config.public_endpoint.as_str() {
        "" => own.clone(),
        address => client(address).await,
    };
    Clients { own, signer }
}

#[async_trait]
impl Blobs for S3 {
    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        let asked = self.own().await.head_object().bucket(self.bucket());
        let asked = asked.key(self.name(key));
        match asked.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(found) => Ok(Some(info(
                found.content_length(),
                found.checksum_sha256(),
                found.content_type(),
            ))),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(None)
            }
            Err(error) => Err(away(error)),
        }
    }

    async fn open(&self, key: &BlobKey) -> Result<BlobReader> {
        let asked = self.own().await.get_object().bucket(self.bucket());
        let asked = asked.key(self.name(key));
        let answer = asked.checksum_mode(ChecksumMode::Enabled).send().await;
        let found = answer.map_err(|error| {
            match error
                .as_service_error()
                .is_some_and(GetObjectError::is_no_such_key)
            {
                true => Error::not_found("file"),
                false => away(error),
            }
        })?;
        let info = info(
            found.content_length(),
            found.checksum_sha256(),
            found.content_type(),
        );
        Ok(BlobReader::new(info, found.body.into_async_read()))
    }

    async fn put(&self, key: &BlobKey, content_type: &str, bytes: Bytes) -> Result<BlobInfo> {
        let content_type = checked_type(content_type)?;
        let hash = Sha256::digest(&bytes);
        let size = bytes.len() as u64;
        self.own()
            .await
            .put_object()
            .bucket(self.bucket())
            .key(self.name(key))
            .content_type(&content_type)
            .checksum_sha256(BASE64_STANDARD.encode(hash))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.kms_key())
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(away)?;
        Ok(BlobInfo {
            size,
            sha256: Some(hex::encode(hash)),
            content_type: Some(content_type),
        })
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        let asked = self.own().await.delete_object().bucket(self.bucket());
        asked.key(self.name(key)).send().await.map_err(away)?;
        Ok(())
    }

    fn bucket(&self) -> &str {
        &self.config.bucket
    }

    async fn list(&self, from: Option<&str>) -> Result<Listing> {
        let prefix = &self.config.prefix;
        let page = self
            .own()
            .await
            .list_objects_v2()
            .bucket(self.bucket())
            .set_prefix((!prefix.is_empty()).then(|| prefix.clone()))
            .set_continuation_token(from.map(str::to_owned))
            .send()
            .await
            .map_err(away)?;
        let blob = |object: &aws_sdk_s3::types::Object| {
            let key = object.key()?.strip_prefix(prefix.as_str())?.to_owned();
            let at = object.last_modified()?;
            Some((key, DateTime::from_timestamp(at.secs(), at.subsec_nanos())?))
        };
        Ok(Listing {
            blobs: page.contents().iter().filter_map(blob).collect(),
            next: page.next_continuation_token,
        })
    }

    async fn sign_put(
        &self,
        key: &BlobKey,
        declared: Declared<'_>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest> {
        let size = declared.size.map(i64::try_from).transpose();
        let hash = declared.sha256.map(hex::decode).transpose();
        let hash = hash.map_err(Error::internal)?;
        let request = self
            .clients()
            .await
            .signer
            .put_object()
            .bucket(self.bucket())
            .key(self.name(key))
            .content_type(checked_type(declared.content_type)?)
            .set_content_length(size.map_err(Error::internal)?)
            .set_checksum_sha256(hash.map(|hash| BASE64_STANDARD.encode(hash)))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.kms_key())
            .if_none_match("*")
            .presigned(presigning(now, ttl)?)
            .await
            .map_err(|error: SdkError<PutObjectError>| away(error))?;
        signed("PUT", &request, expiry(now, ttl)?)
    }

    async fn sign_get(
        &self,
        key: &BlobKey,
        filename: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest> {
        let request = self
            .clients()
            .await
            .signer
            .get_object()
            .bucket(self.bucket())
            .key(self.name(key))
            .response_content_disposition(attachment(filename))
            .response_cache_control("private, no-store")
            .presigned(presigning(now, ttl)?)
            .await
            .map_err(away)?;
        signed("GET", &request, expiry(now, ttl)?)
    }

    async fn ping(&self) -> Result<()> {
        let asked = self.own().await.head_bucket().bucket(self.bucket());
        asked.send().await.map_err(away)?;
        Ok(())
    }
}

/// What an answer says of its object. The checksum of one that was uploaded in parts is not
/// that of its bytes, and is none for us.
fn info(size: Option<i64>, checksum: Option<&str>, content_type: Option<&str>) -> BlobInfo {
    let hash = checksum.and_then(|text| BASE64_STANDARD.decode(text).ok());
    let hash = hash.filter(|hash| hash.len() == Sha256::output_size());
    BlobInfo {
        size: size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        sha256: hash.map(hex::encode),
        content_type: content_type.map(str::to_owned),
    }
}

fn presigning(now: Timestamp, ttl: Duration) -> Result<PresigningConfig> {
    PresigningConfig::builder()
        .start_time(now.into())
        .expires_in(ttl.min(MAX_TTL))
        .build()
        .map_err(Error::internal)
}

/// A request as clients are told of it. Which host and how many bytes it is for is signed as
/// well, but every client sends these by itself, and browsers let nobody set them.
fn signed(
    method: &'static str,
    request: &PresignedRequest,
    expires_at: Timestamp,
) -> Result<SignedRequest> {
    let own = |name: &str| !matches!(name, "host" | "content-length");
    let headers = request.headers().filter(|(name, _)| own(name));
    Ok(SignedRequest {
        url: request.uri().to_owned(),
        method,
        headers: headers
            .map(|(name, value)| (title_case(name), value.to_owned()))
            .collect(),
        expires_at,
    })
}

/// `content-type` as `Content-Type`: as the other storage writes it.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Save as `filename` (RFC 6266): in ASCII for all, and as it is for those that read UTF-8.
fn attachment(filename: &str) -> String {
    let plain = |c: char| match c {
        '"' | '\\' => '_',
        ' '..='~' => c,
        _ => '_',
    };
    let ascii: String = filename.chars().map(plain).collect();
    let whole = utf8_percent_encode(filename, ATTRIBUTE);
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
}

/// Always worth another try, also where S3 refuses: its settings or ours are wrong then.
fn away(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::Unavailable, "The file storage does not answer.").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_parts_is_not_that_of_the_bytes() {
        let whole = BASE64_STANDARD.encode(Sha256::digest(b"hello"));
        let known = info(Some(5), Some(&whole), None).sha256;
        assert_eq!(known, Some(hex::encode(Sha256::digest(b"hello"))));
        assert_eq!(
            info(Some(5), Some(&format!("{whole}-2")), None).sha256,
            None
        );
        assert_eq!(info(Some(5), None, None).sha256, None);
    }

    #[test]
    fn the_name_of_a_download_can_break_no_header() {
        assert_eq!(
            attachment("Ü \"1\"\r\n.md"),
            "attachment; filename=\"_ _1___.md\"; filename*=UTF-8''%C3%9C%20%221%22%0D%0A.md"
        );
    }

    #[test]
    fn headers_are_written_as_people_write_them() {
        assert_eq!(title_case("x-amz-checksum-sha256"), "X-Amz-Checksum-Sha256");
        assert_eq!(title_case("if-none-match"), "If-None-Match");
    }
}
