//! Routes of files, and of the signed addresses that bytes go through.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::header::{
        self, Charset, ContentDisposition, DispositionParam, DispositionType, ETag, EntityTag,
        ExtendedValue,
    },
    web,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_util::io::ReaderStream;

use super::{
    model::{File, FileFilter, FileUpload, Upload},
    ops,
};
use crate::{
    app::{App, Ctx},
    kernel::{
        Code, Error, FileId, OrgId, Result,
        page::{Page, PageQuery},
    },
    platform::blobs::{BlobInfo, BlobKey, Folder, SignedQuery},
    web::{Json, Query, no_content, ok, route_not_found},
};

/// Bytes as they are.
// Their shape for the OpenAPI document, and nothing else.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "its shape is read by the derive")]
pub struct Bytes(Vec<u8>);

/// Where and how to send a file's bytes.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// The file.
    file_id: FileId,
    /// The address; it needs no token and must be kept to oneself.
    upload_url: String,
    /// The method to send them with.
    #[schema(value_type = String, example = "PUT")]
    method: &'static str,
    /// Headers that must be sent, just so.
    headers: BTreeMap<String, String>,
    /// How long the address works, in seconds.
    expires_in: u32,
    /// When it stops working.
    expires_at: DateTime<Utc>,
}

/// A file and where its bytes are.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileAnswer {
    #[serde(flatten)]
    file: File,
    /// Where to fetch the bytes, for 15 minutes; absent until they are confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    download_url: Option<String>,
}

/// Ask to upload a file
///
/// Send the bytes to `uploadUrl` with the method and headers of the answer, without a
/// token, then confirm. 422 `QUOTA_EXCEEDED` when the organization's files would have too
/// many bytes; an upload that declares no size counts as the largest that is accepted, until
/// it is confirmed.
#[utoipa::path(post, path = "/orgs/{orgId}/files/upload", operation_id = "file_upload", tag = "Files",
    params(("orgId" = OrgId, Path, description = "The organization.")),
    request_body = FileUpload,
    responses((status = 200, description = "Where to send the bytes.", body = UploadAnswer)))]
pub async fn file_upload(
    ctx: Ctx,
    org: web::Path<OrgId>,
    body: Json<FileUpload>,
) -> Result<HttpResponse> {
    let Upload { file, request } = ops::file_upload(&ctx, *org, body.0).await?;
    Ok(ok(UploadAnswer {
        file_id: file,
        upload_url: request.url,
        method: request.method,
        headers: request.headers,
        expires_in: ctx.app.config.storage.url_seconds,
        expires_at: request.expires_at,
    }))
}

/// Say that a file's bytes were sent
///
/// They are checked and the file is queued to be read. Again: the same answer, and
/// nothing is queued a second time. 409 `UPLOAD_MISSING` when the bytes are not there; 422
/// `UNPROCESSABLE` when they are not what was declared: then they are removed, and the file
/// has failed.
#[utoipa::path(post, path = "/files/{fileId}/confirm", operation_id = "file_confirm", tag = "Files",
    params(("fileId" = FileId, Path, description = "The file.")),
    responses((status = 200, description = "The file.", body = File)))]
pub async fn file_confirm(ctx: Ctx, id: web::Path<FileId>) -> Result<HttpResponse> {
    Ok(ok(ops::file_confirm(&ctx, *id).await?))
}

/// Read a file again
///
/// Also one that failed. Its text, if there is any, stays until the new one is there. A file
/// that waits to be read, or is being read, is answered as it is.
#[utoipa::path(post, path = "/files/{fileId}/reprocess", operation_id = "file_reprocess", tag = "Files",
    params(("fileId" = FileId, Path, description = "The file.")),
    responses((status = 200, description = "The file.", body = File)))]
pub async fn file_reprocess(ctx: Ctx, id: web::Path<FileId>) -> Result<HttpResponse> {
    Ok(ok(ops::file_reprocess(&ctx, *id).await?))
}

/// List the files of an organization
///
/// Without their text. A guest sees those that are used in the guest's projects.
#[utoipa::path(get, path = "/orgs/{orgId}/files", operation_id = "file_list", tag = "Files",
    params(("orgId" = OrgId, Path, description = "The organization."), FileFilter, PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<File>)))]
pub async fn file_list(
    ctx: Ctx,
    org: web::Path<OrgId>,
    Query(filter): Query<FileFilter>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse> {
    let page = page.parse()?;
    Ok(ok(ops::file_list(&ctx, *org, filter, page).await?))
}

/// Get a file
#[utoipa::path(get, path = "/files/{fileId}", operation_id = "file_get", tag = "Files",
    params(("fileId" = FileId, Path, description = "The file.")),
    responses((status = 200, description = "The file.", body = FileAnswer)))]
pub async fn file_get(ctx: Ctx, id: web::Path<FileId>) -> Result<HttpResponse> {
    let (file, download_url) = ops::file_get(&ctx, *id).await?;
    Ok(ok(FileAnswer { file, download_url }))
}

/// Get the whole text of a file
#[utoipa::path(get, path = "/files/{fileId}/text", operation_id = "file_text", tag = "Files",
    params(("fileId" = FileId, Path, description = "The file.")),
    responses(
        (status = 200, description = "The text.", body = String, content_type = "text/plain; charset=utf-8"),
        (status = 409, description = "There is no text: not yet, or reading the file failed.", body = crate::web::Problem)))]
