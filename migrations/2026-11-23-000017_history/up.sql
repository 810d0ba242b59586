-- A version kept all inputs and outputs of its node, so what a node has ever been grew with
-- the square of what hangs on it. Most versions now keep what was added and removed since
-- the one before; a whole one now and then is where reading begins.
alter table node_versions
    -- Whether the snapshot has the inputs and outputs.
    add column whole boolean not null default true,
    -- What was added and removed, where it does not have them.
    add column turns jsonb;
create index node_versions_whole on node_versions (org_id, node_id, version) where whole;
