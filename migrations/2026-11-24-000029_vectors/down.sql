alter table chunk_vectors rename to chunk_vectors_parted;
alter table chunk_vectors_parted rename constraint chunk_vectors_pkey to chunk_vectors_parted_pkey;
alter index chunk_vectors_of_chunk rename to chunk_vectors_parted_of_chunk;
create table chunk_vectors (
    org_id uuid not null references organizations (id) on delete cascade,
    model text not null,
    chunk_id uuid not null,
    embedding vector not null,
    primary key (org_id, model, chunk_id),
    foreign key (org_id, chunk_id) references chunks (org_id, id) on delete cascade
);
alter table chunk_vectors_parted no force row level security;
insert into chunk_vectors (org_id, model, chunk_id, embedding)
    select org_id, model, chunk_id, embedding from chunk_vectors_parted;
drop table chunk_vectors_parted;
drop schema vectors;

create index chunk_vectors_of_chunk on chunk_vectors (org_id, chunk_id);
alter table chunk_vectors enable row level security;
alter table chunk_vectors force row level security;
create policy tenant on chunk_vectors
    using (org_id = any ((select app.org_ids())::uuid[]));
