drop policy farewell on outbox;
alter table outbox no force row level security;
delete from outbox where org_id is null;
alter table outbox force row level security;
alter table outbox alter column org_id set not null;
