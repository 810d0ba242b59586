//! SQL of budgets: what is reserved under limits and what is spent.

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, SelectableHelper,
    sql_types::{Array, BigInt, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid},
    upsert::excluded,
};
use diesel_async::RunQueryDsl;
use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::{
    executions::model::{
        Lease,
        budget::{Account, Allowance, Cover, Limit, Need},
    },
    kernel::{ExecutionId, OrgId, Result},
    platform::db::{Cacheable, Tx, schema::budgets, types::sql_text},
};

sql_text!(Cover);

/// The columns of an [`AccountRow`].
macro_rules! columns {
    ($table:literal) => {
        concat!(
            $table,
            ".id, ",
            $table,
            ".scope_type, ",
            $table,
            ".scope_id, ",
            $table,
            ".period, ",
            $table,
            ".limit_micros, ",
            $table,
            ".limit_tokens, ",
            $table,
            ".spent_micros, ",
            $table,
            ".spent_tokens, ",
            $table,
            ".reserved_micros, ",
            $table,
            ".reserved_tokens"
        )
    };
}

#[derive(diesel::Queryable, diesel::Selectable, QueryableByName)]
#[diesel(table_name = budgets)]
struct AccountRow {
    id: Uuid,
    scope_type: Cover,
    scope_id: Uuid,
    period: Option<NaiveDate>,
    limit_micros: Option<i64>,
    limit_tokens: Option<i64>,
    spent_micros: i64,
    spent_tokens: i64,
    reserved_micros: i64,
    reserved_tokens: i64,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Account {
            id: row.id,
            limit: Limit {
                cover: row.scope_type,
                id: row.scope_id,
                period: row.period,
                micros: row.limit_micros,
                tokens: row.limit_tokens,
            },
            spent_micros: row.spent_micros,
            spent_tokens: row.spent_tokens,
            reserved_micros: row.reserved_micros,
            reserved_tokens: row.reserved_tokens,
        }
    }
}

/// The rows of `limits`, made where they are not there yet or say something else, and locked
/// in that order.
pub async fn open(tx: &Tx, org: OrgId, limits: &[Limit]) -> Result<Vec<Account>> {
    let accounts = lock(tx, org, limits).await?;
    if accounts.iter().map(|account| &account.limit).eq(limits) {
        return Ok(accounts);
    }
    // They leave in the order of the list, all together.
    try_join_all(limits.iter().map(|limit| open_one(tx, org, limit))).await
}

/// The rows that there are.
async fn lock(tx: &Tx, org: OrgId, limits: &[Limit]) -> Result<Vec<Account>> {
    let covers: Vec<Cover> = limits.iter().map(|limit| limit.cover).collect();
    let ids: Vec<Uuid> = limits.iter().map(|limit| limit.id).collect();
    let periods: Vec<Option<NaiveDate>> = limits.iter().map(|limit| limit.period).collect();
    let sql = concat!(
        "select ",
        columns!("b"),
        " from unnest($2, $3, $4) with ordinality as w (cover, id, period, place) \
         join budgets b on b.org_id = $1 and b.scope_type = w.cover and b.scope_id = w.id \
           and b.period is not distinct from w.period \
         order by w.place for update of b"
    );
    let rows: Vec<AccountRow> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Array<Text>, _>(covers)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Nullable<Date>>, _>(periods)
        .cached()
        .load(&mut tx.pipe())
        .await?;
    Ok(rows.into_iter().map(Account::from).collect())
}

async fn open_one(tx: &Tx, org: OrgId, limit: &Limit) -> Result<Account> {
    let now = tx.now();
    let row: AccountRow = diesel::insert_into(budgets::table)
        .values((
            budgets::id.eq(tx.ids().uuid()),
            budgets::org_id.eq(org),
            budgets::scope_type.eq(limit.cover),
            budgets::scope_id.eq(limit.id),
            budgets::period.eq(limit.period),
            budgets::limit_micros.eq(limit.micros),
            budgets::limit_tokens.eq(limit.tokens),
            budgets::created_at.eq(now),
            budgets::updated_at.eq(now),
        ))
        .on_conflict((
            budgets::org_id,
            budgets::scope_type,
            budgets::scope_id,
            budgets::period,
        ))
        .do_update()
        .set((
            budgets::limit_micros.eq(excluded(budgets::limit_micros)),
            budgets::limit_tokens.eq(excluded(budgets::limit_tokens)),
        ))
        .returning(AccountRow::as_returning())
        .cached()
        .get_result(&mut tx.pipe())
        .await?;
    Ok(row.into())
}

