alter table templates no force row level security;
delete from templates where id in (
    '019c0000-7e01-7000-8000-000000000001',
    '019c0000-7e01-7000-8000-000000000002',
    '019c0000-7e01-7000-8000-000000000003');
alter table templates force row level security;
drop index templates_shared;
