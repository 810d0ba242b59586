drop index nodes_newest;
create index nodes_newest on nodes (org_id, project_id, created_at desc, id desc)
    where deleted_at is null;
