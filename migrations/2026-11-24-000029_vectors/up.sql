-- Vectors in 32 parts by organization. Those of one organization lie closer together, so that
-- comparing all of them reads fewer pages, and an index for one large organization is weighed by
-- the questions and writes of one part only. The application reaches them
-- through the whole alone.
create schema vectors;

alter table chunk_vectors rename to chunk_vectors_whole;
alter table chunk_vectors_whole rename constraint chunk_vectors_pkey to chunk_vectors_whole_pkey;
alter index chunk_vectors_of_chunk rename to chunk_vectors_whole_of_chunk;

create table chunk_vectors (
    org_id uuid not null references organizations (id) on delete cascade,
    model text not null,
    chunk_id uuid not null,
    -- In the row, and not beside it, as long as it fits a page: 2,000 dimensions.
    embedding vector storage main not null,
    primary key (org_id, model, chunk_id),
    foreign key (org_id, chunk_id) references chunks (org_id, id) on delete cascade
) partition by hash (org_id);
do $$
begin
    for part in 0..31 loop
        execute format(
            'create table vectors.part_%s partition of chunk_vectors '
            'for values with (modulus 32, remainder %s)', part, part);
        -- Reached through the whole only, whose policy holds. Not forced: their owner counts them.
        execute format('alter table vectors.part_%s enable row level security', part);
        -- Else an index is built by one process.
        execute format('alter table vectors.part_%s set (parallel_workers = 2)', part);
    end loop;
end $$;
-- The owner is held to the policies too, and has no organization: it would copy nothing.
alter table chunk_vectors_whole no force row level security;
insert into chunk_vectors (org_id, model, chunk_id, embedding)
    select org_id, model, chunk_id, embedding from chunk_vectors_whole
    order by org_id, model, chunk_id;
drop table chunk_vectors_whole;

create index chunk_vectors_of_chunk on chunk_vectors (org_id, chunk_id);
alter table chunk_vectors enable row level security;
alter table chunk_vectors force row level security;
create policy tenant on chunk_vectors
    using (org_id = any ((select app.org_ids())::uuid[]));
