//! Sums over the calls of models. They are read from an index of those calls alone.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;

use super::{
    super::model::{Usage, UsageBy, UsageGroup, UsageSpan, UsageSum},
    usd,
};
use crate::{
    kernel::{OrgId, Result},
    platform::db::Tx,
};

/// Groups that are told of at most.
const MAX_GROUPS: usize = 1000;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bool)]
    is_total: bool,
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = BigInt)]
    executions: i64,
    #[diesel(sql_type = BigInt)]
    calls: i64,
    #[diesel(sql_type = BigInt)]
    tokens_in: i64,
    #[diesel(sql_type = BigInt)]
    tokens_out: i64,
    #[diesel(sql_type = BigInt)]
    cost_micros: i64,
    #[diesel(sql_type = BigInt)]
    cost_unknown_calls: i64,
}

impl Row {
    fn sum(&self) -> UsageSum {
        UsageSum {
            executions: self.executions,
            calls: self.calls,
            tokens_in: self.tokens_in,
            tokens_out: self.tokens_out,
            cost_usd: usd(self.cost_micros),
            cost_unknown_calls: self.cost_unknown_calls,
        }
    }
}

/// The words of the query that differ: the key of a call, where it comes from, and the
/// name that goes with it.
struct Shape {
    key: &'static str,
    from: &'static str,
    name: &'static str,
    order: &'static str,
}

const CALLS: &str = "agent_trace_events t";
const CALLS_OF_RUNS: &str = "agent_trace_events t join agent_executions e \
     on e.org_id = t.org_id and e.id = t.execution_id";
const DEAREST_FIRST: &str = "cost_micros desc, tokens_in + tokens_out desc, key";

const fn shape(by: UsageBy) -> Shape {
    match by {
        UsageBy::Project => Shape {
            key: "e.project_id::text",
            from: CALLS_OF_RUNS,
            name: "(select p.name from projects p where p.org_id = $1 and p.id = key::uuid)",
            order: DEAREST_FIRST,
        },
        UsageBy::Node => Shape {
            key: "e.node_id::text",
            from: CALLS_OF_RUNS,
            name: "(select n.title from nodes n where n.org_id = $1 and n.id = key::uuid)",
            order: DEAREST_FIRST,
        },
        UsageBy::Model => Shape {
            key: "t.model",
            from: CALLS,
            name: "null::text",
            order: DEAREST_FIRST,
        },
        UsageBy::Day => Shape {
            key: "to_char(t.occurred_at at time zone 'UTC', 'YYYY-MM-DD')",
            from: CALLS,
            name: "null::text",
            order: "key",
        },
    }
}

/// What the executions of `org` used in that time.
pub(in super::super) async fn usage(tx: &mut Tx, org: OrgId, span: &UsageSpan) -> Result<Usage> {
    let Shape {
        key,
        from,
        name,
        order,
    } = shape(span.by);
    // The row of the totals comes first, then one more than is told of.
    let limit = i64::try_from(MAX_GROUPS + 2).unwrap_or(i64::MAX);
    let rows: Vec<Row> = diesel::sql_query(format!(
        "with calls as ( \
             select {key} as key, t.execution_id, t.tokens_in, t.tokens_out, t.cost_micros \
             from {from} \
             where t.org_id = $1 and t.model is not null \
               and t.occurred_at >= $2 and t.occurred_at < $3 \
         ), sums as ( \
             select grouping(key) = 1 as is_total, key, \
                    count(distinct execution_id) as executions, count(*) as calls, \
                    coalesce(sum(tokens_in), 0)::bigint as tokens_in, \
                    coalesce(sum(tokens_out), 0)::bigint as tokens_out, \
                    coalesce(sum(cost_micros), 0)::bigint as cost_micros, \
                    count(*) - count(cost_micros) as cost_unknown_calls \
             from calls group by grouping sets ((key), ()) \
         ), first as ( \
             select * from sums order by is_total desc, {order} limit $4 \
         ) \
         select *, {name} as name from first order by is_total desc, {order}"
    ))
    .bind::<Uuid, _>(org)
    .bind::<Timestamptz, _>(span.from)
    .bind::<Timestamptz, _>(span.to)
    .bind::<BigInt, _>(limit)
    .load(tx.conn())
    .await?;
    Ok(put_together(span, rows))
}

fn put_together(span: &UsageSpan, rows: Vec<Row>) -> Usage {
    let totals = rows.iter().find(|row| row.is_total).map(Row::sum);
    let groups = rows.into_iter().filter(|row| !row.is_total);
    let mut data: Vec<UsageGroup> = groups
        .map(|row| UsageGroup {
            sum: row.sum(),
            key: row.key.unwrap_or_default(),
            name: row.name,
        })
        .collect();
    let truncated = data.len() > MAX_GROUPS;
    data.truncate(MAX_GROUPS);
    Usage {
        from: span.from,
        to: span.to,
        group_by: span.by,
        data,
        truncated,
        totals: totals.unwrap_or_default(),
    }
}
