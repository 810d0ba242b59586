//! SQL that finds chunks by vectors, by the plan that the size of what is searched asks for.
//!
//! * A set of vectors (of an organization, a model and a length) that has no index is small:
//!   all of it is compared.
//! * A large one has an index of its own ([`vectors::tend`] makes it), which answers for the
//!   nearest ones. They are compared again in full, and only then filtered.
//! * A filter is applied first where there is no index, or where it left too few of those that
//!   the index gave: what passes it is compared, all of it.
//!
//! So no filter, and no deleted thing, starves an answer: what is found is either full, or all
//! there is. Only how near the index comes to the truth is a matter of luck, which is measured.
//!
//! [`vectors::tend`]: crate::platform::db::vectors::tend

use diesel::{
    QueryableByName,
    sql_types::{
        Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use diesel_async::RunQueryDsl;
use pgvector::{Vector, sql_types::Vector as SqlVector};
use uuid::Uuid;

use super::find::{FoundRow, bound, columns, visible};
use crate::{
    kernel::{Result, Timestamp, event::Indexed, text::TextEnum},
    platform::db::{Cacheable, Tx, vectors::VectorSet},
    search::model::{Filter, LikeVector, Place, rank::Found},
};

fn set(place: &Place, like: LikeVector<'_>) -> VectorSet {
    VectorSet {
        org: place.org.uuid(),
        model: like.model.to_owned(),
        dimensions: i32::try_from(like.vector.len()).unwrap_or(i32::MAX),
    }
}

fn vector(like: LikeVector<'_>) -> Vector {
    Vector::from(like.vector.to_vec())
}

/// The chunks that were found, best first.
#[derive(Debug, Clone)]
pub(in crate::search) struct Nearest {
    /// The chunks.
    pub found: Vec<Found>,
    /// Whether an index chose them, so that a better one may be missing.
    pub by_index: bool,
}

/// Candidates that an index looks at, at least: fewer miss one in ten of the best among 30,000
/// clustered vectors.
const LEAST_CANDIDATES: i64 = 100;
/// The most that pgvector looks at in one pass.
const MOST_CANDIDATES: i64 = 1_000;
/// How many times as many are asked of an index when a filter will take some away. It is a
/// guess about filters, and only costs time when it is wrong.
const FOR_FILTER: i64 = 4;

/// The `most` chunks most like a vector, best first.
pub(in crate::search) async fn by_vector(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    most: i64,
) -> Result<Nearest> {
    if !is_indexed(tx, &set(place, like)).await? {
        let found = exactly(tx, place, filter, like, most).await?;
        return Ok(Nearest {
            found,
            by_index: false,
        });
    }
    let pool = pool(most, narrows(place, filter));
    let first = nearest(tx, place, filter, like, (most, pool, true)).await?;
    if first.may_lack(most, pool, true, like.threshold) {
        let found = matching(tx, place, filter, like, most).await?;
        return Ok(Nearest {
            found,
            by_index: false,
        });
    }
    Ok(Nearest {
        found: first.found,
        by_index: true,
    })
}

/// The same without an index, whether there is one or not.
pub(in crate::search) async fn exactly(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    most: i64,
) -> Result<Vec<Found>> {
    if !narrows(place, filter) {
        let pool = pool(most, false);
        let first = nearest(tx, place, filter, like, (most, pool, false)).await?;
        if !first.may_lack(most, pool, false, like.threshold) {
            return Ok(first.found);
        }
    }
    matching(tx, place, filter, like, most).await
}

/// How many of the nearest are looked at for `most`.
fn pool(most: i64, filtered: bool) -> i64 {
    match filtered {
        true => (most * FOR_FILTER).min(MOST_CANDIDATES),
        // Some lie in things that were deleted and not indexed since.
        false => most + most / 10 + 10,
    }
}

/// Whether a search leaves out some of what the organization has.
fn narrows(place: &Place, filter: &Filter) -> bool {
    let all_kinds = filter.kinds.is_empty() || filter.kinds.as_slice() == Indexed::ALL;
    place.projects.is_some()
        || place.things.is_some()
        || !all_kinds
        || filter.status.is_some()
        || filter.author_type.is_some()
        || filter.author.is_some()
        || filter.after.is_some()
        || filter.before.is_some()
}

#[derive(QueryableByName)]
struct Yes {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether a set has an index that is complete. Its owner gives it one by its size.
async fn is_indexed(tx: &Tx, set: &VectorSet) -> Result<bool> {
    let query = diesel::sql_query(
        "select exists (select from pg_class c \
            join pg_namespace n on n.oid = c.relnamespace \
            join pg_index i on i.indexrelid = c.oid \
            where c.relname = $1::name and n.nspname = 'vectors' and i.indisvalid) as yes",
    )
    .bind::<Text, _>(set.index());
    let row: Yes = query.cached().get_result(&mut tx.pipe()).await?;
    Ok(row.yes)
}

/// The nearest, then of them those that pass. Binds of the question: 11 the vector, 12 how many
/// are asked for before the filter, 13 the least likeness.
fn nearest_sql(set: &VectorSet, by_index: bool) -> String {
    let order = match by_index {
        true => format!(
            "({}) <=> {}",
            set.half("v.embedding"),
            set.half("$11::vector")
        ),
        false => "v.embedding <=> $11::vector".to_owned(),
    };
    format!(
        "with near as materialized ( \
            select v.chunk_id, v.embedding <=> $11::vector as far from chunk_vectors v \
            where {} order by {order} limit $12) \
         select s.seen, s.farthest, f.* \
         from (select count(*) as seen, max(far) as farthest from near) s \
         left join ({} 1 - near.far as score from near \
            join chunks c on c.id = near.chunk_id {} and 1 - near.far >= $13 \
            order by near.far, c.id limit $9) f on true \
         order by f.score desc, f.id",
        set.condition("v."),
        columns!(),
        visible!(),
    )
}

#[derive(QueryableByName)]
struct NearRow {
    #[diesel(sql_type = BigInt)]
    seen: i64,
    #[diesel(sql_type = Nullable<Double>)]
    farthest: Option<f64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<Indexed>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    owner: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    updated_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Double>)]
    score: Option<f64>,
}

impl NearRow {
    fn found(self) -> Option<Found> {
        Some(Found {
            chunk: self.id?,
            kind: self.kind?,
            owner: self.owner?,
            updated_at: self.updated_at?,
            score: self.score?,
        })
    }
}

/// What came of a first pass.
struct Pass {
    found: Vec<Found>,
    /// Vectors before the filter.
    seen: i64,
    /// The distance of the last of them.
    farthest: f64,
}

impl Pass {
    /// Whether there may be more to find than was found.
    fn may_lack(&self, most: i64, pool: i64, by_index: bool, threshold: f64) -> bool {
        let full = i64::try_from(self.found.len()).is_ok_and(|found| found >= most);
        // What comes after the last one is less alike still.
        let rest_is_unlike = 1.0 - self.farthest < threshold;
        // An index may stop before it has seen all.
        let all_seen = !by_index && self.seen < pool;
        !full && !all_seen && (self.seen == 0 || !rest_is_unlike)
    }
}

async fn nearest(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    (most, pool, by_index): (i64, i64, bool),
) -> Result<Pass> {
    if by_index {
        prefer_index(tx, pool);
    }
    let sql = nearest_sql(&set(place, like), by_index);
    let query = bound!(sql, place, filter, most)
        .bind::<SqlVector, _>(vector(like))
        .bind::<BigInt, _>(pool)
        .bind::<Double, _>(like.threshold);
    let rows: Vec<NearRow> = query.load(tx.conn()).await?;
    if by_index {
        prefer_nothing(tx);
    }
    let first = rows.as_slice().first();
    Ok(Pass {
        seen: first.map_or(0, |row| row.seen),
        farthest: first.and_then(|row| row.farthest).unwrap_or_default(),
        found: rows.into_iter().filter_map(NearRow::found).collect(),
    })
}

/// Has the next statement use the index. The planner knows too little about how many rows the
/// policies leave, and would sort them all; where nothing may be sorted, only the index has
/// an order.
fn prefer_index(tx: &Tx, pool: i64) {
    let candidates = pool.clamp(LEAST_CANDIDATES, MOST_CANDIDATES);
    let settings = diesel::sql_query(
        "select set_config('enable_sort', 'off', true), \
            set_config('hnsw.ef_search', $1, true), \
            set_config('hnsw.iterative_scan', 'strict_order', true)",
    );
    tx.later(settings.bind::<Text, _>(candidates.to_string()));
}

/// Takes back the part of [`prefer_index`] that other statements would feel.
fn prefer_nothing(tx: &Tx) {
    tx.later(diesel::sql_query(
        "select set_config('enable_sort', 'on', true)",
    ));
}

#[derive(QueryableByName)]
struct PlanRow {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// How the database would go about the first pass of [`by_vector`].
pub(in crate::search) async fn plan(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    most: i64,
) -> Result<Vec<String>> {
    let set = set(place, like);
    let by_index = is_indexed(tx, &set).await?;
    let pool = pool(most, narrows(place, filter));
    if by_index {
        prefer_index(tx, pool);
    }
    let sql = format!("explain {}", nearest_sql(&set, by_index));
    let query = bound!(sql, place, filter, most)
        .bind::<SqlVector, _>(vector(like))
        .bind::<BigInt, _>(pool)
        .bind::<Double, _>(like.threshold);
    let rows: Vec<PlanRow> = query.load(tx.conn()).await?;
    if by_index {
        prefer_nothing(tx);
    }
    Ok(rows.into_iter().map(|row| row.line).collect())
}

/// What passes the filter, compared in full. Binds of the question: 11 the vector, 12 its model,
/// 13 the least likeness, 14 how long vectors are.
///
/// Each vector is looked up by its key, in a subquery that the planner can't make a join of:
/// while a table that grew is not analyzed yet, it takes the vectors for one row, and would
/// go through all of them for each passage.
const MATCHING: &str = concat!(
    "with passing as materialized (",
    columns!(),
    "c.org_id from chunks c ",
    visible!(),
    ") select m.id, m.kind, m.owner, m.updated_at, 1 - m.far as score \
     from (select p.*, (select v.embedding <=> $11 from chunk_vectors v \
           where v.org_id = $1 and v.model = $12 and v.chunk_id = p.id \
             and vector_dims(v.embedding) = $14) as far \
         from passing p offset 0) m \
     where 1 - m.far >= $13 order by m.far, m.id limit $9"
);

/// The chunks that pass a filter, those most like a vector first. Exact, and as dear as what
/// passes is much.
async fn matching(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    most: i64,
) -> Result<Vec<Found>> {
    let query = bound!(MATCHING, place, filter, most)
        .bind::<SqlVector, _>(vector(like))
        .bind::<Text, _>(like.model.to_owned())
        .bind::<Double, _>(like.threshold)
        .bind::<Integer, _>(set(place, like).dimensions);
    let rows: Vec<FoundRow> = query.load(tx.conn()).await?;
    Ok(rows.into_iter().map(Found::from).collect())
}
