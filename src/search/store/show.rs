//! SQL that reads what was found, for people.

use std::collections::HashMap;

use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    sql_types::{Array, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    files::model::ProcessingStatus,
    kernel::{ProjectId, Result},
    nodes::model::AuthorType,
    platform::db::{
        Tx,
        schema::{chunks, files, nodes},
    },
    search::model::chunk::for_embedding,
};

/// A chunk with a part of it in which the words that were looked for are marked.
#[derive(QueryableByName)]
pub(in crate::search) struct ChunkRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub content: String,
    #[diesel(sql_type = Jsonb)]
    pub place: Value,
    #[diesel(sql_type = Text)]
    pub headline: String,
}

/// What stands before and after a marked word in a headline: characters for private use, which
/// are taken out of the text.
pub(in crate::search) const MARKS: [char; 2] = ['\u{e000}', '\u{e001}'];

/// Chunks with the words of `question` marked.
pub(in crate::search) async fn chunks(
    tx: &mut Tx,
    ids: Vec<Uuid>,
    question: &str,
) -> Result<Vec<ChunkRow>> {
    let [start, stop] = MARKS;
    let options = format!("StartSel={start}, StopSel={stop}, MinWords=15, MaxWords=45");
    Ok(diesel::sql_query(
        "select id, content, place, ts_headline('english', translate(content, $3, ''), $2::tsquery, $4) \
         as headline from chunks where id = any($1)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Text, _>(question)
    .bind::<Text, _>(format!("{start}{stop}"))
    .bind::<Text, _>(options)
    .load(tx.conn())
    .await?)
}

/// Chunks as an embedder or a reranker reads them, in the order of `ids`.
pub(in crate::search) async fn texts(tx: &mut Tx, ids: Vec<Uuid>) -> Result<Vec<(Uuid, String)>> {
    let rows: Vec<(Uuid, String, String)> = chunks::table
        .filter(chunks::id.eq_any(&ids))
        .select((chunks::id, chunks::lead, chunks::content))
        .load(tx.conn())
        .await?;
    let texts = rows
        .into_iter()
        .map(|(id, lead, content)| (id, for_embedding(&lead, &content)));
    let mut texts: HashMap<Uuid, String> = texts.collect();
    let text = |id: Uuid| texts.remove(&id).map(|text| (id, text));
    Ok(ids.into_iter().filter_map(text).collect())
}

/// A node in a list of what was found.
pub(in crate::search) type NodeRow = (
    Uuid,
    String,
    Option<String>,
    ProjectId,
    String,
    AuthorType,
    Value,
    i32,
);

pub(in crate::search) async fn nodes(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<NodeRow>> {
    Ok(nodes::table
        .filter(nodes::id.eq_any(ids))
        .select((
            nodes::id,
            nodes::title,
            nodes::description,
            nodes::project_id,
            nodes::status,
            nodes::author_type,
            nodes::metadata,
            nodes::version,
        ))
        .load(tx.conn())
        .await?)
}

/// A file in such a list.
pub(in crate::search) type FileRow = (Uuid, String, String, ProcessingStatus, Value);

pub(in crate::search) async fn files(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<FileRow>> {
    Ok(files::table
        .filter(files::id.eq_any(ids))
        .select((
            files::id,
            files::filename,
            files::content_type,
            files::processing_status,
            files::metadata,
        ))
        .load(tx.conn())
        .await?)
}
