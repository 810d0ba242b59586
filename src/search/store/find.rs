//! SQL that finds chunks by words, and what all questions ask: only for what the caller may
//! read. What is left out is left out before anything is counted or ranked.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    kernel::{Result, Timestamp, event::Indexed, text::TextEnum},
    platform::db::Tx,
    search::model::{Filter, Place, rank::Found},
};

/// Binds: 1 organization, 2 projects, 3 kinds, 4 status, 5 author type, 6 author, 7 and 8 times,
/// 9 how many, 10 things; the question comes after them.
macro_rules! visible {
    () => {
        "left join nodes n on n.org_id = c.org_id and n.id = c.node_id and n.deleted_at is null \
         left join files f on f.org_id = c.org_id and f.id = c.file_id \
         where c.org_id = $1 and ($10::uuid[] is null or coalesce(c.node_id, c.file_id) = any($10)) \
         and case when c.node_id is not null then n.id is not null and 'node' = any($3) \
            and ($2::uuid[] is null or n.project_id = any($2)) \
            and ($4::text is null or n.status = $4) \
            and ($5::text is null or n.author_type = $5) \
            and ($6::uuid is null or n.author_user_id = $6) \
          else 'file' = any($3) and $4::text is null and $5::text is null \
            and ($6::uuid is null or f.uploaded_by = $6) \
            and ($2::uuid[] is null \
              or exists (select from node_inputs i join nodes m on m.id = i.node_id \
                where i.org_id = c.org_id and i.file_id = c.file_id and m.deleted_at is null \
                and m.project_id = any($2)) \
              or exists (select from node_outputs o join nodes m on m.id = o.node_id \
                where o.org_id = c.org_id and o.file_id = c.file_id and m.deleted_at is null \
                and m.project_id = any($2))) end \
         and ($7::timestamptz is null or coalesce(n.updated_at, f.updated_at) >= $7) \
         and ($8::timestamptz is null or coalesce(n.updated_at, f.updated_at) < $8) "
    };
}

macro_rules! columns {
    () => {
        "select c.id, case when c.node_id is null then 'file' else 'node' end as kind, \
         coalesce(c.node_id, c.file_id) as owner, coalesce(n.updated_at, f.updated_at) as updated_at, "
    };
}

/// 11 is the question as a `tsquery`. A word of the title and the headings (B) counts as one of
/// the text and two thirds: more, and all passages under a heading would come before the one
/// that answers. Neither cover density nor the length of a passage is asked: both were worse in
/// the retrieval benchmark's half for tuning.
const BY_WORDS: &str = concat!(
    columns!(),
    "ts_rank('{0.3, 0.3, 0.5, 0.5}', c.search, $11::tsquery)::float8 as score from chunks c ",
    visible!(),
    "and c.search @@ $11::tsquery order by score desc, c.id limit $9"
);

/// 9 is how many passages are looked at; 11 and 12 how long a word is, in characters.
const WORDS: &str = concat!(
    "select distinct w.word from (select c.lead, c.content from chunks c ",
    visible!(),
    "limit $9) c, unnest(tsvector_to_array(to_tsvector('simple', c.lead || ' ' || c.content))) w (word) \
     where char_length(w.word) between $11 and $12"
);

#[derive(QueryableByName)]
struct WordRow {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
pub(super) struct FoundRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: Indexed,
    #[diesel(sql_type = SqlUuid)]
    owner: Uuid,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
    #[diesel(sql_type = Double)]
    score: f64,
}

impl From<FoundRow> for Found {
    fn from(row: FoundRow) -> Self {
        Found {
            chunk: row.id,
            kind: row.kind,
            owner: row.owner,
            updated_at: row.updated_at,
            score: row.score,
        }
    }
}

