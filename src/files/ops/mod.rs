//! What people and agents do with files. [`processing`] is what workers do.

pub mod doctor;
pub mod processing;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};

use super::{
    model::{
        self, File, FileFilter, FileUpload, LOCAL_BUCKET, Outline, ProcessingStatus, StoredText,
        Upload,
    },
    store::{self, UploadState},
};
use crate::{
    access::{self, Action, Grant, Target, audit},
    app::{App, Ctx},
    kernel::{
        Code, Error, FileId, OrgId, ProjectId, Result, Scope,
        event::{Channel, Event, EventKind},
        page::{Page, PageRequest},
    },
    outbox,
    platform::{
        blobs::{BlobInfo, BlobKey},
        db::Tx,
    },
};

/// Grants an upload: makes a file that waits for its bytes, and the address to send
/// them to.
pub async fn file_upload(ctx: &Ctx, org: OrgId, new: FileUpload) -> Result<Upload> {
    new.check(ctx.app.config.storage.upload_limit_bytes)?;
    let file = ctx
        .tx(
            Action::FileCreate,
            Target::Org(org),
            async move |tx, grant| {
                let file = waiting(tx, grant, new)?;
                store::insert(tx, &file).await?;
                record(tx, grant, &file, None, Some(brief(&file))).await?;
                Ok(file)
            },
        )
        .await?;
    let ttl = url_ttl(ctx)?;
    let (blobs, now) = (&ctx.app.blobs, ctx.now());
    let request = blobs.sign_put(&file.key()?, &file.content_type, now, ttl)?;
    Ok(Upload {
        file: file.id,
        request,
    })
}

