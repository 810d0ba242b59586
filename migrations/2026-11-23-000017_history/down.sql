-- Versions that are not whole have no inputs and outputs for who does not read `turns`.
drop index node_versions_whole;
alter table node_versions
    drop column turns,
    drop column whole;