pub async fn file_text(ctx: Ctx, id: web::Path<FileId>) -> Result<HttpResponse> {
    let text = ops::file_text(ctx, *id).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .streaming(Box::pin(text)))
}

/// Delete a file
///
/// Refused while a node uses it.
#[utoipa::path(delete, path = "/files/{fileId}", operation_id = "file_delete", tag = "Files",
    params(("fileId" = FileId, Path, description = "The file.")),
    responses((status = 204, description = "It is gone.")))]
pub async fn file_delete(ctx: Ctx, id: web::Path<FileId>) -> Result<HttpResponse> {
    ops::file_delete(&ctx, *id).await?;
    Ok(no_content())
}

/// Send a file's bytes to a signed address
///
/// With the `Content-Type` that was signed. Sending again replaces them, until the
/// upload is confirmed.
#[utoipa::path(put, path = "/blobs/{key}", operation_id = "blob_put", tag = "Files", security(()),
    params(
        ("key" = String, Path, pattern = "^[a-z0-9_-]{1,90}(/[a-z0-9_-]{1,90})?$", description = "From the signed address."),
        ("expires" = i64, Query, description = "From the signed address."),
        ("signature" = String, Query, description = "From the signed address.")),
    request_body(content = Bytes, content_type = "application/octet-stream"),
    responses((status = 200, description = "The bytes are stored; `ETag` is their SHA-256.")))]
pub async fn blob_put(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    key: web::Path<String>,
    Query(query): Query<SignedQuery>,
    body: web::Payload,
) -> Result<HttpResponse> {
    let folder = folder(&app)?;
    let key = BlobKey::parse(&key)?;
    let content_type = header_text(&request, header::CONTENT_TYPE);
    folder.check("PUT", &key, &query, content_type, app.db.now())?;
    let limit = app.config.storage.upload_limit_bytes;
    refuse_declared(&request, limit)?;
    ops::check_upload_open(&app, &key).await?;
    let info = folder.receive(&key, content_type, body, limit).await?;
    Ok(HttpResponse::Ok().insert_header(etag(&info)).finish())
}

/// Fetch a file's bytes from a signed address
#[utoipa::path(get, path = "/blobs/{key}", operation_id = "blob_get", tag = "Files", security(()),
    params(
        ("key" = String, Path, pattern = "^[a-z0-9_-]{1,90}(/[a-z0-9_-]{1,90})?$", description = "From the signed address."),
        ("expires" = i64, Query, description = "From the signed address."),
        ("filename" = Option<String>, Query, description = "From the signed address."),
        ("signature" = String, Query, description = "From the signed address.")),
    responses((status = 200, description = "The bytes, as an attachment.", body = Bytes, content_type = "*/*")))]
pub async fn blob_get(
    app: web::Data<Arc<App>>,
    key: web::Path<String>,
    Query(query): Query<SignedQuery>,
) -> Result<HttpResponse> {
    let folder = folder(&app)?;
    let key = BlobKey::parse(&key)?;
    folder.check("GET", &key, &query, None, app.db.now())?;
    let blob = app.blobs.open(&key).await?;
    let info = blob.info().clone();
    let kind = info
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header(attachment(query.filename.as_deref()))
        .insert_header(etag(&info))
        // The bytes are a stranger's: they are never a page of ours, nor run as one.
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(SizedStream::new(info.size, ReaderStream::new(blob))))
}

/// The folder backend; with any other, the addresses are not ours to serve.
fn folder(app: &App) -> Result<&Folder> {
    app.folder.as_deref().ok_or_else(route_not_found)
}

/// The folder knows the hash of all that it has.
fn etag(info: &BlobInfo) -> ETag {
    ETag(EntityTag::new_strong(
        info.sha256.clone().unwrap_or_default(),
    ))
}

fn header_text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// Refuses a body that is declared as too large before any of it is read. What is not
/// declared, or falsely, is cut off while it streams.
fn refuse_declared(request: &HttpRequest, limit: u64) -> Result<()> {
    let declared: Option<u64> =
        header_text(request, header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(Error::new(
            Code::BodyTooLarge,
            format!("The upload is larger than the {limit} bytes that are accepted."),
        ));
    }
    Ok(())
}

/// Save as `filename` (RFC 6266): in ASCII for all, and as it is (RFC 8187) where the
/// two differ. The header escapes quotes; control characters are in no file's name.
fn attachment(filename: Option<&str>) -> ContentDisposition {
    let mut parameters = Vec::new();
    if let Some(name) = filename {
        let plain = |c: char| {
            if c.is_ascii() && !c.is_control() {
                c
            } else {
                '_'
            }
        };
        let ascii: String = name.chars().map(plain).collect();
        let same = ascii == name;
        parameters.push(DispositionParam::Filename(ascii));
        if !same {
            parameters.push(DispositionParam::FilenameExt(ExtendedValue {
                charset: Charset::Ext("UTF-8".to_owned()),
                language_tag: None,
                value: name.as_bytes().to_vec(),
            }));
        }
    }
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_download_is_quoted_and_encoded() {
        let header = |name| attachment(Some(name)).to_string();
        assert_eq!(header("a b.pdf"), "attachment; filename=\"a b.pdf\"");
        assert_eq!(header("a\".pdf"), "attachment; filename=\"a\\\".pdf\"");
        assert_eq!(
            header("é.pdf"),
            "attachment; filename=\"_.pdf\"; filename*=UTF-8''%C3%A9.pdf"
        );
    }
}
