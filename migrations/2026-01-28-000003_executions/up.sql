-- What agents do: executions, and the journal that each of them is.

create table agent_executions (
    id uuid primary key,
    org_id uuid not null,
    project_id uuid not null,
    node_id uuid not null,
    parent_execution_id uuid,
    status text not null check (status in (
        'pending', 'running', 'paused', 'awaiting_input', 'awaiting_subnodes',
        'complete', 'failed', 'cancelled')),
    model_id text not null,
    config jsonb not null default '{}',
    thread_id text not null,
    started_by uuid references users (id) on delete set null,
    human_input_request jsonb,
    human_input_response jsonb,
    trace_summary jsonb not null default '[]',
    error_message text,
    total_tokens_in bigint not null default 0,
    total_tokens_out bigint not null default 0,
    -- Millionths of a US dollar; null when a price is unknown, which is not zero.
    cost_micros bigint default 0,
    -- The journal's end: the number and hash of its last event.
    last_sequence bigint not null default 0,
    head_hash text not null default '',
    -- The lease: which worker process holds it, and the fence that each append checks.
    lease_worker uuid,
    lease_epoch bigint not null default 0,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (org_id, id),
    foreign key (org_id, node_id) references nodes (org_id, id) on delete cascade,
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade,
    foreign key (org_id, parent_execution_id) references agent_executions (org_id, id)
        on delete set null (parent_execution_id)
);
create index agent_executions_newest on agent_executions (org_id, node_id, created_at desc, id desc);
create index agent_executions_by_project on agent_executions (org_id, project_id);
create index agent_executions_by_parent on agent_executions (org_id, parent_execution_id)
    where parent_execution_id is not null;
-- One active run a node: the database decides between two that start at once.
create unique index agent_executions_one_active on agent_executions (org_id, node_id)
    where status not in ('complete', 'failed', 'cancelled');
-- What a sweep looks for: runs that need a worker.
create index agent_executions_unfinished on agent_executions (created_at)
    where status in ('pending', 'running');

create table agent_trace_events (
    id uuid primary key,
    org_id uuid not null,
    execution_id uuid not null,
    sequence_number bigint not null check (sequence_number >= 1),
    event_type text not null,
    event_data jsonb not null,
    occurred_at timestamptz not null,
    duration_ms bigint,
    model text,
    tokens_in bigint,
    tokens_out bigint,
    cost_micros bigint,
    -- The lease under which it was written.
    lease_epoch bigint not null,
    prev_hash text not null,
    hash text not null,
    unique (org_id, id),
    unique (org_id, execution_id, sequence_number),
    foreign key (org_id, execution_id) references agent_executions (org_id, id) on delete cascade
);

alter table agent_executions enable row level security;
alter table agent_executions force row level security;
create policy tenant on agent_executions
    using (org_id = any ((select app.org_ids())::uuid[]));
-- Workers find abandoned runs over all tenants; they learn that there is one and whose.
create policy plumbing on agent_executions for select
    using ((select app.is_system()));

alter table agent_trace_events enable row level security;
alter table agent_trace_events force row level security;
create policy tenant on agent_trace_events
    using (org_id = any ((select app.org_ids())::uuid[]));
-- Evidence is appended, never changed, and the database says so.
revoke update, delete, truncate on agent_trace_events from glassbox_app;

-- The same look over unfinished files, for the file workers.
create policy plumbing on files for select
    using ((select app.is_system()));

-- One call finds where a thing lives and what its caller is there, and narrows the
-- transaction to that organization. It runs with the caller's rights: what row-level
-- security hides from the user is not found. No row: not there, or not theirs to know of.
create function app.enter(kind text, thing uuid)
    returns table (org_id uuid, project_id uuid, node_id uuid, org_role text, project_role text)
    language plpgsql volatile
as $$
begin
    case kind
        when 'organization' then
            select o.id into org_id from public.organizations o where o.id = thing;
        when 'project' then
            select p.org_id, p.id into org_id, project_id
            from public.projects p where p.id = thing;
        when 'node' then
            select n.org_id, n.project_id, n.id into org_id, project_id, node_id
            from public.nodes n where n.id = thing and n.deleted_at is null;
        when 'execution' then
            select e.org_id, e.project_id, e.node_id into org_id, project_id, node_id
            from public.agent_executions e where e.id = thing;
        when 'file' then
            select f.org_id into org_id from public.files f where f.id = thing;
    end case;
    if org_id is null then
        return;
    end if;
    select m.role into org_role from public.org_members m
        where m.org_id = enter.org_id and m.user_id = app.user_id();
    if org_role is null then
        return;
    end if;
    if kind = 'file' then
        -- A file has no project of its own: a guest reaches it through the nodes that use it.
        select pm.role into project_role
        from public.project_members pm
        join public.nodes n on n.org_id = pm.org_id and n.project_id = pm.project_id and n.deleted_at is null
        where pm.org_id = enter.org_id and pm.user_id = app.user_id()
          and (exists (select from public.node_inputs i
                       where i.org_id = n.org_id and i.file_id = thing and i.node_id = n.id)
            or exists (select from public.node_outputs o
                       where o.org_id = n.org_id and o.file_id = thing and o.node_id = n.id))
        order by array_position(array['admin', 'editor', 'viewer'], pm.role)
        limit 1;
    else
        select pm.role into project_role from public.project_members pm
            where pm.org_id = enter.org_id and pm.project_id = enter.project_id
              and pm.user_id = app.user_id();
    end if;
    perform set_config('app.org_id', org_id::text, true);
    return next;
end $$;
