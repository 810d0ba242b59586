-- What a run asks people, and runs that wait for other runs.

-- A request is a row besides its entry in the journal, so that people find what waits for
-- them without reading journals. The entry and the row are written together.
create table human_requests (
    id uuid primary key,
    org_id uuid not null,
    execution_id uuid not null,
    -- The model's call that waits for the answer.
    call_id text not null,
    request_type text not null check (request_type in ('question', 'approval')),
    prompt text not null,
    options jsonb,
    -- Of an approval: the tool, its arguments, and the hash over both and the version
    -- of the node. What was approved is that and nothing else.
    metadata jsonb,
    call_hash text,
    status text not null check (status in ('pending', 'answered', 'expired', 'void')),
    answer jsonb,
    answered_by uuid references users (id) on delete set null,
    created_at timestamptz not null,
    expires_at timestamptz,
    closed_at timestamptz,
    unique (org_id, id),
    foreign key (org_id, execution_id) references agent_executions (org_id, id) on delete cascade
);
create index human_requests_pending on human_requests (org_id, execution_id, created_at, id)
    where status = 'pending';
-- What a sweep looks for: requests whose time is over.
create index human_requests_due on human_requests (expires_at)
    where status = 'pending' and expires_at is not null;
create index human_requests_by_user on human_requests (answered_by)
    where answered_by is not null;

alter table human_requests enable row level security;
alter table human_requests force row level security;
create policy tenant on human_requests
    using (org_id = any ((select app.org_ids())::uuid[]));
create policy plumbing on human_requests for select
    using ((select app.is_system()) and expires_at is not null);

-- What a sweep looks for: runs that wait for their children.
create index agent_executions_awaiting on agent_executions (created_at)
    where status = 'awaiting_subnodes';
