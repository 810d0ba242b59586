//! What people and agents do with files. [`processing`] is what workers do.

pub mod doctor;
pub mod processing;
pub mod quota;
mod uploads;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};

use super::{
    model::{self, File, FileFilter, Outline, ProcessingStatus, StoredText},
    store,
};
use crate::{
    access::{self, Action, Grant, Target, audit},
    app::Ctx,
    kernel::{
        Code, Error, FileId, OrgId, ProjectId, Result,
        event::{Channel, Event, EventKind},
        page::{Page, PageRequest},
    },
    outbox,
    platform::db::Tx,
    projects,
};

pub use uploads::{check_upload_open, file_confirm, file_upload, remove_unconfirmed};

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
        for project in projects::ops::projects_of_in(tx, org, ctx.caller.user()).await? {
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
        .sign_get(&file.key()?, &file.filename, now, ttl)
        .await?;
    Ok((file, Some(request.url)))
}

/// Deletes a file that no node uses; its bytes are removed by a job.
pub async fn file_delete(ctx: &Ctx, id: FileId) -> Result<()> {
    let url_ttl = ctx.app.config.storage.url_ttl();
    ctx.tx(Action::FileDelete, Target::File(id), async |tx, grant| {
        let file = store::lock(tx, id).await?;
        store::delete(tx, id).await?;
        outbox::enqueue(tx, &file.deletion_job(url_ttl)).await?;
        record(tx, grant, &file, Some(brief(&file)), None).await?;
        quota::release_in(tx, grant.org, file.counted()).await
    })
    .await
}

/// Has a file read again from its bytes. The text that there is stays until then. One that
/// waits to be read, or is being read, is left alone.
pub async fn file_reprocess(ctx: &Ctx, id: FileId) -> Result<File> {
    let target = Target::File(id);
    ctx.tx(Action::FileReprocess, target, async |tx, grant| {
        let mut file = store::lock(tx, id).await?;
        if file.confirmed_at.is_none() {
            return Err(Error::new(
                Code::Conflict,
                "The file's bytes were never confirmed, so there is nothing to read. Upload it \
                 again.",
            ));
        }
        let before = brief(&file);
        match file.processing_status {
            ProcessingStatus::Pending | ProcessingStatus::Processing => return Ok(file),
            ProcessingStatus::Complete | ProcessingStatus::Failed => {}
        }
        store::processing::reopen(tx, id).await?;
        file.processing_status = ProcessingStatus::Pending;
        file.processing_error = None;
        outbox::enqueue(tx, &file.job()).await?;
        record(tx, grant, &file, Some(before), Some(brief(&file))).await?;
        emit_updated_in(tx, grant.org, id).await?;
        Ok(file)
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
    let size = i64::try_from(stored.size).map_err(Error::internal)?;
    // Counted and never refused: what an agent did is evidence, and small beside uploads.
    let count = store::quota::add(tx, grant.org, size);
    let (_, file, _) = tokio::try_join!(biased; insert, store::get(tx, stored.id), count)?;
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
