drop index files_open;
drop index jobs_dead;
drop index jobs_by_org;
create index jobs_by_org on jobs (queue, org_id, run_at, id);
alter table jobs drop column dead_at;
alter table files drop column reserved_bytes;
drop table storage_usage;
