//! Indexes over vectors: one for each organization and model with many of them, made and
//! taken away by the schema's owner while the program works.
//!
//! One index over everybody's vectors would be filtered by organization only after it was
//! searched, and starve the small ones; so a large set has an index of its own, and all
//! others have none and are compared one by one. An index is made concurrently: questions
//! and writes go on. One that is not complete is not used, and is made anew the next time.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::migrate::{connect, exists};
use crate::kernel::{Code, Error, Result};

/// Keeps two of these apart; any number but that of the migrators.
const LOCK: i64 = 0x676c_6173_7376_6563;
/// Candidates while a vector finds its place: at pgvector's own 64, three of thirty
/// questions missed their subject among 30,000 clustered vectors of 1,536 dimensions.
const EF_CONSTRUCTION: i32 = 128;
/// Bounds of the memory for making one, in megabytes: the database's own default, and what
/// a small one can spare.
const MEMORY: (i64, i64) = (64, 1024);
/// The most dimensions that an index takes, of two bytes each.
pub const MOST_DIMENSIONS: i32 = 4_000;

/// Vectors that can be compared: of one organization, model and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorSet {
    /// Whose they are.
    pub org: Uuid,
    /// What made them.
    pub model: String,
    /// How long they are.
    pub dimensions: i32,
}

impl VectorSet {
    /// The name of its index, in the schema `vectors`.
    pub fn index(&self) -> String {
        let whole = format!("{} {} {}", self.org, self.dimensions, self.model);
        let hash = hex::encode(Sha256::digest(whole.as_bytes()));
        format!("near_{}", hash.get(..32).unwrap_or(&hash))
    }

    /// What is true of its vectors alone, with `row` before each column. The text is the same
    /// in the index and in questions, with values and not parameters: only then does the
    /// database see that the index has all that is asked for.
    pub fn condition(&self, row: &str) -> String {
        format!(
            "{row}org_id = '{}' and {row}model = '{}' and vector_dims({row}embedding) = {}",
            self.org,
            self.model.replace('\'', "''"),
            self.dimensions
        )
    }

    /// A vector as the index has it: at half precision, which takes half the room and finds
    /// the same.
    pub fn half(&self, vector: &str) -> String {
        format!("{vector}::halfvec({})", self.dimensions)
    }
}

/// What was done to one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tended {
    /// Made, over so many vectors.
    Made(VectorSet, i64),
    /// Taken away, by its name.
    Dropped(String),
}

/// Makes the indexes that sets of `from` vectors and more lack, and takes away those of sets
/// that have fewer than half of that by now. Does nothing while another does the same.
///
/// # Errors
/// `UNAVAILABLE` when the database is not there, or its pgvector is too old.
pub async fn tend(owner: &SecretString, from: i64) -> Result<Vec<Tended>> {
    let mut conn = connect(owner).await?;
    let lock = format!("select pg_try_advisory_lock({LOCK}) as yes");
    if !exists(&mut conn, &lock).await? {
        return Ok(Vec::new());
    }
    let tended = tend_locked(&mut conn, from).await;
    // A connection that is closed gives the lock back too, but some time later.
    conn.batch_execute(&format!("select pg_advisory_unlock({LOCK})"))
        .await?;
    tended
}

async fn tend_locked(conn: &mut AsyncPgConnection, from: i64) -> Result<Vec<Tended>> {
    check_pgvector(conn).await?;
    let mut sets = Vec::new();
    for part in parts(conn).await? {
        sets.extend(measure(conn, &part, (from / 2).max(1)).await?);
    }
    let mut tended = Vec::new();
    let mut kept = Vec::new();
    for index in indexes(conn).await? {
        let wanted = sets.iter().any(|(_, set, _)| set.index() == index.name);
        if wanted && index.valid {
            kept.push(index.name);
            continue;
        }
        let drop = format!("drop index concurrently if exists vectors.{}", index.name);
        conn.batch_execute(&drop).await?;
        tended.push(Tended::Dropped(index.name));
    }
    for (part, set, count) in sets {
        if count >= from && !kept.contains(&set.index()) {
            make(conn, &part, &set, count).await?;
            tended.push(Tended::Made(set, count));
        }
    }
    Ok(tended)
}

