drop policy payloads_give_way on agent_trace_events;
revoke update (event_data) on agent_trace_events from glassbox_app;
alter table agent_trace_events drop column data_hash;
drop index agent_executions_with_payloads;
drop index agent_executions_by_origin;
alter table agent_executions
    drop constraint agent_executions_forked_from,
    drop constraint agent_executions_fork,
    drop column started_by_span,
    drop column payloads_removed_at,
    drop column forked_after,
    drop column forked_from;
drop index agent_trace_events_calls;
