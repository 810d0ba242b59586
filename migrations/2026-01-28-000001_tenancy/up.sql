-- Who there is: organizations, users, memberships; and how rows are kept apart.
--
-- The application connects as glassbox_app, which owns nothing and cannot bypass
-- row-level security. Each transaction says for whom it acts with
-- set_config(…, true); the functions below read that, and the policies read them.
-- After a commit such a setting reads back as '' rather than NULL, hence nullif.

-- Made beforehand where the owner may not make extensions (pgvector is not marked as
-- trusted everywhere); then this is a no-op.
create extension if not exists vector;

create schema app;
grant usage on schema app to glassbox_app;
alter default privileges in schema public
    grant select, insert, update, delete on tables to glassbox_app;
alter default privileges in schema public
    grant usage, select on sequences to glassbox_app;

create function app.org_id() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.org_id', true), '')::uuid;

create function app.user_id() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.user_id', true), '')::uuid;

create function app.subject() returns text
    language sql stable parallel safe
    return nullif(current_setting('app.subject', true), '');

create function app.is_system() returns boolean
    language sql stable parallel safe
    return coalesce(current_setting('app.system', true), '') = 'on';

create table organizations (
    id uuid primary key,
    name text not null check (char_length(name) between 1 and 200),
    slug text not null unique check (slug ~ '^[a-z0-9-]{2,100}$'),
    settings jsonb not null default '{}',
    event_sourcing_level text not null default 'full'
        check (event_sourcing_level in ('full', 'snapshot', 'audit')),
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table users (
    id uuid primary key,
    cognito_sub text not null unique check (char_length(cognito_sub) between 1 and 200),
    email text not null check (char_length(email) <= 320),
    name text,
    avatar_url text,
    settings jsonb not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table org_members (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'member', 'guest')),
    created_at timestamptz not null,
    unique (org_id, id),
    unique (org_id, user_id)
);
create index org_members_by_user on org_members (user_id, org_id);

-- The organizations a transaction may see: the one it is scoped to, else all of its
-- user's. Policies call it in a sub-select, so it runs once a statement, not once a
-- row, and `= any (…)` can still use an index that leads with org_id.
create function app.org_ids() returns uuid[]
    language sql stable parallel safe
as $$
    select case
        when app.org_id() is not null then array[app.org_id()]
        when app.user_id() is not null then
            array(select m.org_id from public.org_members m where m.user_id = app.user_id())
        else '{}'::uuid[]
    end
$$;

alter table organizations enable row level security;
alter table organizations force row level security;
create policy tenant on organizations
    using (id = any ((select app.org_ids())::uuid[]));

-- A user's own memberships must be visible before any organization is chosen: it is
-- from them that the choice is made. They can't be written that way.
alter table org_members enable row level security;
alter table org_members force row level security;
create policy own on org_members for select
    using (user_id = (select app.user_id()));
create policy tenant on org_members
    using (org_id = (select app.org_id()));

-- A user sees themselves and those they share a visible organization with; signing
-- in sees, and makes, the row of the one subject that the identity provider vouched for.
alter table users enable row level security;
alter table users force row level security;
create policy self on users
    using (id = (select app.user_id()));
create policy subject on users
    using (cognito_sub = (select app.subject()));
create policy colleague on users for select
    using (exists (
        select from org_members m
        where m.user_id = users.id and m.org_id = any ((select app.org_ids())::uuid[])
    ));

create table audit_log (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    actor_user_id uuid references users (id) on delete set null,
    execution_id uuid,
    action text not null,
    resource_type text not null,
    resource_id uuid,
    before jsonb,
    after jsonb,
    request_id text,
    ip text,
    created_at timestamptz not null,
    unique (org_id, id)
);
create index audit_log_newest on audit_log (org_id, created_at desc, id desc);
alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy tenant on audit_log
    using (org_id = any ((select app.org_ids())::uuid[]));
-- History is never rewritten, and the database says so.
revoke update, delete, truncate on audit_log from glassbox_app;

create table notifications (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    type text not null check (type in (
        'execution_complete', 'execution_failed', 'human_input_needed',
        'node_assigned', 'mention', 'comment')),
    title text not null,
    body text,
    resource_type text,
    resource_id uuid,
    read_at timestamptz,
    created_at timestamptz not null,
    unique (org_id, id)
);
create index notifications_newest on notifications (org_id, user_id, created_at desc, id desc);
alter table notifications enable row level security;
alter table notifications force row level security;
-- Anybody in the organization may cause one; only its addressee may read it.
create policy write on notifications for insert
    with check (org_id = any ((select app.org_ids())::uuid[]));
create policy addressee on notifications
    using (user_id = (select app.user_id()) and org_id = any ((select app.org_ids())::uuid[]));

-- Named tokens that an organization gave out, and every revoked block of any token.
-- A revocation id is 64 opaque bytes; it tells nothing of a tenant, and must be found
-- before the bearer's organization is known.
create table tokens (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    name text not null check (char_length(name) between 1 and 200),
    rights jsonb not null,
    resource jsonb,
    revocation_id text not null,
    created_by uuid references users (id) on delete set null,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null,
    unique (org_id, id)
);
create index tokens_newest on tokens (org_id, created_at desc, id desc);
alter table tokens enable row level security;
alter table tokens force row level security;
create policy tenant on tokens
    using (org_id = any ((select app.org_ids())::uuid[]));

create table token_revocations (
    revocation_id text primary key,
    revoked_at timestamptz not null,
    -- When the token would have ended anyway, so that the row can be swept.
    expires_at timestamptz
);