/// Notes the call that a run makes after the entry `after`.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The entry.
    pub after: i64,
    /// What is counted as spent should the call be lost: what the model was given to read.
    pub need: Need,
}

/// Reserves `allowance` under budgets whose rows are locked, for a run's next call and maybe
/// those after it.
pub fn reserve(tx: &Tx, lease: &Lease, ids: Vec<Uuid>, allowance: &Allowance, call: Call) {
    let (micros, tokens) = allowance.left();
    tx.later(
        diesel::sql_query(
            "with noted as (insert into budget_reservations (execution_id, org_id, budgets, \
               micros, tokens, lost_micros, lost_tokens, since, call_after, created_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)) \
             update budgets set reserved_micros = reserved_micros + $4, \
               reserved_tokens = reserved_tokens + $5, updated_at = $9 where id = any($3)",
        )
        .bind::<SqlUuid, _>(lease.execution)
        .bind::<SqlUuid, _>(lease.org)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<BigInt, _>(micros)
        .bind::<BigInt, _>(tokens)
        .bind::<BigInt, _>(call.need.read_micros)
        .bind::<BigInt, _>(call.need.read_tokens)
        .bind::<BigInt, _>(call.after)
        .bind::<Timestamptz, _>(tx.now()),
    );
}

#[derive(QueryableByName)]
struct Tight {
    #[diesel(sql_type = Bool)]
    tight: bool,
}

/// Notes another call under what the run has reserved. Answers whether it may be made so: not
/// when nothing is reserved any more, nor when half of a limit is taken by now, from where on
/// people want to know what is spent.
pub async fn goes_on(tx: &Tx, run: ExecutionId, call: Call) -> Result<bool> {
    let noted: Option<Tight> = diesel::sql_query(
        "update budget_reservations r set call_after = $2, lost_micros = $3, lost_tokens = $4 \
         where execution_id = $1 returning exists ( \
           select from budgets b where b.id = any(r.budgets) \
             and (b.spent_micros + b.reserved_micros > b.limit_micros / 2 \
               or b.spent_tokens + b.reserved_tokens > b.limit_tokens / 2)) as tight",
    )
    .bind::<SqlUuid, _>(run)
    .bind::<BigInt, _>(call.after)
    .bind::<BigInt, _>(call.need.read_micros)
    .bind::<BigInt, _>(call.need.read_tokens)
    .cached()
    .get_result(&mut tx.pipe())
    .await
    .optional()?;
    Ok(noted.is_some_and(|noted| !noted.tight))
}

/// What becomes of a call that a run has made and that no entry tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// It was lost, and is counted as what was noted for that.
    Lost,
    /// It was not made, or cost nothing.
    Free,
}

/// Takes away what a run has reserved, if anything, and counts what was used of it in its
/// place, which the journal says; answers the budgets as they are then.
///
/// An unknown cost was not bounded, and is not counted.
pub async fn settle(tx: &Tx, run: ExecutionId, open: Open) -> Result<Vec<Account>> {
    let sql = concat!("select ", columns!("b"), " from app.settle($1, $2, $3) b");
    let rows: Vec<AccountRow> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(run)
        .bind::<Bool, _>(open == Open::Lost)
        .bind::<Timestamptz, _>(tx.now())
        .cached()
        .load(&mut tx.pipe())
        .await?;
    Ok(rows.into_iter().map(Account::from).collect())
}

/// Notes that people are told of `step` percent; `false` when they were already.
pub async fn tell_once(tx: &mut Tx, id: Uuid, step: i64) -> Result<bool> {
    let step = i16::try_from(step).unwrap_or(i16::MAX);
    let news = budgets::table.find(id).filter(budgets::told.lt(step));
    let changed = diesel::update(news)
        .set(budgets::told.eq(step))
        .execute(tx.conn())
        .await?;
    Ok(changed > 0)
}