macro_rules! bound {
    ($sql:expr, $place:expr, $filter:expr, $most:expr) => {{
        let kinds: &[Indexed] = match $filter.kinds.as_slice() {
            [] => Indexed::ALL,
            some => some,
        };
        let kinds: Vec<&'static str> = kinds.iter().map(|kind| kind.as_str()).collect();
        diesel::sql_query($sql)
            .bind::<SqlUuid, _>($place.org)
            .bind::<Nullable<Array<SqlUuid>>, _>($place.projects.clone())
            .bind::<Array<Text>, _>(kinds)
            .bind::<Nullable<Text>, _>($filter.status.clone())
            .bind::<Nullable<Text>, _>($filter.author_type.map(|kind| kind.as_str()))
            .bind::<Nullable<SqlUuid>, _>($filter.author)
            .bind::<Nullable<Timestamptz>, _>($filter.after)
            .bind::<Nullable<Timestamptz>, _>($filter.before)
            .bind::<BigInt, _>($most)
            .bind::<Nullable<Array<SqlUuid>>, _>($place.things.clone())
    }};
}

pub(super) use {bound, columns, visible};

/// The best chunks that `question` matches, best first.
pub(in crate::search) async fn by_words(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    question: &str,
    most: i64,
) -> Result<Vec<Found>> {
    let query = bound!(BY_WORDS, place, filter, most).bind::<Text, _>(question);
    let rows: Vec<FoundRow> = query.load(tx.conn()).await?;
    Ok(rows.into_iter().map(Found::from).collect())
}

/// The words of `most` passages that a question may find, as they are written there in small
/// letters, and as far as they have `lengths` characters. Not as they are indexed: a slip gives
/// a word another stem (`pilngs` has `pilng`, and `pilings` has `pile`).
pub(in crate::search) async fn words(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    lengths: (i32, i32),
    most: i64,
) -> Result<Vec<String>> {
    let query = bound!(WORDS, place, filter, most)
        .bind::<Integer, _>(lengths.0)
        .bind::<Integer, _>(lengths.1);
    let rows: Vec<WordRow> = query.load(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// The words of a question as they are written, in small letters, without those that are not
/// indexed.
pub(in crate::search) async fn asked_words(tx: &mut Tx, question: &str) -> Result<Vec<String>> {
    let rows: Vec<WordRow> = diesel::sql_query(
        "select w.word from unnest(tsvector_to_array(to_tsvector('simple', $1))) w (word) \
         where to_tsvector('english', w.word) <> ''::tsvector",
    )
    .bind::<Text, _>(question)
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// Readings in the grammar of `to_tsquery`, of words as they are written, with these as they
/// are indexed.
pub(in crate::search) async fn indexed(tx: &mut Tx, written: &Readings) -> Result<Readings> {
    let row: ReadingsRow = diesel::sql_query(
        "select to_tsquery('english', $1)::text as strict, to_tsquery('english', $2)::text as any",
    )
    .bind::<Text, _>(&written.strict)
    .bind::<Text, _>(&written.any)
    .get_result(tx.conn())
    .await?;
    Ok(row.into())
}

/// A question as the database reads it: that of its own grammar, and one of which any word
/// is enough.
pub(in crate::search) struct Readings {
    /// All words, phrases, exclusions.
    pub strict: String,
    /// Any word.
    pub any: String,
}

#[derive(QueryableByName)]
struct ReadingsRow {
    #[diesel(sql_type = Text)]
    strict: String,
    #[diesel(sql_type = Text)]
    any: String,
}

impl From<ReadingsRow> for Readings {
    fn from(row: ReadingsRow) -> Self {
        Readings {
            strict: row.strict,
            any: row.any,
        }
    }
}

/// Reads a question; `any` are its words in the grammar of `to_tsquery`, and `begun` the last
/// one, when it may be the beginning of one, with what stands before it.
pub(in crate::search) async fn read(
    tx: &mut Tx,
    question: &str,
    any: &str,
    begun: Option<(&str, &str)>,
) -> Result<Readings> {
    let (before, last) = begun.unwrap_or_default();
    let row: ReadingsRow = diesel::sql_query(
        "select (case when $4 = '' then websearch_to_tsquery('english', $1) \
            else websearch_to_tsquery('english', $1) \
              || (websearch_to_tsquery('english', $3) && to_tsquery('english', $4)) end)::text as strict, \
         to_tsquery('english', $2)::text as any",
    )
    .bind::<Text, _>(question)
    .bind::<Text, _>(any)
    .bind::<Text, _>(before)
    .bind::<Text, _>(last)
    .get_result(tx.conn())
    .await?;
    Ok(row.into())
}
