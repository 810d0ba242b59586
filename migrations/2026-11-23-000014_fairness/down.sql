create index agent_executions_unfinished on agent_executions (created_at)
    where status in ('pending', 'running');
drop index agent_executions_unfinished_by_org;

create index jobs_due on jobs (queue, run_at);
drop index jobs_by_org;
