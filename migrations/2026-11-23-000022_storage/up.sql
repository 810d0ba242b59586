-- What the files of an organization have together. Its row is the lock of the organization's
-- quota; file workers count it anew from the files when they start.
create table storage_usage (
    org_id uuid primary key references organizations (id) on delete cascade,
    bytes bigint not null
);
alter table storage_usage enable row level security;
alter table storage_usage force row level security;
create policy tenant on storage_usage
    using (org_id = any ((select app.org_ids())::uuid[]));
create policy sweep on storage_usage
    using ((select app.is_system()));

-- What a file counts for while its upload is open: what was declared, or the most that it may
-- turn out to have. Null afterwards, when its size counts.
alter table files add column reserved_bytes bigint check (reserved_bytes >= 0);

-- Messages that nobody could handle are set aside, and delivered again when somebody says so.
alter table jobs add column dead_at timestamptz;
drop index jobs_by_org;
create index jobs_by_org on jobs (queue, org_id, run_at, id) where dead_at is null;
create index jobs_dead on jobs (dead_at) where dead_at is not null;

-- Uploads that nobody confirmed, oldest first, for those who remove them.
create index files_open on files (created_at)
    where confirmed_at is null and processing_status = 'pending';
