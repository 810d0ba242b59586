//! Uploads: granted, confirmed once their bytes are there, removed when nobody confirms them.

use bytes::BytesMut;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::{
    super::{
        arrival::{Arrival, HEAD},
        model::{self, File, FileUpload, ProcessingStatus, Upload},
        store::{self, UploadState},
    },
    brief, emit_updated_in, quota, record, url_ttl,
};
use crate::{
    access::{Action, Grant, Target},
    app::{App, Ctx},
    config::StorageConfig,
    kernel::{Code, Error, FileId, OrgId, Result, Scope, Timestamp, error::Kind},
    outbox,
    platform::{
        blobs::{BlobKey, Blobs},
        db::{Db, Tx},
    },
};

/// What is said of an upload that nobody confirmed while a node uses its file.
const NEVER_SENT: &str = "The upload was never finished. Upload the file again.";
/// Bytes that are in memory at a time.
const BUFFER: usize = 64 << 10;

/// Grants an upload: makes a file that waits for its bytes, and the address to send
/// them to.
pub async fn file_upload(ctx: &Ctx, org: OrgId, new: FileUpload) -> Result<Upload> {
    let app = &ctx.app;
    let storage = &app.config.storage;
    new.check(storage.upload_limit_bytes)?;
    let file = ctx
        .tx(
            Action::FileCreate,
            Target::Org(org),
            async move |tx, grant| {
                let file = waiting(app, tx, grant, new)?;
                store::insert(tx, &file).await?;
                record(tx, grant, &file, None, Some(brief(&file))).await?;
                quota::take_in(tx, org, file.counted(), storage.quota()).await?;
                Ok(file)
            },
        )
        .await?;
    let ttl = url_ttl(ctx)?;
    let key = file.key()?;
    let request = app.blobs.sign_put(&key, file.declared(), ctx.now(), ttl);
    Ok(Upload {
        file: file.id,
        request: request.await?,
    })
}

fn waiting(app: &App, tx: &Tx, grant: &Grant, new: FileUpload) -> Result<File> {
    let id = FileId::new(tx.ids());
    let declared = new.size_bytes.map(i64::try_from).transpose();
    let declared = declared.map_err(Error::internal)?;
    let most = i64::try_from(app.config.storage.upload_limit_bytes).unwrap_or(i64::MAX);
    Ok(File {
        id,
        org_id: grant.org,
        storage_key: model::new_key(grant.org, id)?.to_string(),
        storage_bucket: app.blobs.bucket().to_owned(),
        filename: new.filename,
        content_type: new.content_type,
        size_bytes: declared,
        sha256: new.sha256,
        processing_status: ProcessingStatus::Pending,
        extracted_text: None,
        extracted_text_truncated: false,
        processing_error: None,
        metadata: json!({}),
        created_at: tx.now(),
        uploaded_by: Some(grant.actor.user),
        confirmed_at: None,
        reserved_bytes: Some(declared.unwrap_or(most)),
    })
}

/// Takes the client at its word that the bytes are there, after looking. Size and hash
/// are taken from the bytes, the file is queued to be read, and its address takes no
/// other bytes from now on. Doing it again changes nothing.
pub async fn file_confirm(ctx: &Ctx, id: FileId) -> Result<File> {
    // Outside of the request's idempotency key, which would keep this transaction open
    // until the next one: the storage is asked with none open.
    let look = Ctx {
        attempt: None,
        ..ctx.clone()
    };
    let file = look
        .tx(Action::FileCreate, Target::File(id), async |tx, _| {
            store::get(tx, id).await
        })
        .await?;
    let storage = &ctx.app.config.storage;
    // What it says may be old when it is written: that is caught when the bytes are read
    // and their hash is another.
    let found = match is_open(&file) {
        true => arrived(&*ctx.app.blobs, &file.key()?, storage.upload_limit_bytes).await?,
        false => None,
    };
    let confirmed = ctx
        .tx(
            Action::FileCreate,
            Target::File(id),
            async move |tx, grant| {
                let file = store::lock(tx, id).await?;
                confirm(tx, grant, file, found, storage).await
            },
        )
        .await?;
    match &confirmed.processing_error {
        Some(sentence) if confirmed.confirmed_at.is_none() => {
            Err(Error::new(Code::Unprocessable, sentence))
        }
        _ => Ok(confirmed),
    }
}

/// Neither confirmed nor refused yet.
fn is_open(file: &File) -> bool {
    file.confirmed_at.is_none() && file.processing_status == ProcessingStatus::Pending
}

