-- What limits a run and gives it rules: $1 its organization, $2 its project, $3 its node, $4 itself.
-- The first of the runs through which it was started has a budget in any case: the limit that
-- the organization sets for each execution. Rules of a node's ancestors are not its own.
with recursive up (id, parent_id, config, level) as (
    select n.id, n.parent_id, n.metadata -> 'agentConfig', 1 from nodes n where n.id = $3
    union all
    select n.id, n.parent_id, n.metadata -> 'agentConfig', up.level + 1
    from nodes n join up on n.id = up.parent_id where up.level < 100
), runs (id, parent, node, usd, level) as (
    select e.id, e.parent_execution_id, e.node_id, e.config -> 'budgetUsd', 1
    from agent_executions e where e.id = $4
    union all
    select e.id, e.parent_execution_id, e.node_id, e.config -> 'budgetUsd', runs.level + 1
    from agent_executions e join runs on e.id = runs.parent where runs.level < 100
)
select 'organization' as cover, o.id,
    case jsonb_typeof(o.settings -> 'budget') when 'object' then o.settings -> 'budget' end as budget,
    o.settings -> 'agentPolicies' as policies
from organizations o where o.id = $1
union all
select 'project', p.id, p.settings -> 'budget', null
from projects p where p.id = $2 and jsonb_typeof(p.settings -> 'budget') = 'object'
union all
select 'node', up.id,
    case jsonb_typeof(up.config -> 'budget') when 'object' then up.config -> 'budget' end,
    case up.level when 1 then up.config -> 'policies' end
from up where up.config is not null
union all
select 'execution', runs.id,
    case when runs.usd is not null or runs.parent is null
        then jsonb_strip_nulls(jsonb_build_object('usd', runs.usd)) end,
    case when runs.level > 1
        then (select n.metadata #> '{agentConfig,policies}' from nodes n where n.id = runs.node) end
from runs
