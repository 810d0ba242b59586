//! SQL that puts chunks in the place of those that a thing had. A chunk that says what it said
//! stays, and its vectors with it, however its place has moved.

use std::collections::HashMap;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl,
    sql_types::{Array, Integer, Jsonb, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    kernel::{Result, event::Indexed},
    platform::db::{Tx, schema::chunks},
    search::model::{Task, chunk::Chunk},
};

/// Rows of one insert; a statement has 65,535 parameters at most.
const ROWS: usize = 500;

/// A chunk that is there.
struct Known {
    id: Uuid,
    ordinal: i32,
    place: Value,
}

/// One that stays, with the number and the place that it has from now on.
type Moved = (Known, i32, Value);

/// Puts `new` in the place of all that the thing has; answers how many were not there yet.
pub(in crate::search) async fn replace(tx: &mut Tx, task: &Task, new: Vec<Chunk>) -> Result<usize> {
    let mut known = known(tx, task).await?;
    let mut moved = Vec::new();
    let mut added = Vec::new();
    for (ordinal, chunk) in (0..).zip(new) {
        match known.get_mut(&chunk.sha256).and_then(Vec::pop) {
            Some(same) if same.ordinal == ordinal && same.place == chunk.place => {}
            Some(same) => moved.push((same, ordinal, chunk.place)),
            None => added.push((ordinal, chunk)),
        }
    }
    let gone = known.into_values().flatten().map(|known| known.id);
    let gone: Vec<Uuid> = gone.collect();
    if !gone.is_empty() {
        let rows = chunks::table.filter(chunks::org_id.eq(task.org));
        diesel::delete(rows.filter(chunks::id.eq_any(gone)))
            .execute(tx.conn())
            .await?;
    }
    shift(tx, task, moved).await?;
    insert(tx, task, &added).await?;
    Ok(added.len())
}

/// The thing as the node or file that a chunk is of.
pub(super) fn owner(task: &Task) -> (Option<Uuid>, Option<Uuid>) {
    match task.kind {
        Indexed::Node => (Some(task.owner), None),
        Indexed::File => (None, Some(task.owner)),
    }
}

/// The thing's chunks by their hash; of equal ones the first comes last.
async fn known(tx: &mut Tx, task: &Task) -> Result<HashMap<String, Vec<Known>>> {
    let (node, file) = owner(task);
    let rows: Vec<(Uuid, i32, Value, String)> = chunks::table
        .filter(chunks::org_id.eq(task.org))
        .filter(chunks::node_id.eq(node).or(chunks::file_id.eq(file)))
        .order(chunks::ordinal.desc())
        .select((chunks::id, chunks::ordinal, chunks::place, chunks::sha256))
        .load(tx.conn())
        .await?;
    let mut known: HashMap<String, Vec<Known>> = HashMap::new();
    for (id, ordinal, place, sha256) in rows {
        let same = known.entry(sha256).or_default();
        same.push(Known { id, ordinal, place });
    }
    Ok(known)
}

/// Gives chunks their new numbers and places.
async fn shift(tx: &mut Tx, task: &Task, moved: Vec<Moved>) -> Result<()> {
    let renumbered = moved
        .iter()
        .filter(|(same, ordinal, _)| same.ordinal != *ordinal);
    let renumbered: Vec<Uuid> = renumbered.map(|(same, ..)| same.id).collect();
    if !renumbered.is_empty() {
        // Out of the way first: a number may be free only once its holder has moved on.
        let rows = chunks::table.filter(chunks::org_id.eq(task.org));
        diesel::update(rows.filter(chunks::id.eq_any(renumbered)))
            .set(chunks::ordinal.eq(chunks::ordinal * -1 - 1))
            .execute(tx.conn())
            .await?;
    }
    for some in moved.chunks(ROWS) {
        let ids: Vec<Uuid> = some.iter().map(|(same, ..)| same.id).collect();
        let ordinals: Vec<i32> = some.iter().map(|(_, ordinal, _)| *ordinal).collect();
        let places: Vec<&Value> = some.iter().map(|(.., place)| place).collect();
        diesel::sql_query(
            "update chunks c set ordinal = n.ordinal, place = n.place \
             from unnest($2, $3, $4) as n (id, ordinal, place) where c.org_id = $1 and c.id = n.id",
        )
        .bind::<SqlUuid, _>(task.org)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Integer>, _>(ordinals)
        .bind::<Array<Jsonb>, _>(places)
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

async fn insert(tx: &mut Tx, task: &Task, added: &[(i32, Chunk)]) -> Result<()> {
    let (node, file) = owner(task);
    let now = tx.now();
    for some in added.chunks(ROWS) {
        let row = |(ordinal, chunk): &(i32, Chunk), id: Uuid| {
            (
                chunks::id.eq(id),
                chunks::org_id.eq(task.org),
                chunks::node_id.eq(node),
                chunks::file_id.eq(file),
                chunks::ordinal.eq(*ordinal),
                chunks::lead.eq(chunk.lead.clone()),
                chunks::content.eq(chunk.content.clone()),
                chunks::place.eq(chunk.place.clone()),
                chunks::sha256.eq(chunk.sha256.clone()),
                chunks::created_at.eq(now),
            )
        };
        let rows: Vec<_> = some.iter().map(|one| row(one, tx.ids().uuid())).collect();
        diesel::insert_into(chunks::table)
            .values(rows)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}
