-- Puts what a run has used in the place of what it has reserved: $1 the run, $2 whether a call
-- counts that it has made and that no entry tells of, $3 now.
with taken as (
    delete from budget_reservations where execution_id = $1
    returning org_id, budgets, micros, tokens, lost_micros, lost_tokens, since, call_after
), used as (
    select t.budgets, t.micros, t.tokens,
        calls.micros + case when lost then t.lost_micros else 0 end as used_micros,
        calls.tokens + case when lost then t.lost_tokens else 0 end as used_tokens
    from taken t, lateral (
        select coalesce(sum(e.cost_micros), 0)::bigint as micros,
            coalesce(sum(e.tokens_in + e.tokens_out), 0)::bigint as tokens,
            coalesce(max(e.sequence_number) > t.call_after, false) as answered
        from agent_trace_events e
        where e.org_id = t.org_id and e.execution_id = $1 and e.model is not null
            and e.sequence_number > t.since
    ) calls, lateral (select $2 and not calls.answered as lost) open
), locked as (
    select b.id, u.micros, u.tokens, u.used_micros, u.used_tokens
    from used u join budgets b on b.id = any (u.budgets)
    order by array_position(u.budgets, b.id) for update of b
)
update budgets b set
    reserved_micros = b.reserved_micros - l.micros,
    reserved_tokens = b.reserved_tokens - l.tokens,
    spent_micros = b.spent_micros + l.used_micros,
    spent_tokens = b.spent_tokens + l.used_tokens,
    updated_at = $3
from locked l where b.id = l.id