/// What arrived under `key`, if anything did. Its beginning is read; all of it only where the
/// storage does not know its hash.
async fn arrived(blobs: &dyn Blobs, key: &BlobKey, limit: u64) -> Result<Option<Arrival>> {
    let mut blob = match blobs.open(key).await {
        Ok(blob) => blob,
        Err(error) if error.code().kind() == Kind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let info = blob.info().clone();
    let mut arrival = Arrival {
        size: info.size,
        sha256: info.sha256,
        head: Vec::with_capacity(HEAD),
    };
    if info.size > limit {
        return Ok(Some(arrival));
    }
    let mut hash = Sha256::new();
    let mut buffer = BytesMut::with_capacity(BUFFER);
    let mut size = 0_u64;
    loop {
        let missing = HEAD.saturating_sub(arrival.head.len());
        if missing == 0 && arrival.sha256.is_some() {
            return Ok(Some(arrival));
        }
        if blob.read_buf(&mut buffer).await.map_err(broken_off)? == 0 {
            break;
        }
        arrival.head.extend(buffer.iter().take(missing));
        hash.update(&buffer);
        size += buffer.len() as u64;
        buffer.clear();
    }
    if size != info.size {
        return Err(broken_off(std::io::ErrorKind::UnexpectedEof.into()));
    }
    arrival
        .sha256
        .get_or_insert_with(|| hex::encode(hash.finalize()));
    Ok(Some(arrival))
}

fn broken_off(error: std::io::Error) -> Error {
    let sentence = "The file storage broke off in the middle. Try again in a moment.";
    Error::new(Code::Unavailable, sentence).because(error)
}

/// Decides about the locked file. A refusal is written too, and so must commit: it is
/// the file that says so, not the error.
async fn confirm(
    tx: &mut Tx,
    grant: &Grant,
    mut file: File,
    found: Option<Arrival>,
    storage: &StorageConfig,
) -> Result<File> {
    if !is_open(&file) {
        return Ok(file);
    }
    let found = found.ok_or_else(|| {
        Error::new(
            Code::UploadMissing,
            "The file's bytes have not arrived. Send them to the upload address first.",
        )
    })?;
    let counted = file.counted();
    let job = match found.judge(&file, storage.upload_limit_bytes) {
        Ok((size, sha256)) => {
            file.size_bytes = Some(size);
            file.sha256 = Some(sha256);
            file.confirmed_at = Some(tx.now());
            file.job()
        }
        Err(sentence) => {
            file.processing_status = ProcessingStatus::Failed;
            file.processing_error = Some(sentence);
            file.deletion_job(storage.url_ttl())
        }
    };
    file.reserved_bytes = None;
    store::confirm(tx, &file).await?;
    outbox::enqueue(tx, &job).await?;
    record(tx, grant, &file, None, Some(brief(&file))).await?;
    emit_updated_in(tx, grant.org, file.id).await?;
    quota::take_in(tx, grant.org, file.counted() - counted, storage.quota()).await?;
    Ok(file)
}

/// Whether bytes may be sent to `key`: the address was signed earlier, and the file may
/// have been confirmed, refused or deleted since.
pub async fn check_upload_open(app: &App, key: &BlobKey) -> Result<()> {
    let id = model::file_of_key(key).ok_or_else(store::gone)?;
    let state = app
        .db
        .tx(Scope::System, async |tx| store::upload_state(tx, id).await)
        .await?;
    match state {
        Some(UploadState::Open) => Ok(()),
        Some(UploadState::Closed) => Err(Error::new(
            Code::Conflict,
            "This upload is closed: its bytes were confirmed or refused. Ask for a new one.",
        )),
        None => Err(store::gone()),
    }
}

/// Removes uploads that were granted long ago and that nobody confirmed, with what arrived of
/// them; answers how many. A file that a node uses stays and says that it never came.
pub async fn remove_unconfirmed(db: &Db, storage: &StorageConfig) -> Result<usize> {
    let before = db.now() - storage.unconfirmed();
    let mut removed = 0;
    loop {
        let old = db
            .tx(Scope::System, async |tx| {
                store::unconfirmed(tx, before).await
            })
            .await?;
        let mut ended = 0;
        for (org, id) in old {
            let scope = Scope::Org { org, user: None };
            let end = async |tx: &mut Tx| end_unconfirmed(tx, id, before, storage).await;
            ended += usize::from(db.tx(scope, end).await?);
        }
        if ended == 0 {
            return Ok(removed);
        }
        removed += ended;
    }
}

async fn end_unconfirmed(
    tx: &mut Tx,
    id: FileId,
    before: Timestamp,
    storage: &StorageConfig,
) -> Result<bool> {
    let mut file = match store::lock(tx, id).await {
        Ok(file) if is_open(&file) && file.created_at < before => file,
        Ok(_) => return Ok(false),
        Err(error) if error.code().kind() == Kind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let counted = file.counted();
    outbox::enqueue(tx, &file.deletion_job(storage.url_ttl())).await?;
    if store::is_used(tx, id).await? {
        file.processing_status = ProcessingStatus::Failed;
        file.processing_error = Some(NEVER_SENT.to_owned());
        file.reserved_bytes = None;
        store::confirm(tx, &file).await?;
        emit_updated_in(tx, file.org_id, id).await?;
    } else {
        store::delete(tx, id).await?;
    }
    quota::release_in(tx, file.org_id, counted).await?;
    Ok(true)
}
