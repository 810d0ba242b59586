-- What runs may spend: reserved before a call of a model, settled with its entry.

alter table budgets
    add column reserved_tokens bigint not null default 0,
    -- The highest part of the limit, in percent, that people were told of.
    add column told smallint not null default 0,
    add constraint budgets_reserved check (reserved_micros >= 0 and reserved_tokens >= 0);

-- What a run has reserved for the one call that it makes at a time.
create table budget_reservations (
    execution_id uuid primary key,
    org_id uuid not null,
    budgets uuid[] not null,
    micros bigint not null check (micros >= 0),
    tokens bigint not null check (tokens >= 0),
    -- What is counted as spent when the call is lost: what the model was given to read.
    lost_micros bigint not null check (lost_micros >= 0),
    lost_tokens bigint not null check (lost_tokens >= 0),
    created_at timestamptz not null,
    foreign key (org_id, execution_id) references agent_executions (org_id, id) on delete cascade
);
create index budget_reservations_by_run on budget_reservations (org_id, execution_id);
alter table budget_reservations enable row level security;
alter table budget_reservations force row level security;
create policy tenant on budget_reservations
    using (org_id = any ((select app.org_ids())::uuid[]));

alter table notifications drop constraint notifications_type_check;
alter table notifications add constraint notifications_type_check check (type in (
    'execution_complete', 'execution_failed', 'human_input_needed',
    'node_assigned', 'mention', 'comment', 'budget_alert'));
