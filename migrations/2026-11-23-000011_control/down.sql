drop index agent_executions_awaiting;
drop table human_requests;
