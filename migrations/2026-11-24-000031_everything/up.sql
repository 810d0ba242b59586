-- What was there before search was is to be found, too. 000025 meant to write this down, but
-- the owner is held to the policies and has no organization: it found nothing.
alter table nodes no force row level security;
alter table files no force row level security;
alter table index_work no force row level security;
insert into index_work (org_id, kind, owner_id, due_at, created_at)
    select org_id, 'node', id, now(), now() from nodes where deleted_at is null
    union all
    select org_id, 'file', id, now(), now() from files
    where processing_status = 'complete' and metadata ? 'format'
    on conflict do nothing;
alter table index_work force row level security;
alter table files force row level security;
alter table nodes force row level security;
