drop table token_revocations;
drop table tokens;
drop table notifications;
drop table audit_log;
drop policy colleague on users;
drop policy tenant on organizations;
drop function app.org_ids();
drop table org_members;
drop table users;
drop table organizations;
drop function app.is_system();
drop function app.subject();
drop function app.user_id();
drop function app.org_id();
alter default privileges in schema public
    revoke usage, select on sequences from glassbox_app;
alter default privileges in schema public
    revoke select, insert, update, delete on tables from glassbox_app;
revoke usage on schema app from glassbox_app;
drop schema app;
-- The extension stays: it may be older than us, and its owner may be another.