/// Older ones can't go on searching when what they found was deleted meanwhile.
async fn check_pgvector(conn: &mut AsyncPgConnection) -> Result<()> {
    let new = "select exists (select from pg_extension where extname = 'vector' \
               and string_to_array(extversion, '.')::int[] >= array[0, 8]) as yes";
    if exists(conn, new).await? {
        return Ok(());
    }
    let reason = "The database's pgvector is older than 0.8; update it, then run \
                  `alter extension vector update`.";
    Err(Error::new(Code::Unavailable, reason))
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn parts(conn: &mut AsyncPgConnection) -> Result<Vec<String>> {
    let parts: Vec<Named> = diesel::sql_query(
        "select inhrelid::regclass::text as name from pg_inherits \
         where inhparent = 'public.chunk_vectors'::regclass order by inhrelid",
    )
    .load(conn)
    .await?;
    Ok(parts.into_iter().map(|part| part.name).collect())
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = Integer)]
    dimensions: i32,
    #[diesel(sql_type = BigInt)]
    vectors: i64,
}

/// The sets of a part that have `least` vectors or more. They are counted by the key first, so
/// that only the vectors of large ones are looked at.
async fn measure(
    conn: &mut AsyncPgConnection,
    part: &str,
    least: i64,
) -> Result<Vec<(String, VectorSet, i64)>> {
    let counted: Vec<Counted> = diesel::sql_query(format!(
        "with large as materialized (select org_id, model from {part} \
            group by org_id, model having count(*) >= $1) \
         select org_id, model, vector_dims(embedding) as dimensions, count(*) as vectors \
         from {part} join large using (org_id, model) \
         group by org_id, model, dimensions having count(*) >= $1 order by vectors desc"
    ))
    .bind::<BigInt, _>(least)
    .load(conn)
    .await?;
    let fits = counted
        .into_iter()
        .filter(|set| set.dimensions <= MOST_DIMENSIONS);
    let set = |row: Counted| {
        let set = VectorSet {
            org: row.org_id,
            model: row.model,
            dimensions: row.dimensions,
        };
        (part.to_owned(), set, row.vectors)
    };
    Ok(fits.map(set).collect())
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    valid: bool,
}

/// The indexes there are.
async fn indexes(conn: &mut AsyncPgConnection) -> Result<Vec<Index>> {
    Ok(diesel::sql_query(
        "select c.relname::text as name, i.indisvalid as valid from pg_index i \
         join pg_class c on c.oid = i.indexrelid \
         join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname = 'vectors' and c.relname like 'near\\_%' order by 1",
    )
    .load(conn)
    .await?)
}

async fn make(conn: &mut AsyncPgConnection, part: &str, set: &VectorSet, count: i64) -> Result<()> {
    // Two bytes a dimension, links and headers; what does not fit is built from disk, slowly.
    let bytes = count.saturating_mul(i64::from(set.dimensions) * 2 + 700);
    let megabytes = (bytes / 1_000_000 * 5 / 4).clamp(MEMORY.0, MEMORY.1);
    let memory = format!("set maintenance_work_mem = '{megabytes}MB'");
    conn.batch_execute(&memory).await?;
    let sql = format!(
        "create index concurrently {} on {part} \
         using hnsw (({}) halfvec_cosine_ops) with (ef_construction = {EF_CONSTRUCTION}) where {}",
        set.index(),
        set.half("embedding"),
        set.condition(""),
    );
    conn.batch_execute(&sql).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_no_text_of_a_condition() {
        let set = VectorSet {
            org: Uuid::nil(),
            model: "a'b".to_owned(),
            dimensions: 3,
        };
        let condition = set.condition("v.");
        assert!(condition.contains("v.model = 'a''b'"), "{condition}");
        assert_eq!(set.index().len(), "near_".len() + 32);
    }
}