fn waiting(tx: &Tx, grant: &Grant, new: FileUpload) -> Result<File> {
    let id = FileId::new(tx.ids());
    let declared = new.size_bytes.map(i64::try_from).transpose();
    Ok(File {
        id,
        org_id: grant.org,
        storage_key: model::new_key(grant.org, id)?.to_string(),
        storage_bucket: LOCAL_BUCKET.to_owned(),
        filename: new.filename,
        content_type: new.content_type,
        size_bytes: declared.map_err(Error::internal)?,
        sha256: None,
        processing_status: ProcessingStatus::Pending,
        extracted_text: None,
        extracted_text_truncated: false,
        processing_error: None,
        metadata: json!({}),
        created_at: tx.now(),
        uploaded_by: Some(grant.actor.user),
        confirmed_at: None,
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
    // What it says may be old when it is written: that is caught when the bytes are read
    // and their hash is another.
    let found = match file.confirmed_at {
        Some(_) => None,
        None => ctx.app.blobs.head(&file.key()?).await?,
    };
    let limit = ctx.app.config.storage.upload_limit_bytes;
    let confirmed = ctx
        .tx(
            Action::FileCreate,
            Target::File(id),
            async move |tx, grant| {
                let file = store::lock(tx, id).await?;
                confirm(tx, grant, file, found, limit).await
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

/// Decides about the locked file. A refusal is written too, and so must commit: it is
/// the file that says so, not the error.
async fn confirm(
    tx: &mut Tx,
    grant: &Grant,
    mut file: File,
    found: Option<BlobInfo>,
    limit: u64,
) -> Result<File> {
    let refused_before = file.processing_status == ProcessingStatus::Failed;
    if file.confirmed_at.is_some() || refused_before {
        return Ok(file);
    }
    let found = found.ok_or_else(|| {
        Error::new(
            Code::UploadMissing,
            "The file's bytes have not arrived. Send them to the upload address first.",
        )
    })?;
    let job = match file.judge(&found, limit) {
        Ok(size) => {
            file.size_bytes = Some(size);
            file.sha256 = Some(found.sha256);
            file.confirmed_at = Some(tx.now());
            file.job()
        }
        Err(sentence) => {
            file.processing_status = ProcessingStatus::Failed;
            file.processing_error = Some(sentence);
            file.deletion_job()
        }
    };
    store::confirm(tx, &file).await?;
    outbox::enqueue(tx, &job).await?;
    record(tx, grant, &file, None, Some(brief(&file))).await?;
    emit_updated_in(tx, grant.org, file.id).await?;
    Ok(file)
}

/// The organization's files, newest first, without their text.
///
/// Who may not read all of them, as a guest or by a narrowed token, gets those that
/// are used in the projects they belong to and may read files in.
pub async fn file_list(
    ctx: &Ctx,
    org: OrgId,
    filter: FileFilter,
    page: PageRequest,
) -> Result<Page<File>> {
    let all = ctx
        .tx(Action::FileRead, Target::Org(org), async |tx, _| {
            store::list(tx, org, None, &filter, &page).await
        })
        .await;
    match all {
        Err(error) if error.code() == Code::Forbidden => {
            list_of_projects(ctx, org, &filter, &page).await
        }
        result => result,
    }
}

async fn list_of_projects(
    ctx: &Ctx,
    org: OrgId,
    filter: &FileFilter,
    page: &PageRequest,
) -> Result<Page<File>> {
    ctx.asking_tx(async move |tx| {
        let mut readable: Vec<ProjectId> = Vec::new();
        for project in store::projects_of(tx, org, ctx.caller.user()).await? {
            let target = Target::Project(project);
            match access::authorise(tx, &ctx.caller, Action::FileRead, target).await {
                Ok(_) => readable.push(project),
                Err(error) if error.code() == Code::Forbidden => {}
                Err(error) => return Err(error),
            }
        }
        store::list(tx, org, Some(&readable), filter, page).await
    })
    .await
}

/// One file with the beginning of its text, and where its bytes can be fetched, once
/// they are there.
pub async fn file_get(ctx: &Ctx, id: FileId) -> Result<(File, Option<String>)> {
    let file = ctx
        .tx(Action::FileRead, Target::File(id), async |tx, _| {
            store::get_with_text(tx, id).await
        })
        .await?;
    if file.confirmed_at.is_none() {
        return Ok((file, None));
    }
    let (ttl, now) = (url_ttl(ctx)?, ctx.now());
    let request = ctx
        .app
        .blobs
        .sign_get(&file.key()?, &file.filename, now, ttl)?;
    Ok((file, Some(request.url)))
}

/// Deletes a file that no node uses; its bytes are removed by a job.
pub async fn file_delete(ctx: &Ctx, id: FileId) -> Result<()> {
    ctx.tx(Action::FileDelete, Target::File(id), async |tx, grant| {
        let file = store::lock(tx, id).await?;
        store::delete(tx, id).await?;
        outbox::enqueue(tx, &file.deletion_job()).await?;
        record(tx, grant, &file, Some(brief(&file)), None).await
    })
    .await
}

/// Characters of a text that are in memory at a time.
const PIECE: usize = 256 << 10;

/// The whole text of a file in pieces. The first piece is there when this returns, so
/// what is refused is refused before the answer begins; the stream fails should the
/// file be deleted or read anew in the middle.
pub async fn file_text(ctx: Ctx, id: FileId) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
    let (first, epoch) = text_piece(&ctx, id, 0, None).await?;
    let rest = stream::try_unfold((ctx, PIECE), move |(ctx, start)| async move {
        let (piece, _) = text_piece(&ctx, id, start, Some(epoch)).await?;
        Ok((!piece.is_empty()).then_some((piece, (ctx, start + PIECE))))
    });
    Ok(stream::once(async { Ok(first) }).chain(rest))
}

/// One piece, and the epoch of the text it is of; refused if that is not `expected`.
async fn text_piece(
    ctx: &Ctx,
    id: FileId,
    start: usize,
    expected: Option<i64>,
) -> Result<(Bytes, i64)> {
    let passage = ctx
        .tx(Action::FileRead, Target::File(id), async |tx, _| {
            store::passage(tx, id, start, PIECE).await
        })
        .await?;
    match passage.text {
        Some(text) if expected.is_none_or(|epoch| epoch == passage.epoch) => {
            Ok((text.into(), passage.epoch))
        }
        _ => Err(model::unread(passage.status, passage.error.as_deref())),
    }
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

/// Makes a file whose bytes are in the blobs already and whose text is known: what an
/// agent wrote. It is complete at once.
pub async fn file_store_in(tx: &mut Tx, grant: &Grant, stored: StoredText) -> Result<File> {
    let characters = stored.text.chars().count();
    let segments = match characters {
        0 => json!([]),
        end => json!([{ "start": 0, "end": end }]),
    };
    let metadata = json!({ "outcome": "complete" });
    let user = grant.actor.user;
    let insert = store::insert_complete(tx, grant.org, user, &stored, segments, metadata);
    let (_, file) = tokio::try_join!(biased; insert, store::get(tx, stored.id))?;
    record(tx, grant, &file, None, Some(brief(&file))).await?;
    Ok(file)
}

/// What there is to read in a file, without the text itself.
pub async fn outline_in(tx: &mut Tx, id: FileId) -> Result<Outline> {
    store::outline(tx, id).await
}

/// The characters `start..end` of a file's text, as far as it goes. Only these leave
/// the database.
pub async fn passage_in(tx: &mut Tx, id: FileId, start: usize, end: usize) -> Result<String> {
    let passage = store::passage(tx, id, start, end.saturating_sub(start)).await?;
    passage
        .text
        .ok_or_else(|| model::unread(passage.status, passage.error.as_deref()))
}

/// Tells the nodes that use a file how far it is.
async fn emit_updated_in(tx: &mut Tx, org: OrgId, id: FileId) -> Result<()> {
    let nodes = store::nodes_using(tx, id).await?;
    if nodes.is_empty() {
        return Ok(());
    }
    let file = store::get(tx, id).await?;
    let mut payload = json!({
        "fileId": id,
        "filename": file.filename,
        "processingStatus": file.processing_status,
        "nodeIds": nodes,
    });
    if let (Some(error), Some(fields)) = (file.processing_error, payload.as_object_mut()) {
        fields.insert("processingError".to_owned(), Value::String(error));
    }
    let event = Event {
        kind: EventKind::FileUpdated,
        org,
        channels: nodes.into_iter().map(Channel::Node).collect(),
        payload,
    };
    outbox::emit(tx, &event).await
}

fn url_ttl(ctx: &Ctx) -> Result<std::time::Duration> {
    let ttl = ctx.app.config.storage.url_ttl();
    ttl.to_std().map_err(Error::internal)
}

fn brief(file: &File) -> Value {
    json!({
        "filename": file.filename,
        "contentType": file.content_type,
        "sizeBytes": file.size_bytes,
        "sha256": file.sha256,
        "processingStatus": file.processing_status,
    })
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    file: &File,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "file",
        id: file.id.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}
