-- With which of an organization's tokens something was done. Like execution_id it has no
-- foreign key: the log outlives what it speaks of.
alter table audit_log add column token_id uuid;
