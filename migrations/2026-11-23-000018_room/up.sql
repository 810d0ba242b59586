-- These rows are written again soon after they were written: room on their page keeps the
-- copy there, and the log then tells only what is new in it.
alter table outbox set (fillfactor = 50);
alter table agent_executions set (fillfactor = 60);
alter table budgets set (fillfactor = 50);
