drop policy plumbing on nodes;
drop index nodes_lock_ends;
alter table agent_executions drop column lock_epoch;
alter table nodes drop column lock_broken_by;
alter table nodes drop column locked_by_execution;
