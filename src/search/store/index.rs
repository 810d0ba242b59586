//! SQL of the indexer: what is to be read again, and what it says.

use chrono::TimeDelta;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    files::model::{ProcessingStatus, Segment},
    kernel::{Error, FileId, NodeId, OrgId, Result, Timestamp, event::Indexed, text::TextEnum},
    platform::db::{
        Cacheable, Tx,
        schema::{files, index_work as work, node_inputs, node_outputs, nodes},
    },
    search::model::{Stage, Task},
};

macro_rules! take {
    ($stage:literal) => {
        concat!(
            "with due as ( \
              select org_id, kind, owner_id, due_at from index_work w where due_at <= $1 and w.",
            $stage,
            " order by due_at limit 1000), \
            turn as ( \
              select *, row_number() over (partition by org_id order by due_at) as turn from due), \
            picked as ( \
              select w.org_id, w.kind, w.owner_id from index_work w \
              join (select * from turn order by turn, due_at limit $2) t using (org_id, kind, owner_id) \
              where w.due_at <= $1 and w.",
            $stage,
            " for update of w skip locked) \
            update index_work w set due_at = $3, attempts = w.attempts + 1 from picked p \
            where w.org_id = p.org_id and w.kind = p.kind and w.owner_id = p.owner_id \
            returning w.org_id, w.kind, w.owner_id, w.mark, w.attempts"
        )
    };
}

/// Takes what fell due at a stage, so that nobody else does for the length of `lease`;
/// organizations in turn.
pub(in crate::search) async fn take(
    tx: &mut Tx,
    stage: Stage,
    most: i64,
    lease: TimeDelta,
) -> Result<Vec<Task>> {
    let sql = match stage {
        Stage::Cut => take!("cut_mark < w.mark"),
        Stage::Embed => take!("cut_mark >= w.mark"),
    };
    let rows: Vec<TaskRow> = diesel::sql_query(sql)
        .bind::<Timestamptz, _>(tx.now())
        .bind::<BigInt, _>(most)
        .bind::<Timestamptz, _>(tx.now() + lease)
        .load(tx.conn())
        .await?;
    rows.into_iter().map(Task::try_from).collect()
}

#[derive(QueryableByName)]
struct TaskRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: Indexed,
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = BigInt)]
    mark: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

impl TryFrom<TaskRow> for Task {
    type Error = Error;

    fn try_from(row: TaskRow) -> Result<Self> {
        Ok(Task {
            org: OrgId::from_uuid(row.org_id),
            kind: row.kind,
            owner: row.owner_id,
            mark: row.mark,
            attempts: row.attempts,
        })
    }
}

