//! SQL of files: rows, lists and their text. [`processing`] has that of the workers.

pub(super) mod doctor;
pub(super) mod processing;
pub(super) mod quota;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, SelectableHelper,
    dsl::exists,
    result::Error as SqlError,
    sql_types::{Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::model::{
    File, FileFilter, Outline, ProcessingStatus, Segment, StoredText, TEXT_PREVIEW,
};
use crate::{
    kernel::{
        Code, Error, FileId, NodeId, OrgId, ProjectId, Result, Timestamp, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{
        Tx,
        schema::{files, node_inputs, node_outputs, nodes},
        types::sql_text,
        violates,
    },
};

sql_text!(ProcessingStatus);

#[diesel::declare_sql_function]
extern "SQL" {
    /// The first characters of a text.
    fn left(text: Nullable<Text>, count: Integer) -> Nullable<Text>;
    /// `count` characters of a text from the `start`th on, counted from 1.
    fn substr(text: Nullable<Text>, start: Integer, count: Integer) -> Nullable<Text>;
    /// The number of characters.
    fn char_length(text: Nullable<Text>) -> Nullable<Integer>;
}

/// A file without its text, which may be long.
#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = files)]
struct Row {
    id: FileId,
    org_id: OrgId,
    storage_key: String,
    storage_bucket: String,
    filename: String,
    content_type: String,
    size_bytes: Option<i64>,
    sha256: Option<String>,
    processing_status: ProcessingStatus,
    processing_error: Option<String>,
    metadata: Value,
    confirmed_at: Option<Timestamp>,
    reserved_bytes: Option<i64>,
    uploaded_by: Option<UserId>,
    created_at: Timestamp,
}

impl From<Row> for File {
    fn from(row: Row) -> Self {
        File {
            id: row.id,
            org_id: row.org_id,
            storage_key: row.storage_key,
            storage_bucket: row.storage_bucket,
            filename: row.filename,
            content_type: row.content_type,
            size_bytes: row.size_bytes,
            sha256: row.sha256,
            processing_status: row.processing_status,
            extracted_text: None,
            extracted_text_truncated: false,
            processing_error: row.processing_error,
            metadata: row.metadata,
            created_at: row.created_at,
            uploaded_by: row.uploaded_by,
            confirmed_at: row.confirmed_at,
            reserved_bytes: row.reserved_bytes,
        }
    }
}

pub(super) fn gone() -> Error {
    Error::not_found("file")
}

pub(super) async fn insert(tx: &mut Tx, file: &File) -> Result<()> {
    diesel::insert_into(files::table)
        .values((
            files::id.eq(file.id),
            files::org_id.eq(file.org_id),
            files::storage_key.eq(&file.storage_key),
            files::storage_bucket.eq(&file.storage_bucket),
            files::filename.eq(&file.filename),
            files::content_type.eq(&file.content_type),
            files::size_bytes.eq(file.size_bytes),
            files::sha256.eq(&file.sha256),
            files::reserved_bytes.eq(file.reserved_bytes),
            files::metadata.eq(&file.metadata),
            files::uploaded_by.eq(file.uploaded_by),
            files::created_at.eq(file.created_at),
            files::updated_at.eq(file.created_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A file that needs no upload and no processing.
pub(super) async fn insert_complete(
    tx: &Tx,
    org: OrgId,
    by: UserId,
    stored: &StoredText,
    segments: Value,
    metadata: Value,
) -> Result<()> {
    let now = tx.now();
    let size = i64::try_from(stored.size).map_err(Error::internal)?;
    diesel::insert_into(files::table)
        .values((
            files::id.eq(stored.id),
            files::org_id.eq(org),
            files::storage_key.eq(stored.key.as_str()),
            files::storage_bucket.eq(&stored.bucket),
            files::filename.eq(&stored.filename),
            files::content_type.eq(&stored.content_type),
            files::size_bytes.eq(size),
            files::sha256.eq(&stored.sha256),
            files::processing_status.eq(ProcessingStatus::Complete),
            files::extracted_text.eq(&stored.text),
            files::segments.eq(segments),
            files::metadata.eq(metadata),
            files::confirmed_at.eq(now),
            files::uploaded_by.eq(by),
            files::created_at.eq(now),
            files::updated_at.eq(now),
        ))
        .execute(&mut tx.pipe())
        .await?;
    Ok(())
}

/// The file, without its text.
pub(super) async fn get(tx: &Tx, id: FileId) -> Result<File> {
    let row: Option<Row> = files::table
        .find(id)
        .select(Row::as_select())
        .first(&mut tx.pipe())
        .await
        .optional()?;
    row.map(File::from).ok_or_else(gone)
}

/// The file with the beginning of its text.
pub(super) async fn get_with_text(tx: &mut Tx, id: FileId) -> Result<File> {
    // One more than is shown tells whether there is more.
    let count = i32::try_from(TEXT_PREVIEW + 1).map_err(Error::internal)?;
    let row: Option<(Row, Option<String>)> = files::table
        .find(id)
        .select((Row::as_select(), left(files::extracted_text, count)))
        .first(tx.conn())
        .await
        .optional()?;
    let (row, text) = row.ok_or_else(gone)?;
    let mut file = File::from(row);
    file.extracted_text = text;
    file.cut_text(TEXT_PREVIEW);
    Ok(file)
}

/// The file, without its text, with its row locked against other changes.
pub(super) async fn lock(tx: &mut Tx, id: FileId) -> Result<File> {
    let row: Option<Row> = files::table
        .find(id)
        .select(Row::as_select())
        .for_update()
        .first(tx.conn())
        .await
        .optional()?;
    row.map(File::from).ok_or_else(gone)
}

/// Writes what a confirmation found.
pub(super) async fn confirm(tx: &mut Tx, file: &File) -> Result<()> {
    let now = tx.now();
    diesel::update(files::table.find(file.id))
        .set((
            files::size_bytes.eq(file.size_bytes),
            files::sha256.eq(&file.sha256),
            files::processing_status.eq(file.processing_status),
            files::processing_error.eq(&file.processing_error),
            files::confirmed_at.eq(file.confirmed_at),
            files::reserved_bytes.eq(file.reserved_bytes),
            files::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many open uploads are looked at in one go.
const BATCH: i64 = 100;

/// Uploads that were granted before `before` and are open still, oldest first. Needs
/// [`Scope::System`](crate::kernel::Scope::System).
pub(super) async fn unconfirmed(tx: &mut Tx, before: Timestamp) -> Result<Vec<(OrgId, FileId)>> {
    Ok(files::table
        .filter(files::confirmed_at.is_null())
        .filter(files::processing_status.eq(ProcessingStatus::Pending))
        .filter(files::created_at.lt(before))
        .order(files::created_at)
        .limit(BATCH)
        .select((files::org_id, files::id))
        .load(tx.conn())
        .await?)
}

/// Whether any node, a deleted one as well, has the file among its inputs or outputs.
pub(super) async fn is_used(tx: &mut Tx, id: FileId) -> Result<bool> {
    let as_input = node_inputs::table.filter(node_inputs::file_id.eq(id));
    let as_output = node_outputs::table.filter(node_outputs::file_id.eq(id));
    Ok(diesel::select(exists(as_input).or(exists(as_output)))
        .get_result(tx.conn())
        .await?)
}

/// Deletes the row; refused while a node has the file.
pub(super) async fn delete(tx: &mut Tx, id: FileId) -> Result<()> {
    diesel::delete(files::table.find(id))
        .execute(tx.conn())
        .await
        .map_err(in_use)?;
    Ok(())
}

fn in_use(error: SqlError) -> Error {
    let place = if violates(&error, "node_inputs_org_id_file_id_fkey") {
        "inputs"
    } else if violates(&error, "node_outputs_org_id_file_id_fkey") {
        "outputs"
    } else {
        return error.into();
    };
    Error::new(
        Code::Conflict,
        format!("A node has this file among its {place}. Remove it there first."),
    )
}

/// Files whose upload is still open are the only ones whose bytes may be sent: `None`
/// when there is no such file, else when its upload was confirmed. Needs
/// [`Scope::System`](crate::kernel::Scope::System), for a signed address comes
/// without a caller.
pub(super) async fn upload_state(tx: &mut Tx, id: FileId) -> Result<Option<UploadState>> {
    let row: Option<(Option<Timestamp>, ProcessingStatus)> = files::table
        .find(id)
        .select((files::confirmed_at, files::processing_status))
        .first(tx.conn())
        .await
        .optional()?;
    Ok(row.map(|(confirmed_at, status)| {
        let open = confirmed_at.is_none() && status == ProcessingStatus::Pending;
        if open {
            UploadState::Open
        } else {
            UploadState::Closed
        }
    }))
}

/// Whether bytes may still be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UploadState {
    /// Not confirmed yet.
    Open,
    /// Confirmed or refused.
    Closed,
}

/// The organization's files, newest first, without their text; only those that nodes
/// of `projects` use, if given.
pub(super) async fn list(
    tx: &mut Tx,
    org: OrgId,
    projects: Option<&[ProjectId]>,
    filter: &FileFilter,
    page: &PageRequest,
) -> Result<Page<File>> {
    let matching = || {
        let mut query = files::table.filter(files::org_id.eq(org)).into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(files::processing_status.eq(status));
        }
        if let Some(projects) = projects {
            let as_input = node_inputs::table
                .inner_join(nodes::table.on(nodes::id.eq(node_inputs::node_id)))
                .filter(node_inputs::org_id.eq(files::org_id))
                .filter(node_inputs::file_id.eq(files::id.nullable()))
                .filter(nodes::deleted_at.is_null())
                .filter(nodes::project_id.eq_any(projects.to_vec()));
            let as_output = node_outputs::table
                .inner_join(nodes::table.on(nodes::id.eq(node_outputs::node_id)))
                .filter(node_outputs::org_id.eq(files::org_id))
                .filter(node_outputs::file_id.eq(files::id.nullable()))
                .filter(nodes::deleted_at.is_null())
                .filter(nodes::project_id.eq_any(projects.to_vec()));
            query = query.filter(exists(as_input).or(exists(as_output)));
        }
        query
    };
    let total: i64 = matching().count().get_result(tx.conn()).await?;
    let mut query = matching()
        .select(Row::as_select())
        .order((files::created_at.desc(), files::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset);
    if let Some(Cursor { at, id }) = page.after {
        let id = FileId::from_uuid(id);
        let earlier = files::created_at.eq(at).and(files::id.lt(id));
        query = query.filter(files::created_at.lt(at).or(earlier));
    }
    let rows: Vec<Row> = query.load(tx.conn()).await?;
    let list = rows.into_iter().map(File::from).collect();
    Ok(Page::new(list, total, page, |file: &File| {
        Cursor::new(file.created_at, file.id)
    }))
}

/// The live nodes that have the file among their inputs or outputs.
pub(super) async fn nodes_using(tx: &mut Tx, id: FileId) -> Result<Vec<NodeId>> {
    let as_input = node_inputs::table
        .filter(node_inputs::file_id.eq(id))
        .select(node_inputs::node_id);
    let as_output = node_outputs::table
        .filter(node_outputs::file_id.eq(id))
        .select(node_outputs::node_id);
    Ok(nodes::table
        .filter(nodes::deleted_at.is_null())
        .filter(nodes::id.eq_any(as_input).or(nodes::id.eq_any(as_output)))
        .order(nodes::id)
        .select(nodes::id)
        .load(tx.conn())
        .await?)
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = files)]
struct OutlineRow {
    filename: String,
    content_type: String,
    processing_status: ProcessingStatus,
    processing_error: Option<String>,
    segments: Value,
    metadata: Value,
}

/// What there is to read, without the text.
pub(super) async fn outline(tx: &mut Tx, id: FileId) -> Result<Outline> {
    let row: Option<(OutlineRow, Option<i32>)> = files::table
        .find(id)
        .select((OutlineRow::as_select(), char_length(files::extracted_text)))
        .first(tx.conn())
        .await
        .optional()?;
    let (row, characters) = row.ok_or_else(gone)?;
    let segments: Vec<Segment> = serde_json::from_value(row.segments).map_err(Error::internal)?;
    let pages = row.metadata.get("pages").and_then(Value::as_u64);
    Ok(Outline {
        filename: row.filename,
        content_type: row.content_type,
        status: row.processing_status,
        error: row.processing_error,
        characters: characters.unwrap_or(0).into(),
        pages: pages.and_then(|pages| u32::try_from(pages).ok()),
        segments,
    })
}

/// A piece of a file's text, and what tells whether the text is still the same.
pub(super) struct Passage {
    pub status: ProcessingStatus,
    pub error: Option<String>,
    /// `None` when there is no text.
    pub text: Option<String>,
    /// Counts up with every reading of the file.
    pub epoch: i64,
}

/// `count` characters of the text from `start` on, counted from 0; fewer at its end.
pub(super) async fn passage(
    tx: &mut Tx,
    id: FileId,
    start: usize,
    count: usize,
) -> Result<Passage> {
    // No text has as many characters as an int can count, so what does not fit is
    // beyond the end of any.
    let start = i32::try_from(start.saturating_add(1)).unwrap_or(i32::MAX);
    let count = i32::try_from(count)
        .unwrap_or(i32::MAX)
        .min(i32::MAX - start);
    let row: Option<(ProcessingStatus, Option<String>, Option<String>, i64)> = files::table
        .find(id)
        .select((
            files::processing_status,
            files::processing_error,
            substr(files::extracted_text, start, count),
            files::lease_epoch,
        ))
        .first(tx.conn())
        .await
        .optional()?;
    let (status, error, text, epoch) = row.ok_or_else(gone)?;
    Ok(Passage {
        status,
        error,
        text,
        epoch,
    })
}
