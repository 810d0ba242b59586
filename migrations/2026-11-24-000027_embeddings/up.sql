-- Which model's vectors an organization has, and chunks that are found by their words before
-- they have any.

-- Questions are embedded by the model that was completed last. A row that is not complete is being
-- made: every chunk up to `upto` has its vector, and those that came after the row get theirs when
-- they are cut.
create table embeddings (
    org_id uuid not null references organizations (id) on delete cascade,
    model text not null,
    dimensions integer not null check (dimensions > 0),
    complete_at timestamptz,
    upto uuid,
    made bigint not null default 0,
    -- When somebody may go on with it.
    due_at timestamptz not null,
    created_at timestamptz not null,
    primary key (org_id, model)
);
-- The owner is held to the policies too, and has no organization: it would find nothing.
alter table chunk_vectors no force row level security;
insert into embeddings (org_id, model, dimensions, complete_at, due_at, created_at)
    select org_id, model, max(vector_dims(embedding)), now(), now(), now()
    from chunk_vectors group by org_id, model;
alter table chunk_vectors force row level security;
alter table embeddings enable row level security;
alter table embeddings force row level security;
create policy tenant on embeddings
    using (org_id = any ((select app.org_ids())::uuid[]));
create policy plumbing on embeddings
    using ((select app.is_system()));

-- Up to which change a thing was cut. What is cut and still here waits for its vectors.
alter table index_work add column cut_mark bigint not null default 0;
drop index index_work_due;
create index index_work_due on index_work (due_at) where cut_mark < mark;
create index index_work_vectors on index_work (due_at) where cut_mark >= mark;
