-- How changes travel (outbox, jobs), who works (workers), and what later parts stand
-- on: idempotency records, budgets, chunks for search.

-- Written by the transaction that made the change; read by the relay alone.
create table outbox (
    id uuid primary key,
    -- A reading order for the relay. It is not commit order.
    position bigint generated always as identity,
    org_id uuid not null references organizations (id) on delete cascade,
    -- 'event' for those who watch, 'job' for workers.
    topic text not null check (topic in ('event', 'job')),
    -- The event's kind or the job's queue.
    name text not null,
    channels jsonb not null default '[]',
    payload jsonb not null,
    created_at timestamptz not null,
    published_at timestamptz
);
create index outbox_unpublished on outbox (position) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;
alter table outbox enable row level security;
alter table outbox force row level security;
create policy write on outbox for insert
    with check (org_id = any ((select app.org_ids())::uuid[]));
create policy plumbing on outbox
    using ((select app.is_system()));

-- The embedded queue. A job is a wake-up, safe to deliver twice; its id is that of
-- the outbox row, so that relaying twice queues once.
create table jobs (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    queue text not null,
    body jsonb not null,
    -- Not before then; a worker that takes it moves this on, so that others leave it alone.
    run_at timestamptz not null,
    attempts integer not null default 0,
    created_at timestamptz not null
);
create index jobs_due on jobs (queue, run_at);
alter table jobs enable row level security;
alter table jobs force row level security;
create policy plumbing on jobs
    using ((select app.is_system()));

-- One row a worker process, touched by its heartbeat; leases name it.
create table workers (
    id uuid primary key,
    role text not null,
    host text not null,
    pid integer not null,
    started_at timestamptz not null,
    heartbeat_at timestamptz not null
);
alter table workers enable row level security;
alter table workers force row level security;
create policy plumbing on workers
    using ((select app.is_system()));

-- The first answer to a keyed request, kept in the transaction of the change.
create table idempotency_keys (
    user_id uuid not null references users (id) on delete cascade,
    key text not null check (char_length(key) between 1 and 200),
    request_hash text not null,
    status integer not null,
    response jsonb,
    created_at timestamptz not null,
    primary key (user_id, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy own on idempotency_keys
    using (user_id = (select app.user_id()));
create policy sweep on idempotency_keys
    using ((select app.is_system()));

create table budgets (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    scope_type text not null check (scope_type in ('organization', 'project', 'node', 'execution')),
    scope_id uuid not null,
    -- The first day of the month it counts for; null when it does not renew.
    period date,
    limit_micros bigint check (limit_micros >= 0),
    limit_tokens bigint check (limit_tokens >= 0),
    reserved_micros bigint not null default 0,
    spent_micros bigint not null default 0,
    spent_tokens bigint not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (org_id, id),
    unique nulls not distinct (org_id, scope_type, scope_id, period)
);
alter table budgets enable row level security;
alter table budgets force row level security;
create policy tenant on budgets
    using (org_id = any ((select app.org_ids())::uuid[]));

create table chunks (
    id uuid primary key,
    org_id uuid not null,
    file_id uuid,
    node_id uuid,
    ordinal integer not null,
    content text not null,
    -- {page?, heading?, start, end}: where in its owner the text stands.
    place jsonb not null default '{}',
    sha256 text not null,
    search tsvector generated always as (to_tsvector('simple', content)) stored,
    embedding vector,
    embedding_model text,
    created_at timestamptz not null,
    unique (org_id, id),
    foreign key (org_id, file_id) references files (org_id, id) on delete cascade,
    foreign key (org_id, node_id) references nodes (org_id, id) on delete cascade,
    check (num_nonnulls(file_id, node_id) = 1)
);
create unique index chunks_of_file on chunks (org_id, file_id, ordinal) where file_id is not null;
create unique index chunks_of_node on chunks (org_id, node_id, ordinal) where node_id is not null;
create index chunks_search on chunks using gin (search);
alter table chunks enable row level security;
alter table chunks force row level security;
create policy tenant on chunks
    using (org_id = any ((select app.org_ids())::uuid[]));
