-- What each queue holds: $1 the present moment, $2 how many rows are looked at.
select queue,
       count(*) filter (where dead_at is null and run_at <= $1) as waiting,
       count(*) filter (where dead_at is null and run_at > $1) as hidden,
       count(*) filter (where dead_at is not null) as dead,
       min(created_at) filter (where dead_at is null and run_at <= $1) as oldest
from (select queue, run_at, dead_at, created_at from jobs limit $2) held
group by queue
