//! SQL of budgets: the limits that cover a run, what is reserved and what is spent.

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName, SelectableHelper,
    sql_types::{Array, BigInt, Date, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
    upsert::excluded,
};
use diesel_async::RunQueryDsl;
use futures_util::future::try_join_all;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    executions::model::{
        Lease,
        budget::{Account, Cover, Limit, Need, Source},
    },
    kernel::{Error, ExecutionId, OrgId, Result, objects},
    platform::db::{Cacheable, Tx, schema::budgets, types::sql_text},
};

sql_text!(Cover);

#[derive(QueryableByName)]
struct SourceRow {
    #[diesel(sql_type = Text)]
    cover: Cover,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb)]
    written: Value,
}

/// The settings that may limit a run: of its organization, its project, its node and those
/// above, itself and the runs that it was started through. The first of those has the limit
/// that the organization sets for each execution.
pub async fn sources(tx: &Tx, lease: &Lease) -> Result<Vec<Source>> {
    let rows: Vec<SourceRow> = diesel::sql_query(SOURCES)
        .bind::<SqlUuid, _>(lease.org)
        .bind::<SqlUuid, _>(lease.project)
        .bind::<SqlUuid, _>(lease.node)
        .bind::<SqlUuid, _>(lease.execution)
        .cached()
        .load(&mut tx.pipe())
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Source {
                cover: row.cover,
                id: row.id,
                written: objects::read(row.written).map_err(|error| {
                    // Metadata are the client's to write; a limit that nobody understands
                    // must not pass for none.
                    Error::new(
                        crate::kernel::Code::Unprocessable,
                        format!("The budget of this {} can't be read: {error}.", row.cover),
                    )
                })?,
            })
        })
        .collect()
}

const SOURCES: &str = "with recursive \
    up(id, parent_id, budget, level) as ( \
      select n.id, n.parent_id, n.metadata #> '{agentConfig,budget}', 1 from nodes n where n.id = $3 \
      union all \
      select n.id, n.parent_id, n.metadata #> '{agentConfig,budget}', up.level + 1 \
      from nodes n join up on n.id = up.parent_id where up.level < 100), \
    runs(id, parent, usd, level) as ( \
      select e.id, e.parent_execution_id, e.config -> 'budgetUsd', 1 from agent_executions e where e.id = $4 \
      union all \
      select e.id, e.parent_execution_id, e.config -> 'budgetUsd', runs.level + 1 \
      from agent_executions e join runs on e.id = runs.parent where runs.level < 100) \
    select 'organization' as cover, o.id, o.settings -> 'budget' as written from organizations o \
      where o.id = $1 and jsonb_typeof(o.settings -> 'budget') = 'object' \
    union all select 'project', p.id, p.settings -> 'budget' from projects p \
      where p.id = $2 and jsonb_typeof(p.settings -> 'budget') = 'object' \
    union all select 'node', up.id, up.budget from up where jsonb_typeof(up.budget) = 'object' \
    union all select 'execution', runs.id, jsonb_strip_nulls(jsonb_build_object('usd', runs.usd)) \
      from runs where runs.usd is not null or runs.parent is null";

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

/// Reserves `need` under budgets whose rows are locked.
pub fn reserve(tx: &Tx, lease: &Lease, ids: Vec<Uuid>, need: Need) {
    tx.later(
        diesel::sql_query(
            "with noted as (insert into budget_reservations (execution_id, org_id, budgets, \
               micros, tokens, lost_micros, lost_tokens, created_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8)) \
             update budgets set reserved_micros = reserved_micros + $4, \
               reserved_tokens = reserved_tokens + $5, updated_at = $8 where id = any($3)",
        )
        .bind::<SqlUuid, _>(lease.execution)
        .bind::<SqlUuid, _>(lease.org)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<BigInt, _>(need.micros)
        .bind::<BigInt, _>(need.tokens)
        .bind::<BigInt, _>(need.read_micros)
        .bind::<BigInt, _>(need.read_tokens)
        .bind::<Timestamptz, _>(tx.now()),
    );
}

/// What a call came to for which something was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// Millionths of a US dollar, and tokens.
    Known(i64, i64),
    /// The call was lost: it is counted as what was noted for that when it was reserved.
    Lost,
}

/// Takes away what a run has reserved, if anything, and counts what was used in its place;
/// answers the budgets as they are then. Their rows are locked in the order in which they
/// were reserved, as everybody locks them.
pub async fn settle(tx: &Tx, run: ExecutionId, used: Used) -> Result<Vec<Account>> {
    let (micros, tokens) = match used {
        Used::Known(micros, tokens) => (Some(micros), Some(tokens)),
        Used::Lost => (None, None),
    };
    let sql = concat!(
        "with taken as (delete from budget_reservations where execution_id = $1 \
           returning budgets, micros, tokens, lost_micros, lost_tokens), \
         locked as (select b.id, t.micros, t.tokens, coalesce($2, t.lost_micros) as used_micros, \
             coalesce($3, t.lost_tokens) as used_tokens \
           from taken t join budgets b on b.id = any(t.budgets) \
           order by array_position(t.budgets, b.id) for update of b) \
         update budgets b set reserved_micros = b.reserved_micros - l.micros, \
           reserved_tokens = b.reserved_tokens - l.tokens, \
           spent_micros = b.spent_micros + l.used_micros, \
           spent_tokens = b.spent_tokens + l.used_tokens, updated_at = $4 \
         from locked l where b.id = l.id returning ",
        columns!("b")
    );
    let rows: Vec<AccountRow> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(run)
        .bind::<Nullable<BigInt>, _>(micros)
        .bind::<Nullable<BigInt>, _>(tokens)
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
