drop trigger settle on agent_executions;
drop function app.settle_deleted_run();
drop function app.settle(uuid, boolean, timestamptz);
alter table budget_reservations
    drop column since,
    drop column call_after;
