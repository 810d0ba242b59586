-- Executions over all organizations that need a worker and have no living one: $1 when a
-- worker that has not been heard of since is dead, $2 how many, $3 the organization that
-- was served last. The oldest of each organization come before the second oldest of any,
-- those of the organizations after $3 first.
with recursive org (id) as (
    (select e.org_id from agent_executions e
     where e.status in ('pending', 'running')
     order by e.org_id limit 1)
    union all
    select (select e.org_id from agent_executions e
            where e.status in ('pending', 'running') and e.org_id > org.id
            order by e.org_id limit 1)
    from org where org.id is not null
)
select found.org_id, found.id
from org, lateral (
    select own.*, row_number() over (order by own.created_at, own.id) as place
    from (
        select e.org_id, e.id, e.created_at from agent_executions e
        where e.org_id = org.id and e.status in ('pending', 'running')
          and not exists (select from workers w
                          where w.id = e.lease_worker and w.heartbeat_at >= $1)
        order by e.created_at, e.id
        limit $2
    ) own
) found
order by found.place, found.org_id <= $3, found.org_id
limit $2
