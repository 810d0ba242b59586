drop table index_work;
drop table chunk_vectors;
drop index chunks_search;
alter table chunks drop column search, drop column lead;
alter table chunks add column search tsvector generated always as (to_tsvector('simple', content)) stored;
alter table chunks add column embedding vector, add column embedding_model text;
create index chunks_search on chunks using gin (search);
create or replace function app.enter(kind text, thing uuid)
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
