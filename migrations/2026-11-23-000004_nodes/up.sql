-- Lists of nodes in other orders than newest first.

-- A column, because lower() is not leakproof: under row-level security a condition on the
-- expression would never be looked up in an index.
alter table nodes add column title_key text not null generated always as (lower(title)) stored;
create index nodes_by_title on nodes (org_id, project_id, title_key, id)
    where deleted_at is null;
create index nodes_by_update on nodes (org_id, project_id, updated_at desc, id desc)
    where deleted_at is null;
