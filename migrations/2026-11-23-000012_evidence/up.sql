-- Evidence that can be summed up, forked, and thinned out without being rewritten.

-- Sums over the calls of models in a time: read from the index alone.
create index agent_trace_events_calls on agent_trace_events (org_id, occurred_at)
    include (execution_id, model, tokens_in, tokens_out, cost_micros)
    where model is not null;

-- What a fork stands on: the journal of another run of the same node, up to one entry.
-- It goes with that run, which only happens when the node itself goes.
alter table agent_executions
    add column forked_from uuid,
    add column forked_after bigint check (forked_after >= 1),
    -- When the payloads of its entries were removed.
    add column payloads_removed_at timestamptz,
    -- The client's span that asked for it: trace and span of OpenTelemetry, with a dash.
    add column started_by_span text,
    add constraint agent_executions_fork check ((forked_from is null) = (forked_after is null)),
    add constraint agent_executions_forked_from foreign key (org_id, forked_from)
        references agent_executions (org_id, id) on delete cascade;
create index agent_executions_by_origin on agent_executions (org_id, forked_from)
    where forked_from is not null;
-- What the retention looks for, over all tenants.
create index agent_executions_with_payloads on agent_executions (completed_at)
    where completed_at is not null and payloads_removed_at is null;

-- The hash of the payload, which the entry's hash covers in the payload's place. Null for
-- entries from before it, whose hash covers the payload itself.
alter table agent_trace_events add column data_hash text;

-- Removing what the entries of an ended run carry is the one change of evidence that the
-- application can make, and it can put nothing else in its place: each payload gives way
-- to its own hash, which the entry's hash goes on covering.
grant update (event_data) on agent_trace_events to glassbox_app;
create policy payloads_give_way on agent_trace_events as restrictive for update
    using (exists (
        select from agent_executions e
        where e.org_id = agent_trace_events.org_id and e.id = agent_trace_events.execution_id
          and e.completed_at is not null))
    with check (event_data = jsonb_build_object('removed', jsonb_build_object('sha256', data_hash)));
