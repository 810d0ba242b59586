-- Search: chunks with the words above them, their vectors by model, and what is to be cut into
-- chunks again. The table of chunks was empty until now.

drop index chunks_search;
alter table chunks drop column search, drop column embedding, drop column embedding_model;
-- What stands above the text and says what it is about: title, headings.
alter table chunks add column lead text not null default '';
-- English forms of words meet; other languages are found by their whole words, since the same
-- rules cut the text and the question.
alter table chunks add column search tsvector not null generated always as (
    setweight(to_tsvector('english', lead), 'B') || setweight(to_tsvector('english', content), 'D')
) stored;
create index chunks_search on chunks using gin (search);

-- A vector for each chunk and model, so that a change of model is a second set beside the first.
-- Vectors of a tenant and model lie behind one prefix of the key.
create table chunk_vectors (
    org_id uuid not null references organizations (id) on delete cascade,
    model text not null,
    chunk_id uuid not null,
    embedding vector not null,
    primary key (org_id, model, chunk_id),
    foreign key (org_id, chunk_id) references chunks (org_id, id) on delete cascade
);
create index chunk_vectors_of_chunk on chunk_vectors (org_id, chunk_id);
alter table chunk_vectors enable row level security;
alter table chunk_vectors force row level security;
create policy tenant on chunk_vectors
    using (org_id = any ((select app.org_ids())::uuid[]));

-- What has changed since it was cut into chunks. The transaction of the change writes the row,
-- an indexer takes it; `mark` rises with each change, so that one during the work is not missed.
create table index_work (
    org_id uuid not null references organizations (id) on delete cascade,
    kind text not null check (kind in ('node', 'file')),
    owner_id uuid not null,
    mark bigint not null default 1,
    attempts integer not null default 0,
    due_at timestamptz not null,
    created_at timestamptz not null,
    primary key (org_id, kind, owner_id)
);
create index index_work_due on index_work (due_at);
alter table index_work enable row level security;
alter table index_work force row level security;
create policy tenant on index_work
    using (org_id = any ((select app.org_ids())::uuid[]));
create policy plumbing on index_work
    using ((select app.is_system()));

-- Everything that is there already.
insert into index_work (org_id, kind, owner_id, due_at, created_at)
    select org_id, 'node', id, now(), now() from nodes where deleted_at is null
    union all
    select org_id, 'file', id, now(), now() from files
    where processing_status = 'complete' and metadata ? 'format';

-- An output is reached by its own id, with the rights that its node gives.
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
        when 'output' then
            select o.org_id, n.project_id, n.id into org_id, project_id, node_id
            from public.node_outputs o
            join public.nodes n on n.org_id = o.org_id and n.id = o.node_id and n.deleted_at is null
            where o.id = thing;
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
