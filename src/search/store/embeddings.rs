//! SQL of which models an organization has vectors of, and of making them anew.

use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    kernel::{OrgId, Result, Timestamp},
    platform::db::{
        Tx,
        schema::{chunks, embeddings},
    },
    search::model::{Making, ModelUse},
};

/// The model that questions are embedded with: the one that was completed last.
pub(in crate::search) async fn in_use(tx: &mut Tx, org: OrgId) -> Result<Option<String>> {
    Ok(embeddings::table
        .filter(embeddings::org_id.eq(org))
        .filter(embeddings::complete_at.is_not_null())
        .order(embeddings::complete_at.desc())
        .select(embeddings::model)
        .first(tx.conn())
        .await
        .optional()?)
}

/// Notes that chunks of the organization get vectors of `model` from now on. Where there are
/// no chunks yet, none lacks one.
pub(in crate::search) async fn note(
    tx: &mut Tx,
    org: OrgId,
    model: &str,
    dimensions: i32,
) -> Result<()> {
    diesel::sql_query(
        "insert into embeddings (org_id, model, dimensions, complete_at, due_at, created_at) \
         select $1, $2, $3, case when not exists (select from chunks where org_id = $1) then $4 end, $4, $4 \
         on conflict do nothing",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<Text, _>(model)
    .bind::<Integer, _>(dimensions)
    .bind::<Timestamptz, _>(tx.now())
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct OrgRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
}

#[derive(QueryableByName)]
struct MakingRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    complete_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    upto: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    made: i64,
    #[diesel(sql_type = Timestamptz)]
    due_at: Timestamp,
}

/// Takes the organization that has waited longest for `model`, for the length of `lease`.
pub(in crate::search) async fn take(
    tx: &mut Tx,
    model: &str,
    dimensions: i32,
    lease: TimeDelta,
) -> Result<Option<Making>> {
    let now = tx.now();
    let waiting: Option<OrgRow> = diesel::sql_query(
        "select e.org_id from embeddings e left join embeddings m on m.org_id = e.org_id and m.model = $1 \
         where (e.model <> $1 or e.complete_at is null) and (m.due_at is null or m.due_at <= $2) \
         order by m.due_at nulls first, e.created_at limit 1",
    )
    .bind::<Text, _>(model)
    .bind::<Timestamptz, _>(now)
    .get_result(tx.conn())
    .await
    .optional()?;
    let Some(OrgRow { org_id }) = waiting else {
        return Ok(None);
    };
    let row: Option<MakingRow> = diesel::sql_query(
        "insert into embeddings (org_id, model, dimensions, due_at, created_at) values ($1, $2, $3, $5, $4) \
         on conflict (org_id, model) do update set due_at = excluded.due_at where embeddings.due_at <= $4 \
         returning complete_at, upto, made, due_at",
    )
    .bind::<SqlUuid, _>(org_id)
    .bind::<Text, _>(model)
    .bind::<Integer, _>(dimensions)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now + lease)
    .get_result(tx.conn())
    .await
    .optional()?;
    Ok(row.map(|row| Making {
        org: OrgId::from_uuid(org_id),
        complete_at: row.complete_at,
        upto: row.upto.unwrap_or_default(),
        made: row.made,
        held_until: row.due_at,
    }))
}

/// Writes how far the making of `model` has come, if it is still ours, and that somebody may
/// go on with it at `due`. Answers whether it was.
pub(in crate::search) async fn keep(
    tx: &mut Tx,
    making: &Making,
    model: &str,
    due: Timestamp,
) -> Result<bool> {
    let row = embeddings::table
        .find((making.org, model.to_owned()))
        .filter(embeddings::due_at.eq(making.held_until));
    let kept = diesel::update(row)
        .set((
            embeddings::complete_at.eq(making.complete_at),
            embeddings::upto.eq(making.upto),
            embeddings::made.eq(making.made),
            embeddings::due_at.eq(due),
        ))
        .execute(tx.conn())
        .await?;
    Ok(kept > 0)
}

/// Removes up to `most` vectors of other models than `model`; answers how many. From the first
/// on those models count as incomplete, and with the last they are forgotten.
pub(in crate::search) async fn remove_others(
    tx: &mut Tx,
    org: OrgId,
    model: &str,
    most: i64,
) -> Result<usize> {
    let others = || {
        embeddings::table
            .filter(embeddings::org_id.eq(org))
            .filter(embeddings::model.ne(model.to_owned()))
    };
    diesel::update(others())
        .set((
            embeddings::complete_at.eq(None::<Timestamp>),
            embeddings::upto.eq(None::<Uuid>),
            embeddings::made.eq(0),
        ))
        .execute(tx.conn())
        .await?;
    let removed = diesel::sql_query(
        "delete from chunk_vectors v using ( \
           select e.model, o.chunk_id from embeddings e cross join lateral ( \
             select chunk_id from chunk_vectors where org_id = $1 and model = e.model limit $3) o \
           where e.org_id = $1 and e.model <> $2 limit $3) o \
         where v.org_id = $1 and v.model = o.model and v.chunk_id = o.chunk_id",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<Text, _>(model)
    .bind::<BigInt, _>(most)
    .execute(tx.conn())
    .await?;
    if removed == 0 {
        diesel::delete(others()).execute(tx.conn()).await?;
    }
    Ok(removed)
}

/// Every organization's models, for whoever runs the system.
pub(in crate::search) async fn all(tx: &mut Tx) -> Result<Vec<ModelUse>> {
    let rows: Vec<(OrgId, String, i32, Option<Timestamp>, i64)> = embeddings::table
        .order((embeddings::org_id, embeddings::created_at))
        .select((
            embeddings::org_id,
            embeddings::model,
            embeddings::dimensions,
            embeddings::complete_at,
            embeddings::made,
        ))
        .load(tx.conn())
        .await?;
    let row = |(org, model, dimensions, complete_at, made)| ModelUse {
        org,
        model,
        dimensions,
        complete_at,
        made,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// How many chunks the organization has.
pub(in crate::search) async fn chunks(tx: &mut Tx, org: OrgId) -> Result<i64> {
    let of_org = chunks::table.filter(chunks::org_id.eq(org));
    Ok(of_org.count().get_result(tx.conn()).await?)
}
