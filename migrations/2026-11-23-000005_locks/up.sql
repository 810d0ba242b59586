-- Locks of nodes: who holds them for how long, runs of agents among them.

-- The run that holds the lock, in the name of locked_by. No foreign key, like
-- author_execution_id: a run refers to its node, and goes with it.
alter table nodes add column locked_by_execution uuid;
-- Who last broke the lock of a run here; named in the sentence that the run fails with.
alter table nodes add column lock_broken_by uuid;
-- Under which epoch the run holds its node's lock; null while it holds none. Should the
-- node's epoch be another, the run has lost it.
alter table agent_executions add column lock_epoch bigint;

-- What the watch over locks sleeps towards: the earliest end over all organizations. It
-- finds a lock whose time is over; the release is done as the organization it belongs to.
create index nodes_lock_ends on nodes (lock_expires_at)
    where lock_expires_at is not null and deleted_at is null;
create policy plumbing on nodes for select
    using ((select app.is_system()) and lock_expires_at is not null);
