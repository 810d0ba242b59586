-- The statements of the hot paths as `glassbox serve` sends them, for pgbench and for the
-- applications that do the same work. A line `-- name: x` begins statement x.

-- name: enter
select org_id, project_id, node_id, org_role, project_role
from app.enter(case when set_config('app.user_id', $1, true) <> '' then $2 end, $3)

-- name: node
select id, org_id, project_id, parent_id, title, description, status, author_type, author_user_id,
       author_execution_id, supervisor_user_id, version, metadata, position, locked_by, locked_at,
       lock_expires_at, locked_by_execution, created_at, updated_at, deleted_at, lock_epoch
from nodes where id = $1 and deleted_at is null

-- name: inputs
select i.id, i.node_id, i.input_type, i.file_id, i.source_node_id, i.source_node_version,
       i.external_url, i.text_content, i.label, i.metadata, i.sort_order, i.created_at,
       f.id, f.filename, f.content_type, f.size_bytes, f.processing_status,
       n.id, n.project_id, n.title, n.status, n.version, n.deleted_at,
       v.version, v.snapshot ->> 'title', v.snapshot ->> 'status'
from node_inputs i left join files f on f.id = i.file_id left join nodes n on n.id = i.source_node_id
     left join node_versions v on v.org_id = i.org_id and v.node_id = i.source_node_id
          and v.version = i.source_node_version
where i.node_id = $1 order by i.sort_order, i.created_at, i.id

-- name: outputs
select o.id, o.node_id, o.output_type, o.file_id, o.structured_data, o.text_content, o.external_url,
       o.label, o.metadata, o.sort_order, o.execution_id, o.created_at,
       f.id, f.filename, f.content_type, f.size_bytes, f.processing_status
from node_outputs o left join files f on f.id = o.file_id
where o.node_id = $1 order by o.sort_order, o.created_at, o.id

-- name: count
select count(*) from nodes
where org_id = (select org_id from projects where id = $1 limit 1) and project_id = $1 and deleted_at is null

-- name: list
select id, org_id, project_id, parent_id, title, description, status, author_type, author_user_id,
       author_execution_id, supervisor_user_id, version, metadata, position, locked_by, locked_at,
       lock_expires_at, locked_by_execution, created_at, updated_at, deleted_at, lock_epoch
from nodes
where org_id = (select org_id from projects where id = $1 limit 1) and project_id = $1 and deleted_at is null
order by created_at desc, id desc limit $2

-- name: lock
select id, org_id, project_id, parent_id, title, description, status, author_type, author_user_id,
       author_execution_id, supervisor_user_id, version, metadata, position, locked_by, locked_at,
       lock_expires_at, locked_by_execution, created_at, updated_at, deleted_at, lock_epoch
from nodes where id = any ($1) and deleted_at is null order by id for no key update

-- name: update
update nodes set parent_id = null, title = $2, description = $3, status = $4,
       supervisor_user_id = null, version = $5, metadata = $6, position = $7, updated_at = $8
where id = $1

-- name: version
insert into node_versions (id, org_id, node_id, version, snapshot, change_type, change_summary,
                           changed_by, created_at)
values ($1, $2, $3, $4, $5, 'updated', 'title', $6, $7)

-- name: audit
insert into audit_log (id, org_id, actor_user_id, actor_email, action, resource_type, resource_id,
                       before, after, request_id, ip, created_at)
values ($1, $2, $3, (select email from users where id = $3), 'node.update', 'node', $4, $5, $6, $7,
        '127.0.0.1', $8)

-- name: email
select email from users where id = $1

-- name: outbox
insert into outbox (id, org_id, topic, name, channels, payload, created_at)
values ($1, $2, 'event', 'node_updated', $3, $4, $5)
