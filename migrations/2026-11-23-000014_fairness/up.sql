-- Turns between organizations: who works goes from one to the next in these indexes, and
-- takes the oldest of each, however many the others have.

create index jobs_by_org on jobs (queue, org_id, run_at, id);
drop index jobs_due;

create index agent_executions_unfinished_by_org on agent_executions (org_id, created_at, id)
    where status in ('pending', 'running');
drop index agent_executions_unfinished;
