alter table budgets reset (fillfactor);
alter table agent_executions reset (fillfactor);
alter table outbox reset (fillfactor);
