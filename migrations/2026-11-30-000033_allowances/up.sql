-- A run may hold an allowance for several calls, so that the shared rows of its budgets are
-- touched when it is given and when it is settled, and not with every call.
alter table budget_reservations
    -- What was used of it are the calls after this entry. None in a row that the version
    -- before wrote: that is for one call, which is settled by its own entry.
    add column since bigint,
    -- The call that is being made follows this entry; it is over once a later one tells of a call.
    add column call_after bigint;

-- Puts what a run has used in the place of what it has reserved, if anything, and answers its
-- budgets as they are then. `counts_open`: whether a call counts that it has made and that no
-- entry tells of. Budgets are locked in the order in which they were reserved, as everybody
-- locks them.
create function app.settle(run uuid, counts_open boolean, at timestamptz) returns setof public.budgets
    language sql volatile
as $$
    with taken as (
        delete from public.budget_reservations where execution_id = run
        returning org_id, budgets, micros, tokens, lost_micros, lost_tokens, since, call_after
    ), used as (
        select t.budgets, t.micros, t.tokens,
            calls.micros + case when lost then t.lost_micros else 0 end as used_micros,
            calls.tokens + case when lost then t.lost_tokens else 0 end as used_tokens
        from taken t, lateral (
            select coalesce(sum(e.cost_micros), 0)::bigint as micros,
                coalesce(sum(e.tokens_in + e.tokens_out), 0)::bigint as tokens,
                coalesce(max(e.sequence_number) > t.call_after, false) as answered
            from public.agent_trace_events e
            where e.org_id = t.org_id and e.execution_id = run and e.model is not null
                and e.sequence_number > t.since
        ) calls, lateral (select counts_open and not calls.answered as lost) open
    ), locked as (
        select b.id, u.micros, u.tokens, u.used_micros, u.used_tokens
        from used u join public.budgets b on b.id = any (u.budgets)
        order by array_position(u.budgets, b.id) for update of b
    )
    update public.budgets b set
        reserved_micros = b.reserved_micros - l.micros,
        reserved_tokens = b.reserved_tokens - l.tokens,
        spent_micros = b.spent_micros + l.used_micros,
        spent_tokens = b.spent_tokens + l.used_tokens,
        updated_at = at
    from locked l where b.id = l.id
    returning b.*
$$;

-- A run that goes with its project has spent what it has spent, and holds nothing any more.
create function app.settle_deleted_run() returns trigger
    language plpgsql
as $$
begin
    perform app.settle(old.id, true, now());
    return old;
end $$;
create trigger settle before delete on agent_executions
    for each row execute function app.settle_deleted_run();
