-- Fills a migrated database for `make bench`, as its superuser: :nodes nodes of one
-- organization, three versions each, two inputs and one output each. Node i has the id
-- 0192a000-0000-7000-8000-<i in hexadecimal>, so that generators need no list of ids.
\set ON_ERROR_STOP on
begin;
insert into users (id, cognito_sub, email, name, created_at, updated_at)
values ('0192a000-0000-7000-8000-0000000000a1', 'bench', 'bench@example.com', 'Bench', now(), now());
insert into organizations (id, name, slug, created_at, updated_at)
values ('0192a000-0000-7000-8000-0000000000b1', 'Bench', 'bench', now(), now());
insert into org_members (id, org_id, user_id, role, created_at)
values ('0192a000-0000-7000-8000-0000000000c1', '0192a000-0000-7000-8000-0000000000b1',
        '0192a000-0000-7000-8000-0000000000a1', 'member', now());

-- A hundred projects, so that a list is one project among many.
insert into projects (id, org_id, name, created_at, updated_at)
select ('0192a000-0000-7000-8001-' || lpad(to_hex(p), 12, '0'))::uuid,
       '0192a000-0000-7000-8000-0000000000b1', 'Project ' || p, now(), now()
from generate_series(1, 100) p;
insert into project_members (id, org_id, project_id, user_id, role, created_at)
select ('0192a000-0000-7000-8002-' || lpad(to_hex(p), 12, '0'))::uuid,
       '0192a000-0000-7000-8000-0000000000b1',
       ('0192a000-0000-7000-8001-' || lpad(to_hex(p), 12, '0'))::uuid,
       '0192a000-0000-7000-8000-0000000000a1', 'editor', now()
from generate_series(1, 100) p;

insert into nodes (id, org_id, project_id, title, description, status, author_type, author_user_id,
                   version, metadata, position, created_at, updated_at)
select ('0192a000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
       '0192a000-0000-7000-8000-0000000000b1',
       ('0192a000-0000-7000-8001-' || lpad(to_hex(1 + i / (:nodes / 100 + 1)), 12, '0'))::uuid,
       'Inspect pier ' || i, repeat('Look at the concrete below the water line. ', 4),
       'draft', 'human', '0192a000-0000-7000-8000-0000000000a1', 3,
       '{"tags": ["pier", "north"], "priority": "high"}', '{"x": 12.5, "y": 80}',
       now() - make_interval(secs => :nodes - i), now()
from generate_series(1, :nodes) i;

insert into node_versions (id, org_id, node_id, version, snapshot, change_type, change_summary,
                           changed_by, created_at)
select gen_random_uuid(), n.org_id, n.id, v,
       jsonb_build_object('id', n.id, 'orgId', n.org_id, 'projectId', n.project_id, 'title', n.title,
           'description', n.description, 'status', n.status, 'authorType', n.author_type, 'version', v,
           'metadata', n.metadata, 'position', n.position, 'createdAt', n.created_at,
           'updatedAt', n.updated_at, 'inputs', '[]'::jsonb, 'outputs', '[]'::jsonb),
       case v when 1 then 'created' else 'updated' end, 'title', n.author_user_id, n.updated_at
from nodes n, generate_series(1, 3) v;

insert into node_inputs (id, org_id, node_id, input_type, external_url, text_content, label,
                         sort_order, created_at)
select gen_random_uuid(), n.org_id, n.id, case k when 0 then 'text' else 'external_link' end,
       case k when 1 then 'https://example.com/reports/17' end,
       case k when 0 then repeat('The pier was built in 1931. ', 6) end, 'Source ' || k, k, n.created_at
from nodes n, generate_series(0, 1) k;
insert into node_outputs (id, org_id, node_id, output_type, text_content, label, sort_order, created_at)
select gen_random_uuid(), n.org_id, n.id, 'text', repeat('Two cracks, neither of them deep. ', 6),
       'Finding', 0, n.created_at
from nodes n;
commit;
vacuum (analyze);
checkpoint;
