//! SQL of budgets: the limits that cover a run, what is reserved and what is spent.

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, SelectableHelper,
    sql_types::{Jsonb, Text, Uuid as SqlUuid},
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
    platform::db::{
        Cacheable, Tx,
        schema::{budget_reservations as reservations, budgets},
        types::sql_text,
    },
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

#[derive(diesel::Queryable, diesel::Selectable)]
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

/// The rows of `limits`, made where they are not there yet, and locked in that order.
pub async fn open(tx: &Tx, org: OrgId, limits: &[Limit]) -> Result<Vec<Account>> {
    // They leave in the order of the list, all together.
    try_join_all(limits.iter().map(|limit| open_one(tx, org, limit))).await
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

/// What a run has reserved.
#[derive(Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = reservations)]
pub struct Reservation {
    budgets: Vec<Option<Uuid>>,
    micros: i64,
    tokens: i64,
    pub lost_micros: i64,
    pub lost_tokens: i64,
}

/// Reserves `need` under budgets whose rows are locked.
pub fn reserve(tx: &Tx, lease: &Lease, ids: Vec<Uuid>, need: Need) {
    let now = tx.now();
    tx.later(
        diesel::update(budgets::table.filter(budgets::id.eq_any(ids.clone()))).set((
            budgets::reserved_micros.eq(budgets::reserved_micros + need.micros),
            budgets::reserved_tokens.eq(budgets::reserved_tokens + need.tokens),
            budgets::updated_at.eq(now),
        )),
    );
    tx.later(diesel::insert_into(reservations::table).values((
        reservations::execution_id.eq(lease.execution),
        reservations::org_id.eq(lease.org),
        reservations::budgets.eq(ids),
        reservations::micros.eq(need.micros),
        reservations::tokens.eq(need.tokens),
        reservations::lost_micros.eq(need.read_micros),
        reservations::lost_tokens.eq(need.read_tokens),
        reservations::created_at.eq(now),
    )));
}

/// Takes away what a run has reserved; what it was is for [`settle`].
pub async fn take_reservation(tx: &Tx, run: ExecutionId) -> Result<Option<Reservation>> {
    Ok(diesel::delete(reservations::table.find(run))
        .returning(Reservation::as_returning())
        .get_result(&mut tx.pipe())
        .await
        .optional()?)
}

/// Counts what was used in the place of what was reserved; answers the budgets as they are
/// then. Their rows are locked in the order in which they were reserved, as
/// everybody locks them.
pub async fn settle(
    tx: &Tx,
    reserved: &Reservation,
    micros: i64,
    tokens: i64,
) -> Result<Vec<Account>> {
    let ids = reserved.budgets.iter().flatten();
    let settled = ids.map(|id| settle_one(tx, *id, reserved, micros, tokens));
    let accounts = try_join_all(settled).await?;
    Ok(accounts.into_iter().flatten().collect())
}

async fn settle_one(
    tx: &Tx,
    id: Uuid,
    reserved: &Reservation,
    micros: i64,
    tokens: i64,
) -> Result<Option<Account>> {
    let row: Option<AccountRow> = diesel::update(budgets::table.find(id))
        .set((
            budgets::reserved_micros.eq(budgets::reserved_micros - reserved.micros),
            budgets::reserved_tokens.eq(budgets::reserved_tokens - reserved.tokens),
            budgets::spent_micros.eq(budgets::spent_micros + micros),
            budgets::spent_tokens.eq(budgets::spent_tokens + tokens),
            budgets::updated_at.eq(tx.now()),
        ))
        .returning(AccountRow::as_returning())
        .cached()
        .get_result(&mut tx.pipe())
        .await
        .optional()?;
    Ok(row.map(Account::from))
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
