//! SQL of vectors: which chunks lack one, and putting them there.

use std::collections::HashSet;

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use pgvector::Vector;
use uuid::Uuid;

use super::chunks::owner;
use crate::{
    kernel::{OrgId, Result},
    platform::db::{
        Tx,
        schema::{chunk_vectors as vectors, chunks},
    },
    search::model::{Task, chunk::for_embedding},
};

/// A chunk without a vector: where it stands among others, its id, and what an embedder reads.
pub(in crate::search) struct Lacking<At> {
    pub at: At,
    pub id: Uuid,
    pub text: String,
}

/// Whether a chunk lacks a vector of `model`. Looked up by its key for each chunk: of `not
/// exists` the planner makes a join, and while the vectors are many and not analyzed yet it
/// goes through all of them for each chunk.
macro_rules! lacks {
    ($org:expr, $model:expr) => {
        vectors::table
            .filter(vectors::org_id.eq($org))
            .filter(vectors::model.eq($model.to_owned()))
            .filter(vectors::chunk_id.eq(chunks::id))
            .select(vectors::chunk_id)
            .single_value()
            .is_null()
    };
}

/// Chunks of a thing after number `after` that lack a vector, `most` at most, in order.
pub(in crate::search) async fn lacking_of(
    tx: &mut Tx,
    task: &Task,
    model: &str,
    after: i32,
    most: i64,
) -> Result<Vec<Lacking<i32>>> {
    let (node, file) = owner(task);
    let rows: Vec<(i32, Uuid, String, String)> = chunks::table
        .filter(chunks::org_id.eq(task.org))
        .filter(chunks::node_id.eq(node).or(chunks::file_id.eq(file)))
        .filter(chunks::ordinal.gt(after))
        .filter(lacks!(task.org, model))
        .order(chunks::ordinal)
        .limit(most)
        .select((chunks::ordinal, chunks::id, chunks::lead, chunks::content))
        .load(tx.conn())
        .await?;
    let lacking = |(at, id, lead, content): (i32, Uuid, String, String)| Lacking {
        at,
        id,
        text: for_embedding(&lead, &content),
    };
    Ok(rows.into_iter().map(lacking).collect())
}

/// The same of a whole organization, after a chunk, in the order of their ids.
pub(in crate::search) async fn lacking(
    tx: &mut Tx,
    org: OrgId,
    model: &str,
    after: Uuid,
    most: i64,
) -> Result<Vec<Lacking<Uuid>>> {
    let rows: Vec<(Uuid, String, String)> = chunks::table
        .filter(chunks::org_id.eq(org))
        .filter(chunks::id.gt(after))
        .filter(lacks!(org, model))
        .order(chunks::id)
        .limit(most)
        .select((chunks::id, chunks::lead, chunks::content))
        .load(tx.conn())
        .await?;
    let lacking = |(id, lead, content): (Uuid, String, String)| Lacking {
        at: id,
        id,
        text: for_embedding(&lead, &content),
    };
    Ok(rows.into_iter().map(lacking).collect())
}

/// Puts vectors to those of the chunks that are still there and have none; answers to how many.
pub(in crate::search) async fn put(
    tx: &mut Tx,
    org: OrgId,
    model: &str,
    new: Vec<(Uuid, Vec<f32>)>,
) -> Result<usize> {
    let ids: Vec<Uuid> = new.iter().map(|(id, _)| *id).collect();
    // Locked, so that none goes before its vector comes, which would fail all of them.
    let there: Vec<Uuid> = chunks::table
        .filter(chunks::org_id.eq(org))
        .filter(chunks::id.eq_any(ids))
        .select(chunks::id)
        .for_key_share()
        .load(tx.conn())
        .await?;
    let there: HashSet<Uuid> = there.into_iter().collect();
    let row = |(id, vector): (Uuid, Vec<f32>)| {
        there.contains(&id).then(|| {
            (
                vectors::org_id.eq(org),
                vectors::model.eq(model.to_owned()),
                vectors::chunk_id.eq(id),
                vectors::embedding.eq(Vector::from(vector)),
            )
        })
    };
    let rows: Vec<_> = new.into_iter().filter_map(row).collect();
    if rows.is_empty() {
        return Ok(0);
    }
    Ok(diesel::insert_into(vectors::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?)
}
