-- What there is to work on: projects, nodes with all that hangs on them, files.
--
-- Keys to other rows are (org_id, id): a foreign key that names the organization
-- can't point into another one, whatever a program forgets.

create table projects (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    name text not null check (char_length(name) between 1 and 200),
    description text,
    settings jsonb not null default '{}',
    workflow_states jsonb not null default '["draft", "in_progress", "complete"]',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (org_id, id)
);
create index projects_newest on projects (org_id, created_at desc, id desc);

create table project_members (
    id uuid primary key,
    org_id uuid not null,
    project_id uuid not null,
    user_id uuid not null,
    role text not null check (role in ('admin', 'editor', 'viewer')),
    created_at timestamptz not null,
    unique (org_id, id),
    unique (org_id, project_id, user_id),
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade,
    -- Leaving the organization leaves its projects.
    foreign key (org_id, user_id) references org_members (org_id, user_id) on delete cascade
);
create index project_members_by_user on project_members (org_id, user_id);

create table files (
    id uuid primary key,
    org_id uuid not null references organizations (id) on delete cascade,
    storage_key text not null,
    storage_bucket text not null,
    filename text not null check (char_length(filename) between 1 and 255),
    content_type text not null,
    size_bytes bigint check (size_bytes >= 0),
    sha256 text,
    processing_status text not null default 'pending'
        check (processing_status in ('pending', 'processing', 'complete', 'failed')),
    processing_error text,
    extracted_text text,
    -- [{page?, heading?, start, end}]: character ranges of extracted_text.
    segments jsonb not null default '[]',
    metadata jsonb not null default '{}',
    -- Null until the client says that its bytes are there and they are.
    confirmed_at timestamptz,
    -- Who processes it; a writer with an old epoch is refused by the row.
    lease_worker uuid,
    lease_epoch bigint not null default 0,
    attempts integer not null default 0,
    uploaded_by uuid references users (id) on delete set null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (org_id, id)
);
create index files_newest on files (org_id, created_at desc, id desc);
create index files_unfinished on files (created_at)
    where confirmed_at is not null and processing_status in ('pending', 'processing');

create table nodes (
    id uuid primary key,
    org_id uuid not null,
    project_id uuid not null,
    parent_id uuid,
    title text not null check (char_length(title) between 1 and 500),
    description text,
    status text not null,
    author_type text not null check (author_type in ('human', 'agent')),
    author_user_id uuid references users (id) on delete set null,
    -- The run that made it, when an agent did.
    author_execution_id uuid,
    supervisor_user_id uuid references users (id) on delete set null,
    version integer not null check (version >= 1),
    metadata jsonb not null default '{}',
    position jsonb,
    locked_by uuid references users (id) on delete set null,
    locked_at timestamptz,
    lock_expires_at timestamptz,
    lock_epoch bigint not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    unique (org_id, id),
    -- What the tree's own key below points at.
    unique (org_id, project_id, id),
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade,
    -- A parent lies in the same project.
    foreign key (org_id, project_id, parent_id) references nodes (org_id, project_id, id)
        on delete cascade,
    check (parent_id <> id)
);
create index nodes_newest on nodes (org_id, project_id, created_at desc, id desc)
    where deleted_at is null;
create index nodes_by_parent on nodes (org_id, parent_id, created_at, id);

create table node_versions (
    id uuid primary key,
    org_id uuid not null,
    node_id uuid not null,
    version integer not null,
    snapshot jsonb not null,
    change_type text not null check (change_type in (
        'created', 'updated', 'status_change', 'inputs_changed', 'outputs_changed', 'rollback')),
    change_summary text,
    changed_by uuid references users (id) on delete set null,
    created_at timestamptz not null,
    unique (org_id, id),
    unique (org_id, node_id, version),
    foreign key (org_id, node_id) references nodes (org_id, id) on delete cascade
);

