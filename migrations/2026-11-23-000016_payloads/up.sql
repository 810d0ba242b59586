-- Which fields of a payload are kept in the storage instead of here, each with its size and
-- hash: `event_data` has the beginning of each in its place. Where they lie follows from the
-- row's organization and execution and the hash, so a row can't name another tenant's bytes.
alter table agent_trace_events
    add column payload_refs jsonb
        check (jsonb_typeof(payload_refs) = 'object' and payload_refs <> '{}');
-- For what removes them with their payloads, and what looks for those that no row names.
create index agent_trace_events_apart on agent_trace_events (org_id, execution_id)
    where payload_refs is not null;
