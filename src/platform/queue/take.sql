-- Takes the oldest due message of the organization whose turn it is: $1 the queue, $2 the
-- organization that was served last, $3 now, $4 until when the message is hidden.
--
-- `turn` goes through the organizations with messages in the order of their ids, from the
-- one after $2 around to $2 itself, one step in the index for each. It is read only as far
-- as the first that has something due, since nothing here asks for its end or its order.
with recursive turn (org, lap) as (
    select $2::uuid, 0
    union all
    select next.org, next.lap
    from turn, lateral (
        (select j.org_id, turn.lap from jobs j
         where j.queue = $1 and j.org_id > turn.org and j.dead_at is null
         order by j.org_id limit 1)
        union all
        (select j.org_id, 1 from jobs j
         where turn.lap = 0 and j.queue = $1 and j.dead_at is null
         order by j.org_id limit 1)
        limit 1
    ) next (org, lap)
    where next.lap = 0 or next.org <= $2
), taken as materialized (
    select due.id
    from turn, lateral (
        select j.id from jobs j
        where j.queue = $1 and j.org_id = turn.org and j.run_at <= $3 and j.dead_at is null
        order by j.run_at, j.id
        limit 1
        for update skip locked
    ) due
    -- The first step is where the last one was; its turn comes at the end of the lap.
    where turn.lap = 1 or turn.org <> $2
    limit 1
)
update jobs set attempts = jobs.attempts + 1, run_at = $4
from taken where jobs.id = taken.id
returning jobs.id, jobs.org_id, jobs.body, jobs.attempts
