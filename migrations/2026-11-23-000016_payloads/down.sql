drop index agent_trace_events_apart;
alter table agent_trace_events drop column payload_refs;