/// The task is done, unless the thing changed again meanwhile: then it falls due at once.
pub(in crate::search) async fn done(tx: &mut Tx, task: &Task) -> Result<()> {
    let row = || {
        work::table
            .filter(work::org_id.eq(task.org))
            .filter(work::kind.eq(task.kind.as_str()))
            .filter(work::owner_id.eq(task.owner))
    };
    diesel::delete(row().filter(work::mark.eq(task.mark)))
        .execute(tx.conn())
        .await?;
    diesel::update(row())
        .set(work::due_at.eq(tx.now()))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The thing was cut: what is left to do is vectors, at once, unless it changed again
/// meanwhile.
pub(in crate::search) async fn cut(tx: &mut Tx, task: &Task) -> Result<()> {
    let row = work::table
        .filter(work::org_id.eq(task.org))
        .filter(work::kind.eq(task.kind.as_str()))
        .filter(work::owner_id.eq(task.owner));
    diesel::update(row)
        .set((
            work::cut_mark.eq(task.mark),
            work::attempts.eq(0),
            work::due_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Puts the task off until `due`.
pub(in crate::search) async fn put_off(tx: &mut Tx, task: &Task, due: Timestamp) -> Result<()> {
    let row = work::table
        .filter(work::org_id.eq(task.org))
        .filter(work::kind.eq(task.kind.as_str()))
        .filter(work::owner_id.eq(task.owner))
        .filter(work::mark.eq(task.mark));
    diesel::update(row)
        .set(work::due_at.eq(due))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// An output as the indexer reads it: id, label, text, data.
pub(in crate::search) type OutputText = (Uuid, Option<String>, Option<String>, Option<Value>);

/// A node as the indexer reads it.
pub(in crate::search) struct NodeText {
    pub title: String,
    pub description: Option<String>,
    pub version: i32,
    /// Texts of its inputs: id, label, text.
    pub inputs: Vec<(Uuid, Option<String>, Option<String>)>,
    /// Those of its outputs, and their data.
    pub outputs: Vec<OutputText>,
}

/// A node that was not deleted.
pub(in crate::search) async fn node(tx: &mut Tx, id: NodeId) -> Result<Option<NodeText>> {
    let node: Option<(String, Option<String>, i32)> = nodes::table
        .find(id)
        .filter(nodes::deleted_at.is_null())
        .select((nodes::title, nodes::description, nodes::version))
        .first(tx.conn())
        .await
        .optional()?;
    let Some((title, description, version)) = node else {
        return Ok(None);
    };
    let inputs = node_inputs::table
        .filter(node_inputs::node_id.eq(id))
        .filter(node_inputs::text_content.is_not_null())
        .order((node_inputs::sort_order, node_inputs::id))
        .select((
            node_inputs::id,
            node_inputs::label,
            node_inputs::text_content,
        ))
        .load(tx.conn())
        .await?;
    let outputs = node_outputs::table
        .filter(node_outputs::node_id.eq(id))
        .filter(
            node_outputs::text_content
                .is_not_null()
                .or(node_outputs::structured_data.is_not_null()),
        )
        .order((node_outputs::sort_order, node_outputs::id))
        .select((
            node_outputs::id,
            node_outputs::label,
            node_outputs::text_content,
            node_outputs::structured_data,
        ))
        .load(tx.conn())
        .await?;
    Ok(Some(NodeText {
        title,
        description,
        version,
        inputs,
        outputs,
    }))
}

/// A file as the indexer reads it.
pub(in crate::search) struct FileText {
    pub filename: String,
    pub title: Option<String>,
    pub text: String,
    pub segments: Vec<Segment>,
    pub epoch: i64,
}

/// A file with text.
pub(in crate::search) async fn file(tx: &mut Tx, id: FileId) -> Result<Option<FileText>> {
    let row: Option<(String, Value, Option<String>, Value, i64)> = files::table
        .find(id)
        .filter(files::processing_status.eq(ProcessingStatus::Complete.as_str()))
        .select((
            files::filename,
            files::metadata,
            files::extracted_text,
            files::segments,
            files::lease_epoch,
        ))
        .first(tx.conn())
        .await
        .optional()?;
    let Some((filename, metadata, Some(text), segments, epoch)) = row else {
        return Ok(None);
    };
    let title = metadata.get("title").and_then(Value::as_str);
    Ok(Some(FileText {
        filename,
        title: title.map(str::to_owned),
        text,
        segments: serde_json::from_value(segments).map_err(Error::internal)?,
        epoch,
    }))
}

/// Whether a thing is still what was read as `seen`, the version of a node or the epoch of a
/// file; `None` when it was not there, or had no text. It stays so until the transaction ends.
pub(in crate::search) async fn is_still(
    tx: &mut Tx,
    task: &Task,
    seen: Option<i64>,
) -> Result<bool> {
    let now: Option<i64> = match task.kind {
        Indexed::Node => nodes::table
            .filter(nodes::id.eq(task.owner))
            .filter(nodes::deleted_at.is_null())
            .select(nodes::version)
            .for_share()
            .first::<i32>(tx.conn())
            .await
            .optional()?
            .map(i64::from),
        Indexed::File => files::table
            .filter(files::id.eq(task.owner))
            .filter(files::processing_status.eq(ProcessingStatus::Complete.as_str()))
            .filter(files::extracted_text.is_not_null())
            .select(files::lease_epoch)
            .for_share()
            .first(tx.conn())
            .await
            .optional()?,
    };
    Ok(now == seen)
}

/// Things that wait for the indexer at one stage.
#[derive(QueryableByName)]
pub(in crate::search) struct Waiting {
    #[diesel(sql_type = Bool)]
    is_cut: bool,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Timestamptz)]
    pub oldest: Timestamp,
}

impl Waiting {
    /// What they wait for.
    pub fn stage(&self) -> Stage {
        if self.is_cut {
            Stage::Embed
        } else {
            Stage::Cut
        }
    }
}

/// How many things wait at each stage, over all organizations; `limit` are counted at most.
pub(in crate::search) async fn waiting(tx: &Tx, limit: i64) -> Result<Vec<Waiting>> {
    let sql = "select is_cut, count(*) as count, min(created_at) as oldest \
               from (select cut_mark >= mark as is_cut, created_at from index_work limit $1) \
               waiting group by is_cut";
    Ok(diesel::sql_query(sql)
        .bind::<BigInt, _>(limit)
        .cached()
        .load(&mut tx.pipe())
        .await?)
}
