drop function app.enter(text, uuid);
drop policy plumbing on files;
drop table agent_trace_events;
drop table agent_executions;
