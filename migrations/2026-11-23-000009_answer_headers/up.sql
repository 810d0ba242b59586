-- A repeat gets the headers of the first answer too, such as its ETag: pairs of name and
-- value, in their order. An answer that an older program recorded has none.
alter table idempotency_keys add column headers jsonb not null default '[]';
