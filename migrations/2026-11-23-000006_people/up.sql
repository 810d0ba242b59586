-- People: found by their address, listed, notified; keys of organizations, sealed.

-- Adding a member finds a user of whatever organization by the exact address. The
-- transaction sees that one address and nothing else meanwhile: no tenant's rows, and
-- nobody who has another address. No function with more rights than its caller.
create function app.email() returns text
    language sql stable parallel safe
    return lower(nullif(current_setting('app.email', true), ''));
-- A column, because lower() is not leakproof: under row-level security an index on the
-- expression would never be used, and each addition would read all users there are.
alter table users add column email_key text not null generated always as (lower(email)) stored;
create index users_by_email on users (email_key);
create policy address on users for select
    using (email_key = (select app.email()));

create index org_members_newest on org_members (org_id, created_at desc, id desc);
create index project_members_newest on project_members (org_id, project_id, created_at desc, id desc);
-- A member who leaves lets go of their locks.
create index nodes_by_lock on nodes (org_id, locked_by) where locked_by is not null;

-- One's own notifications are listed over all of one's organizations.
create index notifications_of_user on notifications (user_id, created_at desc, id desc);
create index notifications_unread on notifications (user_id, created_at desc, id desc)
    where read_at is null;

-- The address as it was: who left can't be looked up any more, and what they did must
-- still say who they were. Entries from before have none.
alter table audit_log add column actor_email text;
create index audit_log_by_resource on audit_log (org_id, resource_id, created_at desc, id desc);
create index audit_log_by_actor on audit_log (org_id, actor_user_id, created_at desc, id desc);

-- Keys that an organization gave us for services it uses. Apart from its settings, so
-- that whatever reads those can't come upon them; and not readable without a key that
-- is not in the database.
create table sealed_keys (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    -- Which one: 'selfHostedKey', 'models/<name>'.
    field text not null check (char_length(field) <= 200),
    -- The number of the vault's key that sealed it.
    key_id bigint not null,
    -- A nonce of 12 bytes, the ciphertext, a tag of 16 bytes (AES-256-GCM). The
    -- organization and the field are authenticated with it.
    sealed bytea not null,
    created_at timestamptz not null,
    unique (org_id, id),
    unique (org_id, field)
);
alter table sealed_keys enable row level security;
alter table sealed_keys force row level security;
-- Only a transaction that was narrowed to the organization sees them.
create policy tenant on sealed_keys
    using (org_id = (select app.org_id()));