create table node_inputs (
    id uuid primary key,
    org_id uuid not null,
    node_id uuid not null,
    input_type text not null,
    file_id uuid,
    source_node_id uuid,
    source_node_version integer,
    external_url text,
    text_content text,
    label text,
    metadata jsonb not null default '{}',
    sort_order integer not null default 0,
    created_at timestamptz not null,
    unique (org_id, id),
    foreign key (org_id, node_id) references nodes (org_id, id) on delete cascade,
    foreign key (org_id, file_id) references files (org_id, id) deferrable initially immediate,
    foreign key (org_id, source_node_id) references nodes (org_id, id) deferrable initially immediate,
    -- Exactly the field that the type needs.
    constraint node_inputs_field check (case input_type
        when 'file' then num_nonnulls(source_node_id, external_url, text_content) = 0 and file_id is not null
        when 'node_reference' then num_nonnulls(file_id, external_url, text_content) = 0 and source_node_id is not null
        when 'external_link' then num_nonnulls(file_id, source_node_id, text_content) = 0 and external_url is not null
        when 'text' then num_nonnulls(file_id, source_node_id, external_url) = 0 and text_content is not null
        else false end)
);
create index node_inputs_of_node on node_inputs (org_id, node_id, sort_order, created_at, id);
create index node_inputs_by_file on node_inputs (org_id, file_id) where file_id is not null;
create index node_inputs_by_source on node_inputs (org_id, source_node_id) where source_node_id is not null;

create table node_outputs (
    id uuid primary key,
    org_id uuid not null,
    node_id uuid not null,
    output_type text not null,
    file_id uuid,
    structured_data jsonb,
    text_content text,
    external_url text,
    label text,
    metadata jsonb not null default '{}',
    sort_order integer not null default 0,
    -- The run that added it, when an agent did.
    execution_id uuid,
    created_at timestamptz not null,
    unique (org_id, id),
    foreign key (org_id, node_id) references nodes (org_id, id) on delete cascade,
    foreign key (org_id, file_id) references files (org_id, id) deferrable initially immediate,
    -- A text output may also be kept as a file, so file_id is free beside the text.
    constraint node_outputs_field check (case output_type
        when 'file' then num_nonnulls(structured_data, external_url, text_content) = 0 and file_id is not null
        when 'structured_data' then num_nonnulls(external_url, text_content) = 0 and structured_data is not null
        when 'text' then num_nonnulls(structured_data, external_url) = 0 and text_content is not null
        when 'external_link' then num_nonnulls(structured_data, text_content) = 0 and external_url is not null
        else false end)
);
create index node_outputs_of_node on node_outputs (org_id, node_id, sort_order, created_at, id);
create index node_outputs_by_file on node_outputs (org_id, file_id) where file_id is not null;

-- Edges of the DAG, one for each node_reference input: source feeds target.
create table node_dependencies (
    id uuid primary key,
    org_id uuid not null,
    source_node_id uuid not null,
    target_node_id uuid not null,
    target_input_id uuid not null,
    created_at timestamptz not null,
    unique (org_id, id),
    foreign key (org_id, source_node_id) references nodes (org_id, id) on delete cascade,
    foreign key (org_id, target_node_id) references nodes (org_id, id) on delete cascade,
    foreign key (org_id, target_input_id) references node_inputs (org_id, id) on delete cascade,
    check (source_node_id <> target_node_id)
);
create index node_dependencies_downstream on node_dependencies (org_id, source_node_id);
create index node_dependencies_upstream on node_dependencies (org_id, target_node_id);
create index node_dependencies_by_input on node_dependencies (org_id, target_input_id);

create table templates (
    id uuid primary key,
    -- Null: the system's own.
    org_id uuid references organizations (id) on delete cascade,
    name text not null check (char_length(name) between 1 and 200),
    description text,
    structure jsonb not null default '{}',
    agent_config jsonb not null default '{}',
    is_public boolean not null default false,
    created_by uuid references users (id) on delete set null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index templates_newest on templates (org_id, created_at desc, id desc);

do $$
declare
    name text;
begin
    foreach name in array array['projects', 'project_members', 'files', 'nodes', 'node_versions',
        'node_inputs', 'node_outputs', 'node_dependencies'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant on %I using (org_id = any ((select app.org_ids())::uuid[]))', name);
    end loop;
end $$;

alter table templates enable row level security;
alter table templates force row level security;
create policy tenant on templates
    using (org_id = any ((select app.org_ids())::uuid[]));
-- Public ones, and the system's, are for reading only.
create policy shared on templates for select
    using ((is_public or org_id is null)
        and (select app.user_id() is not null or app.org_id() is not null));

-- History is never rewritten, and the database says so.
revoke update, delete, truncate on node_versions from glassbox_app;
