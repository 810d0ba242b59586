//! SQL of processing: leases on files, what reading gave, what was left behind.

use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, SelectableHelper,
    sql_types::{Array, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::model::{Claim, ProcessingStatus};
use crate::{
    kernel::{Error, FileId, OrgId, Result, Timestamp, WorkerId},
    platform::{
        blobs::BlobKey,
        db::{Tx, schema::files},
    },
};

/// Who holds a file, as the row says.
#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = files)]
pub(in super::super) struct Lease {
    pub processing_status: ProcessingStatus,
    pub confirmed_at: Option<Timestamp>,
    pub lease_worker: Option<WorkerId>,
}

/// The file's lease, with its row locked; `None` when there is no such file.
pub(in super::super) async fn lock_lease(tx: &mut Tx, id: FileId) -> Result<Option<Lease>> {
    Ok(files::table
        .find(id)
        .select(Lease::as_select())
        .for_update()
        .first(tx.conn())
        .await
        .optional()?)
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = files)]
struct ClaimRow {
    id: FileId,
    org_id: OrgId,
    lease_epoch: i64,
    attempts: i32,
    storage_key: String,
    filename: String,
    content_type: String,
    sha256: Option<String>,
}

/// Gives the locked file to `worker` under a new epoch.
pub(in super::super) async fn grant(tx: &mut Tx, id: FileId, worker: WorkerId) -> Result<Claim> {
    let now = tx.now();
    let row: ClaimRow = diesel::update(files::table.find(id))
        .set((
            files::processing_status.eq(ProcessingStatus::Processing),
            files::processing_error.eq(None::<String>),
            files::lease_worker.eq(worker),
            files::lease_epoch.eq(files::lease_epoch + 1),
            files::attempts.eq(files::attempts + 1),
            files::updated_at.eq(now),
        ))
        .returning(ClaimRow::as_returning())
        .get_result(tx.conn())
        .await?;
    Ok(Claim {
        file: row.id,
        org: row.org_id,
        epoch: row.lease_epoch,
        attempts: row.attempts,
        key: BlobKey::parse(&row.storage_key).map_err(Error::internal)?,
        filename: row.filename,
        content_type: row.content_type,
        sha256: row.sha256.unwrap_or_default(),
    })
}

/// Writes what reading gave and ends the lease; `false` when the claim no longer holds.
pub(in super::super) async fn finish(
    tx: &mut Tx,
    id: FileId,
    epoch: i64,
    outcome: &Outcome<'_>,
) -> Result<bool> {
    let now = tx.now();
    let written = diesel::update(held(id, epoch))
        .set((
            files::processing_status.eq(outcome.status),
            files::processing_error.eq(outcome.error),
            files::extracted_text.eq(outcome.text),
            files::segments.eq(&outcome.segments),
            files::metadata.eq(outcome.metadata),
            files::lease_worker.eq(None::<WorkerId>),
            files::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(written > 0)
}

/// What is written at the end.
pub(in super::super) struct Outcome<'a> {
    pub status: ProcessingStatus,
    pub error: Option<&'a str>,
    pub text: Option<&'a str>,
    pub segments: Value,
    pub metadata: &'a Value,
}

impl Default for Outcome<'_> {
    fn default() -> Self {
        Outcome {
            status: ProcessingStatus::Failed,
            error: None,
            text: None,
            segments: json!([]),
            metadata: &Value::Null,
        }
    }
}

/// Puts the file back; the try counts unless it is `forgiven`. `false` when the claim
/// no longer holds.
pub(in super::super) async fn put_back(
    tx: &mut Tx,
    id: FileId,
    epoch: i64,
    forgiven: bool,
) -> Result<bool> {
    let now = tx.now();
    let written = diesel::update(held(id, epoch))
        .set((
            files::processing_status.eq(ProcessingStatus::Pending),
            files::lease_worker.eq(None::<WorkerId>),
            files::attempts.eq(files::attempts - i32::from(forgiven)),
            files::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(written > 0)
}

/// Has a file that is finished read again: it waits as one that was confirmed just now. Its
/// text stays until the new one is there.
pub(in super::super) async fn reopen(tx: &mut Tx, id: FileId) -> Result<()> {
    let now = tx.now();
    diesel::update(files::table.find(id))
        .set((
            files::processing_status.eq(ProcessingStatus::Pending),
            files::processing_error.eq(None::<String>),
            files::lease_worker.eq(None::<WorkerId>),
            files::attempts.eq(0),
            files::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The file under the very lease that has this epoch: the fence of every late writer.
#[diesel::dsl::auto_type(no_type_alias)]
fn held(id: FileId, epoch: i64) -> _ {
    let processing: ProcessingStatus = ProcessingStatus::Processing;
    files::table
        .filter(files::id.eq(id))
        .filter(files::lease_epoch.eq(epoch))
        .filter(files::processing_status.eq(processing))
}

/// A file that nobody works on and that no message in our own queue names.
#[derive(Debug, QueryableByName)]
pub(in super::super) struct Abandoned {
    #[diesel(sql_type = SqlUuid)]
    pub id: FileId,
    #[diesel(sql_type = SqlUuid)]
    pub org_id: OrgId,
}

/// How many abandoned files one sweep takes up.
const SWEEP: i64 = 100;

/// Confirmed and unfinished files, untouched for a `lease`, that nobody living holds;
/// what `me` holds counts as held only if it is among `busy`. Needs
/// [`Scope::System`](crate::kernel::Scope::System).
pub(in super::super) async fn abandoned(
    tx: &mut Tx,
    me: WorkerId,
    busy: &[FileId],
    lease: TimeDelta,
) -> Result<Vec<Abandoned>> {
    let since = tx.now() - lease;
    let busy: Vec<Uuid> = busy.iter().map(|id| id.uuid()).collect();
    // In SQL, because the query builder can't correlate with a cast of a JSON member.
    let sql = format!(
        "select f.id, f.org_id from files f \
         where f.confirmed_at is not null and f.processing_status in ('pending', 'processing') \
           and f.updated_at < $1 \
           and (f.processing_status = 'pending' or not exists ( \
               select from workers w where w.id = f.lease_worker and w.heartbeat_at >= $1 \
                 and (w.id <> $2 or f.id = any ($3)))) \
           and not exists ( \
               select from jobs j where j.queue = 'file' and j.body ->> 'fileId' = f.id::text \
                 and j.dead_at is null) \
         order by f.created_at limit {SWEEP}"
    );
    Ok(diesel::sql_query(sql)
        .bind::<Timestamptz, _>(since)
        .bind::<SqlUuid, _>(me)
        .bind::<Array<SqlUuid>, _>(busy)
        .load(tx.conn())
        .await?)
}

/// Marks the file as seen to, so that no other sweep takes it up in the same moment;
/// `false` when it was touched since `before`, or is gone.
pub(in super::super) async fn touch(tx: &mut Tx, id: FileId, before: Timestamp) -> Result<bool> {
    let now = tx.now();
    let abandoned = files::table
        .find(id)
        .filter(files::updated_at.lt(before))
        .filter(
            files::processing_status
                .eq_any([ProcessingStatus::Pending, ProcessingStatus::Processing]),
        );
    let touched = diesel::update(abandoned)
        .set(files::updated_at.eq(now))
        .execute(tx.conn())
        .await?;
    Ok(touched > 0)
}
