-- What waits to be indexed is indexed; there is nothing to take back.
select 1;
